"""What the commands that train several runs share: the lines of each run, and how the command ends."""

from collections.abc import Callable, Sequence

from pennyweight.base.errors import Interrupted, UnavailableError
from pennyweight.cli.output import say
from pennyweight.reporting.console import same_command
from pennyweight.reporting.text import plural
from pennyweight.runs.request import Request
from pennyweight.training.events import Event, Failed
from pennyweight.training.pool import Outcome

RESUMABLE = (UnavailableError.exit_code, Interrupted.exit_code)
"""Exit codes of runs that the same command may complete: it was the machine's doing, or the user's."""


class Lines:
    """Prints every line of every run, after what the run is called here."""

    def __init__(self, label: Callable[[Request], str]) -> None:
        """Print the lines of a request after `label(request)`."""
        self._label = label

    def event(self, request: Request, event: Event) -> None:
        """Print why a run failed."""
        if isinstance(event, Failed):
            self.line(request, f"Error: {event.message}")

    def line(self, request: Request, text: str) -> None:
        """Print a line of a run."""
        say(f"{self._label(request)} | {text}")


def label_of(request: Request) -> str:
    """Return what a run is called among those of several recipes: `skip-3 seed 0`."""
    return f"{request.name} seed {request.seed}"


def end_unless_complete(outcomes: Sequence[Outcome], stopped: bool) -> None:
    """End the command with Interrupted, or with the worst exit code, where a run did not finish."""
    complete, runs = sum(outcome.record is not None for outcome in outcomes), len(outcomes)
    if stopped and complete < runs:
        raise Interrupted(f"Stopped with {complete} of {runs} runs complete. Resume: {same_command()}")
    failed = [outcome.exit_code for outcome in outcomes if outcome.record is None]
    if failed:
        again = sum(code in RESUMABLE for code in failed)
        if again == len(failed):
            way_on = "run the same command to resume"
        elif again:
            way_on = f"the same command resumes {again} of them"
        else:
            way_on = "the same command would end in the same errors"
        say(f"{plural(len(failed), 'run')} did not finish; {way_on}.")
        raise SystemExit(max(failed))
