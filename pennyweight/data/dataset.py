"""A dataset in memory: loaded by name, checked before anything uses it, with a digest of its content."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import EnvironmentRefused, UsageError, unknown
from pennyweight.data import catalogue, digits, sources
from pennyweight.data.pairs import read_pairs
from pennyweight.data.stratified import held_out

NAMES = catalogue.NAMES
_BRIGHTEST = 255
_CHUNK_IMAGES = 4096
_Four = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images `(n, 28, 28)` uint8 from 0 to 255 and labels `(n,)` uint8, for training and for testing, read-only.

    `digest` is the SHA-256 over shapes and bytes of the four arrays; it says which content this is, whatever its name.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    digest: str

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)


@dataclass(frozen=True, eq=False)
class Split:
    """The training images of a dataset in two parts: `(n, 28, 28)` and `(n,)` uint8, read-only, `val` perhaps empty."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    val_images: NDArray[np.uint8]
    val_labels: NDArray[np.uint8]


@dataclass(frozen=True)
class PixelStatistics:
    """Mean and spread (population standard deviation) of all pixels, as fractions of 255."""

    mean: float
    spread: float


def to_stderr(line: str) -> None:
    """Print a line of progress where messages belong."""
    print(line, file=sys.stderr, flush=True)


def load(
    name: str, folder: Path | None = None, report: Callable[[str], None] = to_stderr, download: bool = True
) -> Dataset:
    """Return the dataset `name`, one of NAMES, from `folder` (else $PENNYWEIGHT_DATA, else the user's cache).

    What is missing is downloaded and announced to `report`, unless `download` is false.
    Raises UsageError for an unknown name and EnvironmentRefused when data is missing, damaged or inconsistent.
    """
    if name not in NAMES:
        raise unknown("dataset", name, NAMES)
    if name == catalogue.EMBEDDED:
        small = digits.load_digits()
        arrays = (small.train_images, small.train_labels, small.test_images, small.test_labels)
        return _dataset(name, digits.CLASS_NAMES, arrays)
    source = catalogue.SOURCES[name]
    train, test = read_pairs(source, _paths(source, sources.data_folder(folder), report, download))
    return _dataset(name, source.class_names, (train.images, train.labels, test.images, test.labels))


def hold_out(dataset: Dataset, val_count: int) -> Split:
    """Return the training images with `val_count` of them held out, of every class in proportion, in unchanged order.

    Raises UsageError when `val_count` is negative or would leave no training image of some class.
    """
    images, labels = dataset.train_images, dataset.train_labels
    is_val = held_out(labels, dataset.class_names, val_count)
    if val_count == 0:
        return Split(images, labels, images[:0], labels[:0])  # No copy of what may be large.
    return Split(*_read_only((images[~is_val], labels[~is_val], images[is_val], labels[is_val])))


def pixel_statistics(images: NDArray[np.uint8]) -> PixelStatistics:
    """Return mean and spread of all pixels of `images`, exact up to the last division and root.

    In whole numbers from a histogram: the variance is (n sum(v^2) - sum(v)^2) / n^2. Raises UsageError without pixels.
    """
    if images.size == 0:
        raise UsageError("There are no images to take pixel statistics of.")
    histogram = [int(count) for count in _histogram(images)]
    count = sum(histogram)
    total = sum(value * pixels for value, pixels in enumerate(histogram))
    squares = sum(value * value * pixels for value, pixels in enumerate(histogram))
    whole = _BRIGHTEST * count
    return PixelStatistics(mean=total / whole, spread=sqrt(count * squares - total * total) / whole)


def content_digest(*arrays: NDArray[np.uint8]) -> str:
    """Return the SHA-256 over the shape and the bytes of each array in turn, in hexadecimal."""
    hasher = sha256()
    for array in arrays:
        hasher.update(f"{array.shape};".encode())
        hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()


def _dataset(name: str, class_names: tuple[str, ...], arrays: _Four) -> Dataset:
    return Dataset(name, class_names, *_read_only(arrays), content_digest(*arrays))


def _read_only(arrays: _Four) -> _Four:
    for array in arrays:
        array.setflags(write=False)
    return arrays


def _paths(source: catalogue.Source, folder: Path, report: Callable[[str], None], download: bool) -> list[Path]:
    home = folder / source.name
    wanted = sources.missing(source, home)
    if not wanted:
        return sources.paths(source, home)
    sources.require_folder(source, folder)
    if download:
        return sources.fetch_source(source, folder, report)
    names = ", ".join(file.name for file in wanted)
    raise EnvironmentRefused(f"{home} lacks {names}. {sources.by_hand(source, wanted, home)}")


def _histogram(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many pixels have each value, `(256,)`, in pieces, because bincount widens its input to 64 bits."""
    histogram = np.zeros(_BRIGHTEST + 1, dtype=np.int64)
    for start in range(0, len(images), _CHUNK_IMAGES):
        histogram += np.bincount(images[start : start + _CHUNK_IMAGES].ravel(), minlength=_BRIGHTEST + 1)
    return histogram
