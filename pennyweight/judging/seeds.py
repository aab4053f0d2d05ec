"""What the seeds of one recipe say together: how good, how steady, how sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import Budget, check, correct_of, images_of
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import Summary, sampling_error, summary, wilson_interval

STRUCTURAL = ("too_many_params", "too_many_epochs")
"""Breaches that no seed can mend."""
FEWEST_SEEDS = 3
"""Runs that a statement about others of their kind needs."""
MET, NOT_MET, NOT_SHOWN = "met", "not met", "not shown, n too small"


@dataclass(frozen=True)
class SeedsFigures:
    """Accuracies of several runs of one recipe on one split, in percent.

    `gap` is final training accuracy (running, augmentation and dropout on) less the split's; `flattery` is how much the
    best epoch, chosen on the split, lies above the last. `first_at_target` is the median epoch among the `reached` runs
    that came to the target. `sampling_error` is what the number of images alone leaves unsure of any one accuracy.
    """

    final: Summary
    lowest: Summary
    lowest_epochs: int
    best: Summary
    flattery: Summary
    gap: Summary
    target: float
    reached: int
    first_at_target: float | None
    sampling_error: float


@dataclass(frozen=True)
class SeedsJudgement:
    """All judged runs that differ in their seed alone, and what the budget says of the recipe.

    `figures` are of the runs that measured the split in every epoch, None when none did. `met_low` and `met_high` bound
    the share of seeds that keep the budget (Wilson, 95 %). The verdict is `met` when the observed share is at least
    the budget's hold rate, `not met` when that lies above the interval or a structural limit is broken, else not shown.
    """

    recipe: str
    dataset: str
    split: str
    seeds: tuple[int, ...]
    figures: SeedsFigures | None
    met: int
    met_low: float
    met_high: float
    hold_rate: float
    verdict: str


def judge_seeds(records: Sequence[RunRecord], budget: Budget) -> SeedsJudgement:
    """Judge runs of one recipe that differ in their seed; raises ValueError when there are none."""
    if not records:
        raise ValueError("a judgement of seeds needs at least one run")
    verdicts = [check(budget, record) for record in records]
    met = sum(verdict.met is True for verdict in verdicts)
    low, high = wilson_interval(met, len(records))
    structural = any(breach in STRUCTURAL for verdict in verdicts for breach in verdict.breaches)
    return SeedsJudgement(
        recipe="+".join([records[0].recipe, *records[0].changes]),
        dataset=records[0].dataset,
        split=budget.split,
        seeds=tuple(record.seed for record in records),
        figures=seeds_figures(records, budget.split, budget.accuracy, budget.hold_epochs),
        met=met,
        met_low=low,
        met_high=high,
        hold_rate=budget.hold_rate,
        verdict=_verdict(met / len(records), high, budget.hold_rate, structural),
    )


def _verdict(share: float, high: float, hold_rate: float, structural: bool) -> str:
    if structural:
        return NOT_MET
    if share >= hold_rate:
        return MET
    return NOT_MET if high < hold_rate else NOT_SHOWN


def seeds_figures(records: Sequence[RunRecord], split: str, target: float, lowest_epochs: int) -> SeedsFigures | None:
    """Return the figures of the runs that measured `split` in every epoch, None when none did."""
    measured = [(record, curve) for record in records if (curve := curve_of(record, split)) is not None]
    if not measured:
        return None
    finals = np.array([curve[-1] for _, curve in measured])
    best = np.array([curve.max() for _, curve in measured])
    training = np.array([record.epochs[-1].train_accuracy for record, _ in measured])
    lowest = np.array([curve[-lowest_epochs:].min() for _, curve in measured])
    arrivals = [int(np.argmax(curve >= target)) + 1 for _, curve in measured if (curve >= target).any()]
    return SeedsFigures(
        final=summary(finals),
        lowest=summary(lowest),
        lowest_epochs=lowest_epochs,
        best=summary(best),
        flattery=summary(best - finals),
        gap=summary(training - finals),
        target=target,
        reached=len(arrivals),
        first_at_target=float(median(arrivals)) if arrivals else None,
        sampling_error=sampling_error(float(finals.mean()), images_of(measured[0][0], split)),
    )


def curve_of(record: RunRecord, split: str) -> NDArray[np.float64] | None:
    """Return the accuracy after every epoch in percent, shape (epochs,); None when one was not measured."""
    counts = [correct_of(row, split) for row in record.epochs]
    if None in counts or not counts:
        return None
    curve: NDArray[np.float64] = 100 * np.array(counts, dtype=np.float64) / images_of(record, split)
    return curve


def finals_of(records: Sequence[RunRecord], split: str) -> NDArray[np.float64]:
    """Return the last accuracy in percent of every run that measured `split` in every epoch, shape (runs,)."""
    curves = (curve_of(record, split) for record in records)
    return np.array([curve[-1] for curve in curves if curve is not None])
