"""What a figure says to whoever cannot see it, and the finding that stands above it."""

from dataclasses import dataclass
from importlib.util import find_spec

from pennyweight.base.errors import UnavailableError


@dataclass(frozen=True)
class Words:
    """A figure's title, which is its finding, and its text alternative: what is drawn, with the figures in words."""

    title: str
    description: str


class MatplotlibMissing(UnavailableError, AttributeError):
    """matplotlib is not installed, so that `pw.plots` is not there either: `hasattr` and `help(pw)` take it so."""


def require_matplotlib() -> None:
    """Raise MatplotlibMissing, which says how to install it, where matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise MatplotlibMissing("Figures need matplotlib, which is not installed: pip install 'pennyweight[report]'.")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: 1 seed, 10 seeds."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(accuracy: float) -> str:
    """Return an accuracy in percent with two decimals, and no sign."""
    return f"{accuracy:.2f}"
