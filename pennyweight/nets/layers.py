"""The layers a network is made of: a closed set of small frozen values.

A network is a tuple of layers. It ends in a vector of logits, and exactly one layer is its head:
`Conv(CLASSES, ...)` or `Linear(CLASSES)`, which takes its width from the dataset.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeAlias


class Width(Enum):
    """The width that only the dataset knows: its number of classes.

    >>> pw.Linear(pw.CLASSES)
    Linear(features=CLASSES, bias=True)
    """

    CLASSES = "CLASSES"

    def __repr__(self) -> str:
        """Return the name as recipes write it."""
        return self.value


CLASSES = Width.CLASSES


@dataclass(frozen=True)
class Conv:
    """Square two-dimensional convolution (cross-correlation) with zero padding, as wide as you like.

    >>> pw.Conv(8, kernel=5, padding=2)
    Conv(channels=8, kernel=5, padding=2, stride=1, bias=False)
    """

    channels: int | Width
    kernel: int = 3
    padding: int = 0
    stride: int = 1
    bias: bool = False


@dataclass(frozen=True)
class Depthwise:
    """Convolution of every channel with a kernel of its own; the number of channels stays.

    >>> separable = pw.Depthwise(padding=1), pw.Conv(16, kernel=1)
    """

    kernel: int = 3
    padding: int = 0
    stride: int = 1
    bias: bool = False


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation over batch, rows and columns with a trained scale and shift (Ioffe and Szegedy, 2015).

    >>> block = pw.Conv(8), pw.BatchNorm(), pw.Relu()
    """

    EPSILON: ClassVar[float] = 1e-5
    """What is added to the variance, as in PyTorch."""
    MOMENTUM: ClassVar[float] = 0.1
    """The share of a batch's statistics in the running ones, as in PyTorch."""


@dataclass(frozen=True)
class Relu:
    """Rectified linear unit, max(x, 0).

    >>> block = pw.Conv(8), pw.BatchNorm(), pw.Relu()
    """


@dataclass(frozen=True)
class MaxPool:
    """Largest value of every `size` x `size` window, windows side by side; an incomplete last window is dropped.

    >>> pw.MaxPool()
    MaxPool(size=2)
    """

    size: int = 2


@dataclass(frozen=True)
class AvgPool:
    """Mean of every `size` x `size` window, windows side by side; an incomplete last window is dropped.

    >>> pw.AvgPool(3)
    AvgPool(size=3)
    """

    size: int = 2


@dataclass(frozen=True)
class GlobalAvgPool:
    """Mean of every channel over the whole map.

    >>> end = pw.Conv(pw.CLASSES, kernel=1), pw.GlobalAvgPool()
    """


@dataclass(frozen=True)
class Dropout:
    """During training zeroes each value with probability `rate` and scales the others by 1 / (1 - rate).

    >>> pw.Dropout(0.1)
    Dropout(rate=0.1)
    """

    rate: float


@dataclass(frozen=True)
class Linear:
    """Fully connected layer; a map is read as one vector in channel, row, column order.

    >>> end = pw.GlobalAvgPool(), pw.Linear(pw.CLASSES)
    """

    features: int | Width
    bias: bool = True


@dataclass(frozen=True)
class Residual:
    """Sum of `body` and `shortcut` applied to the same input (He et al., 2015); an empty shortcut is the identity.

    >>> block = pw.Residual(body=(pw.Conv(8, padding=1), pw.Relu()), shortcut=(pw.Conv(8, kernel=1),))
    """

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
