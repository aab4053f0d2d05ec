"""Weight averaging: an exponential moving average of weights and running statistics, beside whatever trains them.

The loop keeps it between two slices of an epoch, in NumPy, so that it is one arithmetic for every engine. A run that
keeps an average is judged by it and ships it; the figures of the weights themselves stand beside it as unaveraged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.engines.protocol import Engine, State, weights_of
from pennyweight.nets.plan import Plan
from pennyweight.settings.averaging import Averaging

PREFIX = "average."


@dataclass
class MovingAverage:
    """The average of a run, `weights` by the plan's names, as the loop keeps it from slice to slice."""

    averaging: Averaging
    weights: State

    def after_slice(self, engine: Engine, steps: range) -> None:
        """Take in the weights after `steps` of the run."""
        self.weights = update_average(self.weights, engine.state(), self.averaging, steps.start, steps.stop)


def update_average(
    average: State, weights: Mapping[str, NDArray[Any]], averaging: Averaging, first: int, done: int
) -> State:
    """Return the average after the steps from `first` to `done` ended with `weights`, float32 throughout."""
    decay = min(averaging.decay, (1 + done) / (10 + done)) ** (done - first)
    share = np.float32(1 - decay)
    return {name: held + share * (weights[name] - held) for name, held in average.items()}


def average_of(state: State, plan: Plan) -> State:
    """Return the average a state holds, by the names of the weights; empty when it holds none."""
    tensors = plan.weights + plan.buffers
    return {tensor.name: state[PREFIX + tensor.name] for tensor in tensors if PREFIX + tensor.name in state}


def with_prefix(average: State) -> State:
    """Return the average under the names it has in a state."""
    return {PREFIX + name: held for name, held in average.items()}


def evaluated_weights(state: State, plan: Plan) -> State:
    """Return the weights a run is judged by: the average where there is one."""
    return average_of(state, plan) or dict(weights_of(state, plan))
