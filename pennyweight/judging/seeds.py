"""What the seeds of one recipe say together: how good, how steady, how sure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import Budget, check
from pennyweight.base.proportion import exact_bounds, further_successes, sequence_bounds
from pennyweight.base.records import RunRecord, name_of
from pennyweight.base.stats import Summary, accuracy_summary, points_summary, sampling_error
from pennyweight.judging.resampling import OtherTestSets, other_test_sets

STRUCTURAL = ("too_many_params", "too_many_epochs")
"""Breaches that no seed can mend."""
MET, NOT_MET, NOT_SHOWN = "met", "not met", "not shown"


@dataclass(frozen=True, repr=False)
class SeedsFigures:
    """Accuracies of several runs of one recipe on one split, in percent.

    `gap` is the accuracy of the final weights on clean training images less the split's, None where a record does
    not hold it; `running_gap` takes the running training accuracy of the last epoch, augmentation and dropout on,
    which the documents print. `best_epoch_optimism` is how much the best epoch, chosen on the split, lies above the
    last. `first_at_target` is the median epoch among the `reached` runs that came to the target. `sampling_error`
    is what the number of images alone leaves unsure of any one accuracy.
    """

    final: Summary
    lowest: Summary
    lowest_epochs: int
    best: Summary
    best_epoch_optimism: Summary
    gap: Summary | None
    running_gap: Summary
    target: float
    reached: int
    first_at_target: float | None
    sampling_error: float

    def __repr__(self) -> str:
        """Return one line: the mean of the last epoch, and how many seeds reached the target."""
        reached = f"{self.reached} of {self.final.n} reached {self.target:g} %"
        return f"<SeedsFigures: last epoch {self.final.mean:.3f} %, {reached}>"


@dataclass(frozen=True)
class KeptShare:
    """How many of `seeds` runs kept their budget, and bounds of the share of all seeds that would.

    Each bound is wrong with a probability of at most 5 %. With `planned` they are exact for that many seeds, fixed
    before the first was trained; with 0 they hold however often one looks. `missing` are planned seeds not run yet:
    then there are no bounds, the plan decides once it is complete. `further` is how many more seeds, all of them kept,
    would show the share that is asked for; None where that is no question any more, or out of reach.
    """

    kept: int
    seeds: int
    low: float
    high: float
    planned: int = 0
    missing: tuple[int, ...] = ()
    further: int | None = None


@dataclass(frozen=True, repr=False)
class SeedsJudgement:
    """All judged runs that differ in their seed alone, and what the budget says of the recipe.

    `figures` are of the runs that measured the split in every epoch, None when none did; `other_test_sets` are of two
    seeds and more. The verdict is `met` once the
    lower bound of the share of seeds that keep the budget reaches its hold rate, `not met` once the upper bound lies
    below it or a structural limit is broken, else `not shown`.
    """

    recipe: str
    dataset: str
    split: str
    seeds: tuple[int, ...]
    budget: Budget
    whose: str
    figures: SeedsFigures | None
    share: KeptShare
    other_test_sets: OtherTestSets | None
    verdict: str

    def __repr__(self) -> str:
        """Return one line: the recipe, how many seeds kept the budget, and the verdict."""
        kept = f"{self.share.kept} of {self.share.seeds} seeds kept the budget"
        return f"<SeedsJudgement of {self.recipe} on {self.dataset}: {kept}; {self.verdict}>"


def judge_seeds(records: Sequence[RunRecord], budget: Budget, whose: str = "") -> SeedsJudgement:
    """Judge runs of one recipe that differ in their seed; `whose` says where the budget is from.

    Raises ValueError when there are no runs.
    """
    if not records:
        raise ValueError("a judgement of seeds needs at least one run")
    share = share_of(records, budget)
    verdict = recipe_verdict(records, budget, share)
    if verdict == NOT_SHOWN and not share.planned:
        share = replace(share, further=further_successes(share.kept, share.seeds, budget.hold_rate))
    return SeedsJudgement(
        recipe=name_of(records[0]),
        dataset=records[0].dataset,
        split=budget.split,
        seeds=tuple(record.seed for record in records),
        budget=budget,
        whose=whose,
        figures=seeds_figures(records, budget.split, budget.accuracy, budget.hold_epochs),
        share=share,
        other_test_sets=other_test_sets(records, budget) if len(records) > 1 else None,
        verdict=verdict,
    )


def share_of(records: Sequence[RunRecord], budget: Budget) -> KeptShare:
    """Return how many runs kept a budget, and bounds of the share of all seeds that would, without more of a judgement.

    Raises ValueError when there are no runs.
    """
    return kept_share({record.seed: check(budget, record).met is True for record in records}, _plan(records))


def recipe_verdict(records: Sequence[RunRecord], budget: Budget, share: KeptShare) -> str:
    """Return what runs that differ in their seed say of their recipe: met, not met, or not shown."""
    structural = any(breach in STRUCTURAL for record in records for breach in check(budget, record).breaches)
    return NOT_MET if structural else seeds_verdict(share, budget.hold_rate)


def _plan(records: Sequence[RunRecord]) -> int:
    """Return how many seeds, from 0 on, were planned before all of those that ran; 0 where one of them was not."""
    planned = max(record.planned_seeds for record in records)
    followed = all(record.planned_seeds == planned for record in records if record.seed < planned)
    return planned if followed and any(record.seed < planned for record in records) else 0


def kept_share(kept: dict[int, bool], planned: int) -> KeptShare:
    """Return what seeds that kept their budget or broke it show of the share that would; `planned` 0 is no plan."""
    if planned:
        runs = [kept[seed] for seed in range(planned) if seed in kept]
        missing = tuple(seed for seed in range(planned) if seed not in kept)
        low, high = (0.0, 1.0) if missing else exact_bounds(sum(runs), planned)
        return KeptShare(sum(runs), len(runs), low, high, planned, missing)
    successes, trials = sum(kept.values()), len(kept)
    return KeptShare(successes, trials, *sequence_bounds(successes, trials))


def seeds_verdict(share: KeptShare, hold_rate: float) -> str:
    """Return what a share shows: met, not met, or neither yet."""
    if share.low >= hold_rate:
        return MET
    return NOT_MET if share.high < hold_rate else NOT_SHOWN


def seeds_figures(records: Sequence[RunRecord], split: str, target: float, lowest_epochs: int) -> SeedsFigures | None:
    """Return the figures of the runs that measured `split` in every epoch, None when none did.

    The lowest accuracies are those of the last `lowest_epochs`, of fewer where a run has no more.
    """
    measured = [(record, curve) for record in records if (curve := record.curve(split)) is not None]
    if not measured:
        return None
    finals = np.array([curve[-1] for _, curve in measured])
    best = np.array([curve.max() for _, curve in measured])
    lowest_epochs = min(lowest_epochs, *(len(curve) for _, curve in measured))
    running = np.array([record.epochs[-1].train_accuracy for record, _ in measured])
    clean = [final_train_accuracy(record) for record, _ in measured]
    lowest = np.array([curve[-lowest_epochs:].min() for _, curve in measured])
    arrivals = [int(np.argmax(curve >= target)) + 1 for _, curve in measured if (curve >= target).any()]
    return SeedsFigures(
        final=accuracy_summary(finals),
        lowest=accuracy_summary(lowest),
        lowest_epochs=lowest_epochs,
        best=accuracy_summary(best),
        best_epoch_optimism=accuracy_summary(best - finals),
        gap=None if None in clean else points_summary(np.array(clean, dtype=np.float64) - finals),
        running_gap=points_summary(running - finals),
        target=target,
        reached=len(arrivals),
        first_at_target=float(median(arrivals)) if arrivals else None,
        sampling_error=sampling_error(float(finals.mean()), measured[0][0].images(split)),
    )


def final_train_accuracy(record: RunRecord) -> float | None:
    """Return the accuracy of the final weights on clean training images in percent; None in early records."""
    return None if record.final_train_correct is None else 100 * record.final_train_correct / record.train_images


def finals_of(records: Sequence[RunRecord], split: str) -> NDArray[np.float64]:
    """Return the last accuracy in percent of every run that measured `split` in every epoch, shape (runs,)."""
    curves = (record.curve(split) for record in records)
    return np.array([curve[-1] for curve in curves if curve is not None])
