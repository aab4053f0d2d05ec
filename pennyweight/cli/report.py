"""`pennyweight report`: a page of a document, a recipe or runs."""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.cli.options import Data, Json, complete_report_target
from pennyweight.cli.output import result, result_json


def report(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="A document's number or family (000, progressive), a recipe, a run folder, or a folder of runs; "
            "several stand side by side. A Python file is executed, nothing in a run folder is.",
            autocompletion=complete_report_target,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the page is written; default: report.html in the run folder or runs/."
        ),
    ] = None,
    figures: Annotated[
        str | None, typer.Option(metavar="KIND", help="Write the figures as png or svg files too, for the Markdown.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write an HTML page on documents, recipes or runs.

    Each step has its target, architecture, result and analysis. The page carries its evidence, asks for
    nothing over the network, and 'pennyweight verify PAGE.html' checks it.
    STEP.md beside it is the same as Markdown, ready to paste; with --out NAME.html it is NAME.md, its figures in NAME/.

    Pictures of test images need the dataset on this machine; nothing is downloaded.

    Examples: pennyweight report progressive; pennyweight report runs/progressive-3/seed-0 --figures png;
    pennyweight report submissions/anna submissions/ben --out course.html
    """
    from pennyweight.api import report as write_report

    written = write_report(*targets, out=out, data=data, figures=figures)
    if as_json:
        result_json(written)
    else:
        for sentence in written.notes:
            result(sentence)
        result(written.markdown)
        result(written.page)
