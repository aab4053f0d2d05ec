"""One run on this terminal: its lines, its verdict, its folder."""

from collections.abc import Callable

from pennyweight.api import train
from pennyweight.base.budget import budget_for
from pennyweight.base.errors import Interrupted
from pennyweight.cli.output import columns, result, result_json, say
from pennyweight.pages.keeper import Kept
from pennyweight.recipes.origins import budget_reason
from pennyweight.reporting.command import same_command
from pennyweight.reporting.console import Console
from pennyweight.reporting.run_advice import run_advice
from pennyweight.reporting.verdicts import verdict_text
from pennyweight.runs.request import Request


def train_one(
    request: Request, *, stop: Callable[[], bool], as_json: bool, wide: bool, verbose: bool, report: bool = False
) -> None:
    """Carry out `request` and print what it came to, and with `report` keep a page of it fresh meanwhile.

    Raises Interrupted with the command that resumes it.
    """
    console = Console(verbose)
    kept = Kept(console, request.data)
    try:
        record = train(request, observer=kept if report else console, stop=stop)
    except Interrupted as error:
        begun = hasattr(console, "run")
        raise Interrupted(f"{error} This resumes it:", same_command(begun=begun)) from error
    finally:
        console.close()
        if kept.keeper and (problem := kept.keeper.close()):
            say(problem)
    if as_json:
        result_json(record)
        return
    budget = budget_for(console.run.recipe.budgets, record.dataset)
    result(verdict_text(record, budget_reason(console.run.recipe, budget) if budget else "", columns(wide)))
    result(run_advice(record, record.verdict, budget, request).text(columns(wide)))
    if kept.keeper:
        result(str(kept.keeper.page))
    result(record.folder)
