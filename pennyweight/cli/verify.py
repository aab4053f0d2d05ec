"""`pennyweight verify`: does a run agree with its record?"""

from typing import Annotated

import typer

from pennyweight.cli.options import Data, Json, Wide, complete_recipe
from pennyweight.cli.output import columns, result, result_json


def verify(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Folder of a finished run, a published recipe's name for the run that the package brings, or a page "
            "that 'report' wrote. No file in it is executed.",
            autocompletion=complete_recipe,
        ),
    ],
    replay: Annotated[bool, typer.Option("--replay", help="Retrain the run and compare.")] = False,
    run: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Of a page: the run its pictures are from, to compute them again."),
    ] = None,
    data: Data = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Check a run against its record; --replay retrains it.

    Counts, mistakes, digests, epochs and verdict are recomputed from the weights and the data. A replay must end with
    the same bytes on the same processor, compiler and engine, else within the range of other seeds of the recipe.

    A page is rendered again from the evidence it carries, and every word and plotted point that differs is named.

    Exit 1 when something disagrees.

    Examples: pennyweight verify runs/progressive-3/seed-0 --replay; pennyweight verify pennyweight-8k;
    pennyweight verify report.html
    """
    from pennyweight.api import is_page
    from pennyweight.api import verify as verify_run
    from pennyweight.reporting.advice import page_advice, verification_advice
    from pennyweight.reporting.verification import verification_text

    checked = verify_run(folder, data=data, replay=replay, run=run)
    if as_json:
        result_json(
            {"agrees": checked.agrees, "folder": checked.folder, "checks": checked.checks, "on_trust": checked.on_trust}
        )
    else:
        result(verification_text(checked, columns(wide)))
        named = f"./{folder}" if str(folder).startswith("-") else str(folder)
        same = ("verify", named, *(("--data", str(data)) if data else ()))
        advice = page_advice(checked) if is_page(folder) else verification_advice(checked, same)
        result(advice.text(columns(wide)))
    if not checked.agrees:
        raise typer.Exit(1)
