"""`pennyweight claims`: whether what the source documents say is true."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pennyweight.cli.options import Json, Wide, complete_document
from pennyweight.cli.output import columns, result, result_json

if TYPE_CHECKING:
    from pennyweight.documents.check import CheckedClaim


Document = Annotated[
    str | None,
    typer.Argument(metavar="[DOCUMENT]", help="000 to 004; default: all.", autocompletion=complete_document),
]


def claims(
    document: Document = None,
    records: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of records; default: the published ones, which come with the package."
        ),
    ] = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Check every claim of the five source documents.

    Counts, shapes and layers are computed from the recipes, accuracies are compared with records of many seeds.

    Example: pennyweight claims 003
    """
    from pennyweight.api import claims as check
    from pennyweight.reporting.advice import claims_advice
    from pennyweight.reporting.claims import claims_text

    by_document = check(document, records=records)
    if as_json:
        result_json({title: [_values(claim) for claim in checked] for title, checked in by_document.items()})
    else:
        result("\n\n".join(claims_text(title, checked, columns(wide)) for title, checked in by_document.items()))
        result(claims_advice(by_document).text(columns(wide)))


def _values(checked: "CheckedClaim") -> dict[str, object]:
    values = asdict(checked)
    return {"kind": values["kind"], **values["claim"], "verdict": values["verdict"], "reason": values["reason"]}
