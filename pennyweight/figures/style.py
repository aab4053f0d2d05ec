"""One look for every figure: colours, type, and axes placed by the pixel.

A figure is laid out in CSS pixels (72 to the inch, so that a point of type is a pixel). Its colours are those of
LIGHT; `svg.py` writes each as a CSS variable, so that the page that holds the picture decides between light and dark.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from typing import ParamSpec

from matplotlib import style as matplotlib_style
from matplotlib.figure import Figure

LIGHT: Mapping[str, str] = {
    "ink": "#1b1f24",
    "paper": "#ffffff",
    "rule": "#d8dde3",
    "quiet": "#5d6671",
    "ours": "#0b6e99",
    "breach": "#b3401f",
    "c1": "#007a59",
    "c2": "#9a6200",
    "c3": "#9c4f83",
    "c4": "#46708f",
}
"""Okabe and Ito's green, orange, purple and sky blue, darkened until text in them has 4.5 to 1 on paper."""
DARK: Mapping[str, str] = {
    "ink": "#e6e8eb",
    "paper": "#14171a",
    "rule": "#30363d",
    "quiet": "#9aa4af",
    "ours": "#58b5dc",
    "breach": "#f0845f",
    "c1": "#2bbf95",
    "c2": "#e0a13c",
    "c3": "#d893bd",
    "c4": "#8ab8d8",
}
INK, PAPER, RULE, QUIET = (LIGHT[name] for name in ("ink", "paper", "rule", "quiet"))
OURS, BREACH = LIGHT["ours"], LIGHT["breach"]
CATEGORIES = tuple(LIGHT[f"c{number}"] for number in range(1, 5))
SIZES = (13, 16, 20, 28, 40)
"""The five sizes of type of a page, in pixels; figures use the first, and 11 for numbers on ticks."""
TEXT, SMALL = 13, 11
LINE, HAIRLINE = 1.5, 1.0
PHONE = 480
"""A figure narrower than this, in pixels, is laid out for a phone."""
FONT = "DejaVu Sans"
"""What text is measured in: it comes with matplotlib, so places are the same everywhere, and is wider than most."""

_RC = {
    "font.family": [FONT],
    "font.size": TEXT,
    "text.color": INK,
    "axes.unicode_minus": True,
    "figure.dpi": 72.0,
    "savefig.dpi": 72.0,
    "path.simplify": False,
    "lines.linewidth": LINE,
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "pennyweight",
}
_P = ParamSpec("_P")


def drawn(function: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Return the function, drawing in this style whatever style the user has set, and leaving that as it was."""

    @wraps(function)
    def call(*arguments: _P.args, **named: _P.kwargs) -> Figure:
        with in_style():
            return function(*arguments, **named)

    return call


def in_style() -> AbstractContextManager[None]:
    """Return a context in which matplotlib has its defaults and this style, for drawing and for saving."""
    return matplotlib_style.context(["default", _RC])


def css() -> str:
    """Return the CSS that gives the colours of figures their values, light and dark."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in one.items()) for one in (LIGHT, DARK))
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
