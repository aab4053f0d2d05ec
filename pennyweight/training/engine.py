"""The one interface behind which networks are trained and run: arrays in, arrays out, no files, no epochs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.plan import Plan
from pennyweight.nets.rows import BatchNorm
from pennyweight.training.optimizers import Optimizer, slots

State: TypeAlias = Mapping[str, NDArray[Any]]
"""Weights and buffers by the plan's names, and the optimizer's arrays as `optimizer.SLOT.WEIGHT`."""


@dataclass(frozen=True)
class Job:
    """What stays the same for every step of a run; images are uint8, shape (n, rows, columns), labels (n,)."""

    plan: Plan
    optimizer: Optimizer
    batch_images: int
    label_smoothing: float
    fill: int
    seed: int
    mean: float
    spread: float
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Sums:
    """What a slice of an epoch adds up to: the mean loss of every step, and the images classified correctly."""

    losses: NDArray[np.float64]
    correct: int


class Engine(Protocol):
    """A way to run a plan; `version` is part of what decides the bytes of the result, and `threads` may be.

    `description` says in words what was taken to run it.
    """

    name: str
    version: str
    description: str
    device: str
    threads: int
    bytes_depend_on_threads: bool

    def start(self, state: State, steps_done: int) -> None:
        """Take over weights, buffers and optimizer arrays as they were after `steps_done` steps."""

    def advance(
        self,
        first_step: int,
        order: NDArray[np.int64],
        transforms: NDArray[np.float32] | None,
        learning_rates: NDArray[np.float64],
        momenta: NDArray[np.float64],
    ) -> Sums:
        """Train `len(learning_rates)` steps from `first_step` on.

        `order` holds the indices of the images of these steps, in batches of the job's size, the last may be smaller;
        `transforms` one output-to-input homography for each of them, shape (n, 3, 3), or None to leave images as they
        are.
        """

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits, shape (n, classes), of images (n, rows, columns) with the current weights, dropout off."""

    def state(self) -> State:
        """Return copies of weights, buffers and optimizer arrays."""


def initial_state(plan: Plan, optimizer: Optimizer, seed: int) -> dict[str, NDArray[Any]]:
    """Return the state every engine starts from: initial weights, and zeros in the optimizer's slots."""
    state: dict[str, NDArray[Any]] = dict(initial_weights(plan, seed))
    for slot in slots(optimizer):
        for weight in plan.weights:
            state[f"optimizer.{slot}.{weight.name}"] = np.zeros(weight.shape, dtype=np.float32)
    return state


def weights_of(state: State, plan: Plan) -> dict[str, NDArray[np.float32]]:
    """Return the weights and buffers of `plan` alone."""
    return {tensor.name: state[tensor.name] for tensor in plan.weights + plan.buffers}


def check_batches(plan: Plan, images: int, batch_images: int) -> None:
    """Raise UsageError when a BatchNorm would have to take a spread of one value: a 1x1 map, a batch of one image."""
    smallest = images % batch_images or batch_images
    for step in plan.steps:
        if smallest == 1 and isinstance(step.operation, BatchNorm) and step.output_shape[1:] == (1, 1):
            raise UsageError(
                f"{step.label} sees a 1x1 map, and with batch_images {batch_images} a batch of the {images:,} training "
                "images holds one image alone, which has no spread to normalise by; choose another batch_images."
            )


def steps_of(images: int, batch_images: int) -> int:
    """Return how many steps an epoch of `images` takes; the last batch may be smaller and is trained too."""
    return -(-images // batch_images)
