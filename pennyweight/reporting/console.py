"""How a run is shown while it is trained: one line per epoch, and on a terminal a bar that moves in between."""

import sys
from collections.abc import Sequence
from time import perf_counter

from pennyweight.base.records import EpochRow
from pennyweight.base.terminal import has_colours, width_of
from pennyweight.reporting.colour import coloured
from pennyweight.reporting.epochs import UNAVERAGED, epoch_line, marks
from pennyweight.reporting.moving import MovingLine
from pennyweight.reporting.text import duration, plural, wrapped
from pennyweight.runs.run import Run


class Console:
    """Prints to stderr: a line for every epoch, and on a terminal a bar of the epoch that is trained."""

    run: Run
    """The run that is shown, once it started."""

    def __init__(self, verbose: bool = False, alone: bool = True) -> None:
        """Show a run; `verbose` adds what it is trained with, and `alone` what is said once of several."""
        self._verbose = verbose
        self._alone = alone
        self._line = MovingLine()
        self._epoch_started = perf_counter()
        self._epoch_seconds = 0.0
        self._first_step = False

    def started(self, run: Run) -> None:
        """Print what is trained on what."""
        self.run = run
        self._epoch_started = perf_counter()
        self.message(_opening(run))
        for sentence in run.kept:
            self.message(sentence)
        if run.recipe.averaging.is_kept and self._alone:
            self.message(UNAVERAGED)

    def message(self, text: str) -> None:
        """Print one sentence."""
        self._print(wrapped(text, width=width_of(sys.stderr)))
        if not self._first_step:
            self._line.show("getting ready", 0.0)

    def detail(self, text: str) -> None:
        """Print one sentence where details were asked for."""
        if self._verbose:
            self.message(text)

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Move the bar of the epoch that is being trained."""
        self._first_step = True
        epochs, share = self.run.recipe.epochs, steps_done / epoch_steps
        seconds = (perf_counter() - self._epoch_started) / share
        left = f"{duration(seconds * (1 - share))} left"
        if epoch < epochs:
            left += f", {duration(seconds * (1 - share) + (epochs - epoch) * (self._epoch_seconds or seconds))} in all"
        self._line.show(
            f"epoch {epoch:>{len(str(epochs))}}/{epochs}  {100 * steps_done // epoch_steps:3d} %", share, left
        )

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Print the line of the last epoch in `history`."""
        self._first_step = True
        recipe = self.run.recipe
        happened = marks(history, recipe, self.run.dataset.name)
        self._print(epoch_line(history, recipe.epochs, happened, width_of(sys.stderr)))
        self._epoch_started, self._epoch_seconds = perf_counter(), history[-1].seconds

    def close(self) -> None:
        """Take the bar away; what is printed next belongs to somebody else."""
        self._line.wipe()

    def _print(self, text: str) -> None:
        self._line.above(coloured(text) if has_colours(sys.stderr) else text)


def _opening(run: Run) -> str:
    changes = f" with {', '.join(run.changes)}" if run.changes else ""
    images = len(run.dataset.train_labels) - run.recipe.validation_images
    validation = f", {run.recipe.validation_images:,} held out" if run.recipe.validation_images else ""
    return (
        f"{run.recipe.name}{changes} on {run.dataset.name}: {images:,} training images{validation}, "
        f"{plural(run.recipe.epochs, 'epoch')}, seed {run.seed}, {run.engine} engine on {run.device}"
    )
