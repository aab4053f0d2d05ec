"""Recipes, engines or runs side by side: is one better, and how sure is that?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, nan

from pennyweight.base.errors import UsageError
from pennyweight.base.records import SPLITS, RunRecord
from pennyweight.base.stats import Difference, Summary, accuracy_difference, accuracy_summary, holm, mcnemar
from pennyweight.judging.seeds import finals_of
from pennyweight.runs.find import run_key

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Predictions:
    """Two runs on the same test images: how many each alone gets wrong, and the exact McNemar p-value."""

    only_first_wrong: int
    only_second_wrong: int
    both_wrong: int
    p_value: float

    @property
    def fewer_wrong(self) -> str:
        """Return which of the two gets fewer images wrong that the other gets right: `first` or `second`."""
        return "first" if self.only_first_wrong < self.only_second_wrong else "second"


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        """Return one line: both means, their difference, and which is better."""
        means = [f"{side.mean:.2f} % (n {side.n})" for side in (self.first, self.second)]
        verdict = f"{self.better} is better" if self.better else "neither is shown to be better"
        return f"<Comparison by {self.split} accuracy: {means[0]}, {means[1]}, {self.difference.mean:+.3f}; {verdict}>"


@dataclass(frozen=True, repr=False)
class Pair:
    """Two of several groups of runs, by name: the first less the second, and its p-value adjusted for all pairs (Holm).

    The p-value is Welch's over seeds, or where both are single runs that measured the test images McNemar's on their
    mistakes, `predictions`: then it is of two networks, not of two recipes. `better` is `first` or `second` where the
    adjusted p-value is below 0.05, else empty. Where the runs do not tell, as with a single run on one side alone, it
    is not a number.
    """

    first: str
    second: str
    difference: Difference
    adjusted_p_value: float
    better: str
    predictions: Predictions | None = None

    def __repr__(self) -> str:
        """Return one line: both names, their difference and its p-value."""
        p = f"adjusted p {self.adjusted_p_value:.2g}" if isfinite(self.adjusted_p_value) else "cannot be told"
        return f"<Pair {self.first}, {self.second}: {self.difference.mean:+.3f}, {p}>"


@dataclass(frozen=True, repr=False)
class Ranking:
    """Final accuracies of three and more groups of runs in percent, the highest mean first, and every pair of them."""

    split: str
    names: tuple[str, ...]
    finals: tuple[Summary, ...]
    pairs: tuple[Pair, ...]

    def __repr__(self) -> str:
        """Return one line: how many there are, and which has the highest mean."""
        first = f"{self.names[0]} {self.finals[0].mean:.2f} %" if self.names else "empty"
        return f"<Ranking of {len(self.names)} by {self.split} accuracy: first {first}>"


def compare(first: Sequence[RunRecord], second: Sequence[RunRecord]) -> Comparison:
    """Compare two groups of finished runs; raises UsageError when they cannot be held against each other."""
    split = _common_split([first, second])
    one, other = finals_of(first, split), finals_of(second, split)
    difference = accuracy_difference(one, other)
    better = "first" if difference.low > 0 else "second" if difference.high < 0 else ""
    predictions = _predictions(first, second, split)
    if predictions and predictions.p_value < SIGNIFICANT:
        better = predictions.fewer_wrong
    return Comparison(split, accuracy_summary(one), accuracy_summary(other), difference, better, predictions)


def rank(groups: Mapping[str, Sequence[RunRecord]]) -> Ranking:
    """Compare three and more groups of finished runs, by name; raises UsageError when that cannot be done."""
    split = _common_split(list(groups.values()))
    finals = {name: finals_of(records, split) for name, records in groups.items()}
    names = sorted(finals, key=lambda name: -float(finals[name].mean()))
    differences = {pair: accuracy_difference(finals[pair[0]], finals[pair[1]]) for pair in combinations(names, 2)}
    mistakes = {pair: _predictions(groups[pair[0]], groups[pair[1]], split) for pair in differences}
    p_values = [alone.p_value if (alone := mistakes[pair]) else one.p_value for pair, one in differences.items()]
    # a pair that cannot be told counts among all of them, as one that is not shown
    adjusted = holm([p if isfinite(p) else 1.0 for p in p_values])
    pairs = [
        _pair(pair, one, mistakes[pair], p if isfinite(raw) else nan)
        for (pair, one), raw, p in zip(differences.items(), p_values, adjusted, strict=True)
    ]
    return Ranking(split, tuple(names), tuple(accuracy_summary(finals[name]) for name in names), tuple(pairs))


def _pair(names: tuple[str, str], difference: Difference, predictions: Predictions | None, p: float) -> Pair:
    higher = predictions.fewer_wrong if predictions else "first" if difference.mean > 0 else "second"
    return Pair(*names, difference, p, higher if p < SIGNIFICANT else "", predictions)


def _common_split(sides: Sequence[Sequence[RunRecord]]) -> str:
    """Return the split that all sides measured; raises UsageError where there is none, or the sides are not alike."""
    _check_alike(sides)
    for split in SPLITS:
        if all(record.curve(split) is not None for side in sides for record in side):
            return split
    raise UsageError("The sides did not measure the same split in every epoch, so nothing can be compared.")


def _check_alike(sides: Sequence[Sequence[RunRecord]]) -> None:
    for side in sides:
        kinds, seeds = {run_key(record) for record in side}, [record.seed for record in side]
        if len(kinds) > 1 or len(set(seeds)) < len(seeds):
            raise UsageError("One side holds runs that differ in more than their seed, or one seed twice; name others.")
    digests = {record.provenance.dataset_digest: record.dataset for side in sides for record in side}
    if len(digests) > 1:
        names = ", ".join(sorted(f"{name} {digest[:8]}" for digest, name in digests.items()))
        raise UsageError(f"The runs saw different data ({names}); compare runs of one dataset.")


def _predictions(first: Sequence[RunRecord], second: Sequence[RunRecord], split: str) -> Predictions | None:
    """Return two single runs image by image; None for several of a side, or a split that keeps no list of mistakes."""
    if not (len(first) == len(second) == 1 and split == "test"):
        return None
    one, other = ({mistake.index for mistake in record.misclassified} for record in (first[0], second[0]))
    only_first, only_second = len(one - other), len(other - one)
    return Predictions(only_first, only_second, len(one & other), mcnemar(only_first, only_second))
