"""How a run is shown while it is trained: one line per epoch, and on a terminal a line that moves in between."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from time import perf_counter

from pennyweight.base.notebook import in_notebook
from pennyweight.base.records import EpochRow
from pennyweight.reporting.epochs import epoch_line, marks
from pennyweight.reporting.text import duration, plural
from pennyweight.runs.run import Run


class Console:
    """Prints to stderr: a line for every epoch, and in a terminal or a notebook the share of it, in one that moves."""

    run: Run
    """The run that is shown, once it started."""

    def __init__(self, verbose: bool = False) -> None:
        """Show a run; `verbose` adds what it is trained with."""
        self._verbose = verbose
        self._moving = sys.stderr.isatty() or in_notebook()
        self._epoch_started = perf_counter()

    def started(self, run: Run) -> None:
        """Print what is trained on what."""
        self.run = run
        self._epoch_started = perf_counter()
        self._print(_opening(run))
        for sentence in run.kept:
            self._print(sentence)

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
            line = f"epoch {epoch}/{self.run.recipe.epochs}  {100 * steps_done // epoch_steps:3d} %  {left} left"
            print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Print the line of the last epoch in `history`."""
        recipe = self.run.recipe
        self._print(epoch_line(history, recipe.epochs, marks(history, recipe, self.run.dataset.name)))
        self._epoch_started = perf_counter()

    def _print(self, line: str) -> None:
        start = f"\r{'':<60}\r" if self._moving else ""
        print(start + line, file=sys.stderr, flush=True)


def _opening(run: Run) -> str:
    changes = f" with {', '.join(run.changes)}" if run.changes else ""
    images = len(run.dataset.train_labels) - run.recipe.validation_images
    validation = f", {run.recipe.validation_images:,} held out" if run.recipe.validation_images else ""
    return (
        f"{run.recipe.name}{changes} on {run.dataset.name}: {images:,} training images{validation}, "
        f"{plural(run.recipe.epochs, 'epoch')}, seed {run.seed}, {run.engine} engine on {run.device}"
    )


def same_command() -> str:
    """Return the command this process was started with, for the user to run again; without `--again`."""
    program = sys.argv[0]
    name = os.path.basename(program)
    if name == "__main__.py":
        words = [sys.executable, "-m", "pennyweight"]
    elif name.endswith(".py"):
        words = [sys.executable, program]
    else:
        on_path = shutil.which(name)
        words = [name if on_path and os.path.samefile(on_path, program) else program]
    return shlex.join(words + [word for word in sys.argv[1:] if word != "--again"])
