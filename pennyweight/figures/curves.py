"""A run's curves: accuracy, loss and learning rate over the epochs, one under the other on one axis."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from pennyweight.base.budget import Budget
from pennyweight.base.records import RunRecord, name_of
from pennyweight.figures import layout, style
from pennyweight.figures.curve_values import (
    SPLITS,
    Curves,
    accuracies,
    check_records,
    common_drops,
    images_of,
    judged_split,
    last_values,
    learning_rates,
    losses,
    lowest_held,
    rate_drops,
)
from pennyweight.figures.scales import SAME_DISTANCE, accuracy_axis, height, round_numbers
from pennyweight.figures.words import Words, counted, percent

__all__ = ["curves", "curves_words", "rate_drops"]

LINES: Mapping[str, tuple[str, tuple[float, ...] | None]] = {
    "test": (style.OURS, None),
    "val": (style.CATEGORIES[1], (1.0, 1.6)),
    "train": (style.QUIET, (4.0, 2.0)),
}
"""How each split is drawn: colour, and dashes in line widths, so that neither is needed to tell them apart."""
LOWEST_LOSS = 1e-6


@style.drawn
def curves(records: Sequence[RunRecord], *, budget: Budget | None = None, width: int = 720) -> Figure:
    """Draw the seeds of one recipe: their mean as a line and all of them as a band, `width` pixels wide.

    `budget` adds its target and the epochs that must hold it. Raises UsageError without records.
    """
    check_records(records)
    phone = width < style.PHONE
    left, right = (42, 82) if phone else (44, 104)
    heights = (210, 120, 54) if phone else (250, 140, 60)
    gap, top = 42, 34
    figure = layout.canvas(width, top + sum(heights) + 2 * gap + 42)
    panels = []
    for high in heights:
        panels.append(layout.panel(figure, left, top, width - left - right, high))
        top += high + gap
    _draw_accuracy(panels[0], records, budget, heights[0])
    _draw_losses(panels[1], records, heights[1])
    _draw_rates(panels[2], records)
    epochs = max(len(record.epochs) for record in records)
    for number, axes in enumerate(panels):
        epoch_axis(axes, epochs, 6 if phone else 12, labelled=axes is panels[-1])
        for drop in common_drops(records):
            axes.axvline(drop - 0.5, color=style.QUIET, linewidth=1, dashes=(1, 2), gid=f"drop-{drop}-{number}")
    layout.below(panels[-1], "epoch")
    return figure


def curves_words(records: Sequence[RunRecord], *, budget: Budget | None = None) -> Words:
    """Return what `curves` shows of the same records, in words."""
    check_records(records)
    name, seeds = name_of(records[0]), counted(len(records), "seed")
    split = budget.split if budget and accuracies(records, budget.split) is not None else judged_split(records)
    finals = accuracies(records, split)
    assert finals is not None  # the split is one that was measured
    title = f"{name} ends at {percent(float(last_values(finals).mean()))} % {split} accuracy"
    title += f", the mean of {seeds}" if len(records) > 1 else f" with seed {records[0].seed}"
    epochs = counted(max(len(record.epochs) for record in records), "epoch")
    parts = [f"Accuracy, loss and learning rate of {name} over {epochs}, {seeds}."]
    if len(records) > 1:
        bands = " and ".join(dict.fromkeys(banded(records)))
        parts.append(f"Lines are means, the bands of {bands} reach from the lowest to the highest seed.")
    parts.append(f"On the accuracy axis {SAME_DISTANCE}.")
    held = lowest_held(records, budget) if budget else None
    if budget and held:
        word = "not below" if held[1] >= budget.accuracy else "below"
        where = _last_epochs(records, budget)
        title += f"; the lowest in {where} is {percent(held[1])} %, {word} the target of {budget.accuracy:g} %"
        parts.append(f"Shaded is where the target must hold, in {where}.")
    for one in SPLITS:
        if (found := accuracies(records, one)) is not None:
            first, last = float(np.nanmean(found[:, 0])), float(last_values(found).mean())
            parts.append(f"{one.capitalize()} accuracy goes from {percent(first)} to {percent(last)} %.")
    rates, drops = learning_rates(records), common_drops(records)
    falls = f", stepped down at the start of epoch {', '.join(map(str, drops))}" if drops else ""
    parts.append(f"The learning rate lies between {np.nanmin(rates):.3g} and {np.nanmax(rates):.3g}{falls}.")
    return Words(title, " ".join(parts))


# ---------------------------------------------------------------------------------------------------- panels


def _draw_accuracy(axes: Axes, records: Sequence[RunRecord], budget: Budget | None, pixels: float) -> None:
    layout.heading(axes, "accuracy, %")
    images, ends, shown = images_of(records), dict[str, tuple[float, str]](), list[float]()
    for split in SPLITS:
        found = accuracies(records, split)
        if found is not None:
            shown += [float(np.nanmin(found)), float(np.nanmax(found))]
            mean = np.nanmean(found, axis=0)
            if split in banded(records):
                draw_band(axes, f"accuracy-{split}", height(found, images), split)
            draw_line(axes, f"accuracy-{split}", height(mean, images), split)
            ends[split] = float(height(mean[-1], images)), f"{split} {percent(float(mean[-1]))}"
    if budget is not None:
        shown.append(budget.accuracy)
        draw_budget(axes, records, budget, images)
    accuracy_axis(axes, shown, images, pixels)
    _label_ends(axes, ends, pixels)


def draw_budget(axes: Axes, records: Sequence[RunRecord], budget: Budget, images: int, prefix: str = "") -> None:
    """Draw the target as a thin labelled line, the epochs that must hold it as a shade, and the lowest point there."""
    target, epochs = float(height(budget.accuracy, images)), max(len(record.epochs) for record in records)
    first = max(1, epochs - budget.hold_epochs + 1)
    axes.axvspan(first - 0.5, epochs + 0.5, color=style.OURS, alpha=0.08, linewidth=0, gid=f"{prefix}held-epochs")
    axes.axhline(target, color=style.INK, linewidth=1, gid=f"{prefix}target")
    words = f"target {budget.accuracy:g}"
    layout.write(axes, words, (0, target), (4, 3), ("axes fraction", "data"), line="baseline", size=style.SMALL)
    if (held := lowest_held(records, budget)) is None:
        return
    kept = held[1] >= budget.accuracy
    color = style.OURS if kept else style.BREACH
    place = held[0], float(height(held[1], images))
    axes.plot(*place, "o" if kept else "X", color=color, markersize=6, gid=f"{prefix}lowest-held", clip_on=False)
    layout.write(axes, percent(held[1]), (1, 0), (-6, 8), align="right", line="baseline", color=color)
    words, grey = f"lowest in {_last_epochs(records, budget)}", style.QUIET
    layout.write(axes, words, (1, 0), (-6, 24), align="right", line="baseline", color=grey, size=style.SMALL)


def _last_epochs(records: Sequence[RunRecord], budget: Budget) -> str:
    epochs = min(budget.hold_epochs, *(len(record.epochs) for record in records))
    return "the last epoch" if epochs == 1 else f"the last {epochs} epochs"


def _draw_losses(axes: Axes, records: Sequence[RunRecord], pixels: float) -> None:
    layout.heading(axes, "cross-entropy loss, nats")
    axes.set_yscale("log")
    ends, shown = dict[str, tuple[float, str]](), list[float]()
    for split in SPLITS:
        found = losses(records, split)
        if found is not None:
            found = np.maximum(found, LOWEST_LOSS)
            mean = np.nanmean(found, axis=0)
            shown += [float(np.nanmin(found)), float(np.nanmax(found))]
            if split in banded(records):
                draw_band(axes, f"loss-{split}", found, split)
            draw_line(axes, f"loss-{split}", mean, split)
            ends[split] = float(np.log10(mean[-1])), f"{split} {mean[-1]:.3f}"
    low, high = min(shown) * 0.85, max(shown) * 1.18
    axes.set_ylim(low, high)
    _log_ticks(axes, low, high)
    _label_ends(axes, ends, pixels)


def _draw_rates(axes: Axes, records: Sequence[RunRecord]) -> None:
    """Draw the learning rate at the end of each epoch: in powers of ten where it steps down, else from zero."""
    layout.heading(axes, "learning rate")
    rates, drops = learning_rates(records), common_drops(records)
    epochs = np.arange(1, rates.shape[1] + 1)
    steps = "steps-mid" if drops else "default"
    marker = "o" if len(epochs) == 1 else None
    for number, one in enumerate(np.unique(rates, axis=0)):
        axes.plot(
            epochs, one, color=style.QUIET, drawstyle=steps, marker=marker, markersize=4, gid=f"rate-{number + 1}"
        )
    low, high = float(np.nanmin(rates)), float(np.nanmax(rates))
    if drops and low > 0:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.6, high * 1.6)
        ticks = [low, high]
    else:
        axes.set_ylim(-0.06 * high, 1.12 * high)
        ticks = [0.0, high]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([f"{tick:.2g}" for tick in ticks])
    for drop in drops:
        words, frame = f"× {rates[0][drop - 1] / rates[0][drop - 2]:.2g}", ("data", "axes fraction")
        layout.write(axes, words, (drop - 0.5, 1), (3, -2), frame, line="top", color=style.QUIET, size=style.SMALL)


def draw_line(axes: Axes, name: str, mean: NDArray[np.float64], split: str) -> None:
    """Draw the mean of seeds, shape (epochs,), as a line; of a single epoch as a dot."""
    color, dashes = LINES[split]
    epochs = np.arange(1, len(mean) + 1)
    marker = "o" if len(epochs) == 1 else None
    (line,) = axes.plot(epochs, mean, color=color, marker=marker, markersize=4, gid=f"{name}-mean")
    if dashes:
        line.set_dashes(dashes)


def draw_band(axes: Axes, name: str, found: Curves, split: str) -> None:
    """Draw from the lowest to the highest of several seeds, shape (seeds, epochs), as a band."""
    if len(found) > 1:
        low, high = np.nanmin(found, axis=0), np.nanmax(found, axis=0)
        epochs, color = np.arange(1, found.shape[1] + 1), LINES[split][0]
        around = np.concatenate([epochs, epochs[::-1]]), np.concatenate([low, high[::-1]])
        axes.fill(*around, color=color, alpha=0.16, linewidth=0, gid=f"{name}-band")


def banded(records: Sequence[RunRecord]) -> tuple[str, str]:
    """Return the splits whose seeds are drawn as bands: of test and val, which lie upon each other, one alone."""
    return judged_split(records), "train"


def _label_ends(axes: Axes, ends: Mapping[str, tuple[float, str]], pixels: float) -> None:
    """Write each line's name and last value behind its end, moved apart where they would touch."""
    low, high = np.log10(axes.get_ylim()) if axes.get_yscale() == "log" else np.asarray(axes.get_ylim())
    shares = [pixels * (place - low) / (high - low) for place, _ in ends.values()]
    for (split, (_, text)), place in zip(ends.items(), layout.spread(shares, 15), strict=True):
        layout.write(axes, text, (1, place / pixels), (6, 0), color=LINES[split][0])


def epoch_axis(axes: Axes, epochs: int, most: int, *, labelled: bool) -> None:
    """Give the horizontal axis epochs from 1, at most about `most` of them named."""
    axes.set_xlim(0.5, epochs + 0.5)
    step = next((one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500) if epochs / one <= most), 1000)
    ticks = list(range(1, epochs + 1, step)) if step <= 2 else [1, *range(step, epochs + 1, step)]
    axes.set_xticks(ticks, [str(tick) if labelled else "" for tick in ticks])


def _log_ticks(axes: Axes, low: float, high: float) -> None:
    candidates = [digit * 10.0**power for power in range(-6, 4) for digit in (1, 2, 5)]
    ticks = [one for one in candidates if low <= one <= high]
    ticks = [one for one in ticks if f"{one:e}".startswith("1")] if len(ticks) > 5 else ticks
    if len(ticks) < 2:  # of one number nobody reads a scale
        ticks = [one for one in round_numbers(low, high) if low <= one <= high]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([f"{tick:g}" for tick in ticks])
