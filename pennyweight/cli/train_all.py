"""Every published recipe over several seeds: what is complete is kept, the cheap ones come first."""

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from time import perf_counter

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pennyweight.api import load_dataset, plan_run
from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.cli.output import columns, result, result_json, say
from pennyweight.cli.several import end_unless_complete, label_of
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.reporting.progress import Progress, progress_text, run_line
from pennyweight.reporting.text import duration, plural, wrapped
from pennyweight.runs.folder import seed_folder
from pennyweight.runs.request import Request
from pennyweight.settings.recipe import Recipe
from pennyweight.training.events import Done, Event, Failed
from pennyweight.training.pool import run_requests, share_cores


def train_all(
    request: Request, seeds: Sequence[int], *, jobs: int | None, stop: Callable[[], bool], as_json: bool, verbose: bool
) -> None:
    """Train every recipe and seed in a process of its own; the same command resumes after a kill.

    Recipes that cannot be trained as asked, by their settings or on these images, are named with the reason.
    """
    recipes, left_out = _sorted_out(replace(request, seed=seeds[-1]))
    work = {name: float(measure(recipe.plan()).macs * recipe.epochs) for name, recipe in recipes.items()}
    names = sorted(work, key=lambda name: work[name])
    requests = [
        replace(request, target=name, seed=seed, out=request.out and seed_folder(request.out / name, seed))
        for name in names
        for seed in seeds
    ]
    together, threads = share_cores(jobs, len(requests))
    progress = Progress({name: work[name] for name in names}, len(seeds), perf_counter())
    live = Live(console=Console(stderr=True), auto_refresh=False) if sys.stderr.isatty() else None
    for words in left_out:
        say(words)
    say(f"{plural(len(names), 'recipe')} x {plural(len(seeds), 'seed')}, {together} at a time")
    with live or nullcontext():
        outcomes = run_requests(
            requests, _Display(progress, live), jobs=together, threads=threads, stop=stop, verbose=verbose
        )
    if as_json:
        result_json([outcome.record for outcome in outcomes if outcome.record])
    else:
        result(progress_text(progress, perf_counter()))
        for words in left_out:
            result(wrapped(words, width=columns()))
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


def _sorted_out(request: Request) -> tuple[dict[str, Recipe], list[str]]:
    """Return the recipes that can be trained as asked, and a line for each reason why others cannot.

    Where none can, the reason is raised.
    """
    dataset = load_dataset(str(request.dataset), request.data)
    recipes, refused = dict[str, Recipe](), dict[str, list[str]]()
    for name in RECIPE_NAMES:
        try:
            recipes[name] = plan_run(replace(request, target=name, dataset=dataset)).recipe
        except (UsageError, MismatchError) as error:
            refused.setdefault(str(error), []).append(name)
            last = error
    if not recipes:
        raise last
    return recipes, [f"left out: {', '.join(names)}: {reason}" for reason, names in refused.items()]
