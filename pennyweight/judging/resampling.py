"""The test set is a sample too: what a verdict would be on other test sets like it, by a bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import Budget
from pennyweight.base.random import uniforms
from pennyweight.base.records import RunRecord

RESAMPLES = 2_000


@dataclass(frozen=True)
class OtherTestSets:
    """How many seeds keep a budget's accuracy on test sets drawn like this one, from runs and images drawn anew.

    `share` is the mean share of seeds, `low` to `high` hold 95 % of the resamples, `reaching` is the share of resamples
    in which the hold rate is reached. `epochs` are the last epochs that were looked at: those the budget holds, unless
    `is_last_alone`, because a record lists the mistakes of no other.
    """

    share: float
    low: float
    high: float
    reaching: float
    epochs: int
    is_last_alone: bool


def other_test_sets(records: Sequence[RunRecord], budget: Budget) -> OtherTestSets | None:
    """Bootstrap images and seeds together (Efron and Tibshirani, 1993); None where the mistakes are not listed.

    The images of a resample are the same for all seeds, as those of a test set are. Parameters and epochs are no
    question of the images and are not looked at.
    """
    images = records[0].images(budget.split)
    mistakes = [_held_mistakes(record, budget) for record in records]
    if any(record.images(budget.split) != images for record in records) or any(not one for one in mistakes):
        return None
    epochs = min(len(one) for one in mistakes)
    wrong = np.zeros((len(records), epochs, images), dtype=np.float32)
    for run, listed in enumerate(mistakes):
        for place, indices in enumerate(listed[-epochs:]):
            wrong[run, place, list(indices)] = 1
    shares = _shares(wrong, images - budget.correct_needed(images))
    low, high = np.quantile(shares, (0.025, 0.975))
    reaching = float((shares >= budget.hold_rate).mean())
    return OtherTestSets(
        float(shares.mean()),
        float(low),
        float(high),
        reaching,
        epochs,
        epochs < min(budget.hold_epochs, len(records[0].epochs)),
    )


def _held_mistakes(record: RunRecord, budget: Budget) -> list[tuple[int, ...]]:
    """Return the indices of what each held epoch misclassifies; of the last epoch alone where no more is known."""
    first = len(record.epochs) - budget.hold_epochs + 1
    held = [one.images for one in record.mistakes_by_epoch if one.split == budget.split and one.epoch >= first]
    if len(held) == min(budget.hold_epochs, len(record.epochs)):
        return held
    if budget.split != "test" or record.epochs[-1].score("test").correct is None:
        return held[-1:]
    return [tuple(mistake.index for mistake in record.misclassified)]


def _shares(wrong: NDArray[np.float32], most_wrong: int) -> NDArray[np.float64]:
    """Return the share of runs within `most_wrong` mistakes in every epoch, by resample; `wrong` is 1 where they err.

    `wrong` has shape (runs, epochs, images).
    """
    runs, _, images = wrong.shape
    ever = np.flatnonzero(wrong.any(axis=(0, 1)))
    wrong = wrong[:, :, ever]
    shares = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = uniforms(images + runs, "bootstrap", number)
        counts = np.bincount((drawn[:images] * images).astype(np.int64), minlength=images)[ever]
        kept = (wrong @ counts.astype(np.float32)).max(axis=1) <= most_wrong
        shares[number] = kept[(drawn[images:] * runs).astype(np.int64)].mean()
    return shares
