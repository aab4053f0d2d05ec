"""The figures of every epoch of many runs, as the checks of claims read them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.stats import FEWEST_SEEDS
from pennyweight.documents.evidence import UNCHECKABLE, Evidence, Result
from pennyweight.settings.schedules import Constant

Curves = NDArray[np.float64]
"""A figure of every run after every epoch, shape (runs, epochs)."""
END = 5
"""Last epochs that are alike where the learning rate stays, in a run at least twice as long."""


def accuracies_of(evidence: Evidence, name: str, split: str) -> Curves:
    """Return the accuracies in percent of every full run of a recipe that evaluated `split` in every epoch."""
    return complete_curves([record.curve(split) for record in evidence.records(name)])


def losses_of(evidence: Evidence, name: str, split: str) -> Curves:
    """Return the losses of every full run of a recipe that evaluated `split` in every epoch."""
    return complete_curves([record.loss_curve(split) for record in evidence.records(name)])


def complete_curves(curves: Sequence[NDArray[np.float64] | None]) -> Curves:
    """Return the curves that are there, one row each; shape (0, 0) when none is."""
    complete = [curve for curve in curves if curve is not None]
    return np.array(complete) if complete else np.zeros((0, 0))


def constant_rate(evidence: Evidence, name: str, curves: Curves) -> bool:
    """Return whether the last epochs of a recipe's runs are trained alike, each as far from where it settles."""
    return isinstance(evidence.recipes[name].schedule, Constant) and curves.shape[1] >= 2 * END


def few_runs(curves: Curves) -> Result:
    """Return the result of a check that needs more runs."""
    return UNCHECKABLE, f"{len(curves)} full runs are recorded, {FEWEST_SEEDS} are needed"
