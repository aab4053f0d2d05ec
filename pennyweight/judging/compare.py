"""Two recipes, engines or runs side by side: is the one better, and how sure is that?"""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.base.budget import SPLITS
from pennyweight.base.errors import UsageError
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import Difference, Summary, mcnemar, summary, welch
from pennyweight.judging.seeds import curve_of, finals_of
from pennyweight.training.collect import same_run

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Predictions:
    """Two runs on the same test images: how many each alone gets wrong, and the exact McNemar p-value."""

    only_first_wrong: int
    only_second_wrong: int
    both_wrong: int
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """Final accuracies of two groups of runs in percent, and the first less the second (Welch, 95 %).

    `better` is `first` or `second` when the interval of the difference leaves out zero, or between two single runs when
    McNemar's p-value is below 0.05; else empty. `predictions` is there when each side is one run that measured the test
    images: then two networks are compared, not two recipes.
    """

    split: str
    first: Summary
    second: Summary
    difference: Difference
    better: str
    predictions: Predictions | None


def compare(first: Sequence[RunRecord], second: Sequence[RunRecord]) -> Comparison:
    """Compare two groups of finished runs; raises UsageError when they cannot be held against each other."""
    _check_alike(first, second)
    split = next((split for split in SPLITS if _measured(first, split) and _measured(second, split)), None)
    if split is None:
        raise UsageError("The two sides did not measure the same split in every epoch, so nothing can be compared.")
    one, other = finals_of(first, split), finals_of(second, split)
    difference = welch(one, other)
    better = "first" if difference.low > 0 else "second" if difference.high < 0 else ""
    single = len(first) == len(second) == 1 and split == "test"
    predictions = _predictions(first[0], second[0]) if single else None
    if predictions and predictions.p_value < SIGNIFICANT:
        better = "first" if predictions.only_first_wrong < predictions.only_second_wrong else "second"
    return Comparison(split, summary(one), summary(other), difference, better, predictions)


def _check_alike(first: Sequence[RunRecord], second: Sequence[RunRecord]) -> None:
    for side in (first, second):
        kinds, seeds = {same_run(record) for record in side}, [record.seed for record in side]
        if len(kinds) > 1 or len(set(seeds)) < len(seeds):
            raise UsageError("One side holds runs that differ in more than their seed, or one seed twice; name others.")
    digests = {record.provenance.dataset_digest: record.dataset for record in (*first, *second)}
    if len(digests) > 1:
        names = ", ".join(sorted(digests.values()))
        raise UsageError(f"The runs saw different data ({names}); compare runs of one dataset.")


def _measured(records: Sequence[RunRecord], split: str) -> bool:
    return all(curve_of(record, split) is not None for record in records)


def _predictions(first: RunRecord, second: RunRecord) -> Predictions:
    one, other = ({mistake.index for mistake in record.misclassified} for record in (first, second))
    only_first, only_second = len(one - other), len(other - one)
    return Predictions(only_first, only_second, len(one & other), mcnemar(only_first, only_second))
