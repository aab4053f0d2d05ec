"""How a run is shown while it goes: one line an epoch, and on a terminal a line that moves in between."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from time import perf_counter

from pennyweight.base.records import EpochRow
from pennyweight.reporting.marks import marks
from pennyweight.reporting.tables import duration, epoch_line
from pennyweight.training.run import Run


class Console:
    """Prints to stderr: a line for every epoch, and on a terminal the share of the epoch that is done."""

    def __init__(self, run: Run, verbose: bool) -> None:
        """Show the progress of `run`; `verbose` adds what it was trained with."""
        self._run = run
        self._verbose = verbose
        self._moving = sys.stderr.isatty()
        self._epoch_started = perf_counter()

    def message(self, text: str) -> None:
        """Print one sentence."""
        self._print(text)

    def detail(self, text: str) -> None:
        """Print one sentence where details were asked for."""
        if self._verbose:
            self._print(text)

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Move the line of the epoch that is being trained."""
        if self._moving:
            spent = perf_counter() - self._epoch_started
            left = duration(spent / steps_done * (epoch_steps - steps_done))
            line = f"epoch {epoch}/{self._run.recipe.epochs}  {100 * steps_done // epoch_steps:3d} %  {left} left"
            print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Print the line of the last epoch in `history`."""
        found = marks(history, self._run.recipe, self._run.dataset.name)
        self._print(epoch_line(history, self._run.recipe.epochs, found))
        self._epoch_started = perf_counter()

    def _print(self, line: str) -> None:
        start = f"\r{'':<60}\r" if self._moving else ""
        print(start + line, file=sys.stderr, flush=True)


def same_command() -> str:
    """Return the command this process was started with, for the user to run again; without `--again`."""
    program = sys.argv[0]
    name = os.path.basename(program)
    if name == "__main__.py":
        words = [sys.executable, "-m", "pennyweight"]
    else:
        found = shutil.which(name)
        words = [name if found and os.path.samefile(found, program) else program]
    return shlex.join(words + [word for word in sys.argv[1:] if word != "--again"])
