"""What a network holds and makes: the kernels of its first convolution, and one image's maps through every layer."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.figures.labels import fitted
from pennyweight.figures.layout import canvas, sheet
from pennyweight.figures.style import PHONE, QUIET, SMALL, TEXT, drawn
from pennyweight.figures.words import Words, counted

Array = NDArray[np.floating]
SCALE = "viridis"
SIGNED = "PuOr_r"
"""Kernels have a sign: two hues that the colour-blind tell apart, with nothing between them."""
MOST_KERNELS = 128
LEAST, MOST_CELL, LEAST_ROW = 29.0, 80.0, 46.0
"""Pixels of a channel that can still be read, and of the largest; of a row for the words beside it."""


@drawn
def kernels(weights: Array, *, width: int = 520) -> Figure:
    """Draw the kernels of a first convolution, shape (out, in, k, k), all on one scale about zero.

    A kernel that reads several channels is drawn as its mean over them. Raises UsageError for another shape, or for
    more than 128 kernels.
    """
    if weights.ndim != 4 or not 0 < len(weights) <= MOST_KERNELS:
        raise UsageError(
            f"Kernels have shape {weights.shape}; it must be (out, in, k, k), with at most {MOST_KERNELS}."
        )
    shown = weights.mean(axis=1)
    largest = float(np.abs(shown).max()) or 1.0
    gap, cell = 10.0, 56.0
    columns = max(1, min(len(shown), int((width + gap) // (cell + gap))))
    rows = -(-len(shown) // columns)
    columns = -(-len(shown) // rows)
    figure = canvas(width, rows * (cell + 24) + 46)
    axes = sheet(figure)
    for number, kernel in enumerate(shown):
        x, y = (number % columns) * (cell + gap), (number // columns) * (cell + 24)
        _picture(axes, kernel, (x, y, cell), SIGNED, -largest, largest)
        axes.text(x + cell / 2, y + cell + 10, str(number + 1), ha="center", va="center", color=QUIET, fontsize=SMALL)
    _scale_bar(axes, rows * (cell + 24) + 10, SIGNED, f"{-largest:.2f}", f"{largest:.2f}", "weight")
    return figure


def kernels_words(weights: Array) -> Words:
    """Return what `kernels` shows of the same weights, in words."""
    out, into, k = weights.shape[0], weights.shape[1], weights.shape[2]
    strongest = 1 + int(np.argmax(np.abs(weights.mean(axis=1)).sum(axis=(1, 2))))
    title = f"{counted(out, 'kernel')} of {k}×{k} in the first convolution, number {strongest} the strongest"
    over = f", each the mean over {into} channels" if into > 1 else ""
    means = ", ".join(f"{one:+.2f}" for one in weights.mean(axis=(1, 2, 3)))
    return Words(title, f"Weights from {weights.min():.2f} to {weights.max():.2f}{over}; mean of each: {means}.")


@drawn
def feature_maps(
    image: NDArray[np.uint8], maps: Sequence[tuple[str, Array]], *, width: int = 1040, most: int = 16
) -> Figure:
    """Draw an image and its maps after each layer: a name and an array (c, h, w) a row, `most` channels of each.

    Each row has a scale of its own, from its lowest value to its highest. Raises UsageError without maps.
    """
    if not maps:
        raise UsageError("There are no feature maps to draw.")
    names_wide, gap = (96.0 if width >= PHONE else 76.0), 4.0
    widest = max(min(array.shape[0], most) for _, array in maps)
    # as many of the widest row side by side as stay large enough to read, in rows of equal length
    rows = next(rows for rows in range(1, widest + 1) if _cell(width - names_wide, -(-widest // rows), gap) >= LEAST)
    across = -(-widest // rows)
    cell = _cell(width - names_wide, across, gap)
    heights = [max(LEAST_ROW, (cell + gap) * -(-min(array.shape[0], most) // across)) for _, array in maps]
    figure = canvas(width, cell + gap + sum(heights) + 10 * len(maps) + 48)
    axes = sheet(figure)
    grey = np.asarray(image if image.ndim == 2 else image.mean(axis=0), dtype=np.float64)
    axes.text(0, cell / 2, "image", va="center")
    _picture(axes, grey, (names_wide, 0, cell), "gray", 0, 255)
    y = cell + gap + 10
    for (name, array), high in zip(maps, heights, strict=True):
        low, top = float(array.min()), float(array.max())
        axes.text(0, y + 8, fitted(name, TEXT, names_wide - 6), va="center")
        axes.text(0, y + 23, _shape(array), va="center", color=QUIET, fontsize=SMALL)
        axes.text(0, y + 37, f"{low:.1f} to {top:.1f}", va="center", color=QUIET, fontsize=SMALL)
        for number, channel in enumerate(array[:most]):
            x, down = names_wide + (number % across) * (cell + gap), (number // across) * (cell + gap)
            _picture(axes, channel, (x, y + down, cell), SCALE, low, top if top > low else low + 1)
        y += high + 10
    _scale_bar(axes, y + 8, SCALE, "lowest", "highest", "value in its row")
    return figure


def _cell(room: float, across: int, gap: float) -> float:
    return min(MOST_CELL, (room + gap) / across - gap)


def _shape(array: Array) -> str:
    return "×".join(map(str, array.shape))


def feature_maps_words(maps: Sequence[tuple[str, Array]]) -> Words:
    """Return what `feature_maps` shows of the same maps, in words."""
    rows = "; ".join(f"{name}, {_shape(one)}, {one.min():.2f} to {one.max():.2f}" for name, one in maps)
    first, last = _shape(maps[0][1]), _shape(maps[-1][1])
    title = f"One image through {counted(len(maps), 'layer')}: {first} to {last}"
    return Words(title, f"Maps after each layer, a row each, with the range of their values. {rows}.")


def _picture(axes: Axes, array: Array, box: tuple[float, float, float], scale: str, low: float, high: float) -> None:
    x, y, side = box
    rows, columns = array.shape
    wide, tall = side * columns / max(rows, columns), side * rows / max(rows, columns)
    axes.imshow(
        array, cmap=scale, vmin=low, vmax=high, extent=(x, x + wide, y + tall, y), interpolation="none", aspect="auto"
    )


def _scale_bar(axes: Axes, y: float, scale: str, low: str, high: str, what: str) -> None:
    axes.imshow(
        np.linspace(0, 1, 64)[None, :], cmap=scale, extent=(0, 160, y + 8, y), interpolation="none", aspect="auto"
    )
    axes.text(0, y + 19, low, va="center", color=QUIET, fontsize=SMALL)
    axes.text(160, y + 19, high, ha="right", va="center", color=QUIET, fontsize=SMALL)
    axes.text(170, y + 4, what, va="center", color=QUIET, fontsize=SMALL)
