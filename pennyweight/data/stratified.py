"""Choosing images so that every class gives its share, the same ones every time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.base.random import permutation


def held_out(labels: NDArray[np.uint8], class_names: Sequence[str], count: int) -> NDArray[np.bool_]:
    """Return which of the images with these labels, `(n,)`, are the `count` held out of training.

    Each class gives in proportion to its size; which of its images, depends on the label and the size alone.
    Raises UsageError when `count` is negative or would leave no image of some class to train on.
    """
    if not 0 <= count < len(labels):
        raise UsageError(
            f"Cannot hold out {count:,} of {len(labels):,} training images; validation_images may be from 0 to "
            f"{len(labels) - 1:,}, as -s validation_images=0."
        )
    sizes = np.bincount(labels, minlength=len(class_names))
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for label, share in enumerate(_shares(count, sizes)):
        if 0 < sizes[label] <= share:
            raise UsageError(
                f"Holding out {count:,} of {len(labels):,} training images takes all {sizes[label]:,} "
                f"of class '{class_names[label]}'. Hold out fewer."
            )
        members = np.flatnonzero(labels == label)
        chosen[members[permutation(len(members), "hold-out", "validation", label)[:share]]] = True
    return chosen


def _shares(count: int, sizes: NDArray[np.int64]) -> list[int]:
    """Return how many to hold out of classes of these sizes: rounded down, the rest by largest remainder."""
    total = int(sizes.sum())
    exact = [count * int(size) for size in sizes]
    shares = [value // total for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda label: (-(exact[label] % total), label))
    for label in by_remainder[: count - sum(shares)]:
        shares[label] += 1
    return shares
