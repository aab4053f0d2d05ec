"""Contact sheets: images with what was predicted of them, the worst mistakes, and what augmentation makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.figures.layout import canvas, sheet
from pennyweight.figures.style import BREACH, INK, QUIET, SMALL, drawn
from pennyweight.figures.words import Words, counted

Images = NDArray[np.uint8]
"""Shape (n, rows, columns), or (n, channels, rows, columns) with one or three channels."""


@dataclass(frozen=True)
class Sample:
    """What an image is and what was predicted: names of classes, and the probability of the predicted one, 0 to 1."""

    label: str
    predicted: str
    probability: float


@drawn
def predictions(images: Images, samples: Sequence[Sample], *, width: int = 720) -> Figure:
    """Draw images with their prediction under each; a wrong one has a cross and its label too.

    Raises UsageError where there are not as many samples as images.
    """
    return _contact_sheet(
        images, [_caption(one) for one in samples], [one.label != one.predicted for one in samples], width
    )


def predictions_words(samples: Sequence[Sample]) -> Words:
    """Return what `predictions` shows of the same samples, in words."""
    wrong = sum(one.label != one.predicted for one in samples)
    title = f"{counted(len(samples), 'image')}: {len(samples) - wrong} right, {wrong} wrong"
    return Words(title, "; ".join(" ".join(_caption(one)) for one in samples) + ".")


@drawn
def worst_mistakes(images: Images, samples: Sequence[Sample], *, width: int = 720) -> Figure:
    """Draw misclassified images in the order given, with label, prediction and probability.

    Raises UsageError where there are not as many samples as images.
    """
    captions = [(f"{one.label}, taken for {one.predicted}", f"{100 * one.probability:.1f} % sure") for one in samples]
    return _contact_sheet(images, captions, [False] * len(samples), width, cell=104)


def worst_mistakes_words(samples: Sequence[Sample]) -> Words:
    """Return what `worst_mistakes` shows of the same samples, in words."""
    rows = [f"{one.label} taken for {one.predicted}, {100 * one.probability:.1f} % sure" for one in samples]
    return Words(f"The surest mistake: {rows[0]}" if rows else "No mistakes", "; ".join(rows) + ".")


@drawn
def augmented(originals: Images, moved: NDArray[np.uint8], *, width: int = 720) -> Figure:
    """Draw each original, then what augmentation made of it, shape (n, times, ...), a row for each image."""
    if len(originals) != len(moved) or not len(originals):
        raise UsageError(
            f"There are {len(originals)} originals and {len(moved)} rows of moved images; give a row each."
        )
    times, gap, left = moved.shape[1], 4.0, 22.0
    cell = min(72.0, (width - left) / (times + 1) - gap)
    figure = canvas(width, 26 + (cell + gap) * len(originals))
    axes = sheet(figure)
    axes.text(0, 8, "as it is", va="center", color=QUIET, fontsize=SMALL)
    axes.text(left + cell, 8, "as training sees it", va="center", color=QUIET, fontsize=SMALL)
    for row, (original, others) in enumerate(zip(originals, moved, strict=True)):
        y = 22 + row * (cell + gap)
        _image(axes, original, (0, y, cell))
        for column, one in enumerate(others):
            _image(axes, one, (left + (cell + gap) * (column + 1) - gap, y, cell))
    return figure


def augmented_words(moved: NDArray[np.uint8]) -> Words:
    """Return what `augmented` shows, in words."""
    images, times = moved.shape[:2]
    title = f"What augmentation makes of {counted(images, 'image')}"
    return Words(title, f"A row for each of {images} images: the original, then {times} draws of its augmentation.")


def _caption(one: Sample) -> tuple[str, str]:
    if one.label == one.predicted:
        return one.predicted, f"{100 * one.probability:.0f} %"
    return f"{one.predicted}, not {one.label}", f"{100 * one.probability:.0f} %"


def _contact_sheet(
    images: Images, captions: Sequence[tuple[str, str]], crossed: Sequence[bool], width: int, cell: float = 84
) -> Figure:
    if len(images) != len(captions) or not len(images):
        raise UsageError(f"There are {len(images)} images and {len(captions)} predictions; give one for each image.")
    columns = max(1, min(len(images), int((width + 12) // (cell + 12))))
    side = min((width - 12 * (columns - 1)) / columns, cell * 1.15)
    row = side + 44
    figure = canvas(width, row * -(-len(images) // columns))
    axes = sheet(figure)
    for number, (image, (first, second)) in enumerate(zip(images, captions, strict=True)):
        x, y = (number % columns) * (side + 12), (number // columns) * row
        wrong = crossed[number]
        _image(axes, image, (x, y, side))
        axes.text(
            x,
            y + side + 11,
            f"× {first}" if wrong else first,
            va="center",
            color=BREACH if wrong else INK,
            fontsize=SMALL,
        )
        axes.text(x, y + side + 25, second, va="center", color=QUIET, fontsize=SMALL)
    return figure


def _image(axes: Axes, image: NDArray[np.uint8], box: tuple[float, float, float]) -> None:
    """Draw one image, bright ink on black as the network reads it, its left, top and side in pixels."""
    x, y, side = box
    pixels = (
        image[0] if image.ndim == 3 and image.shape[0] == 1 else image.transpose(1, 2, 0) if image.ndim == 3 else image
    )
    rows, columns = pixels.shape[:2]
    wide, high = side * columns / max(rows, columns), side * rows / max(rows, columns)
    axes.imshow(
        pixels, cmap="gray", vmin=0, vmax=255, extent=(x, x + wide, y + high, y), interpolation="none", aspect="auto"
    )
