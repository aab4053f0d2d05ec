"""One run on this terminal: its lines, its verdict, its folder."""

from collections.abc import Callable

from pennyweight.base.budget import budget_for
from pennyweight.base.errors import Interrupted
from pennyweight.cli.console import Console, same_command
from pennyweight.cli.output import result, result_json, say
from pennyweight.reporting.tables import plural, verdict_text
from pennyweight.training.folder import set_aside
from pennyweight.training.identity import refuse_foreign_folder
from pennyweight.training.loop import train
from pennyweight.training.run import Run


def train_one(run: Run, again: bool, stop: Callable[[], bool], as_json: bool, verbose: bool) -> None:
    """Train `run` and print what it came to; raises Interrupted with the command that resumes it."""
    refuse_foreign_folder(run.folder)
    if again and (moved := set_aside(run.folder)):
        say(f"The earlier run was moved to {moved}.")
    say(_opening(run))
    try:
        record = train(run, Console(run, verbose), stop)
    except Interrupted as error:
        raise Interrupted(f"{error} This resumes it: {same_command()}") from error
    if as_json:
        return result_json(record)
    budget = budget_for(run.recipe.budgets, run.dataset.name)
    result(verdict_text(record, budget.reason if budget else ""))
    return result(record.folder)


def _opening(run: Run) -> str:
    changes = f" with {', '.join(run.changes)}" if run.changes else ""
    images = len(run.dataset.train_labels) - run.recipe.validation_images
    held = f", {run.recipe.validation_images:,} held out" if run.recipe.validation_images else ""
    return (
        f"{run.recipe.name}{changes} on {run.dataset.name}: {images:,} training images{held}, "
        f"{plural(run.recipe.epochs, 'epoch')}, seed {run.seed}, {run.engine} engine on {run.device}"
    )
