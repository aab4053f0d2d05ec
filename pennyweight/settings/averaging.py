"""Weight averaging as a setting: how slowly an exponential moving average follows the weights."""

from dataclasses import dataclass

from pennyweight.base.errors import UsageError


@dataclass(frozen=True)
class Averaging:
    """How slowly the average follows: `decay` is what a step leaves of it, 0 keeps none.

    It takes the weights in every `every_steps` steps, and at the end of every epoch. At step t the decay is at most
    (1 + t) / (10 + t), as in TensorFlow's ExponentialMovingAverage, so that the initial weights are soon forgotten.

    >>> pw.Averaging(decay=0.99).is_kept
    True
    """

    decay: float = 0.0
    every_steps: int = 20

    @property
    def is_kept(self) -> bool:
        """Return whether there is an average at all."""
        return self.decay > 0

    def check(self) -> None:
        """Raise UsageError naming the first field outside of its range."""
        if not 0 <= self.decay < 1:
            raise UsageError(f"averaging.decay is {self.decay}; it must be at least 0 and below 1.")
        if not 1 <= self.every_steps <= 100:
            raise UsageError(f"averaging.every_steps is {self.every_steps}; it must be from 1 to 100.")
