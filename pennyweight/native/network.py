"""A compiled network in memory: its arrays by name, and what the C library does with them."""

import ctypes
from collections.abc import Callable
from math import prod

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.base.machine import asked_threads, require_memory, usable_cores
from pennyweight.base.stop import Stop, never
from pennyweight.data.normalisation import Normalisation
from pennyweight.native.abi import Pixels, Slice, agrees
from pennyweight.native.compiler import vector_lanes
from pennyweight.native.generate import MOST_THREADS, bytes_needed, generate
from pennyweight.native.library import build
from pennyweight.native.memory import layout_of
from pennyweight.native.version import ARITHMETIC_VERSION
from pennyweight.nets.plan import Plan, Tensor


def lanes_for(batch_images: int) -> int:
    """Return how many images share a vector: as many as fill it, but at most 8 where a batch is small.

    So there are groups of images for two threads.
    """
    return min(vector_lanes(), 16 if batch_images > 16 else 8)


def usable_threads() -> int:
    """Return $OMP_NUM_THREADS, as for PyTorch, else one thread per usable core; at most as many as a network runs."""
    return min(asked_threads() or usable_cores(), MOST_THREADS)


class Network:
    """A plan compiled for batches of `batch_images`; bytes do not depend on the number of threads."""

    def __init__(
        self,
        plan: Plan,
        batch_images: int,
        normalisation: Normalisation,
        fill: int,
        say: Callable[[str], None],
        stop: Stop = never,
    ) -> None:
        """Compile the network or take it from the cache.

        Raises UsageError for a plan that the native engine cannot run, UnavailableError when the network cannot be
        compiled or there is not enough memory for it, Interrupted when `stop` says so.
        """
        lanes = lanes_for(batch_images)
        self.threads = usable_threads()
        require_memory(bytes_needed(plan, batch_images, lanes, self.threads), batch_images)
        built = build(generate(plan, batch_images, lanes), say, stop)
        self.version = f"{ARITHMETIC_VERSION}, {built.version}"
        self.description = f"{built.command}, {lanes} images per vector; {built.library}"
        self.plan = plan
        self._library = _load(str(built.library))
        self._mean, self._std = (np.array(figures, np.float32) for figures in (normalisation.mean, normalisation.std))
        self._fill = fill
        self._net = self._library.net_create()
        if not self._net:
            raise UnavailableError("There is not enough memory for this network; a smaller batch_images needs less.")
        layout = layout_of(plan)
        self._offsets = layout.offsets
        self._flat = {
            "parameters": self._array(self._library.net_parameters, layout.parameters),
            "slot0": self._array(self._library.net_slot0, layout.parameters),
            "slot1": self._array(self._library.net_slot1, layout.parameters),
            "buffers": self._array(self._library.net_buffers, layout.buffers),
        }

    def __del__(self) -> None:
        """Give the network's memory back."""
        if getattr(self, "_net", None):
            self._library.net_destroy(self._net)

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return weights and buffers by the plan's names, as views: what is written there is what runs."""
        weights = {weight.name: self._view("parameters", weight) for weight in self.plan.weights}
        return weights | {buffer.name: self._view("buffers", buffer) for buffer in self.plan.buffers}

    def slot(self, number: int) -> dict[str, NDArray[np.float32]]:
        """Return the optimizer's first or second array of every weight, as views."""
        return {weight.name: self._view(f"slot{number}", weight) for weight in self.plan.weights}

    @property
    def pixels(self) -> Pixels:
        """Return how the C library makes numbers of pixels; it lives as long as this network."""
        return Pixels(mean=self._mean.ctypes.data, std=self._std.ctypes.data, fill=self._fill)

    def train_steps(self, steps: Slice) -> None:
        """Train the steps of a slice and write its results where it says."""
        self._library.net_train_steps(self._net, ctypes.byref(steps), self.threads)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits, shape (n, classes), of images shaped as the plan's, with the running statistics."""
        images = np.ascontiguousarray(images)
        result = np.zeros((len(images), self.plan.classes), dtype=np.float32)
        arguments = images.ctypes.data, len(images), self.pixels, result.ctypes.data, self.threads
        self._library.net_logits(self._net, *arguments)
        return result

    def _view(self, array: str, tensor: Tensor) -> NDArray[np.float32]:
        start = self._offsets[tensor.name]
        return self._flat[array][start : start + prod(tensor.shape)].reshape(tensor.shape)

    def _array(self, pointer: Callable[[int], int], size: int) -> NDArray[np.float32]:
        address = ctypes.cast(pointer(self._net), ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(address, (max(size, 1),))[:size]


def _load(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    if not agrees(library):
        raise UnavailableError(f"{path} was compiled for another version of Pennyweight; delete it.")
    library.net_create.restype = ctypes.c_void_p
    library.net_destroy.argtypes = [ctypes.c_void_p]
    library.net_train_steps.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.net_logits.argtypes = [
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, Pixels, ctypes.c_void_p, ctypes.c_int),
    ]
    for name in ("net_parameters", "net_slot0", "net_slot1", "net_buffers"):
        function = getattr(library, name)
        function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    return library
