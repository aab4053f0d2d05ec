"""The layers a network is made of: a closed set of small frozen values.

A network is a tuple of layers. It ends in a vector of logits, and exactly one layer is its head:
`Conv(CLASSES, ...)` or `Linear(CLASSES)`, which takes its width from the dataset.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeAlias


class Width(Enum):
    """The width that only the dataset knows: its number of classes."""

    CLASSES = "CLASSES"

    def __repr__(self) -> str:
        """Return the name as recipes write it."""
        return self.value


CLASSES = Width.CLASSES


@dataclass(frozen=True)
class Conv:
    """Square two-dimensional convolution (cross-correlation) with zero padding."""

    channels: int | Width
    kernel: int = 3
    padding: int = 0
    stride: int = 1
    bias: bool = False


@dataclass(frozen=True)
class Depthwise:
    """Convolution of every channel with a kernel of its own; the number of channels stays."""

    kernel: int = 3
    padding: int = 0
    stride: int = 1
    bias: bool = False


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation over batch, rows and columns with a trained scale and shift (Ioffe and Szegedy, 2015)."""

    EPSILON: ClassVar[float] = 1e-5
    """What is added to the variance, as in PyTorch."""
    MOMENTUM: ClassVar[float] = 0.1
    """The share of a batch's statistics in the running ones, as in PyTorch."""


@dataclass(frozen=True)
class Relu:
    """Rectified linear unit, max(x, 0)."""


@dataclass(frozen=True)
class MaxPool:
    """Largest value of every `size` x `size` window, windows side by side; an incomplete last window is dropped."""

    size: int = 2


@dataclass(frozen=True)
class AvgPool:
    """Mean of every `size` x `size` window, windows side by side; an incomplete last window is dropped."""

    size: int = 2


@dataclass(frozen=True)
class GlobalAvgPool:
    """Mean of every channel over the whole map."""


@dataclass(frozen=True)
class Dropout:
    """During training zeroes each value with probability `rate` and scales the others by 1 / (1 - rate)."""

    rate: float


@dataclass(frozen=True)
class Linear:
    """Fully connected layer; a map is read as one vector in channel, row, column order."""

    features: int | Width
    bias: bool = True


@dataclass(frozen=True)
class Residual:
    """Sum of `body` and `shortcut` applied to the same input (He et al., 2015); an empty shortcut is the identity."""

    body: tuple["Layer", ...]
    shortcut: tuple["Layer", ...] = ()


Layer: TypeAlias = Conv | Depthwise | BatchNorm | Relu | MaxPool | AvgPool | GlobalAvgPool | Dropout | Linear | Residual
Layers: TypeAlias = tuple[Layer, ...]

LAYER_TYPES: tuple[type[Layer], ...] = (
    Conv,
    Depthwise,
    BatchNorm,
    Relu,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Dropout,
    Linear,
    Residual,
)
