"""Who is told how a run goes."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pennyweight.base.records import EpochRow
from pennyweight.runs.run import Run


@runtime_checkable
class Observer(Protocol):
    """Who is told how a run goes; nothing an observer does changes what is computed."""

    def started(self, run: Run) -> None:
        """Take the run that is about to be trained or resumed, or is complete: it was checked, nothing refused it.

        It is the first call, but for a message on what takes its time before, such as a compiler.
        """

    def message(self, text: str) -> None:
        """Take one sentence that the user should read."""

    def detail(self, text: str) -> None:
        """Take one sentence for a user who asked for details."""

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Record a finished slice of an epoch."""

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Record an epoch whose checkpoint is in place: the last of `history`."""


class Silent:
    """An observer that does nothing."""

    def started(self, run: Run) -> None:
        """Ignore the run."""

    def message(self, text: str) -> None:
        """Ignore a message."""

    def detail(self, text: str) -> None:
        """Ignore a detail."""

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Ignore progress."""

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Ignore an epoch."""
