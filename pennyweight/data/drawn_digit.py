"""A drawn or photographed digit put into the form of MNIST's images: docs/predicting.md is the specification.

MNIST's digits were scaled into a box of 20x20 pixels, with grey levels from anti-aliasing, and moved so that their
centre of mass is the middle of 28x28 pixels (LeCun, Cortes and Burges, "The MNIST database of handwritten digits").
Every step here is in whole numbers, so that another implementation gives the same bytes.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import MismatchError

Pixel = TypeVar("Pixel", np.uint8, np.int16)
SIDE_PIXELS, BOX_PIXELS = 28, 20
LEAST_CONTRAST = 32
"""What the ink must differ from the ground by, of 255."""
FAINTEST_SHARE = 8
"""Ink is what reaches the strongest ink divided by this."""
LEAST_STRONGEST = 254
LONGER_SIDES = (19, 20)
"""The strongest pixel of every image of MNIST is at least that, and the longer side of its ink is one of these."""
LONGEST_SIDE_PIXELS = 7_500
"""Up to here the sums of `_scaled` stay below 2**53, so that float64 holds them exactly."""


@dataclass(frozen=True, eq=False)
class DrawnDigit:
    """A digit as MNIST holds one: uint8 (28, 28), bright on black; `was_dark` where its ink was on a light ground."""

    image: NDArray[np.uint8]
    was_dark: bool


def as_mnist(picture: NDArray[np.uint8]) -> DrawnDigit:
    """Return the digit in a grey picture, (rows, columns), in the form of MNIST; one that has it stays as it is.

    Raises MismatchError for a picture without ink, or with ink that is too large or too fine.
    """
    ground = _ground(picture)
    if ground == 0 and _has_form(picture):
        return DrawnDigit(picture, was_dark=False)
    was_dark = ground > 127
    ink = _cropped(_ink(picture.astype(np.int16), ground))
    if max(ink.shape) > LONGEST_SIDE_PIXELS:
        rows, columns = ink.shape
        raise MismatchError(f"its ink takes {rows:,}x{columns:,} pixels; up to {LONGEST_SIDE_PIXELS:,} are scaled.")
    boxed = _scaled(ink)
    strongest = int(boxed.max())
    if strongest == 0:
        raise MismatchError(f"its ink is too fine to be seen at {BOX_PIXELS}x{BOX_PIXELS} pixels.")
    return DrawnDigit(_centred((boxed * 255 + strongest // 2) // strongest), was_dark)


def _has_form(picture: NDArray[np.uint8]) -> bool:
    """Return whether bright ink on black already has the size, the strength and the place of MNIST's."""
    if picture.shape != (SIDE_PIXELS, SIDE_PIXELS) or picture.max() < LEAST_STRONGEST:
        return False
    total = int(picture.sum())
    is_centred = all(abs(_twice_moment(picture, axis) - SIDE_PIXELS * total) < 2 * total for axis in (0, 1))
    return is_centred and max(_cropped(picture).shape) in LONGER_SIDES


def _ground(picture: NDArray[np.uint8]) -> int:
    """Return the brightness of the ground: the median of the outermost pixels, of an even number the lower one."""
    is_outermost = np.ones(picture.shape, np.bool_)
    is_outermost[1:-1, 1:-1] = False
    ring = np.sort(picture[is_outermost])
    return int(ring[(len(ring) - 1) // 2])


def _ink(picture: NDArray[np.int16], ground: int) -> NDArray[np.int16]:
    """Return how far each pixel is from the ground, towards black on a light one; 0 for what is too faint for ink."""
    ink = np.maximum(ground - picture if ground > 127 else picture - ground, 0)
    strongest = int(ink.max())
    if strongest < LEAST_CONTRAST:
        raise MismatchError(
            f"it shows no ink: what differs most from its ground does by {strongest} of 255, and ink by at least "
            f"{LEAST_CONTRAST}."
        )
    ink[ink * FAINTEST_SHARE < strongest] = 0
    return ink


def _cropped(ink: NDArray[Pixel]) -> NDArray[Pixel]:
    """Return the smallest rectangle that holds all ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(ink: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return the ink with its longer side at 20 pixels, the other in proportion, values rounded, halves up."""
    longer = max(ink.shape)
    down, across = (_triangles(side, max(1, (2 * BOX_PIXELS * side + longer) // (2 * longer))) for side in ink.shape)
    whole = down.sum(axis=1)[:, None] * across.sum(axis=1)
    # many times as fast as the product of whole numbers, and as exact
    total = (down.astype(np.float64) @ ink.astype(np.float64) @ across.T.astype(np.float64)).astype(np.int64)
    scaled: NDArray[np.int64] = (2 * total + whole) // (2 * whole)
    return scaled


def _triangles(source: int, target: int) -> NDArray[np.int64]:
    """Return the weights (target, source) with which `source` pixels of an axis become `target`.

    The centre of target pixel i lies at (i + 1/2) source / target in source pixels, that of source pixel j at j + 1/2.
    A source pixel counts by a triangle over their distance that reaches 0 at one pixel, the wider of the two kinds:
    linear interpolation where it grows, an average that leaves no aliases where it shrinks. In 1/(2 target).
    """
    centres = (2 * np.arange(target) + 1) * source
    pixels = (2 * np.arange(source) + 1) * target
    weights: NDArray[np.int64] = np.maximum(2 * max(source, target) - np.abs(centres[:, None] - pixels), 0)
    return weights


def _centred(box: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return 28x28 pixels with the centre of mass nearest to the middle, the whole box inside."""
    total = int(box.sum())
    places = []
    for axis, side in enumerate(box.shape):
        # the middle of 28 pixels is 14, the centre of mass the moment / total: their difference, rounded
        place = (SIDE_PIXELS * total - _twice_moment(box, axis) + total) // (2 * total)
        places.append(min(max(place, 0), SIDE_PIXELS - side))
    image = np.zeros((SIDE_PIXELS, SIDE_PIXELS), np.uint8)
    image[places[0] : places[0] + box.shape[0], places[1] : places[1] + box.shape[1]] = box
    return image


def _twice_moment(box: NDArray[np.integer], axis: int) -> int:
    """Return twice the sum of all values times the places of their centres along an axis, which are halves."""
    return int((box.sum(axis=1 - axis).astype(np.int64) * (2 * np.arange(box.shape[axis]) + 1)).sum())
