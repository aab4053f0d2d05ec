"""One run on this terminal: its lines, its verdict, its folder."""

from collections.abc import Callable

from pennyweight.api import train
from pennyweight.base.budget import budget_for
from pennyweight.base.errors import Interrupted
from pennyweight.cli.output import columns, result, result_json
from pennyweight.recipes.origins import budget_reason
from pennyweight.reporting.command import same_command
from pennyweight.reporting.console import Console
from pennyweight.reporting.run_advice import run_advice
from pennyweight.reporting.verdicts import verdict_text
from pennyweight.runs.request import Request


def train_one(request: Request, *, stop: Callable[[], bool], as_json: bool, wide: bool, verbose: bool) -> None:
    """Carry out `request` and print what it came to; raises Interrupted with the command that resumes it."""
    console = Console(verbose)
    try:
        record = train(request, observer=console, stop=stop)
    except Interrupted as error:
        raise Interrupted(f"{error} This resumes it:", same_command()) from error
    finally:
        console.close()
    if as_json:
        result_json(record)
        return
    budget = budget_for(console.run.recipe.budgets, record.dataset)
    result(verdict_text(record, budget_reason(console.run.recipe, budget) if budget else "", columns(wide)))
    result(run_advice(record, record.verdict, budget, request).text(columns(wide)))
    result(record.folder)
