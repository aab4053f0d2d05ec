"""Weight averaging: an exponential moving average of weights and running statistics, beside whatever trains them.

The loop keeps it between two slices of an epoch, in NumPy, so that it is one arithmetic for every engine. A run that
keeps an average is judged by it and ships it; the figures of the weights themselves stand beside it as `raw`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.nets.plan import Plan
from pennyweight.training.engine import State, weights_of

PREFIX = "average."
Weights = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Averaging:
    """How slowly the average follows: `decay` is what a step leaves of it, 0 keeps none.

    It takes the weights in every `every_steps` steps. At step t the decay is at most (1 + t) / (10 + t), as in
    TensorFlow's ExponentialMovingAverage, so that the initial weights are soon forgotten.
    """

    decay: float = 0.0
    every_steps: int = 20

    @property
    def is_kept(self) -> bool:
        """Tell whether there is an average at all."""
        return self.decay > 0

    def check(self) -> None:
        """Raise UsageError naming the first field outside of its range."""
        if not 0 <= self.decay < 1:
            raise UsageError(f"averaging.decay is {self.decay}; it must be at least 0 and below 1.")
        if not 1 <= self.every_steps <= 100:
            raise UsageError(f"averaging.every_steps is {self.every_steps}; it must be from 1 to 100.")


def moved(
    average: Weights, weights: Mapping[str, NDArray[Any]], averaging: Averaging, first: int, done: int
) -> Weights:
    """Return the average after the steps from `first` to `done` ended with `weights`, float32 throughout."""
    decay = min(averaging.decay, (1 + done) / (10 + done)) ** (done - first)
    share = np.float32(1 - decay)
    return {name: held + share * (weights[name] - held) for name, held in average.items()}


def average_of(state: State, plan: Plan) -> Weights:
    """Return the average a state holds, by the names of the weights; empty when it holds none."""
    tensors = plan.weights + plan.buffers
    return {tensor.name: state[PREFIX + tensor.name] for tensor in tensors if PREFIX + tensor.name in state}


def as_state(average: Weights) -> Weights:
    """Return the average under the names it has in a state."""
    return {PREFIX + name: held for name, held in average.items()}


def shipped_weights(state: State, plan: Plan) -> Weights:
    """Return the weights a run is judged by: the average where there is one."""
    return average_of(state, plan) or dict(weights_of(state, plan))
