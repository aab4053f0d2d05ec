"""`pennyweight judge`: finished runs against their budgets."""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.cli.options import Json
from pennyweight.cli.output import result, result_json


def judge(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Run folders, or folders of them.")],
    as_json: Json = False,
) -> None:
    """Judge finished runs against their budgets.

    Each run alone, then all seeds of a recipe together. Exit 1 unless every recipe's verdict is met.

    Examples: pennyweight judge runs/progressive-3; pennyweight judge runs/*/seed-0
    """
    from pennyweight.api import judge as judge_runs
    from pennyweight.reporting.tables import limit_lines, seeds_text, verdict_words

    found = judge_runs(*folders)
    if as_json:
        result_json(found)
    else:
        for run in found.runs:
            result(f"{run.folder}: {verdict_words(run.verdict)}")
            result(limit_lines(run.verdict.limits))
        for group in found.groups:
            result(seeds_text(group))
    if found.met is False:
        raise typer.Exit(1)
