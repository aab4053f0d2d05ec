"""Prediction with trained weights, apart from training: by compiled C on every core, by PyTorch, or by NumPy alone."""

from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError, unknown_name_error
from pennyweight.base.terminal import is_watched, tell
from pennyweight.data.normalisation import Normalisation
from pennyweight.native.compiler import find_compiler
from pennyweight.native.network import Network, lanes_for, usable_threads
from pennyweight.nets.arrays import Arrays
from pennyweight.nets.forward import predict_logits
from pennyweight.nets.plan import Plan

PREDICTORS = ("native", "torch", "numpy")


class Predictor(Protocol):
    """Trained weights that give logits."""

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits, shape (n, classes), of uint8 images (n, rows, columns) or (n, c, rows, columns)."""


class NativePredictor:
    """Compiled C on every core. Networks trained in batches of `batch_images` on few cores are compiled already."""

    def __init__(self, plan: Plan, weights: Arrays, normalisation: Normalisation, batch_images: int) -> None:
        """Compile the network for at least one group of images per thread; raises what `Network` raises."""
        images = max(batch_images, lanes_for(batch_images) * usable_threads())
        self.network = Network(plan, images, normalisation, 0, _tell_who_watches)
        for name, array in self.network.weights.items():
            array[...] = weights[name]

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits; see Predictor."""
        return self.network.logits(images)


def _tell_who_watches(text: str) -> None:
    """Tell why nothing happens for some seconds, where somebody sits before it."""
    if is_watched():
        tell(text)


class NumpyPredictor:
    """`nets/forward.py`: neither a compiler nor PyTorch."""

    def __init__(self, plan: Plan, weights: Arrays, normalisation: Normalisation) -> None:
        """Keep the weights."""
        self._plan, self._weights, self._normalisation = plan, weights, normalisation

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits; see Predictor."""
        return predict_logits(self._plan, self._weights, self._normalisation.apply(images))


def make_predictor(
    name: str, plan: Plan, weights: Arrays, normalisation: Normalisation, batch_images: int
) -> Predictor:
    """Return the predictor `name`; `auto` is the fastest that can run here, and one always can.

    Raises UsageError for an unknown name, UnavailableError when what it needs is missing.
    """
    if name == "auto":
        name = "native" if find_compiler() else "torch" if find_spec("torch") else "numpy"
    match name:
        case "native":
            return NativePredictor(plan, weights, normalisation, batch_images)
        case "torch":
            if find_spec("torch") is None:
                raise UnavailableError("Prediction by PyTorch needs it: pip install 'pennyweight[torch]'.")
            from pennyweight.engines.torch import TorchPredictor

            return TorchPredictor(plan, weights, normalisation)
        case "numpy":
            return NumpyPredictor(plan, weights, normalisation)
        case _:
            raise unknown_name_error("engine", name, ("auto", *PREDICTORS))
