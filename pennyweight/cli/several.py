"""What the commands that train several runs share: the lines of each run, and how the command ends."""

import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from pennyweight.base.errors import Interrupted, UnavailableError
from pennyweight.base.terminal import PIPE_COLUMNS, has_colours, has_moving_line, width_of
from pennyweight.cli.output import say
from pennyweight.nets.measure import measure
from pennyweight.reporting.colour import coloured
from pennyweight.reporting.command import AGAIN, same_command, same_command_words
from pennyweight.reporting.moving import MovingLine
from pennyweight.reporting.progress import Progress, progress_words, run_line
from pennyweight.reporting.text import plural, wrapped
from pennyweight.runs.request import Request
from pennyweight.settings.recipe import Recipe
from pennyweight.training.events import Done, Event, Failed
from pennyweight.training.pool import Outcome, run_requests

RESUMABLE = (UnavailableError.exit_code, Interrupted.exit_code)
"""Exit codes of runs that the same command may complete: it was the machine's doing, or the user's."""


class Display:
    """Prints the lines of several runs, and below them, on a terminal, one bar of all of them."""

    def __init__(self, work: Mapping[str, float], seeds: int, label: Callable[[Request], str]) -> None:
        """Print the lines of a request after `label(request)`; `work` is what a run of each recipe costs."""
        self.progress = Progress(work, seeds, perf_counter())
        self._label = label
        self._bar = MovingLine()

    def event(self, request: Request, event: Event) -> None:
        """Print why a run failed, and move the bar."""
        self.progress.take(request, event)
        if isinstance(event, Failed):
            self._print(f"{self._label(request)} | Error: {event.message}")
        self._show()

    def line(self, request: Request, text: str) -> None:
        """Print a line of a run."""
        self._print(f"{self._label(request)} | {text}")

    def carry_out(
        self, requests: Sequence[Request], *, jobs: int, threads: int, stop: Callable[[], bool], verbose: bool = False
    ) -> list[Outcome]:
        """Carry out the requests while they are shown; return what they came to."""
        self._show()
        prefix = max(len(f"{self._label(request)} | ") for request in requests)
        width = width_of(sys.stderr)
        try:
            return run_requests(
                requests,
                self,
                jobs=jobs,
                threads=threads,
                stop=stop,
                verbose=verbose,
                columns=width - prefix if width < PIPE_COLUMNS else None,
                steps=has_moving_line(sys.stderr),
            )
        finally:
            self._bar.wipe()

    def _show(self) -> None:
        done, _, left = progress_words(self.progress, perf_counter()).partition(", ")
        self._bar.show(f"{done}  {int(100 * self.progress.share):3d} %", self.progress.share, left)

    def _print(self, text: str) -> None:
        lines = wrapped(text, width=width_of(sys.stderr))
        self._bar.above(coloured(lines) if has_colours(sys.stderr) else lines)
        self._show()


class BriefDisplay(Display):
    """Prints one line for every run that ended, instead of the lines of each."""

    def event(self, request: Request, event: Event) -> None:
        """Print how a run ended."""
        super().event(request, event)
        if isinstance(event, Done):
            # below it, a terminal's bar says how many are done
            done = "" if has_moving_line(sys.stderr) else f"  {progress_words(self.progress, perf_counter())}"
            self._print(run_line(event.record, width_of(sys.stderr)) + done)

    def line(self, request: Request, text: str) -> None:
        """Leave out the lines of single runs."""


def label_of(request: Request) -> str:
    """Return what a run is called among those of several recipes: `skip-3 seed 0`."""
    return f"{request.name} seed {request.seed}"


def training_work(recipe: Recipe) -> float:
    """Return what a run costs: multiply-accumulates per image, times epochs."""
    return float(measure(recipe.plan()).macs * recipe.epochs)


def end_unless_complete(outcomes: Sequence[Outcome], stopped: bool) -> None:
    """End the command with Interrupted, or with the worst exit code, where a run did not finish."""
    complete, runs = sum(outcome.record is not None for outcome in outcomes), len(outcomes)
    if stopped and complete < runs:
        way_on = "Resume:"
        if AGAIN in sys.argv:
            way_on = "Runs that had not begun are as they were, and need --again with their --seeds. Resume the others:"
        raise Interrupted(f"Stopped with {complete} of {runs} runs complete. {way_on}", same_command(begun=True))
    failed = [outcome.exit_code for outcome in outcomes if outcome.record is None]
    if failed:
        again = sum(code in RESUMABLE for code in failed)
        same = same_command_words()
        if again == len(failed):
            way_on = f"run {same} to resume"
        elif again:
            way_on = f"{same} resumes {again} of them"
        else:
            way_on = "the same command would end in the same errors"
        say(f"{plural(len(failed), 'run')} did not finish; {way_on}.")
        raise SystemExit(max(failed))
