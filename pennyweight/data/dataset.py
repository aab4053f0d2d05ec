"""A dataset in memory: loaded by name, checked before anything uses it, with a digest of its content."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError, UsageError, unknown_name_error
from pennyweight.base.input import Input
from pennyweight.base.stop import Stop, never
from pennyweight.base.terminal import tell
from pennyweight.data import digits, fetch, sources
from pennyweight.data.mnist_files import read_pairs
from pennyweight.data.stratified import held_out

DATASET_NAMES = sources.DATASET_NAMES
_SHOWN = 12  # characters of a digest that are printed; all of them are compared
_Four = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images, uint8 from 0 to 255, and labels `(n,)`, for training and for testing, read-only.

    Labels are uint8, or int32 for more than 256 classes.

    Grey images have shape `(n, rows, columns)`, others `(n, channels, rows, columns)`. `digest` is the SHA-256 over
    shapes and bytes of the four arrays, computed unless given; it says which content this is, whatever its name. `load`
    gives a published name to the published content alone.

    >>> digits = pw.dataset("digits")
    >>> names, images, labels = digits.class_names, digits.train_images, digits.train_labels
    >>> pw.Dataset("few digits", names, images[:1000], labels[:1000], images[1000:], labels[1000:])
    <Dataset few digits: 1,000 training and 437 test images, 28x28 pixels, 10 classes>
    """

    name: str
    class_names: tuple[str, ...]
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    digest: str = ""

    def __post_init__(self) -> None:
        """Compute the digest where none is given; raises UsageError for arrays that cannot be a dataset."""
        if self.digest:
            return
        for split in ("train", "test"):
            _check_images(f"{split}_images", getattr(self, f"{split}_images"))
            _check_labels(self, split)
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            shapes = self.train_images.shape[1:], self.test_images.shape[1:]
            raise UsageError(f"The training images have shape {shapes[0]}, the test images {shapes[1]}.")
        arrays = self.train_images, self.train_labels, self.test_images, self.test_labels
        object.__setattr__(self, "digest", arrays_digest(*arrays))

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    def __repr__(self) -> str:
        """Return one line: its name, and how many images of which shape and how many classes."""
        train, test = len(self.train_labels), len(self.test_labels)
        return (
            f"<Dataset {self.name}: {train:,} training and {test:,} test images, {self.input}, {self.classes} classes>"
        )

    @property
    def input(self) -> Input:
        """The shape of the images."""
        return Input(*((1,) * (4 - self.train_images.ndim)), *self.train_images.shape[1:])


@dataclass(frozen=True, eq=False)
class Split:
    """The training images of a dataset in two parts, shaped as its own, read-only; `val` is perhaps empty."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    val_images: NDArray[np.uint8]
    val_labels: NDArray[np.uint8]


def load(
    name: str,
    folder: Path | None = None,
    report: Callable[[str], None] = tell,
    download: bool = True,
    stop: Stop = never,
) -> Dataset:
    """Return the dataset `name`, one of DATASET_NAMES, from `folder` (else $PENNYWEIGHT_DATA, else the user's cache).

    It is called `name` when its content is the published one; other content in that folder is called `other-NAME`,
    which is a name to ask for as well, and `report` hears of it. What is missing is downloaded and announced to
    `report`, unless `download` is false.
    Raises UsageError for an unknown name and UnavailableError when data is missing, damaged or inconsistent,
    Interrupted when `stop` says so during a download.
    """
    if name == sources.EMBEDDED:
        small = digits.load_digits()
        arrays = (small.train_images, small.train_labels, small.test_images, small.test_labels)
        return _dataset(name, digits.CLASS_NAMES, arrays)
    source = sources.SOURCES.get(name.removeprefix(sources.OTHER))
    if source is None:
        raise _unknown(name)
    root = fetch.data_folder(folder)
    train, test = read_pairs(source, _paths(source, root, report, download, stop))
    dataset = _dataset(source.name, source.class_names, (train.images, train.labels, test.images, test.labels))
    if dataset.name != source.name:
        report(_other_content(dataset, source, root / source.name))
    elif dataset.name != name:
        report(f"{root / source.name} holds the published {source.name}, so this is {source.name} and not {name}.")
    return dataset


def hold_out(dataset: Dataset, val_count: int) -> Split:
    """Return the training images with `val_count` of them held out, of every class in proportion, in unchanged order.

    Raises UsageError when `val_count` is negative or would leave no training image of some class.
    """
    images, labels = dataset.train_images, dataset.train_labels
    is_val = held_out(labels, dataset.class_names, val_count)
    if val_count == 0:
        return Split(images, labels, images[:0], labels[:0])  # No copy of what may be large.
    return Split(*_read_only((images[~is_val], labels[~is_val], images[is_val], labels[is_val])))


def arrays_digest(*arrays: NDArray[np.uint8]) -> str:
    """Return the SHA-256 over the shape and the bytes of each array in turn, in hexadecimal."""
    hasher = sha256()
    for array in arrays:
        hasher.update(f"{array.shape};".encode())
        hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()


def _check_images(name: str, images: object) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise UsageError(
            f"{name} is {_kind(images)}; it must be an array of uint8 from 0 to 255 with shape (n, rows, columns) or "
            "(n, channels, rows, columns)."
        )


def _check_labels(dataset: Dataset, split: str) -> None:
    labels, images = getattr(dataset, f"{split}_labels"), getattr(dataset, f"{split}_images")
    dtype = np.dtype(np.uint8 if dataset.classes <= 256 else np.int32)
    if not isinstance(labels, np.ndarray) or labels.dtype != dtype or labels.shape != images.shape[:1]:
        raise UsageError(
            f"{split}_labels is {_kind(labels)}; it must be an array of {dtype} with shape ({len(images)},), one for "
            "each image."
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < dataset.classes:
        raise UsageError(
            f"{split}_labels go from {labels.min()} to {labels.max()}, and class_names has {dataset.classes}."
        )


def _kind(value: object) -> str:
    return f"{value.dtype} with shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def _dataset(name: str, class_names: tuple[str, ...], arrays: _Four) -> Dataset:
    digest = arrays_digest(*arrays)
    return Dataset(sources.content_name(name, digest), class_names, *_read_only(arrays), digest)


def _unknown(name: str) -> UsageError:
    """Return the error for a name of no dataset; without a near one, images of the user's own may be meant."""
    error = unknown_name_error("dataset", name, DATASET_NAMES, sources.ELSEWHERE)
    return error if "Did you mean" in str(error) else UsageError(f"{error} {sources.OWN_IMAGES}")


def _other_content(dataset: Dataset, source: sources.Source, home: Path) -> str:
    return (
        f"{home} holds other images or labels than the published {source.name} (digest {dataset.digest[:_SHOWN]}, "
        f"published {source.content[:_SHOWN]}): they are called {dataset.name}, and no budget for {source.name} "
        "applies to them."
    )


def _read_only(arrays: _Four) -> _Four:
    for array in arrays:
        array.setflags(write=False)
    return arrays


def _paths(
    source: sources.Source, folder: Path, report: Callable[[str], None], download: bool, stop: Stop
) -> list[Path]:
    home = folder / source.name
    wanted = fetch.missing(source, home)
    if not wanted:
        return fetch.paths(source, home)
    fetch.require_folder(source, folder)
    if download:
        return fetch.fetch_source(source, folder, report, stop=stop)
    names = ", ".join(file.name for file in wanted)
    raise UnavailableError(f"{home} lacks {names}. {fetch.by_hand(source, wanted, home)}")
