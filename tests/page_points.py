"""The plotted points of a page, read from its SVG: panels, the ticks along their axes, and series by identifier."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

SVG = re.compile(r'<svg class="figure".*?</svg>', re.DOTALL)
FRAME = re.compile(r"M (\S+) (\S+) L (\S+) \2 L \3 (\S+) L \1 \4 L \1 \2 z ")
COORDINATES = re.compile(r"(-?[\d.]+) (-?[\d.]+)")
UNDER, BESIDE = 14.36, 6.0
"""Pixels from the lower edge of a panel to the words under it, and from its left edge to those beside it."""
MILLION = " million"
Point = tuple[float, float]
Scale = Callable[[float], float]


@dataclass
class Panel:
    """Axes: their corners in pixels, ticks as pixels and the number written there, and series of points in pixels."""

    left: float
    bottom: float
    right: float
    top: float
    across: list[Point] = field(default_factory=list)
    up: list[Point] = field(default_factory=list)
    series: dict[str, list[Point]] = field(default_factory=dict)
    words: list[tuple[str, str]] = field(default_factory=list)
    """The ticks as they are written: the attributes of their place, and the text."""


def drawings_of(page: str) -> dict[str, list[Panel]]:
    """Return the panels of every drawing of a page by its name; that for a phone has a name of its own."""
    return {name: panels for name, panels, _ in _drawings(page)}


def without_ticks(page: str) -> str:
    """Return a page without the numbers along its axes."""
    for _, panels, svg in _drawings(page):
        shorter = svg
        for panel in panels:
            for place, text in panel.words:
                assert f"{place}>{text}</text>" in shorter
                shorter = shorter.replace(f"{place}>{text}</text>", f"{place}></text>", 1)
        page = page.replace(svg, shorter, 1)
    return page


def _drawings(page: str) -> Iterator[tuple[str, list[Panel], str]]:
    for found in SVG.finditer(page):
        root = ElementTree.fromstring(found[0])
        name = root.attrib["aria-labelledby"].partition(" ")[0].removesuffix("-title")
        panels: list[Panel] = []
        _walk(root, panels, f"{name}-")
        for panel in panels:
            panel.across.sort()
        yield name, panels, found[0]


def _walk(element: ElementTree.Element, panels: list[Panel], prefix: str) -> None:
    for child in element:
        frame = FRAME.fullmatch(child.get("d", "")) if child.tag == "path" and "clip-path" not in child.attrib else None
        if frame:
            panels.append(Panel(*(float(frame[number]) for number in (1, 2, 3, 4))))
        elif child.tag == "g" and "id" in child.attrib:
            panels[-1].series[child.attrib["id"].removeprefix(prefix)] = list(_points(child))
        elif child.tag == "text" and panels:
            _take_tick(panels[-1], child)
        _walk(child, panels, prefix)


def _points(group: ElementTree.Element) -> Iterator[Point]:
    """Yield the points of a series: of its paths, or where its marks stand."""
    for child in group:
        if child.tag == "path":
            yield from ((float(x), float(y)) for x, y in COORDINATES.findall(child.attrib["d"]))
        elif child.tag == "use":
            yield float(child.attrib["x"]), float(child.attrib["y"])
        elif child.tag == "g":
            yield from _points(child)


def _take_tick(panel: Panel, text: ElementTree.Element) -> None:
    if "x" not in text.attrib:
        return
    x, y, words = float(text.attrib["x"]), float(text.attrib["y"]), text.text or ""
    value = words.removesuffix(MILLION).replace(",", "")
    if not re.fullmatch(r"\d+(\.\d+)?", value):
        return
    number = float(value) * (1e6 if words.endswith(MILLION) else 1)
    if abs(y - panel.bottom - UNDER) < 0.1:
        panel.across.append((x, number))
    elif abs(panel.left - x - BESIDE) < 0.1:
        panel.up.append((y - 4.18, number))
    else:
        return
    panel.words.append((f'x="{text.attrib["x"]}" y="{text.attrib["y"]}"', words))


def place(ticks: list[Point], scale: Scale) -> Scale:
    """Return where a value stands in pixels on an axis that has these ticks; fails where they do not fit the scale."""
    assert len(ticks) > 1, "an axis has two ticks at least"
    places, values = np.array([one[0] for one in ticks]), np.array([scale(one[1]) for one in ticks])
    slope, start = np.polyfit(values, places, 1)
    assert np.allclose(start + slope * values, places, atol=0.05), "a tick stands where its number is not"
    return lambda value: float(start + slope * scale(value))


def accuracy_scale(images: int) -> Scale:
    """Return the scale of accuracies in percent: minus the logarithm of the error, half an image at least."""
    return lambda accuracy: float(-np.log10(max(100 - accuracy, 50 / images)))
