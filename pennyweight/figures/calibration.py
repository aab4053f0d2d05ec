"""Whether a network's probabilities can be believed: reliability diagram and expected calibration error.

Probabilities are those of the predicted class, 0 to 1, shape (n,); `right` says which predictions are.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.base.proportion import exact_bounds
from pennyweight.figures import layout, style
from pennyweight.figures.words import Words, counted

BINS = 15
"""Bins of equal width, as in Guo et al. (2017)."""
QUARTERS = (0, 0.25, 0.5, 0.75, 1)
Probabilities = NDArray[np.floating]
Right = NDArray[np.bool_]


def calibration_error(probabilities: Probabilities, right: Right, bins: int = BINS) -> float:
    """Return the expected calibration error, from 0 to 1 (Guo et al., 2017, equation 3).

    The mean over images of how far the share of right ones in their bin is from the mean probability in it.
    """
    rows = _bins(probabilities, right, bins)
    return sum(count * abs(share - mean) for mean, share, count in rows) / max(1, len(probabilities))


@style.drawn
def reliability(probabilities: Probabilities, right: Right, *, width: int = 520) -> Figure:
    """Draw how often predictions of each probability are right; on the diagonal they are as good as they say.

    Below, how many images each bin holds; bars are 95 % intervals (Clopper and Pearson). Raises UsageError without
    predictions.
    """
    if not len(probabilities) or len(probabilities) != len(right):
        raise UsageError("There is nothing to draw: give a probability and whether it was right for each image.")
    left, top, gap, low_tall = 44, 34, 46, 66
    side = min(width - left - 16, 320)
    figure = layout.canvas(width, top + side + gap + low_tall + 42)
    axes = layout.panel(figure, left, top, width - left - 16, side)
    _draw_shares(axes, _bins(probabilities, right, BINS))
    counts = layout.panel(figure, left, top + side + gap, width - left - 16, low_tall)
    _draw_counts(counts, probabilities)
    layout.below(counts, "probability of the predicted class, %")
    return figure


def reliability_words(probabilities: Probabilities, right: Right) -> Words:
    """Return what `reliability` shows of the same predictions, in words."""
    error = 100 * calibration_error(probabilities, right)
    excess = 100 * (float(np.mean(probabilities)) - float(np.mean(right)))
    word = "overconfident" if excess > 0 else "underconfident"
    title = f"On average {word} by {abs(excess):.2f} points; expected calibration error {error:.2f} points"
    rows = "; ".join(
        f"{100 * mean:.1f} % said, {100 * share:.1f} % right, {counted(count, 'image')}"
        for mean, share, count in _bins(probabilities, right, BINS)
    )
    return Words(title, f"Share of right predictions against the probability given, in {BINS} bins: {rows}.")


def _draw_shares(axes: Axes, rows: list[tuple[float, float, int]]) -> None:
    axes.set(xlim=(0, 1), ylim=(-0.03, 1.03))
    axes.plot((0, 1), (0, 1), color=style.QUIET, linewidth=1, dashes=(4, 3), gid="diagonal")
    words, grey = "dashed: as sure as right", style.QUIET
    layout.write(axes, words, (1, 1), (0, 10), align="right", line="baseline", color=grey, size=style.SMALL)
    for number, (mean, share, count) in enumerate(rows):
        bounds = exact_bounds(round(share * count), count, 0.025)
        axes.plot((mean, mean), bounds, color=style.OURS, linewidth=1, gid=f"interval-{number}", clip_on=False)
    means, shares = [mean for mean, _, _ in rows], [share for _, share, _ in rows]
    axes.plot(means, shares, "o", color=style.OURS, markersize=6, gid="shares", clip_on=False)
    axes.set_yticks(QUARTERS, [f"{100 * tick:.0f}" for tick in QUARTERS])
    axes.set_xticks(QUARTERS, [""] * len(QUARTERS))
    layout.heading(axes, "right predictions, %")


def _draw_counts(axes: Axes, probabilities: Probabilities) -> None:
    """Draw how many images each bin holds, on a logarithmic axis: nearly all of them are in the last."""
    counts = [int(_members(probabilities, number, BINS).sum()) for number in range(BINS)]
    axes.set_yscale("log")
    axes.set(xlim=(0, 1), ylim=(0.5, 2 * max(counts)))
    for number, count in enumerate(counts):
        if count:
            place, wide = number / BINS + 0.005, 1 / BINS - 0.01
            axes.add_patch(
                Rectangle(
                    (place, 0.5), wide, count - 0.5, facecolor=style.QUIET, alpha=0.4, linewidth=0, gid=f"bin-{number}"
                )
            )
    powers = [10**power for power in range(9) if 10**power <= 2 * max(counts)]
    ticks = powers[:: max(1, len(powers) // 3)]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xticks(QUARTERS, [f"{100 * tick:.0f}" for tick in QUARTERS])
    layout.heading(axes, "images")


def _members(probabilities: Probabilities, number: int, bins: int) -> Right:
    """Return which probabilities lie in a bin; each bin holds its upper edge, the first one both."""
    places = np.clip(np.ceil(np.asarray(probabilities, dtype=np.float64) * bins) - 1, 0, bins - 1)
    members: Right = places == number
    return members


def _bins(probabilities: Probabilities, right: Right, bins: int) -> list[tuple[float, float, int]]:
    """Return mean probability, share of right ones and count of every bin that holds any."""
    rows = []
    for number in range(bins):
        inside = _members(probabilities, number, bins)
        if inside.any():
            rows.append((float(np.mean(probabilities[inside])), float(np.mean(right[inside])), int(inside.sum())))
    return rows
