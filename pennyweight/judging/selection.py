"""Which candidate is best: validation accuracy over the last epochs and over seeds; test figures decide nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import Summary, accuracy_summary

LAST_EPOCHS = 5
"""Epochs at the end of a run that its candidate is judged on: one epoch alone may be lucky."""


@dataclass(frozen=True)
class CandidateScore:
    """What a candidate reached on the validation set over its last epochs; accuracies in percent.

    `accuracy` is over seeds, of the mean of a run's last epochs; `lowest` is the mean over seeds of the lowest of them.
    """

    name: str
    params: int
    accuracy: Summary
    lowest: float
    loss: float


def validation_accuracies(records: Sequence[RunRecord]) -> NDArray[np.float64]:
    """Return the accuracies of the last epochs of runs of one length, shape (runs, epochs).

    Raises UsageError for a run without validation figures, and for one that evaluated the test images.
    """
    return np.array([_validation_curves(record)[0][-LAST_EPOCHS:] for record in records])


def score(records: Sequence[RunRecord]) -> CandidateScore:
    """Return what the runs of one candidate, one per seed, come to; raises as `validation_accuracies` does."""
    accuracies = validation_accuracies(records)
    losses = np.array([_validation_curves(record)[1][-LAST_EPOCHS:] for record in records])
    return CandidateScore(
        name=records[0].recipe,
        params=records[0].params,
        accuracy=accuracy_summary(accuracies.mean(axis=1)),
        lowest=float(accuracies.min(axis=1).mean()),
        loss=float(losses.mean()),
    )


def rank(candidates: Iterable[Sequence[RunRecord]]) -> list[CandidateScore]:
    """Return the scores of candidates, each given by its runs, best first; of equals the last by name leads."""
    scores = [score(records) for records in candidates]
    return sorted(scores, key=lambda candidate: (candidate.accuracy.mean, candidate.name), reverse=True)


def _validation_curves(record: RunRecord) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return accuracies and losses on the validation set after every epoch, each of shape (epochs,)."""
    named = f"{record.recipe}, seed {record.seed}"
    if record.evaluated_on("test"):
        raise UsageError(f"{named} was evaluated on the test images, which select nothing; train it with --no-test.")
    accuracies, losses = record.curve("val"), record.loss_curve("val")
    if accuracies is None or losses is None:
        raise UsageError(f"{named} has no validation set to be selected by; set validation_images.")
    return accuracies, losses
