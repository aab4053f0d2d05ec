"""`pennyweight claims`: what the source documents say, held against what is true."""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.cli.options import Json
from pennyweight.cli.output import result, result_json


def claims(
    document: Annotated[str | None, typer.Argument(metavar="[DOCUMENT]", help="000 to 004; all unless given.")] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of published records; else those of this checkout, else none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every claim of the five source documents.

    Counts, shapes and layers are computed from the recipes, accuracies are held against records of many seeds.

    Example: pennyweight claims 003
    """
    from pennyweight.api import claims as check
    from pennyweight.reporting.tables import claims_text

    found = check(document, records=records)
    if as_json:
        return result_json(
            {name: [_plain(one) for one in checked] for name, checked in found.items()},
        )
    return result("\n\n".join(claims_text(name, checked) for name, checked in found.items()))


def _plain(one: object) -> dict[str, object]:
    from dataclasses import asdict

    facts = asdict(one)  # type: ignore[call-overload]
    return {"kind": facts["kind"], **facts["claim"], "verdict": facts["verdict"], "reason": facts["reason"]}
