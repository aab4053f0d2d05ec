"""Names beside points: each where it touches no other name and no point, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from pennyweight.figures.style import FONT

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in pixels upwards."""


@dataclass(frozen=True)
class Label:
    """A name with the left end and the middle of its line, in pixels; its text starts, ends or is centred there."""

    x: float
    y: float
    align: str
    box: Box


@cache
def text_width(text: str, size: float) -> float:
    """Return how many pixels wide a text is in the font that figures are measured in."""
    return (
        float(TextPath((0, 0), text, size=size, prop=FontProperties(family=FONT)).get_extents().width) if text else 0.0
    )


def fitted(text: str, size: float, room: float) -> str:
    """Return a text, or as much of its beginning as has room in so many pixels, and an ellipsis."""
    if text_width(text, size) <= room:
        return text
    kept = next((end for end in range(len(text) - 1, 0, -1) if text_width(f"{text[:end]}…", size) <= room), 1)
    return f"{text[:kept].rstrip()}…"


def place_label(text: str, size: float, point: tuple[float, float], taken: Sequence[Box], room: Box) -> Label | None:
    """Return the best free place for a name beside a point, within `room`; None where all are taken.

    Tried in order: right, left, above, below, and further out each time.
    """
    wide, high = text_width(text, size) + 2, size * 1.15
    for distance in (9, 14, 22, 32):
        for label in _around(point, wide, high, distance):
            left, bottom, right, top = label.box
            inside = left >= room[0] and bottom >= room[1] and right <= room[2] and top <= room[3]
            if inside and not any(_touch(label.box, other) for other in taken):
                return label
    return None


def square(point: tuple[float, float], half: float) -> Box:
    """Return the box about a mark."""
    return point[0] - half, point[1] - half, point[0] + half, point[1] + half


def _around(point: tuple[float, float], wide: float, high: float, distance: float) -> list[Label]:
    (x, y), half = point, high / 2
    near = distance * 0.7
    places = [
        (x + distance, y, "left"),
        (x - distance, y, "right"),
        (x, y + distance + half - 4, "center"),
        (x, y - distance - half + 4, "center"),
        (x + near, y + near + half - 4, "left"),
        (x + near, y - near - half + 4, "left"),
        (x - near, y + near + half - 4, "right"),
        (x - near, y - near - half + 4, "right"),
    ]
    starts = {"left": 0.0, "center": wide / 2, "right": wide}
    return [
        Label(one_x, one_y, align, (one_x - starts[align], one_y - half, one_x - starts[align] + wide, one_y + half))
        for one_x, one_y, align in places
    ]


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
