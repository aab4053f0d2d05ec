"""Several seeds of one recipe: started, shown and summed up."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pennyweight.api import judge, plan_run
from pennyweight.cli.output import columns, result, result_json, say
from pennyweight.cli.several import Display, end_unless_complete
from pennyweight.pages.keeper import PageKeeper
from pennyweight.reporting.epochs import UNAVERAGED
from pennyweight.reporting.judgements import judgement_text
from pennyweight.reporting.text import plural
from pennyweight.runs.folder import seed_folder
from pennyweight.runs.request import Request
from pennyweight.training.pool import share_cores


def train_many(
    request: Request,
    seeds: Sequence[int],
    *,
    jobs: int | None,
    stop: Callable[[], bool],
    as_json: bool,
    wide: bool,
    verbose: bool,
    report: bool = False,
) -> None:
    """Train every seed in a process of its own and print each verdict, then what the seeds say together.

    With `report` a page of all of them is kept fresh meanwhile.
    """
    # what no seed can do is said once, and nothing is started
    plan = plan_run(replace(request, seed=seeds[-1]))
    recipe = plan.recipe
    together, threads = share_cores(jobs, len(seeds))
    say(f"{request.name}: {plural(len(seeds), 'seed')}, {together} at a time with {plural(threads, 'thread')} each")
    if recipe.averaging.is_kept:
        say(UNAVERAGED)
    keeper = PageKeeper(request.out or plan.folder.parent, request.data) if report else None
    outcomes = Display({request.name: 1.0}, len(seeds), lambda run: f"seed {run.seed}").carry_out(
        [replace(request, seed=seed, out=request.out and seed_folder(request.out, seed)) for seed in seeds],
        jobs=together,
        threads=threads,
        stop=stop,
        verbose=verbose,
    )
    if keeper and (problem := keeper.close()):
        say(problem)
    records = [outcome.record for outcome in outcomes if outcome.record is not None]
    if as_json:
        result_json(records)
    elif records:
        judged = judge(*(record.folder for record in records))
        result(judgement_text(judged, columns(wide), request=request))
        if keeper:
            result(str(keeper.page))
        for folder in dict.fromkeys(str(Path(record.folder).parent) for record in records):
            result(folder)
    end_unless_complete(outcomes, stop())
