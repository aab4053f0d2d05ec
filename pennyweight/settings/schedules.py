"""Learning rate and momentum as pure functions of (step, total, monitored losses so far).

The shapes are those of `torch.optim.lr_scheduler`. The optimizer's `learning_rate` is the rate a schedule starts from,
and for OneCycle the highest it reaches. Steps and epochs count from 0 here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.settings.optimizers import Optimizer, base_momentum


@dataclass(frozen=True)
class Constant:
    """The same learning rate throughout.

    >>> pw.recipe("evolution-v1").schedule == pw.Constant()
    True
    """


@dataclass(frozen=True)
class StepLR:
    """Multiplies the learning rate by `factor` after every `step_epochs` epochs.


    With 0, after each third of the recipe's epochs, rounded up: PyTorch has no default, and a third gives a recipe of
    any length three rates, each long enough to be learnt from.

    >>> pw.StepLR(step_epochs=6, factor=0.5)
    StepLR(step_epochs=6, factor=0.5)
    """

    step_epochs: int = 0
    factor: float = 0.1


@dataclass(frozen=True)
class Cosine:
    """Follows half a cosine, epoch by epoch, down to `final_learning_rate` (Loshchilov and Hutter, 2017).

    >>> pw.Cosine(final_learning_rate=1e-5)
    Cosine(final_learning_rate=1e-05)
    """

    final_learning_rate: float = 0.0


@dataclass(frozen=True)
class OneCycle:
    """Rises to the optimizer's learning rate and falls far below it, step by step (Smith and Topin, 2018).

    Starts at 1 / `start_divisor` of the peak, ends at 1 / `final_divisor` of the start; with `cycle_momentum`
    the momentum (or beta1) runs the other way, from `momentum_high` to `momentum_low` and back.

    >>> type(pw.recipe("progressive-3").schedule) is pw.OneCycle
    True
    """

    warmup_fraction: float = 0.3
    start_divisor: float = 25.0
    final_divisor: float = 1e4
    cycle_momentum: bool = True
    momentum_low: float = 0.85
    momentum_high: float = 0.95


@dataclass(frozen=True)
class ReduceLROnPlateau:
    """Multiplies the learning rate by `factor` when the monitored loss has not improved for `patience_epochs` epochs.

    The monitored loss is the held-out one, without a hold-out the training loss; never a test figure.

    >>> pw.ReduceLROnPlateau(factor=0.5, patience_epochs=2).factor
    0.5
    """

    factor: float = 0.1
    patience_epochs: int = 10
    threshold: float = 1e-4
    lowest_learning_rate: float = 0.0


Schedule: TypeAlias = Constant | StepLR | Cosine | OneCycle | ReduceLROnPlateau
SCHEDULES: dict[str, type[Schedule]] = {
    kind.__name__: kind for kind in (Constant, StepLR, Cosine, OneCycle, ReduceLROnPlateau)
}


@dataclass(frozen=True)
class RunLength:
    """How long a run is: steps an epoch and epochs in all."""

    epoch_steps: int
    epochs: int

    @property
    def total_steps(self) -> int:
        """Return the steps of the whole run."""
        return self.epoch_steps * self.epochs


def learning_rates(
    schedule: Schedule, peak: float, steps: range, horizon: RunLength, monitored: Sequence[float]
) -> NDArray[np.float64]:
    """Return the learning rate of every step, shape (len(steps),); `monitored` holds one loss per finished epoch."""
    return np.array([_rate(schedule, peak, step, horizon, monitored) for step in steps])


def momenta(schedule: Schedule, optimizer: Optimizer, steps: range, horizon: RunLength) -> NDArray[np.float64]:
    """Return momentum (or beta1) of every step, shape (len(steps),); 0 for an optimizer without one."""
    fixed = base_momentum(optimizer) or 0.0
    if not (isinstance(schedule, OneCycle) and schedule.cycle_momentum):
        return np.full(len(steps), fixed)
    high, low = schedule.momentum_high, schedule.momentum_low
    return np.array([_one_cycle(schedule, step, horizon, high, low, high) for step in steps])


def check_schedule(schedule: Schedule, optimizer: Optimizer) -> None:
    """Raise UsageError naming the first setting that cannot work, alone or with this optimizer."""
    ranges: dict[str, tuple[float, float]] = {
        "step_epochs": (0, 1_000_000),
        "factor": (1e-9, 1),
        "warmup_fraction": (0, 1),
        "start_divisor": (1, 1e12),
        "final_divisor": (1, 1e12),
        "momentum_low": (0, 0.9999),
        "momentum_high": (0, 0.9999),
        "patience_epochs": (0, 1_000_000),
        "threshold": (0, 1),
        "lowest_learning_rate": (0, optimizer.learning_rate),
        "final_learning_rate": (0, optimizer.learning_rate),
    }
    for name, (low, high) in ranges.items():
        if not low <= getattr(schedule, name, low) <= high:
            raise UsageError(f"schedule.{name} is {getattr(schedule, name)}; it must be from {low:g} to {high:g}.")
    if isinstance(schedule, OneCycle) and schedule.cycle_momentum and base_momentum(optimizer) in (None, 0.0):
        raise UsageError(
            f"OneCycle changes the momentum, which {type(optimizer).__name__} does not have; "
            "set schedule.cycle_momentum=false, or optimizer.momentum for SGD."
        )


def _rate(schedule: Schedule, peak: float, step: int, horizon: RunLength, monitored: Sequence[float]) -> float:
    epoch = step // horizon.epoch_steps
    match schedule:
        case Constant():
            return peak
        case StepLR(step_epochs=step_epochs, factor=factor):
            return float(peak * factor ** (epoch // (step_epochs or -(-horizon.epochs // 3))))
        case Cosine(final_learning_rate=final):
            return final + (peak - final) * (1 + cos(pi * epoch / horizon.epochs)) / 2
        case OneCycle(start_divisor=start, final_divisor=end):
            return _one_cycle(schedule, step, horizon, peak / start, peak, peak / start / end)
        case ReduceLROnPlateau():
            return _plateau(schedule, peak, monitored[:epoch])


def _one_cycle(schedule: OneCycle, step: int, horizon: RunLength, start: float, top: float, end: float) -> float:
    turn = schedule.warmup_fraction * horizon.total_steps - 1
    last = horizon.total_steps - 1
    if step <= turn:
        return _half_cosine(start, top, step / turn if turn > 0 else 1.0)
    return _half_cosine(top, end, (step - turn) / (last - turn) if last > turn else 1.0)


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + cos(pi * share))


def _plateau(schedule: ReduceLROnPlateau, peak: float, monitored: Sequence[float]) -> float:
    rate, best, waited = peak, float("inf"), 0
    for loss in monitored:
        waited += 1
        if loss < best * (1 - schedule.threshold):
            best, waited = loss, 0
        if waited > schedule.patience_epochs:
            rate, waited = max(rate * schedule.factor, schedule.lowest_learning_rate), 0
    return rate
