"""`pennyweight ablate`: what each change between two recipes gains."""

from dataclasses import replace
from typing import Annotated

import typer

from pennyweight.base.errors import unknown_name_error
from pennyweight.cli.options import Data, DatasetName, Json, Wide, complete_ablation
from pennyweight.cli.output import columns, require_reader, result, result_json, say


def ablate(
    ablation: Annotated[
        str,
        typer.Argument(
            metavar="ABLATION",
            help="progressive: from its first step to its third.",
            autocompletion=complete_ablation,
        ),
    ],
    seeds: Annotated[str, typer.Option(metavar="LIST", help="Seeds, as 0-4 or 0,2,5.")] = "0-4",
    jobs: Annotated[int | None, typer.Option(help="Runs at the same time; default: one per core.")] = None,
    dataset: DatasetName = "mnist",
    data: Data = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Measure each change between two recipes over seeds.

    Says first how many runs that is, and about how long they take. Complete runs are not retrained; if the command is
    killed, run it again to resume.

    Example: pennyweight ablate progressive --seeds 0-4
    """
    from pennyweight.api import load_dataset, plan_run
    from pennyweight.base.machine import usable_cores
    from pennyweight.cli.seeds import parse_seeds
    from pennyweight.cli.several import Display, end_unless_complete, label_of, training_work
    from pennyweight.cli.signals import stop_on_signals
    from pennyweight.judging.ablation import ablation_steps
    from pennyweight.recipes.catalogue import ABLATIONS
    from pennyweight.reporting.ablations import ablation_table, effort_words
    from pennyweight.reporting.advice import Advice
    from pennyweight.runs.published import published_tree
    from pennyweight.runs.request import Request
    from pennyweight.tables.text import to_text
    from pennyweight.training.pool import share_cores

    if ablation not in ABLATIONS:
        raise unknown_name_error("ablation", ablation, ABLATIONS)
    stop = stop_on_signals()
    numbers = parse_seeds(seeds)
    requests = [
        Request(target=recipe.name, seed=seed, dataset=dataset, data=data)
        for _, recipe in ABLATIONS[ablation]
        for seed in numbers
    ]
    images = load_dataset(dataset, data)
    for request in requests:
        plan_run(replace(request, dataset=images))  # what cannot be trained is said before anything is
    together, threads = share_cores(jobs, len(requests))
    recipes = {recipe.name: recipe for _, recipe in ABLATIONS[ablation]}
    work = {name: training_work(recipe) for name, recipe in recipes.items()}
    cores = min(usable_cores(), together * threads)
    effort = effort_words(list(recipes.values()), len(numbers), images.name, published_tree(), cores)
    say(f"{ablation}, {effort} Those that are complete are not retrained.")
    display = Display(work, len(numbers), label_of)
    outcomes = display.carry_out(requests, jobs=together, threads=threads, stop=stop)
    end_unless_complete(outcomes, stop())
    records = [(outcome.request.name, outcome.record) for outcome in outcomes if outcome.record]
    steps = ablation_steps(
        [(words, [one for name, one in records if name == recipe.name]) for words, recipe in ABLATIONS[ablation]]
    )
    if as_json:
        result_json(steps)
    else:
        result(to_text(ablation_table(steps), columns(wide)))
        result(Advice("A gain is shown where its interval leaves out 0; more --seeds narrow it.").text(columns(wide)))
    require_reader()
