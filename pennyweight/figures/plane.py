"""The plane of cost and accuracy, on which recipes are points: its axes, its budget, its marks and their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator

from pennyweight.base.budget import Budget
from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.figures.labels import Box, place_label, square, text_width
from pennyweight.figures.layout import below, canvas, heading, panel, write
from pennyweight.figures.scales import accuracy_axis, height
from pennyweight.figures.style import HAIRLINE, OURS, PHONE, SMALL

COSTS: Mapping[str, str] = {
    "parameters": "parameters",
    "MACs": "multiply-accumulates an image",
    "seconds to train": "seconds to train",
}
"""What a point may cost, and how that is written along the axis."""
IMAGES = 10_000
"""The images whose half is the smallest error drawn, those of MNIST's test set."""


@dataclass(frozen=True)
class Point:
    """A recipe, or a group of runs: what it costs, and its accuracy in percent with the 95 % interval of its mean.

    `cost` is in parameters, multiply-accumulates or seconds; `family` is what it belongs with, as its document.
    """

    name: str
    cost: float
    mean: float
    low: float
    high: float
    seeds: int
    family: str = ""


@dataclass(frozen=True)
class Plane:
    """Axes with the figure they fill, and the boxes in pixels that marks and names have taken."""

    figure: Figure
    axes: Axes
    taken: list[Box]

    def pixel(self, point: Point) -> tuple[float, float]:
        """Return where a point stands, in pixels upwards from the lower left corner of the figure."""
        x, y = self.axes.transData.transform((point.cost, float(height(point.mean, IMAGES))))
        return float(x), float(y)

    def block(self, line: Sequence[tuple[float, float]]) -> None:
        """Remember as taken what a line through these places of the axes crosses, so that no name is struck through."""
        places = self.axes.transData.transform(line)
        for start, end in pairwise(places):
            pieces = max(1, int(np.abs(end - start).max() // 5))
            between = start + np.linspace(0, 1, pieces + 1)[:, None] * (end - start)
            self.taken.extend(square((float(x), float(y)), 2.0) for x, y in between)


def plane(points: Sequence[Point], cost: str, budget: Budget | None, width: int) -> Plane:
    """Return empty axes that hold all these points with their intervals, and the budget as a shaded corner."""
    if cost not in COSTS:
        raise unknown_name_error("cost", cost, COSTS)
    if not points or min(point.cost for point in points) <= 0:
        raise UsageError("There is nothing to draw: give points, each of a cost above 0.")
    phone = width < PHONE
    left, top, tall = (42, 34, 280) if phone else (44, 34, min(420, 0.5 * width))
    figure = canvas(width, top + tall + 46)
    axes = panel(figure, left, top, width - left - 8, tall)
    costs = [point.cost for point in points]
    accuracies = [value for point in points for value in (point.low, point.high)]
    if budget is not None:
        accuracies.append(budget.accuracy)
        costs += [budget.max_params] if cost == "parameters" and budget.max_params else []
    spare = (max(costs) / min(costs)) ** 0.07 if max(costs) > min(costs) else 1.5
    axes.set_xscale("log")
    axes.set_xlim(min(costs) / spare, max(costs) * spare)
    accuracy_axis(axes, accuracies, IMAGES, tall)
    _cost_ticks(axes, width)
    heading(axes, "test accuracy, %", left=0)
    below(axes, COSTS[cost])
    made = Plane(figure, axes, [])
    if budget is not None:
        _shade(made, budget, cost)
    return made


def intervals(made: Plane, points: Sequence[Point], color: str, name: str) -> None:
    """Draw the interval of each point's mean as a bar; of a single seed there is none."""
    for point in points:
        if point.high > point.low:
            ends = height([point.low, point.high], IMAGES)
            made.block([(point.cost, float(end)) for end in ends])
            made.axes.plot(
                (point.cost, point.cost), ends, color=color, linewidth=HAIRLINE, gid=f"interval-{name}-{point.name}"
            )


def marks(made: Plane, points: Sequence[Point], color: str, shape: str, size: float, name: str) -> None:
    """Draw each point as a mark and remember its place as taken."""
    for point in points:
        made.axes.plot(
            point.cost, float(height(point.mean, IMAGES)), shape, color=color, markersize=size, markeredgewidth=0,
            gid=f"{name}-{point.name}",
        )  # fmt: skip
    made.taken.extend(square(made.pixel(point), size / 2 + 1) for point in points)


def names(made: Plane, points: Sequence[Point], color: str, size: float = SMALL) -> None:
    """Write the name of each point where there is room; one that finds none is left out."""
    place = made.axes.get_position()
    wide, tall = made.figure.get_size_inches() * 72
    room = place.x0 * wide, place.y0 * tall, wide, place.y1 * tall + 12
    for point in points:
        found = place_label(point.name, size, made.pixel(point), made.taken, room)
        if found is not None:
            made.taken.append(found.box)
            place_in_figure = found.x / wide, found.y / tall
            write(
                made.axes,
                point.name,
                place_in_figure,
                frame="figure fraction",
                align=found.align,
                color=color,
                size=size,
            )


def _shade(made: Plane, budget: Budget, cost: str) -> None:
    """Shade the corner that a budget leaves: cheap enough and accurate enough; without a cap, a line alone."""
    axes, target = made.axes, float(height(budget.accuracy, IMAGES))
    (left, right), top = axes.get_xlim(), axes.get_ylim()[1]
    cap = budget.max_params if cost == "parameters" else None
    edge = cap or right
    if cap is not None:
        axes.add_patch(
            Rectangle((left, target), edge - left, top - target, facecolor=OURS, alpha=0.09, linewidth=0, gid="budget")
        )
        axes.plot((edge, edge), (target, top), color=OURS, linewidth=HAIRLINE, gid="budget-cap")
    axes.plot((left, edge), (target, target), color=OURS, linewidth=HAIRLINE, gid="budget-target")
    words = f"budget: {cap:,} parameters, {budget.accuracy:g} %" if cap else f"target {budget.accuracy:g} %"
    pixels = axes.transData.transform(((left, top), (edge, target)))
    words = words if text_width(words, SMALL) < pixels[1, 0] - pixels[0, 0] - 8 else words.split(":")[0]
    write(axes, words, (left, top), (4, -4), "data", line="top", color=OURS, size=SMALL)
    x, y = pixels[0]
    made.taken.append((x, y - 18, x + 6 + text_width(words, SMALL), y))
    made.block([(left, target), (edge, target), (edge, top)])


def _cost_ticks(axes: Axes, width: float) -> None:
    """Give the cost axis ticks at round amounts whose words neither touch nor leave the figure."""
    low, high = axes.get_xlim()
    ticks: list[float] = []
    taken: list[tuple[float, float]] = []
    for tick in (digit * 10.0**power for digit in (1, 3, 2, 5) for power in range(-2, 13)):
        middle, half = float(axes.transData.transform((tick, 1))[0]), text_width(_amount(tick), SMALL) / 2 + 9
        free = all(middle + half <= left or right <= middle - half for left, right in taken)
        if low <= tick <= high and free and middle + half - 9 <= width:
            ticks.append(tick)
            taken.append((middle - half, middle + half))
    axes.xaxis.set_major_locator(FixedLocator(sorted(ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([_amount(tick) for tick in sorted(ticks)])


def _amount(value: float) -> str:
    return f"{value / 1e6:g} million" if value >= 1e6 else f"{value:,.0f}" if value >= 1 else f"{value:g}"
