"""The interface behind which networks are trained: arrays in, arrays out, no files, no epochs.

Prediction has an interface of its own (`engines/predict.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.base.input import Input
from pennyweight.data.normalisation import Normalisation
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import BatchNorm
from pennyweight.nets.plan import Plan
from pennyweight.settings.optimizers import Optimizer, slots

State: TypeAlias = Mapping[str, NDArray[Any]]
"""Weights and buffers by the plan's names, and the optimizer's arrays as `optimizer.SLOT.WEIGHT`.

The loop adds the average of the weights, as `average.NAME`.
"""


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What stays the same for every step of a run.

    Images are uint8, shape (n, rows, columns) or (n, channels, rows, columns) where there are several; labels are (n,),
    uint8, or int32 for more than 256 classes.
    Soft labels, float32 of shape (n, classes), are what the loss aims at instead of the labels, as the probabilities of
    a teacher are; what counts as correct are the labels.
    """

    plan: Plan
    optimizer: Optimizer
    batch_images: int
    label_smoothing: float
    fill: int
    seed: int
    normalisation: Normalisation
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    soft_labels: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class SliceResult:
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

    def load_state(self, state: State, steps_done: int) -> None:
        """Take over weights, buffers and optimizer arrays as they were after `steps_done` steps."""

    def train_steps(
        self,
        first_step: int,
        order: NDArray[np.int64],
        homographies: NDArray[np.float32] | None,
        learning_rates: NDArray[np.float64],
        momenta: NDArray[np.float64],
    ) -> SliceResult:
        """Train `len(learning_rates)` steps from `first_step` on.

        `order` holds the indices of the images of these steps, in batches of the job's size, the last may be smaller;
        `homographies` one output-to-input homography for each of them, shape (n, 3, 3), or None to leave images as they
        are.
        """

    def logits(self, images: NDArray[np.uint8], weights: State | None = None) -> NDArray[np.float32]:
        """Return logits, shape (n, classes), of images shaped as the job's, dropout off.

        They are those of the current weights, or of `weights`: weights and buffers by name, which change no state.
        """

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


def check_job(job: TrainingJob) -> None:
    """Raise UsageError when images or labels do not fit the plan."""
    check_images(job.images, job.plan)
    job.normalisation.check(job.plan.image_shape[0])
    dtype = label_dtype(job.plan.classes)
    if job.labels.dtype != dtype or job.labels.shape != job.images.shape[:1]:
        raise UsageError(
            f"Labels are {job.labels.dtype} with shape {job.labels.shape}; they must be {dtype} with shape "
            f"({len(job.images)},), one for each image."
        )
    if len(job.labels) and job.labels.max() >= job.plan.classes:
        raise UsageError(f"A label is {job.labels.max()}, but the network has classes 0 to {job.plan.classes - 1}.")
    if job.soft_labels is not None:
        _check_soft_labels(job.soft_labels, job)


def _check_soft_labels(soft: NDArray[np.float32], job: TrainingJob) -> None:
    shape = len(job.labels), job.plan.classes
    if soft.dtype != np.float32 or soft.shape != shape:
        raise UsageError(
            f"Soft labels are {soft.dtype} with shape {soft.shape}; they must be float32 with shape {shape}."
        )
    if len(soft) and not (soft.min() >= 0 and np.abs(soft.sum(axis=1) - 1).max() <= 1e-4):
        raise UsageError("Soft labels must be probabilities: none below 0, and those of an image must add up to 1.")
    if job.label_smoothing:
        raise UsageError(f"label_smoothing is {job.label_smoothing}, which goes with hard labels alone; set it to 0.")


def check_images(images: NDArray[np.uint8], plan: Plan) -> None:
    """Raise UsageError when `images` are not those that `plan` reads; see TrainingJob for their shape."""
    shape = Input(*plan.image_shape).array_shape
    if not isinstance(images, np.ndarray):
        raise UsageError(
            f"Images are a {type(images).__name__}; they must be a NumPy array of uint8, as dataset.test_images is."
        )
    if images.dtype != np.uint8 or images.ndim != 1 + len(shape) or images.shape[1:] != shape:
        raise UsageError(
            f"Images are {images.dtype} with shape {images.shape}; they must be uint8 from 0 to 255 with shape "
            f"(n, {', '.join(map(str, shape))})."
        )


def label_dtype(classes: int) -> np.dtype[Any]:
    """Return the type of labels: bytes where they are enough, else 32-bit integers."""
    return np.dtype(np.uint8 if classes <= 256 else np.int32)


def check_batches(plan: Plan, images: int, batch_images: int) -> None:
    """Raise UsageError when a BatchNorm would normalise a single value: a 1x1 map, in a batch of one image."""
    smallest = images % batch_images or batch_images
    for node in plan.nodes:
        if smallest == 1 and isinstance(node.operation, BatchNorm) and node.output_shape[1:] == (1, 1):
            raise UsageError(
                f"{node.label} sees a 1x1 map, and with batch_images {batch_images} a batch of the {images:,} training "
                "images holds a single image, which BatchNorm cannot normalise; choose another batch_images."
            )


def steps_of(images: int, batch_images: int) -> int:
    """Return how many steps an epoch of `images` takes; the last batch may be smaller and is trained too."""
    return -(-images // batch_images)
