"""How records come to `plot`: they stand floors below the figures, so the facade tells them what draws them."""

from typing import TYPE_CHECKING

from pennyweight.base.records import RunRecord
from pennyweight.figures.words import require_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def give_plot() -> None:
    """Have records draw themselves; matplotlib is loaded when one first does."""
    RunRecord.drawn_by = _curves


def _curves(record: RunRecord, width: int) -> "Figure":
    require_matplotlib()
    from pennyweight.figures.plots import curves

    return curves(record, width=width)
