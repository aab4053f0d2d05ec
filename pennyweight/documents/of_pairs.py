"""Claims about two networks or more, which the records of our own runs decide.

Which is better is a matter of the means over seeds (Welch); how much better a document found it, of one run of each.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pennyweight.base.stats import FEWEST_SEEDS, welch
from pennyweight.documents import kinds
from pennyweight.documents.curves import END, Curves, accuracies_of, constant_rate, few_runs
from pennyweight.documents.evidence import FALSE, PARTLY, TRUE, UNCHECKABLE, Evidence, Result
from pennyweight.documents.figures import CHANCE, POINTS, interval_words, judged, one_more, one_more_end, one_more_gap


def _better(claim: kinds.Better, evidence: Evidence) -> Result:
    own = accuracies_of(evidence, claim.recipe, claim.split)
    verdicts, words = set(), []
    for name in claim.others:
        theirs = accuracies_of(evidence, name, claim.split)
        if min(len(own), len(theirs)) < FEWEST_SEEDS:
            return few_runs(min(own, theirs, key=len))
        verdict, gap = _higher(own[:, -1], theirs[:, -1], evidence.figures * len(claim.others))
        verdicts.add(verdict)
        words.append(f"{gap} over {name}")
        epochs = min(own.shape[1], theirs.shape[1])
        if claim.cause and own.shape[1] != theirs.shape[1]:
            words.append(f"after epoch {epochs} of both {_higher(own[:, epochs - 1], theirs[:, epochs - 1], 1)[1]}")
        words += _also_differ(evidence, claim.recipe, name, claim.cause)
    if {TRUE, FALSE} <= verdicts:
        return PARTLY, "; ".join(words)
    return next((one for one in (FALSE, UNCHECKABLE) if one in verdicts), TRUE), "; ".join(words)


def _gain(claim: kinds.Gain, evidence: Evidence) -> Result:
    """The sign is that of the means, the size is that of two runs, one of each network."""
    sides = [accuracies_of(evidence, name, claim.split) for name in (claim.recipe, claim.before)]
    if min(map(len, sides)) < FEWEST_SEEDS:
        return few_runs(min(sides, key=len))
    levels, ends, averaged = [], [], []
    for name, curves in zip((claim.recipe, claim.before), sides, strict=True):
        alike = constant_rate(evidence, name, curves)
        levels.append(curves[:, -END:].mean(axis=1) if alike else curves[:, -1])
        averaged += [name] if alike else []
        ends.append(one_more_end(curves[:, -END:]) if alike else one_more(curves[:, -1]))
    sign, words = _higher(levels[0], levels[1], evidence.figures)
    low, high = claim.points - 0.01, claim.points + 0.01  # of two figures rounded to a hundredth
    words = f"{words} over {claim.before}, {claim.points:+.2f} there"
    if averaged:  # whose rate is constant: their last epoch is one draw of many
        words += f"; of {' and '.join(averaged)} the mean of the last {END} epochs"
    size, reason = judged(low, high, one_more_gap(*ends), evidence.figures, words, POINTS)
    if sign != TRUE:
        return sign, f"{reason}; the difference of the means is not shown" if sign == UNCHECKABLE else reason
    return (PARTLY if size == FALSE else size), reason


def _sooner(claim: kinds.Sooner, evidence: Evidence) -> Result:
    sides = [accuracies_of(evidence, name, claim.split) for name in (claim.recipe, claim.other)]
    if min(map(len, sides)) < FEWEST_SEEDS:
        return few_runs(min(sides, key=len))
    own, theirs = (curves[:, : claim.epoch].max(axis=1) for curves in sides)
    verdict, gap = _higher(own, theirs, evidence.figures)
    words = [f"by epoch {claim.epoch}, {(own >= claim.accuracy).sum()} of {len(own)} runs are at {claim.accuracy:g}"]
    words += [f"of {claim.other} {(theirs >= claim.accuracy).sum()} of {len(theirs)}", f"best until then {gap}"]
    return verdict, "; ".join([*words, *_also_differ(evidence, claim.recipe, claim.other, claim.cause)])


def _smaller_gap(claim: kinds.SmallerGap, evidence: Evidence) -> Result:
    gaps = []
    for name in (claim.recipe, claim.other):
        training, other = (accuracies_of(evidence, name, split) for split in ("train", claim.split))
        if len(other) < FEWEST_SEEDS or len(training) != len(other):
            return few_runs(other)
        gaps.append(training[:, -1] - other[:, -1])
    verdict, words = _higher(gaps[1], gaps[0], evidence.figures)
    return verdict, (
        f"running training accuracy (of the epoch, images moved and values dropped) less {claim.split}: "
        f"{gaps[0].mean():.2f}, of {claim.other} {gaps[1].mean():.2f}, smaller by {words}"
    )


def _higher(first: Curves, second: Curves, figures: int) -> Result:
    """Return whether the mean of `first` is above that of `second` (Welch), and by how much."""
    near, far = (welch(first, second, 1 - chance) for chance in (CHANCE, CHANCE / figures))
    verdict = FALSE if far.high < 0 else TRUE if near.low > 0 else UNCHECKABLE
    return verdict, f"{near.mean:+.2f} ({interval_words(near, far, figures)})"


def _also_differ(evidence: Evidence, name: str, other: str, cause: str) -> list[str]:
    """Return in what two networks differ besides what is given as the cause of a difference."""
    params = [evidence.measured(one).params for one in (name, other)]
    epochs = [evidence.recipes[one].epochs for one in (name, other)]
    pairs = [(params, "parameters"), (epochs, "epochs")]
    words = [f"{mine:,} and {theirs:,} {noun}" for (mine, theirs), noun in pairs if mine != theirs]
    return [f"{cause} is not all that differs: {', '.join(words)}"] if cause and words else []


CHECKS: Mapping[type, Callable[[Any, Evidence], Result]] = {
    kinds.Better: _better,
    kinds.Gain: _gain,
    kinds.Sooner: _sooner,
    kinds.SmallerGap: _smaller_gap,
}
