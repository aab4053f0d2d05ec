"""What stops a run whose numbers are no longer finite, before anything is written; each message names a way out."""

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import NonFiniteError
from pennyweight.engines.evaluation import NOT_MEASURED, Evaluation, evaluate
from pennyweight.engines.protocol import State
from pennyweight.training.prepare import Setup


def check_losses(setup: Setup, epoch: int, first_step: int, losses: NDArray[np.float64]) -> None:
    """Raise NonFiniteError naming the first step of a slice, counted within its epoch, whose loss is not finite."""
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise NonFiniteError(
            f"The loss became {losses[bad[0]]} in epoch {epoch}, step {first_step + bad[0] + 1} of "
            f"{setup.length.epoch_steps}; {_ways_out(setup, epoch)}"
        )


def finite_state(setup: Setup, epoch: int) -> State:
    """Return the engine's state at the end of `epoch`; raises NonFiniteError naming an array that is not finite."""
    state = setup.engine.state()
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise NonFiniteError(
                f"'{name}' holds a number that is not finite at the end of epoch {epoch}, "
                f"step {setup.length.epoch_steps}; {_ways_out(setup, epoch)}"
            )
    return state


def evaluate_splits(setup: Setup, epoch: int, weights: State | None = None) -> tuple[Evaluation, Evaluation]:
    """Score the engine's weights, or `weights`, on the validation and on the test images, where they may be used."""
    split, dataset = setup.split, setup.run.dataset
    val = test = NOT_MEASURED
    if len(split.val_labels):
        val = evaluate_finite(setup, split.val_images, split.val_labels, epoch, weights)
    if setup.run.use_test:
        test = evaluate_finite(setup, dataset.test_images, dataset.test_labels, epoch, weights)
    return val, test


def evaluate_finite(
    setup: Setup, images: NDArray[np.uint8], labels: NDArray[np.uint8], epoch: int, weights: State | None = None
) -> Evaluation:
    """Score the engine's weights, or `weights`; raises NonFiniteError when their loss is not finite."""
    evaluation = evaluate(setup.engine, images, labels, setup.stop, weights)
    if evaluation.loss is None or not isfinite(evaluation.loss):
        raise NonFiniteError(
            f"The loss of the weights is {evaluation.loss} at the end of epoch {epoch}, step "
            f"{setup.length.epoch_steps}; {_ways_out(setup, epoch)}"
        )
    return evaluation


def _ways_out(setup: Setup, epoch: int) -> str:
    rate = setup.run.recipe.optimizer.learning_rate
    kept = f"The checkpoint of epoch {epoch - 1} is untouched. " if epoch > 1 else ""
    return f"training stopped. {kept}A lower rate may help: -s optimizer.learning_rate={rate / 10:g}."
