"""`pennyweight verify`: is a run what its record says?"""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.cli.options import Data, Json
from pennyweight.cli.output import result, result_json


def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a finished run.")],
    replay: Annotated[bool, typer.Option("--replay", help="Train the run again and compare.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Recompute what a run's record states, from its weights and the data.

    Counts, mistakes, digests, epochs and verdict are found anew. --replay trains again: to the same bytes on the same
    processor, compiler and engine, else within what other seeds of the recipe gave. Exit 1 when something disagrees.

    Example: pennyweight verify runs/progressive-3/seed-0 --replay
    """
    from pennyweight.api import verify as verify_run
    from pennyweight.reporting.tables import verification_text

    found = verify_run(folder, data=data, replay=replay)
    if as_json:
        result_json({"agrees": found.agrees, "folder": found.folder, "checks": found.checks})
    else:
        result(verification_text(found))
    if not found.agrees:
        raise typer.Exit(1)
