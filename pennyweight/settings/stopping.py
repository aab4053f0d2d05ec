"""Early stopping as a setting: a run ends before its last epoch once its monitored loss no longer falls."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.base.errors import UsageError


@dataclass(frozen=True)
class Stopping:
    """Stop after more than `patience_epochs` epochs without a loss below `1 - threshold` times the lowest so far.

    The loss is the one that a plateau schedule monitors: that of the validation set, else of training. With
    `patience_epochs` 0 a run never stops early.

    >>> pw.Stopping(patience_epochs=2).is_due([1.0, 1.0, 1.0, 1.0])
    True
    """

    patience_epochs: int = 0
    threshold: float = 1e-4

    def is_due(self, monitored: Sequence[float]) -> bool:
        """Return whether a run ends after these epochs; `monitored` holds one loss per finished epoch."""
        best, waited = float("inf"), 0
        for loss in monitored:
            waited += 1
            if loss < best * (1 - self.threshold):
                best, waited = loss, 0
        return 0 < self.patience_epochs < waited

    def check(self) -> None:
        """Raise UsageError naming the first field outside of its range."""
        if not 0 <= self.patience_epochs <= 100_000:
            raise UsageError(f"stopping.patience_epochs is {self.patience_epochs}; it must be from 0 to 100,000.")
        if not 0 <= self.threshold < 1:
            raise UsageError(f"stopping.threshold is {self.threshold}; it must be at least 0 and below 1.")
