"""Several recipes or runs side by side: small multiples of their accuracies, on axes that all of them share."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pennyweight.base.budget import Budget
from pennyweight.base.errors import UsageError
from pennyweight.base.records import RunRecord
from pennyweight.figures import layout, style
from pennyweight.figures.curve_values import SPLITS, accuracies, check_records, images_of, judged_split, last_values
from pennyweight.figures.curves import LINES, banded, draw_band, draw_budget, draw_line, epoch_axis
from pennyweight.figures.scales import SAME_DISTANCE, accuracy_axis, height
from pennyweight.figures.words import Words, percent

MOST = 24
"""More of them side by side are not compared by eye."""
LEGEND = 22
"""Pixels above the panels, for the names of the lines."""
Groups = Mapping[str, Sequence[RunRecord]]


@style.drawn
def small_curves(groups: Groups, *, budget: Budget | None = None, width: int = 1040) -> Figure:
    """Draw the accuracies of each group of seeds in a panel of its own, its name above; all share their axes.

    Raises UsageError without groups, for more than 24, and for one without epochs.
    """
    _check(groups)
    most = 1 if width < style.PHONE else max(1, width // 260)
    rows = -(-len(groups) // most)
    columns = -(-len(groups) // rows)
    tall, top, left, gap = 170, 36, 40, 24
    wide = (width - left - 8 - gap * (columns - 1)) / columns
    figure = layout.canvas(width, LEGEND + rows * (tall + top + 14) + 30)
    _legend(layout.sheet(figure), [one for records in groups.values() for one in records], left)
    images = max(images_of(records) for records in groups.values())
    epochs = max(len(record.epochs) for records in groups.values() for record in records)
    shown = [value for records in groups.values() for value in _range(records)] + ([budget.accuracy] if budget else [])
    for number, (name, records) in enumerate(groups.items()):
        row, column = divmod(number, columns)
        axes = layout.panel(figure, left + column * (wide + gap), LEGEND + top + row * (tall + top + 14), wide, tall)
        prefix = f"{number + 1}-"
        for split in SPLITS:
            found = accuracies(records, split)
            if found is not None:
                mean = np.nanmean(found, axis=0)
                if split in banded(records):
                    draw_band(axes, f"{prefix}{split}", height(found, images), split)
                draw_line(axes, f"{prefix}{split}", height(mean, images), split)
        if budget is not None:
            draw_budget(axes, records, budget, images, prefix)
        accuracy_axis(axes, shown, images, tall)
        if column:
            axes.set_yticklabels([])
        last = number + columns >= len(groups)
        epoch_axis(axes, epochs, 5, labelled=last)
        layout.heading(axes, name)
        if last:
            layout.below(axes, "epoch")
    return figure


def small_curves_words(groups: Groups, *, budget: Budget | None = None) -> Words:
    """Return what `small_curves` shows of the same groups, in words."""
    _check(groups)
    finals = {}
    for name, records in groups.items():
        found = accuracies(records, judged_split(records))
        assert found is not None  # the split is one that was measured
        finals[name] = float(last_values(found).mean())
    best = max(finals, key=lambda name: finals[name])
    rows = "; ".join(f"{name} ends at {percent(final)} %" for name, final in finals.items())
    text = f"Accuracy over the epochs, a panel each on shared axes, on which {SAME_DISTANCE}. {rows}."
    text += f" The line is the target of {budget.accuracy:g} %." if budget else ""
    return Words(f"Of {len(groups)}, {best} ends highest, at {percent(finals[best])} %", text)


def _check(groups: Groups) -> None:
    if not 0 < len(groups) <= MOST:
        raise UsageError(f"There are {len(groups)} groups of runs; give from 1 to {MOST}.")
    for records in groups.values():
        check_records(records)


def _legend(axes: Axes, records: Sequence[RunRecord], left: float) -> None:
    """Name the lines once for all panels: a piece of each with its split."""
    for split in (one for one in SPLITS if accuracies(records, one) is not None):
        color, dashes = LINES[split]
        (line,) = axes.plot((left, left + 28), (10, 10), color=color)
        if dashes:
            line.set_dashes(dashes)
        axes.text(left + 34, 10, split, va="center", color=color)
        left += 96


def _range(records: Sequence[RunRecord]) -> list[float]:
    curves = [found for split in SPLITS if (found := accuracies(records, split)) is not None]
    return [value for found in curves for value in (float(np.nanmin(found)), float(np.nanmax(found)))]
