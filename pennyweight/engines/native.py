"""The fast CPU engine: C kernels compiled for this network and this processor, called a slice of an epoch at a time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.base.stop import Stop, never
from pennyweight.engines.protocol import SliceResult, State, TrainingJob, check_images, check_job
from pennyweight.native.abi import OptimizerKind, OptimizerSettings, Slice
from pennyweight.native.network import Network
from pennyweight.settings.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, slots


class NativeEngine:
    """Trains and runs a plan with compiled C on the CPU; the bytes do not depend on the number of threads."""

    name = "native"
    device = "cpu"
    bytes_depend_on_threads = False

    def __init__(self, job: TrainingJob, say: Callable[[str], None] = lambda text: None, stop: Stop = never) -> None:
        """Compile the network or take it from the cache.

        Raises UsageError for a job or a plan it cannot run, UnavailableError when the network cannot be compiled,
        Interrupted when `stop` says so.
        """
        check_job(job)
        try:
            self._network = Network(job.plan, job.batch_images, job.normalisation, job.fill, say, stop)
        except UnavailableError as error:
            raise UnavailableError(f"{error} Or train with PyTorch: --engine torch.") from error
        self.version, self.description = self._network.version, self._network.description
        self._job = replace(job, images=np.ascontiguousarray(job.images))
        self._labels = np.ascontiguousarray(job.labels, dtype=np.int32)
        soft = job.soft_labels
        self._soft_labels = None if soft is None else np.ascontiguousarray(soft, dtype=np.float32)

    @property
    def threads(self) -> int:
        """The threads that train and evaluate."""
        return self._network.threads

    @threads.setter
    def threads(self, threads: int) -> None:
        self._network.threads = threads

    def load_state(self, state: State, steps_done: int) -> None:
        """Take over `state`; see Engine."""
        for name, part in self._parts().items():
            if name in state:
                part[...] = state[name]

    def train_steps(
        self,
        first_step: int,
        order: NDArray[np.int64],
        homographies: NDArray[np.float32] | None,
        learning_rates: NDArray[np.float64],
        momenta: NDArray[np.float64],
    ) -> SliceResult:
        """Train a slice; see Engine."""
        job, steps = self._job, len(learning_rates)
        losses, correct = np.zeros(steps), np.zeros(steps, dtype=np.int64)
        order = np.ascontiguousarray(order, dtype=np.int64)
        if homographies is not None:
            homographies = np.ascontiguousarray(homographies, dtype=np.float32)
        kind, settings = optimizer_settings(job.optimizer)
        part = Slice(
            images=job.images.ctypes.data,
            labels=self._labels.ctypes.data,
            soft_labels=None if self._soft_labels is None else self._soft_labels.ctypes.data,
            order=order.ctypes.data,
            homographies=None if homographies is None else homographies.ctypes.data,
            learning_rates=learning_rates.ctypes.data,
            momenta=momenta.ctypes.data,
            losses=losses.ctypes.data,
            correct=correct.ctypes.data,
            first_step=first_step,
            steps=steps,
            count=len(order),
            pixels=self._network.pixels,
            settings=settings,
            kind=kind,
            smoothing=job.label_smoothing,
            seed=job.seed,
        )
        self._network.train_steps(part)
        return SliceResult(losses, int(correct.sum()))

    def logits(self, images: NDArray[np.uint8], weights: State | None = None) -> NDArray[np.float32]:
        """Return logits; see Engine."""
        if weights is not None:
            current = {name: part.copy() for name, part in self._parts().items() if name in weights}
            self.load_state(weights, steps_done=0)
            try:
                return self.logits(images)
            finally:
                self.load_state(current, steps_done=0)
        check_images(images, self._job.plan)
        return self._network.logits(images)

    def state(self) -> State:
        """Return copies of the state; see Engine."""
        return {name: part.copy() for name, part in self._parts().items()}

    def _parts(self) -> dict[str, NDArray[np.float32]]:
        """Return every array of the state by name, as views into the network's memory."""
        parts = self._network.weights
        for number, slot in enumerate(slots(self._job.optimizer)):
            parts |= {f"optimizer.{slot}.{name}": array for name, array in self._network.slot(number).items()}
        return parts


def optimizer_settings(optimizer: Optimizer) -> tuple[OptimizerKind, OptimizerSettings]:
    """Return what stays the same for every step; rates and momenta are handed over step by step."""
    decay = optimizer.weight_decay
    match optimizer:
        case SGD():
            return OptimizerKind.SGD, OptimizerSettings(weight_decay=decay, nesterov=optimizer.nesterov)
        case Adam():
            return OptimizerKind.ADAM, OptimizerSettings(
                beta2=optimizer.beta2, epsilon=optimizer.epsilon, weight_decay=decay
            )
        case AdamW():
            return OptimizerKind.ADAMW, OptimizerSettings(
                beta2=optimizer.beta2, epsilon=optimizer.epsilon, weight_decay=decay
            )
        case Adagrad():
            return OptimizerKind.ADAGRAD, OptimizerSettings(epsilon=optimizer.epsilon, weight_decay=decay)
