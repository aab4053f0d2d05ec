"""Every published recipe over several seeds: what is complete is kept, the cheap ones come first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

from pennyweight.api import load_dataset, plan_run
from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.cli.output import columns, result, result_json, say
from pennyweight.cli.several import BriefDisplay, end_unless_complete, label_of, training_work
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.reporting.advice import Advice
from pennyweight.reporting.progress import progress_text
from pennyweight.reporting.text import plural, wrapped
from pennyweight.runs.folder import seed_folder
from pennyweight.runs.naming import RUNS
from pennyweight.runs.request import Request
from pennyweight.settings.recipe import Recipe
from pennyweight.training.pool import share_cores


def train_all(
    request: Request,
    seeds: Sequence[int],
    *,
    jobs: int | None,
    stop: Callable[[], bool],
    as_json: bool,
    wide: bool,
    verbose: bool,
) -> None:
    """Train every recipe and seed in a process of its own; the same command resumes after a kill.

    Recipes that cannot be trained as asked, by their settings or on these images, are named with the reason.
    """
    recipes, left_out = _sorted_out(replace(request, seed=seeds[-1]))
    work = {name: training_work(recipe) for name, recipe in recipes.items()}
    names = sorted(work, key=lambda name: work[name])
    requests = [
        replace(request, target=name, seed=seed, out=request.out and seed_folder(request.out / name, seed))
        for name in names
        for seed in seeds
    ]
    together, threads = share_cores(jobs, len(requests))
    for words in left_out:
        say(words)
    say(f"{plural(len(names), 'recipe')} x {plural(len(seeds), 'seed')}, {together} at a time")
    display = BriefDisplay({name: work[name] for name in names}, len(seeds), label_of)
    outcomes = display.carry_out(requests, jobs=together, threads=threads, stop=stop, verbose=verbose)
    if as_json:
        result_json([outcome.record for outcome in outcomes if outcome.record])
    else:
        result(progress_text(display.progress, perf_counter(), columns(wide)))
        for words in left_out:
            result(wrapped(words, width=columns(wide)))
        what = "This judges every recipe by all of its seeds:"
        result(Advice("", ((what, ("judge", str(request.out or RUNS))),)).text(columns(wide)))
    end_unless_complete(outcomes, stop())


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
