"""Optimizers as settings; the arithmetic lives in the engines, with the defaults and formulas of `torch.optim`."""

from dataclasses import dataclass
from typing import TypeAlias

from pennyweight.base.errors import UsageError


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum; weight decay is added to the gradient.

    >>> pw.SGD(learning_rate=0.05, momentum=0.9, nesterov=True).weight_decay
    0.0
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, 2015); weight decay is added to the gradient.

    >>> pw.Adam(learning_rate=0.01).beta1
    0.9
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    >>> pw.AdamW().weight_decay
    0.01
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01


@dataclass(frozen=True)
class Adagrad:
    """Adagrad (Duchi, Hazan and Singer, 2011).

    >>> pw.Adagrad().learning_rate
    0.01
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10
    weight_decay: float = 0.0


Optimizer: TypeAlias = SGD | Adam | AdamW | Adagrad
OPTIMIZERS: dict[str, type[Optimizer]] = {kind.__name__: kind for kind in (SGD, Adam, AdamW, Adagrad)}


def slots(optimizer: Optimizer) -> tuple[str, ...]:
    """Return the names of the arrays an optimizer keeps beside every weight."""
    match optimizer:
        case SGD():
            return ("momentum",)
        case Adam() | AdamW():
            return ("mean", "square")
        case Adagrad():
            return ("sum",)


def base_momentum(optimizer: Optimizer) -> float | None:
    """Return the momentum (SGD) or beta1 (Adam, AdamW) a schedule may cycle; Adagrad has none."""
    match optimizer:
        case SGD(momentum=momentum):
            return momentum
        case Adam(beta1=beta1) | AdamW(beta1=beta1):
            return beta1
        case Adagrad():
            return None


def check_optimizer(optimizer: Optimizer) -> None:
    """Raise UsageError naming the first setting outside of its range."""
    ranges = {"momentum": (0, 0.9999), "beta1": (0, 0.9999), "beta2": (0, 0.999999), "weight_decay": (0, 10)}
    for name, (low, high) in ranges.items():
        if not low <= getattr(optimizer, name, low) <= high:
            raise UsageError(f"optimizer.{name} is {getattr(optimizer, name)}; it must be from {low} to {high}.")
    if not 0 < optimizer.learning_rate <= 1000:
        raise UsageError(f"optimizer.learning_rate is {optimizer.learning_rate}; it must be above 0 and at most 1000.")
    if not isinstance(optimizer, SGD) and not 0 < optimizer.epsilon <= 1000:
        raise UsageError(f"optimizer.epsilon is {optimizer.epsilon}; it must be above 0 and at most 1000.")
    if isinstance(optimizer, SGD) and optimizer.nesterov and optimizer.momentum == 0:
        raise UsageError("optimizer.nesterov needs a momentum above 0.")
