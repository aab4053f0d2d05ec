"""What every drawing of a page has to show, in pixels of its own axes, from the page's evidence alone."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from page_points import Panel, Point, Scale, accuracy_scale, place
from page_sums import Record, curve_of, share_bounds, summary_of

from pennyweight.recipes.catalogue import ABLATIONS

Values = NDArray[np.float64]
Expected = dict[str, list[Point]]
IMAGES = 10_000
"""The half of one of so many is the smallest error where recipes are compared."""


def straight(value: float) -> float:
    return value


def logarithm(value: float) -> float:
    return float(np.log10(value))


def curves(panels: list[Panel], records: list[Record], budget: dict[str, Any] | None) -> Expected:
    """Return the points of accuracy, loss and learning rate over the epochs."""
    accuracy, loss, rate = panels[-3:]
    x = place(rate.across, straight)
    found: Expected = {}
    evaluated = [split for split in ("test", "val") if any(curve_of(one, split) is not None for one in records)]
    images = max((one[f"{split}_images"] for one in records for split in evaluated), default=records[0]["train_images"])
    banded = [*evaluated[:1], "train"]
    heights = place(accuracy.up, accuracy_scale(images))
    losses = place(loss.up, logarithm)
    for split in (*evaluated, "train"):
        for name, scale, rows in (
            ("accuracy", heights, [curve_of(one, split) for one in records]),
            ("loss", losses, [np.array([row[f"{split}_loss"] for row in one["epochs"]], float) for one in records]),
        ):
            table = _table([row for row in rows if row is not None])
            found[f"{name}-{split}-mean"] = _line(x, scale, np.nanmean(table, axis=0))
            if split in banded and len(table) > 1:
                low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
                found[f"{name}-{split}-band"] = [*_line(x, scale, low), *reversed(_line(x, scale, high))]
    found |= _budget(accuracy, records, budget, x, heights)
    rates = _table([np.array([row["learning_rate"] for row in one["epochs"]]) for one in records])
    found |= _rates(panels[-3:], rates, x)
    return found


def _table(rows: list[Values]) -> Values:
    """Return rows of different lengths as one array, NaN behind the shorter ones."""
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for place_, row in zip(table, rows, strict=True):
        place_[: len(row)] = row
    return table


def _line(x: Scale, y: Scale, values: Values) -> list[Point]:
    return [(x(epoch), y(value)) for epoch, value in enumerate(values, start=1)]


def _budget(panel: Panel, records: list[Record], budget: dict[str, Any] | None, x: Scale, y: Scale) -> Expected:
    """Return the target, the epochs that must hold it, and the lowest point there."""
    if budget is None:
        return {}
    epochs, hold = max(len(one["epochs"]) for one in records), budget["hold_epochs"]
    first, last = x(max(1, epochs - hold + 1) - 0.5), x(epochs + 0.5)
    target = y(budget["accuracy"])
    found = {"target": [(panel.left, target), (panel.right, target)]}
    found["held-epochs"] = [(first, panel.bottom), (last, panel.bottom), (last, panel.top), (first, panel.top)]
    curves_ = [curve for one in records if (curve := curve_of(one, budget["split"])) is not None]
    held = [(value, at + 1) for curve in curves_ for at, value in enumerate(curve) if at >= len(curve) - hold]
    return found | ({"lowest-held": [(x(min(held)[1]), y(min(held)[0]))]} if held else {})


def _rates(panels: list[Panel], rates: Values, x: Scale) -> Expected:
    """Return the learning rates of every kind of run, and the drops that all of them have, in every panel."""
    found: Expected = {}
    drops = set.intersection(*({at + 1 for at in _drops(row[~np.isnan(row)])} for row in rates))
    scale = place(panels[-1].up, straight if any(value == 0 for _, value in panels[-1].up) else logarithm)
    for number, row in enumerate(np.unique(rates, axis=0), start=1):
        line = [(x(epoch), scale(rate)) for epoch, rate in enumerate(row, start=1) if not np.isnan(rate)]
        found[f"rate-{number}"] = _steps(line) if drops else line
    for drop in drops:
        for number, panel in enumerate(panels):
            middle = x(drop - 0.5)
            found[f"drop-{drop}-{number}"] = [(middle, panel.bottom), (middle, panel.top)]
    return found


def _drops(rates: Values) -> Iterator[int]:
    """Yield where a rate falls that is level before or behind: one that falls in every epoch is no step."""
    level = [False, *(bool(np.isclose(one, other, rtol=1e-9, atol=0)) for one, other in pairwise(rates)), False]
    yield from (
        at
        for at in range(1, len(rates))
        if rates[at] < rates[at - 1] and not level[at] and (level[at - 1] or level[at + 1])
    )


def _steps(line: list[Point]) -> list[Point]:
    """Return a line that steps in the middle between its points."""
    found = line[:1]
    for (x, y), (after, height) in pairwise(line):
        found += [((x + after) / 2, y), ((x + after) / 2, height)]
    return [*found, line[-1]]


def classes(panels: list[Panel], record: Record) -> Expected:
    """Return the accuracy of every class with its interval, the highest first."""
    (panel,) = panels[-1:]
    sizes = record["test_class_images"]
    wrong = [sum(one["label"] == label for one in record["misclassified"]) for label in range(len(sizes))]
    rows = sorted(
        ((size - bad, size) for size, bad in zip(sizes, wrong, strict=True) if size), key=lambda row: -row[0] / row[1]
    )
    x = place(panel.across, accuracy_scale(max(sizes)))
    tall = (panel.bottom - panel.top) / len(rows)
    middle = x(100 * (sum(sizes) - sum(wrong)) / sum(sizes))
    found = {"all-classes": [(middle, panel.bottom), (middle, panel.top)]}
    for number, (right, size) in enumerate(rows):
        y = panel.top + tall * (number + 0.5)
        found[f"class-{number}"] = [(x(100 * right / size), y)]
        found[f"interval-{number}"] = [(x(100 * end), y) for end in share_bounds(right, size)]
    return found


def reliability(panels: list[Panel], chances: Values, right: NDArray[np.bool_], bins: int = 15) -> Expected:
    """Return the share of right predictions in every bin of probability with its interval, and the counts below."""
    shares, counts = panels[-2:]
    x, y = place(counts.across, straight), place(shares.up, straight)
    number_of = place(counts.up, logarithm)
    found: Expected = {"diagonal": [(x(0), y(0)), (x(100), y(100))], "shares": []}
    bin_of = np.clip(np.ceil(chances * bins) - 1, 0, bins - 1)
    for row, number in enumerate(np.unique(bin_of)):
        inside = bin_of == number
        mean, share, count = 100 * chances[inside].mean(), 100 * right[inside].mean(), int(inside.sum())
        found["shares"].append((x(mean), y(share)))
        bounds = share_bounds(int(right[inside].sum()), count)
        found[f"interval-{row}"] = [(x(mean), y(100 * end)) for end in bounds]
        left, wide = number / bins + 0.005, 1 / bins - 0.01
        ends = [x(100 * left), x(100 * (left + wide))]
        low, high = number_of(0.5), number_of(count)
        found[f"bin-{int(number)}"] = [(ends[0], low), (ends[1], low), (ends[1], high), (ends[0], high)]
    return found


def plane(panels: list[Panel], groups: dict[str, tuple[float, list[float]]], budget: Any, cap: int | None) -> Expected:
    """Return recipes by what they cost: marks, intervals, those that none beats, and the corner of the budget."""
    (panel,) = panels[-1:]
    x, y = place(panel.across, logarithm), place(panel.up, accuracy_scale(IMAGES))
    found: Expected = {}
    for name, (cost, finals) in groups.items():
        mean, low, high = summary_of(finals)
        for kind in ("best", "beaten", "step", "other"):
            found[f"{kind}-{name}"] = [(x(cost), y(mean))]
            found[f"interval-{kind}-{name}"] = [(x(cost), y(low)), (x(cost), y(high))]
    best: list[tuple[float, float]] = []
    for cost, mean in sorted((cost, -summary_of(finals)[0]) for cost, finals in groups.values()):
        if not best or -mean > best[-1][1]:
            best.append((cost, -mean))
    line = [(x(cost), y(mean)) for cost, mean in best]
    found["frontier"] = [*line[:1], *(one for (_, y0), after in pairwise(line) for one in ((after[0], y0), after))]
    if budget is not None:
        edge, target = x(cap) if cap else panel.right, y(budget["accuracy"])
        found["budget-target"] = [(panel.left, target), (edge, target)]
        found["budget-cap"] = [(edge, target), (edge, panel.top)]
        found["budget"] = [(panel.left, target), (edge, target), (edge, panel.top), (panel.left, panel.top)]
    return found


def staircase(panels: list[Panel], runs: Callable[[str], list[Record]]) -> Expected:
    """Return the means of every step of the ablation with their intervals, and the rise from one to the next."""
    (panel,) = panels[-1:]
    walk = next(walk for walk in ABLATIONS.values() if all(runs(recipe.name) for _, recipe in walk))
    x = place(panel.across, accuracy_scale(IMAGES))
    rows = [
        summary_of([curve[-1] for one in runs(recipe.name) if (curve := curve_of(one, "test")) is not None])
        for _, recipe in walk
    ]
    tall, found = (panel.bottom - panel.top) / len(rows), Expected()
    for number, (mean, low, high) in enumerate(rows):
        y = _row_of(panel, number, tall)
        found[f"step-{number}"] = [(x(mean), y)]
        found[f"interval-{number}"] = [(x(low), y), (x(high), y)]
        if number:
            ends = sorted([x(rows[number - 1][0]), x(mean)])
            up, down = y - 0.22 * tall, y + 0.22 * tall
            found[f"gain-{number}"] = [(ends[0], up), (ends[1], up), (ends[1], down), (ends[0], down)]
    return found


def _row_of(panel: Panel, number: int, tall: float) -> float:
    """Return the middle of a row; under the words that stand above it where there is no room beside."""
    return panel.top + tall * (number + 0.5 + (0.2 if tall > 50 else 0))


def network(panels: list[Panel], blocks: list[tuple[tuple[int, ...], int]]) -> Expected:
    """Return the blocks of a network where they are drawn, as large as their maps and as what they see of the image.

    On a wide screen a block is as high as its map, on a phone as wide; very small ones are drawn a little larger.
    """
    (panel,) = panels[-1:]
    side = max(blocks[0][0][1:])
    found: Expected = {}
    image = panel.series["block-0"]
    down = _size(image)[1] > _size(image)[0]
    for number, (shape, field) in enumerate(blocks):
        drawn = panel.series[f"block-{number}"]
        wide, high = _size(drawn)
        long = max(_size(image)) * max(shape[1:]) / side
        found[f"block-{number}"] = _box(drawn, wide if down else max(5.0, long), max(5.0, long) if down else high)
        if f"sees-{number}" in panel.series:
            bar = panel.series[f"sees-{number}"]
            tallest = max(_size(panel.series[f"sees-{other}"])[1] for other in range(len(blocks)))
            whole = tallest / min(1.0, max(field for _, field in blocks) / side)
            found[f"sees-{number}"] = _box(bar, _size(bar)[0], whole * min(1.0, field / side))
    return found


def _size(corners: list[Point]) -> tuple[float, float]:
    xs, ys = zip(*corners, strict=True)
    return max(xs) - min(xs), max(ys) - min(ys)


def _box(corners: list[Point], wide: float, high: float) -> list[Point]:
    """Return the corners of a box of this size about the middle of another; of one that hangs, from its upper edge."""
    (x, y), (_, tall) = map(min, zip(*corners, strict=True)), _size(corners)
    left, top = x + (_size(corners)[0] - wide) / 2, y + (tall - high) / 2
    return [(left, top), (left + wide, top), (left + wide, top + high), (left, top + high)]


def side_by_side(panels: list[Panel], groups: list[list[Record]], budget: dict[str, Any] | None) -> Expected:
    """Return the accuracies of every group in a panel of its own, all on the axes of the first and the last."""
    first, panels = panels[-len(groups)], panels[-len(groups) :]
    images = max(one[f"{split}_images"] for records in groups for one in records for split in ("test", "val"))
    found: Expected = {}
    ticks = next(panel for panel in panels if panel.across)
    for number, (panel, records) in enumerate(zip(panels, groups, strict=True), start=1):
        x = place([(px - ticks.left + panel.left, value) for px, value in ticks.across], straight)
        y = place([(px - first.top + panel.top, value) for px, value in first.up], accuracy_scale(images))
        for split in ("test", "val", "train"):
            rows = [curve for one in records if (curve := curve_of(one, split)) is not None]
            if rows:
                table = _table(rows)
                found[f"{number}-{split}-mean"] = _line(x, y, np.nanmean(table, axis=0))
                band = [*_line(x, y, np.nanmin(table, axis=0)), *reversed(_line(x, y, np.nanmax(table, axis=0)))]
                found[f"{number}-{split}-band"] = band
        found |= {f"{number}-{name}": line for name, line in _budget(panel, records, budget, x, y).items()}
    return found
