"""Contact sheets: images with what was predicted of them, the worst mistakes, and what augmentation makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.figures.labels import fitted, text_width
from pennyweight.figures.layout import canvas, sheet
from pennyweight.figures.style import BREACH, INK, PHONE, QUIET, SMALL, drawn
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
    captions = [
        (
            _Line(f"× {one.predicted}, not {one.label}", BREACH) if _wrong(one) else _Line(one.predicted, INK),
            _chance(one),
        )
        for one in samples
    ]
    return _contact_sheet(images, captions, width, 62 if width < PHONE else 84)


def predictions_words(samples: Sequence[Sample]) -> Words:
    """Return what `predictions` shows of the same samples, in words."""
    wrong = sum(map(_wrong, samples))
    title = f"{counted(len(samples), 'image')}: {len(samples) - wrong} right, {wrong} wrong"
    return Words(title, "; ".join(map(_said, samples)) + ".")


@drawn
def worst_mistakes(images: Images, samples: Sequence[Sample], *, width: int = 720) -> Figure:
    """Draw misclassified images in the order given, with label, prediction and probability.

    Raises UsageError where there are not as many samples as images.
    """
    captions = [(_Line(f"{one.label}, taken for {one.predicted}", INK), _chance(one)) for one in samples]
    return _contact_sheet(images, captions, width, 104)


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


@dataclass(frozen=True)
class _Line:
    """A line of a caption; where it has no room, what follows its comma is a line of its own."""

    text: str
    color: str

    def split(self, room: float) -> list[str]:
        """Return the line, or its two parts, each shortened to its room in pixels."""
        parts = [self.text] if text_width(self.text, SMALL) <= room else self.text.split(", ", 1)
        return [fitted(part, SMALL, room) for part in parts]


def _wrong(one: Sample) -> bool:
    return one.label != one.predicted


def _chance(one: Sample) -> _Line:
    return _Line(f"{100 * one.probability:.1f} %", QUIET)


def _said(one: Sample) -> str:
    name = f"{one.predicted}, not {one.label}" if _wrong(one) else one.predicted
    return f"{name}, {_chance(one).text}"


def _contact_sheet(images: Images, captions: Sequence[Sequence[_Line]], width: int, cell: float) -> Figure:
    """Draw images in rows of equal length, each with its caption under it; `cell` is about how wide one is."""
    if len(images) != len(captions) or not len(images):
        raise UsageError(f"There are {len(images)} images and {len(captions)} predictions; give one for each image.")
    gap = 12.0
    columns = max(1, int((width + gap) // (cell + gap)))
    columns = -(-len(images) // -(-len(images) // columns))
    side = min((width - gap * (columns - 1)) / columns, 1.15 * cell)
    lines = [[(text, line.color) for line in one for text in line.split(side)] for one in captions]
    row = side + 14 * max(map(len, lines)) + 18
    figure = canvas(width, row * -(-len(images) // columns))
    axes = sheet(figure)
    for number, (image, caption) in enumerate(zip(images, lines, strict=True)):
        x, y = (number % columns) * (side + gap), (number // columns) * row
        _image(axes, image, (x, y, side))
        for line, (text, color) in enumerate(caption):
            axes.text(x, y + side + 11 + 14 * line, text, va="center", color=color, fontsize=SMALL)
    return figure


def _image(axes: Axes, image: NDArray[np.uint8], box: tuple[float, float, float]) -> None:
    """Draw one image, bright ink on black as the network reads it, its left, top and side in pixels."""
    x, y, side = box
    planes = image if image.ndim == 3 else image[None]
    # colours as they are: a grey scale of matplotlib's would round some of them down
    pixels = np.broadcast_to(planes.transpose(1, 2, 0), (*planes.shape[1:], 3))
    rows, columns = pixels.shape[:2]
    wide, high = side * columns / max(rows, columns), side * rows / max(rows, columns)
    axes.imshow(pixels, extent=(x, x + wide, y + high, y), interpolation="none", aspect="auto")
