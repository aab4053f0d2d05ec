"""A document's steps: from each network to the next, what it cost and what it gained, before the budget they aim at."""

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.figure import Figure

from pennyweight.base.budget import Budget
from pennyweight.figures.plane import IMAGES, Point, intervals, marks, names, plane
from pennyweight.figures.scales import SAME_DISTANCE, height
from pennyweight.figures.style import LINE, OURS, PHONE, QUIET, SMALL, TEXT, drawn
from pennyweight.figures.words import Words, counted, percent


@drawn
def steps(
    points: Sequence[Point], *, others: Sequence[Point] = (), budget: Budget | None = None, width: int = 1040
) -> Figure:
    """Draw steps in their order on parameters (logarithmic) against accuracy, an arrow from each to the next.

    `others` are quiet dots, those that lie about the steps and the budget. Raises UsageError without points.
    """
    others = _near(others, points, budget)
    made = plane([*points, *others], "parameters", budget, width)
    marks(made, others, QUIET, "o", 4, "other")
    intervals(made, points, OURS, "step")
    arrow = {"arrowstyle": "-|>,head_width=0.25,head_length=0.6", "color": OURS, "linewidth": LINE}
    for before, after in pairwise(points):
        start, end = ((point.cost, float(height(point.mean, IMAGES))) for point in (before, after))
        made.axes.annotate("", end, start, arrowprops={**arrow, "shrinkA": 6, "shrinkB": 7})
        made.block([start, end])
    marks(made, points, OURS, "o", 9, "step")
    names(made, points, OURS, TEXT)
    if width >= PHONE:
        names(made, others, QUIET, SMALL)
    return made.figure


def steps_words(points: Sequence[Point], *, others: Sequence[Point] = (), budget: Budget | None = None) -> Words:
    """Return what `steps` shows of the same points, in words."""
    first, last, others = points[0], points[-1], _near(others, points, budget)
    title = f"{first.name} to {last.name}: {percent(first.mean)} to {percent(last.mean)} % "
    title += f"at {first.cost:,.0f} to {last.cost:,.0f} parameters"
    rows = "; ".join(
        f"{one.name}, {one.cost:,.0f} parameters, {percent(one.mean)} %"
        + (f" (95 % {percent(one.low)} to {percent(one.high)}, {one.seeds} seeds)" if one.high > one.low else "")
        for one in points
    )
    text = f"Steps in order, an arrow from each to the next; bars are 95 % intervals of the mean. {rows}. "
    if budget is not None and budget.max_params:
        text += f"Shaded: at most {budget.max_params:,} parameters and at least {budget.accuracy:g} %. "
    text += f"Dots are {counted(len(others), 'other recipe')} that lie about them. " if others else ""
    return Words(title, f"{text}On the accuracy axis {SAME_DISTANCE}.")


def _near(others: Sequence[Point], points: Sequence[Point], budget: Budget | None) -> list[Point]:
    """Return the others that cost up to four times more or less than a step or the cap, and err up to twice as much.

    One far away would squeeze the steps, which the picture is of, into a corner.
    """
    costs = [point.cost for point in points] + ([budget.max_params] if budget and budget.max_params else [])
    low, high = min(costs, default=0) / 4, max(costs, default=0) * 4
    error = 2 * max((100 - point.low for point in points), default=0)
    return [one for one in others if low <= one.cost <= high and 100 - one.low <= error]
