"""Claims about what a network reached, which the records of our own runs decide.

A figure of one training run is held against what many seeds gave here: it is in line when it lies where one more seed
would be expected (95 % prediction interval). Where it is not, and the document leaves settings open that decide it, our
choice may be the reason and the claim is not checkable.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pennyweight.base import claims
from pennyweight.base.records import EpochRow
from pennyweight.base.stats import prediction_interval, summary, welch, wilson_interval
from pennyweight.judging.facts import FALSE, PARTLY, TRUE, UNCHECKABLE, Facts, Result
from pennyweight.judging.seeds import FEWEST_SEEDS, finals_of

SEEDS_TO_DENY = 10
"""Runs without an event before it is said not to happen."""
WIDEST = 1.0
"""Percent on either side: a prediction interval wider than this tells nothing of an accuracy."""
HOLD_RATE = 0.95
OPEN_SETTINGS = ("layers", "optimizer", "schedule", "augmentation", "batch_images")
"""What decides an accuracy: where a document leaves one of them open, a figure that differs proves nothing."""


def _reached(claim: claims.Reached, facts: Facts) -> Result:
    curves = _curves(facts, claim.recipe, claim.split)
    figures = np.array([max(curve) if claim.which == "best" else curve[-1] for curve in curves])
    if len(figures) < FEWEST_SEEDS:
        return UNCHECKABLE, _too_few(len(figures))
    low, high = prediction_interval(figures)
    found = summary(figures)
    reason = (
        f"{found.mean:.2f} ± {found.deviation:.2f} here (n {found.n}), one more seed lies in {low:.2f} to {high:.2f}"
    )
    if high - low > 2 * WIDEST:
        return UNCHECKABLE, f"{reason}, too wide to tell"
    if low <= claim.accuracy <= high:
        return TRUE, reason
    return _or_open(facts, claim.recipe, reason)


def _target_epoch(claim: claims.TargetEpoch, facts: Facts) -> Result:
    curves = _curves(facts, claim.recipe, claim.split)
    if len(curves) < FEWEST_SEEDS:
        return UNCHECKABLE, _too_few(len(curves))
    first = [next((n for n, value in enumerate(curve, 1) if value >= claim.accuracy), None) for curve in curves]
    reached = sorted(epoch for epoch in first if epoch is not None)
    words = f"{len(reached)} of {len(curves)} seeds reach it"
    if not reached:
        few = len(curves) < SEEDS_TO_DENY
        return (UNCHECKABLE, f"{words}, too few to say") if few else _or_open(facts, claim.recipe, words)
    words += f", between epoch {reached[0]} and {reached[-1]}"
    if reached[0] <= claim.epoch <= reached[-1]:
        return (TRUE if 2 * len(reached) >= len(curves) else PARTLY), words
    return _or_open(facts, claim.recipe, words)


def _held(claim: claims.Held, facts: Facts) -> Result:
    curves = _curves(facts, claim.recipe, claim.split)
    if not curves:
        return UNCHECKABLE, _too_few(0)
    lowest = [min(curve[claim.first - 1 : claim.last]) for curve in curves]
    kept = sum(low >= claim.accuracy if claim.included else low > claim.accuracy for low in lowest)
    low, high = wilson_interval(kept, len(curves))
    words = f"{kept} of {len(curves)} seeds hold it (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    if kept / len(curves) >= HOLD_RATE and len(curves) >= FEWEST_SEEDS:
        return TRUE, words
    if high < HOLD_RATE:
        return _or_open(facts, claim.recipe, words)
    return UNCHECKABLE, f"{words}, too few to say"


def _no_overfitting(claim: claims.NoOverfitting, facts: Facts) -> Result:
    training, other = _curves(facts, claim.recipe, "train"), _curves(facts, claim.recipe, claim.split)
    if len(other) < FEWEST_SEEDS:
        return UNCHECKABLE, _too_few(len(other))
    gap = summary(np.array([mine[-1] - theirs[-1] for mine, theirs in zip(training, other, strict=True)]))
    words = f"training less {claim.split} accuracy is {gap.mean:+.2f} (95 % interval {gap.low:+.2f} to {gap.high:+.2f})"
    words += ", the first counted while images are moved and values dropped"
    if gap.low > 0:
        return _or_open(facts, claim.recipe, words)
    return (TRUE if gap.high <= 0 else UNCHECKABLE), words


def _better(claim: claims.Better, facts: Facts) -> Result:
    own = finals_of(facts.records(claim.recipe), claim.split)
    results = []
    words = []
    for other in claim.others:
        theirs = finals_of(facts.records(other), claim.split)
        if min(len(own), len(theirs)) < FEWEST_SEEDS:
            return UNCHECKABLE, f"{claim.recipe} and {other}: {_too_few(min(len(own), len(theirs)))}"
        gap = welch(own, theirs)
        results.append(TRUE if gap.low > 0 else FALSE if gap.high < 0 else UNCHECKABLE)
        words.append(f"{gap.mean:+.2f} over {other} (95 % interval {gap.low:+.2f} to {gap.high:+.2f})")
    reason = "; ".join(words)
    if FALSE not in results:
        return (UNCHECKABLE if UNCHECKABLE in results else TRUE), reason
    return (PARTLY, reason) if TRUE in results else _or_open(facts, claim.recipe, reason)


def _logged(claim: claims.Logged, facts: Facts) -> Result:
    half = claim.step / 2
    reached = [value - half >= claim.accuracy for value in claim.logged]
    possible = [value + half > claim.accuracy for value in claim.logged]
    exact = [value >= claim.accuracy for value in claim.logged] if claim.step <= 0.01 else reached
    words = f"{sum(value >= claim.accuracy for value in claim.logged)} of {len(claim.logged)} logged values are at it"
    if all(exact):
        return TRUE, words
    if not all(possible):
        return (PARTLY if any(possible) else FALSE), words
    return UNCHECKABLE, f"{words}, rounded to {claim.step:g}: {min(claim.logged):g} may be {min(claim.logged) - half:g}"


def _curves(facts: Facts, name: str, split: str) -> list[list[float]]:
    """Return the accuracies by epoch of every run that measured the split throughout."""
    read: Callable[[EpochRow], float | None] = {
        "train": lambda row: row.train_accuracy,
        "val": lambda row: row.val_accuracy,
        "test": lambda row: row.test_accuracy,
    }[split]
    curves = [[read(row) for row in record.epochs] for record in facts.records(name)]
    return [[value for value in curve if value is not None] for curve in curves if None not in curve]


def _or_open(facts: Facts, name: str, reason: str) -> Result:
    """Return false, or not checkable where the document leaves settings open that decide the figure."""
    origin = facts.recipes[name].origin
    left_open = [key for key in OPEN_SETTINGS if key in origin.suggested or _any_below(key, origin.suggested)]
    if not left_open:
        return FALSE, reason
    return UNCHECKABLE, f"{reason}; the document does not state all of: {', '.join(left_open)}"


def _any_below(key: str, names: Sequence[str]) -> bool:
    return any(name.startswith(f"{key}.") for name in names)


def _too_few(count: int) -> str:
    return f"{count} full runs are recorded, {FEWEST_SEEDS} are needed"


CHECKS: Mapping[type, Callable[[Any, Facts], Result]] = {
    claims.Reached: _reached,
    claims.TargetEpoch: _target_epoch,
    claims.Held: _held,
    claims.NoOverfitting: _no_overfitting,
    claims.Better: _better,
    claims.Logged: _logged,
}
