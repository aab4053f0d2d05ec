"""Claims about what one network reached, which the records of our own runs decide.

A document tells of one run. What it reached is held against where one more run of ours would lie (`figures.py`).
What the document leaves open is the business of `check.py`: the checks here say true and false.
"""

from collections.abc import Callable, Mapping
from math import inf, log
from typing import Any

import numpy as np

from pennyweight.base.stats import FEWEST_SEEDS, summary
from pennyweight.documents import kinds
from pennyweight.documents.curves import END, Curves, accuracies_of, complete_curves, constant_rate, few_runs, losses_of
from pennyweight.documents.evidence import FALSE, TRUE, UNCHECKABLE, Evidence, Result
from pennyweight.documents.figures import ACCURACY, CHANCE, LOSS, interval_words, judged, one_more, one_more_end


def _reached(claim: kinds.Reached, evidence: Evidence) -> Result:
    curves = accuracies_of(evidence, claim.recipe, claim.split)
    if len(curves) < FEWEST_SEEDS:
        return few_runs(curves)
    low, high = claim.accuracy - claim.step / 2, claim.accuracy + claim.step / 2
    figures = curves.max(axis=1) if claim.which == "best" else curves[:, -1]
    found, words = one_more(figures), _mean_words(figures)
    if claim.which == "final" and _ends_alike(evidence, claim, curves):
        ends = curves[:, -END:]
        found = one_more_end(ends)
        words += f", {int((ends <= high).sum())} of the {ends.size} last epochs at or below {claim.accuracy:g}"
    return judged(low, high, found, evidence.figures, words, ACCURACY)


def _reached_loss(claim: kinds.ReachedLoss, evidence: Evidence) -> Result:
    """Losses are held against each other by their logarithms: their spread grows with them."""
    curves = losses_of(evidence, claim.recipe, claim.split)
    if len(curves) < FEWEST_SEEDS:
        return few_runs(curves)
    logs, finals = np.log(curves), curves[:, -1]
    low, high = log(claim.loss - claim.step / 2), log(claim.loss + claim.step / 2)
    found = one_more_end(logs[:, -END:]) if _ends_alike(evidence, claim, curves) else one_more(logs[:, -1])
    words = f"{finals.min():.4f} to {finals.max():.4f} here (n {len(finals)})"
    return judged(low, high, found, evidence.figures, words, LOSS)


def _target_epoch(claim: kinds.TargetEpoch, evidence: Evidence) -> Result:
    """An epoch before, the best accuracy so far is below the target; in the epoch it is at it."""
    curves = accuracies_of(evidence, claim.recipe, claim.split)
    if len(curves) < FEWEST_SEEDS:
        return few_runs(curves)
    results = []
    for epoch, low, high in ((claim.epoch - 1, -inf, claim.accuracy), (claim.epoch, claim.accuracy, inf)):
        if epoch:
            best = curves[:, :epoch].max(axis=1)
            words = f"best up to epoch {epoch} {_mean_words(best)}"
            results.append(judged(low, high, one_more(best), evidence.figures, words, ACCURACY))
    verdict = next((one for one in (FALSE, UNCHECKABLE) if one in [found for found, _ in results]), TRUE)
    return verdict, "; ".join([_arrival_words(curves, claim.accuracy), *(reason for _, reason in results)])


def _held(claim: kinds.Held, evidence: Evidence) -> Result:
    """A run that holds it has its lowest epoch there, and the mean of the epochs, which is steadier from run to run."""
    curves = accuracies_of(evidence, claim.recipe, claim.split)
    if len(curves) < FEWEST_SEEDS:
        return few_runs(curves)
    held = curves[:, claim.first - 1 : claim.last]
    lowest, means = held.min(axis=1), held.mean(axis=1)
    kept = int((lowest >= claim.accuracy).sum() if claim.included else (lowest > claim.accuracy).sum())
    results = [
        judged(claim.accuracy, inf, one_more(values), evidence.figures, f"their {name} {_mean_words(values)}", ACCURACY)
        for name, values in (("mean", means), ("lowest", lowest))
    ]
    verdict, reason = results[0] if results[0][0] == FALSE else results[1]
    return verdict, f"{kept} of {len(curves)} runs hold it; {reason}"


def _no_overfitting(claim: kinds.NoOverfitting, evidence: Evidence) -> Result:
    records = [one for one in evidence.records(claim.recipe) if one.final_train_correct is not None]
    if not records:
        return UNCHECKABLE, "the records hold no accuracy of the final weights on clean training images yet"
    curves = complete_curves([one.curve(claim.split) for one in records])
    if len(curves) < max(FEWEST_SEEDS, len(records)):
        return few_runs(curves)
    training = np.array([100 * (one.final_train_correct or 0) / one.train_images for one in records])
    near, far = (summary(training - curves[:, -1], 1 - chance) for chance in (CHANCE, CHANCE / evidence.figures))
    words = "accuracy of the final weights on clean training images less that of the split: "
    words += f"{near.mean:+.2f} ({interval_words(near, far, evidence.figures)})"
    return (FALSE if far.low > 0 else TRUE if near.high <= 0 else UNCHECKABLE), words


def _ends_alike(evidence: Evidence, claim: kinds.Reached | kinds.ReachedLoss, curves: Curves) -> bool:
    """Return whether the last epochs are draws from one distribution; training figures still move one way."""
    return claim.split != "train" and constant_rate(evidence, claim.recipe, curves)


def _mean_words(values: Curves) -> str:
    return f"{values.mean():.2f} ± {values.std(ddof=1):.2f} here (n {len(values)})"


def _arrival_words(curves: Curves, accuracy: float) -> str:
    """Return how many runs reach an accuracy, and in which epochs the first and the last of them do."""
    there = [int(np.argmax(curve >= accuracy)) + 1 for curve in curves if (curve >= accuracy).any()]
    epochs = f", in epoch {min(there)} to {max(there)}" if there else ""
    return f"{len(there)} of {len(curves)} runs reach {accuracy:g}{epochs}"


CHECKS: Mapping[type, Callable[[Any, Evidence], Result]] = {
    kinds.Reached: _reached,
    kinds.ReachedLoss: _reached_loss,
    kinds.TargetEpoch: _target_epoch,
    kinds.Held: _held,
    kinds.NoOverfitting: _no_overfitting,
}
