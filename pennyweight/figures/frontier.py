"""What accuracy costs: recipes by parameters, multiply-accumulates or seconds, and which of them none beats."""

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.figure import Figure

from pennyweight.base.budget import Budget
from pennyweight.figures.plane import COSTS, IMAGES, Point, intervals, marks, names, plane
from pennyweight.figures.scales import SAME_DISTANCE, height
from pennyweight.figures.style import LINE, OURS, PHONE, QUIET, SMALL, TEXT, drawn
from pennyweight.figures.words import Words, counted, percent

__all__ = ["Point", "frontier", "frontier_words", "on_frontier"]


def on_frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats, the cheapest first: none costs as little and has a higher mean."""
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost, -one.mean, one.name)):
        if not found or point.mean > found[-1].mean:
            found.append(point)
    return found


@drawn
def frontier(
    points: Sequence[Point], *, cost: str = "parameters", budget: Budget | None = None, width: int = 720
) -> Figure:
    """Draw all points by what they cost, on a logarithmic axis, and a line through those that none beats.

    `cost` is `parameters`, `MACs` or `seconds to train`. Raises UsageError without points, or for another cost.
    """
    made = plane(points, cost, budget, width)
    best = on_frontier(points)
    beaten = [point for point in points if point not in best]
    made.axes.plot(
        [point.cost for point in best], height([point.mean for point in best], IMAGES),
        color=OURS, linewidth=LINE, drawstyle="steps-post", gid="frontier",
    )  # fmt: skip
    for before, after in pairwise(best):
        ends = (float(height(point.mean, IMAGES)) for point in (before, after))
        made.block([(before.cost, low := next(ends)), (after.cost, low), (after.cost, next(ends))])
    intervals(made, beaten, QUIET, "beaten")
    intervals(made, best, OURS, "best")
    marks(made, beaten, QUIET, "o", 5, "beaten")
    marks(made, best, OURS, "D", 6.5, "best")
    names(made, best, OURS, SMALL if width < PHONE else TEXT)
    if width >= PHONE:
        names(made, beaten, QUIET)
    return made.figure


def frontier_words(points: Sequence[Point], *, cost: str = "parameters", budget: Budget | None = None) -> Words:
    """Return what `frontier` shows of the same points, in words."""
    best = on_frontier(points)
    named = ", ".join(point.name for point in best)
    title = f"On the Pareto frontier ({cost}, accuracy), {len(best)} of {counted(len(points), 'recipe')}: {named}"
    rows = "; ".join(
        f"{point.name}, {point.cost:,.0f} {cost}, {percent(point.mean)} %"
        for point in sorted(points, key=lambda one: one.cost)
    )
    text = (
        f"Mean accuracy in percent against {COSTS[cost]} on a logarithmic axis; bars are 95 % intervals of the mean; "
    )
    return Words(title, f"{text}on the accuracy axis {SAME_DISTANCE}. {rows}.")
