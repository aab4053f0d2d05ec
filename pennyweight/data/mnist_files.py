"""Images and labels of one dataset read from their four files, and refused unless they belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.data.idx import read_images, read_labels
from pennyweight.data.sources import Source

IMAGE_PIXELS = 28


@dataclass(frozen=True, eq=False)
class Pair:
    """One file of images `(n, 28, 28)` and one of labels `(n,)`, both uint8."""

    images_path: Path
    labels_path: Path
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def read_pairs(source: Source, paths: Sequence[Path]) -> tuple[Pair, Pair]:
    """Return the training pair and the test pair, read from four paths in the order of `source.files`.

    Other counts and other pixels than the published ones are the user's choice; contradictions are not.
    Raises UnavailableError naming the files and both values.
    """
    train, test = _read(paths[0], paths[1]), _read(paths[2], paths[3])
    _require_not_mixed_up(source, train, test)
    for pair in (train, test):
        _require_equal_counts(source, pair)
        _require_size(source, pair)
        _require_known_labels(source, pair)
    _require_every_class(source, train)
    return train, test


def _read(images_path: Path, labels_path: Path) -> Pair:
    return Pair(images_path, labels_path, read_images(images_path), read_labels(labels_path))


def _require_not_mixed_up(source: Source, train: Pair, test: Pair) -> None:
    swapped = (source.test_count, source.train_count)
    for kind, first, second in (
        ("images", (train.images_path, len(train.images)), (test.images_path, len(test.images))),
        ("labels", (train.labels_path, len(train.labels)), (test.labels_path, len(test.labels))),
    ):
        if (first[1], second[1]) == swapped:
            raise _refused(
                f"The train and t10k files are mixed up: {first[0]} holds {first[1]:,} {kind} and {second[0]} "
                f"{second[1]:,}, but {source.name} trains on {source.train_count:,} and tests on {source.test_count:,}"
            )
    if np.array_equal(train.images, test.images):
        raise _refused(
            f"The train and t10k files are mixed up: {train.images_path} and {test.images_path} hold "
            f"the same {len(train.images):,} images, so a test would say nothing"
        )


def _require_equal_counts(source: Source, pair: Pair) -> None:
    images, labels = len(pair.images), len(pair.labels)
    if images == labels:
        return
    mixed = {images, labels} == {source.train_count, source.test_count}
    why = "; the train and t10k files are mixed up" if mixed else ""
    raise _refused(f"{pair.images_path} holds {images:,} images, but {pair.labels_path} holds {labels:,} labels{why}")


def _require_size(source: Source, pair: Pair) -> None:
    rows, columns = pair.images.shape[1:]
    if (rows, columns) != (IMAGE_PIXELS, IMAGE_PIXELS):
        raise _refused(
            f"{pair.images_path} holds images of {rows}x{columns} pixels, but those of {source.name} have "
            f"{IMAGE_PIXELS}x{IMAGE_PIXELS}; other sizes train in Python, as a Dataset (docs/data.md)"
        )


def _require_known_labels(source: Source, pair: Pair) -> None:
    beyond = np.flatnonzero(pair.labels >= source.classes)
    if beyond.size:
        at = int(beyond[0])
        raise _refused(
            f"There is label {pair.labels[at]} at index {at} of {pair.labels_path}, "
            f"but {source.name} has classes 0 to {source.classes - 1}; other classes train in Python, as a Dataset "
            "(docs/data.md)"
        )


def _require_every_class(source: Source, train: Pair) -> None:
    absent = np.flatnonzero(np.bincount(train.labels, minlength=source.classes) == 0)
    if absent.size:
        names = ", ".join(f"{label} ({source.class_names[label]})" for label in absent)
        raise _refused(
            f"{train.labels_path} has no image of class {names} among its {len(train.labels):,} labels, "
            f"but {source.name} has {source.classes} classes"
        )


def _refused(fact: str) -> UnavailableError:
    return UnavailableError(f"{fact}. Put the right files there, or delete them to have them downloaded again.")
