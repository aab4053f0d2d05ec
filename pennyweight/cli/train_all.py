"""Every published recipe over several seeds: what is complete is kept, the cheap ones come first."""

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from time import perf_counter

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pennyweight.api import find_recipe
from pennyweight.cli.output import result, result_json, say
from pennyweight.cli.several import end_unless_complete, label_of
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.reporting.progress import Progress, progress_text, run_line
from pennyweight.reporting.text import duration
from pennyweight.runs.request import Request
from pennyweight.training.events import Done, Event, Failed
from pennyweight.training.pool import run_requests, share_cores


def train_all(
    request: Request, seeds: Sequence[int], *, jobs: int | None, stop: Callable[[], bool], as_json: bool, verbose: bool
) -> None:
    """Train every recipe and seed in a process of its own; the same command resumes after a kill."""
    work = {name: _work(name, request) for name in RECIPE_NAMES}
    names = sorted(RECIPE_NAMES, key=lambda name: work[name])
    requests = [replace(request, target=name, seed=seed) for name in names for seed in seeds]
    together, threads = share_cores(jobs, len(requests))
    progress = Progress({name: work[name] for name in names}, len(seeds), perf_counter())
    live = Live(console=Console(stderr=True), auto_refresh=False) if sys.stderr.isatty() else None
    say(f"{len(names)} recipes x {len(seeds)} seeds, {together} at a time")
    with live or nullcontext():
        outcomes = run_requests(
            requests, _Display(progress, live), jobs=together, threads=threads, stop=stop, verbose=verbose
        )
    if as_json:
        result_json([outcome.record for outcome in outcomes if outcome.record])
    else:
        result(progress_text(progress, perf_counter()))
    end_unless_complete(outcomes, stop())


class _Display:
    """Shows how all runs go: on a terminal a table that is redrawn, else one line for every run that ended."""

    def __init__(self, progress: Progress, live: Live | None) -> None:
        self._progress = progress
        self._live = live

    def event(self, request: Request, event: Event) -> None:
        """Show what happened to a run."""
        self._progress.take(request, event)
        now = perf_counter()
        if self._live:
            self._live.update(Text(progress_text(self._progress, now)), refresh=True)
        elif isinstance(event, Failed):
            say(f"{label_of(request)} | Error: {event.message}")
        elif isinstance(event, Done):
            left = self._progress.seconds_left(now)
            ending = f", {duration(left)} left" if left else ""
            say(f"{run_line(event.record)}  {self._progress.ended} of {self._progress.runs} runs{ending}")

    def line(self, request: Request, text: str) -> None:
        """Leave out the lines of single runs."""


def _work(name: str, request: Request) -> float:
    """Return what a run costs in multiply-accumulates per image, times epochs."""
    recipe = find_recipe(name, request.assignments)
    return float(measure(recipe.plan()).macs * recipe.epochs)
