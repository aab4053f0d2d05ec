"""Pictures laid out by the pixel: axes, text beside them, and the figure that a notebook shows."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from pennyweight.figures.style import HAIRLINE, INK, QUIET, RULE, SMALL, TEXT
from pennyweight.figures.svg import to_html
from pennyweight.figures.words import Words


class Picture(Figure):
    """matplotlib's figure with words, which a notebook shows as inline SVG, dark ink on white, under its finding."""

    words: Words | None = None

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows; nothing, so that it asks for another form, of a figure without words."""
        return None if self.words is None else to_html(self, self.words)


def canvas(width: int, height: float) -> Picture:
    """Return an empty figure of so many pixels, without a background."""
    return Picture(figsize=(width / 72, height / 72), dpi=72, facecolor="none")


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes with a hairline below and at the left, placed in pixels from the upper left corner."""
    total = figure.get_size_inches() * 72
    axes = figure.add_axes((left / total[0], 1 - (top + height) / total[1], width / total[0], height / total[1]))
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set(visible=side == "bottom", color=RULE, linewidth=HAIRLINE)
    axes.tick_params(length=0, pad=6, labelsize=SMALL, labelcolor=QUIET)
    axes.grid(axis="y", color=RULE, linewidth=HAIRLINE)
    axes.set_axisbelow(True)
    return axes


def sheet(figure: Figure) -> Axes:
    """Return axes over the whole figure whose coordinates are its pixels, y downwards, and that show nothing."""
    width, height = figure.get_size_inches() * 72
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.patch.set_visible(False)
    return axes


def write(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    offset: tuple[float, float] = (0, 0),
    frame: str | tuple[str, str] = "axes fraction",
    *,
    align: str = "left",
    line: str = "center",
    color: str = INK,
    size: float = TEXT,
) -> Text:
    """Write text at a place of a coordinate frame, moved by `offset` pixels right and up.

    `frame` is one for both coordinates or one for each: `data`, `axes fraction`, `figure fraction`. `align` is the side
    of the text that stands there, `line` its line: `center`, `top`, `bottom` or `baseline`.
    """
    return axes.annotate(
        text,
        place,
        offset,
        frame,
        "offset points",
        ha=align,
        va=line,
        color=color,
        fontsize=size,
        annotation_clip=False,
    )


def heading(axes: Axes, text: str, color: str = INK, left: float = 0) -> Text:
    """Write what is measured, with its unit, above the upper left corner: no reader turns their head."""
    return write(axes, text, (0, 1), (left, 10), line="baseline", color=color)


def below(axes: Axes, text: str) -> Text:
    """Write what is along the horizontal axis, with its unit, under its right end."""
    return write(axes, text, (1, 0), (0, -22), align="right", line="top", color=QUIET)


def spread(places: Sequence[float], least: float) -> list[float]:
    """Return places moved apart, as little as possible and in their order, until neighbours are `least` apart.

    Groups of labels that touch are centred on the mean of where they wanted to be.
    """
    order = np.argsort(np.asarray(places, dtype=float), kind="stable")
    groups: list[list[int]] = []
    for index in order:
        groups.append([int(index)])
        while len(groups) > 1 and _start(groups[-1], places, least) - _end(groups[-2], places, least) < least:
            last = groups.pop()
            groups[-1] += last
    moved = [0.0] * len(places)
    for group in groups:
        for rank, index in enumerate(group):
            moved[index] = _start(group, places, least) + rank * least
    return moved


def _start(group: Sequence[int], places: Sequence[float], least: float) -> float:
    middle = sum(places[index] for index in group) / len(group)
    return middle - least * (len(group) - 1) / 2


def _end(group: Sequence[int], places: Sequence[float], least: float) -> float:
    return _start(group, places, least) + least * (len(group) - 1)
