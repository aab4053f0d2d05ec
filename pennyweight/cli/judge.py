"""`pennyweight judge`: finished runs against their budgets, or yours."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from pennyweight.cli.options import Json, Wide, complete_recipe, count_option
from pennyweight.cli.output import columns, end_with_problems, result, result_json, say


def judge(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Run folders, folders that hold runs at any depth, record files, or names of published recipes. "
            "No file in them is executed.",
            autocompletion=complete_recipe,
        ),
    ],
    budget: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your budget as TOML, which is not executed: accuracy, max_params, max_epochs, hold_epochs, split.",
        ),
    ] = None,
    max_params: Annotated[int | None, count_option("Most trained parameters you allow.")] = None,
    max_epochs: Annotated[int | None, count_option("Most epochs you allow.")] = None,
    accuracy: Annotated[float | None, typer.Option(help="Accuracy in percent you ask for.")] = None,
    hold: Annotated[int | None, count_option("Last epochs in each of which it must hold.")] = None,
    allow_unjudged: Annotated[
        bool, typer.Option("--allow-unjudged", help="Do not exit 1 for runs that have no budget.")
    ] = False,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Judge finished runs against their budgets.

    A run kept or broke its budget. A recipe with two or more seeds is met, not met, or not shown.

    Your own limits override a run's. Recipe, record, weights and checkpoint are first checked against each other.

    Exit 0 when the run kept its budget or, with two or more seeds, every recipe is met; 1 otherwise; 4 when the files
    of a run do not agree.

    Examples: pennyweight judge runs/progressive-3; pennyweight judge runs/progressive-3/seed-0;
    pennyweight judge submissions --accuracy 99.4 --hold 5 --max-params 8000 --max-epochs 15
    """
    from pennyweight.api import judge as judge_runs
    from pennyweight.api import read_budget
    from pennyweight.reporting.judgements import judgement_text
    from pennyweight.runs.find import unfinished_below

    judgement = judge_runs(
        *runs,
        budget=read_budget(budget) if budget else None,
        max_params=max_params,
        max_epochs=max_epochs,
        accuracy=accuracy,
        hold_epochs=hold,
    )
    for unfinished in chain.from_iterable(unfinished_below(Path(run)) for run in runs):
        say(f"{unfinished} is not complete and is not judged.")
    if as_json:
        result_json(
            {
                "met": judgement.met,
                "runs": judgement.runs,
                "groups": judgement.groups,
                "problems": judgement.problems,
            }
        )
    elif judgement.runs or len(judgement.problems) > 1:
        limits: dict[str, object] = {"--budget": budget, "--max-params": max_params, "--max-epochs": max_epochs}
        limits |= {"--accuracy": accuracy, "--hold": hold}
        flags = [f"{flag}={value}" for flag, value in limits.items() if value is not None]
        result(judgement_text(judgement, columns(wide), limits=flags))
    end_with_problems(judgement.problems, as_json)
    unjudged = any(run.budget is None for run in judgement.runs) and not allow_unjudged
    if judgement.met is False or unjudged:
        raise typer.Exit(1)
