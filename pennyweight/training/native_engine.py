"""The fast CPU engine: C kernels compiled for this network and this processor, called a slice of an epoch at a time."""

import ctypes
import os
from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import EnvironmentRefused, UsageError
from pennyweight.native.compiler import build
from pennyweight.native.generate import generate
from pennyweight.native.memory import layout_of
from pennyweight.nets.plan import Tensor
from pennyweight.training.engine import Job, State, Sums
from pennyweight.training.optimizers import SGD, Adagrad, Adam, AdamW, slots
from pennyweight.training.provenance import usable_cores

KINDS = {SGD: 0, Adam: 1, AdamW: 2, Adagrad: 3}
THREADS = "OMP_NUM_THREADS"


class _Pixels(ctypes.Structure):
    _fields_ = (("mean", ctypes.c_float), ("spread", ctypes.c_float), ("fill", ctypes.c_float))


class _Settings(ctypes.Structure):
    _fields_ = (
        ("learning_rate", ctypes.c_double),
        ("momentum", ctypes.c_double),
        ("beta2", ctypes.c_double),
        ("epsilon", ctypes.c_double),
        ("weight_decay", ctypes.c_double),
        ("nesterov", ctypes.c_int),
        ("step", ctypes.c_int64),
    )


class _Call(ctypes.Structure):
    """`Call` of kernels/net.h, field for field."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("images", "labels", "order", "places", "learning_rates", "momenta")),
        *((name, ctypes.c_void_p) for name in ("losses", "correct")),
        *((name, ctypes.c_int64) for name in ("first_step", "steps", "count")),
        ("pixels", _Pixels),
        ("settings", _Settings),
        ("kind", ctypes.c_int),
        ("smoothing", ctypes.c_float),
        ("seed", ctypes.c_uint64),
    )


def lanes_for(batch_images: int) -> int:
    """Return how many images share a vector: 16 fill AVX-512, 8 leave a small batch enough groups for two threads."""
    return 16 if batch_images > 16 else 8


class NativeEngine:
    """Trains and runs a plan with compiled C on the CPU; the bytes do not depend on the number of threads."""

    name = "native"
    device = "cpu"
    bytes_depend_on_threads = False

    def __init__(self, job: Job, say: Callable[[str], None] = lambda text: None) -> None:
        """Compile the network or take it from the cache; raises EnvironmentRefused when that cannot be done."""
        lanes = lanes_for(job.batch_images)
        source = generate(job.plan, job.batch_images, lanes)
        built = build(source, say)
        self._library = _load(str(built.library))
        self.version = built.version
        self.description = f"{built.command}, {lanes} images a vector; {built.library}"
        self.threads = _threads()
        if len(job.labels) and job.labels.max() >= job.plan.classes:
            raise UsageError(f"A label is {job.labels.max()}, but the network has classes 0 to {job.plan.classes - 1}.")
        self._job = replace(job, images=np.ascontiguousarray(job.images), labels=np.ascontiguousarray(job.labels))
        self._net = self._library.net_create()
        if not self._net:
            raise EnvironmentRefused("There is not enough memory for this network; a smaller batch_images needs less.")
        layout = layout_of(job.plan)
        self._offsets = layout.offsets
        self._arrays = {
            "": self._array(self._library.net_parameters, layout.parameters),
            "slot0": self._array(self._library.net_slot0, layout.parameters),
            "slot1": self._array(self._library.net_slot1, layout.parameters),
            "buffers": self._array(self._library.net_buffers, layout.buffers),
        }

    def __del__(self) -> None:
        """Give the network's memory back."""
        if getattr(self, "_net", None):
            self._library.net_destroy(self._net)

    def start(self, state: State, steps_done: int) -> None:
        """Take over `state`; see Engine."""
        for name, part in self._parts().items():
            if name in state:
                part[...] = state[name]

    def advance(
        self,
        first_step: int,
        order: NDArray[np.int64],
        transforms: NDArray[np.float32] | None,
        learning_rates: NDArray[np.float64],
        momenta: NDArray[np.float64],
    ) -> Sums:
        """Train a slice; see Engine."""
        job, steps = self._job, len(learning_rates)
        losses, correct = np.zeros(steps), np.zeros(steps, dtype=np.int64)
        order = np.ascontiguousarray(order, dtype=np.int64)
        places = None if transforms is None else np.ascontiguousarray(transforms, dtype=np.float32)
        optimizer = job.optimizer
        call = _Call(
            images=job.images.ctypes.data,
            labels=job.labels.ctypes.data,
            order=order.ctypes.data,
            places=None if places is None else places.ctypes.data,
            learning_rates=learning_rates.ctypes.data,
            momenta=momenta.ctypes.data,
            losses=losses.ctypes.data,
            correct=correct.ctypes.data,
            first_step=first_step,
            steps=steps,
            count=len(order),
            pixels=_Pixels(job.mean, job.spread, job.fill),
            settings=_Settings(
                beta2=getattr(optimizer, "beta2", 0.0),
                epsilon=getattr(optimizer, "epsilon", 0.0),
                weight_decay=optimizer.weight_decay,
                nesterov=isinstance(optimizer, SGD) and optimizer.nesterov,
            ),
            kind=KINDS[type(optimizer)],
            smoothing=job.label_smoothing,
            seed=job.seed,
        )
        self._library.net_advance(self._net, ctypes.byref(call), self.threads)
        return Sums(losses, int(correct.sum()))

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits; see Engine."""
        images = np.ascontiguousarray(images)
        result = np.zeros((len(images), self._job.plan.classes), dtype=np.float32)
        pixels = _Pixels(self._job.mean, self._job.spread, 0)
        self._library.net_logits(self._net, images.ctypes.data, len(images), pixels, result.ctypes.data, self.threads)
        return result

    def state(self) -> State:
        """Return copies of the state; see Engine."""
        return {name: part.copy() for name, part in self._parts().items()}

    def _parts(self) -> dict[str, NDArray[np.float32]]:
        """Return every array of the state by name, as views into the network's memory."""
        plan = self._job.plan
        parts = {weight.name: self._view("", weight) for weight in plan.weights}
        parts |= {buffer.name: self._view("buffers", buffer) for buffer in plan.buffers}
        for number, slot in enumerate(slots(self._job.optimizer)):
            parts |= {f"optimizer.{slot}.{weight.name}": self._view(f"slot{number}", weight) for weight in plan.weights}
        return parts

    def _view(self, array: str, tensor: Tensor) -> NDArray[np.float32]:
        start = self._offsets[tensor.name]
        return self._arrays[array][start : start + prod(tensor.shape)].reshape(tensor.shape)

    def _array(self, pointer: Callable[[int], int], size: int) -> NDArray[np.float32]:
        address = ctypes.cast(pointer(self._net), ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(address, (max(size, 1),))[:size]


def _threads() -> int:
    """Return $OMP_NUM_THREADS, as for PyTorch, else one thread a usable core."""
    asked = os.environ.get(THREADS, "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else usable_cores()


def _load(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    library.net_create.restype = ctypes.c_void_p
    library.net_destroy.argtypes = [ctypes.c_void_p]
    library.net_advance.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.net_logits.argtypes = [
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, _Pixels, ctypes.c_void_p, ctypes.c_int),
    ]
    for name in ("net_parameters", "net_slot0", "net_slot1", "net_buffers"):
        function = getattr(library, name)
        function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    return library
