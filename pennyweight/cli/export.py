"""`pennyweight export`: a trained network as files for elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.base.errors import UsageError
from pennyweight.cli.options import Data, Json, Wide, complete_export_format, complete_recipe
from pennyweight.cli.output import columns, result, result_json
from pennyweight.cli.signals import note_written


def export(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Folder of a finished run, or a published recipe's name for the run that the package brings. "
            "No file in it is executed.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT",
            help="A format of --list, or all; repeatable. Default: all.",
            autocompletion=complete_export_format,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder to write into. Default: export/ in the run folder, or export/NAME."),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What files and C functions begin with. Default: the recipe's name."),
    ] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Write without a comparison; the manifest says 'not checked'.")
    ] = False,
    formats: Annotated[bool, typer.Option("--list", help="List the formats and what judges them.")] = False,
    data: Data = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Write a trained network as ONNX or as C.

    Every format is first run on all test images of the dataset the network was trained on and compared with the
    original. Files, their digests and what the comparison found are listed in manifest.json.

    Exit 4 when a format does not agree, 3 when what judges it or the dataset is missing, 2 when a file would replace
    one that is not its own; then nothing is written.

    Examples: pennyweight export progressive-3 --to c --out firmware; pennyweight export runs/skip-3/seed-0 --to onnx;
    pennyweight export --list
    """
    from pennyweight.api import export as export_run
    from pennyweight.api import export_formats
    from pennyweight.reporting.exports import export_text, formats_table
    from pennyweight.tables.text import to_text

    if formats:
        known = export_formats()
        if run is not None:
            raise UsageError(f"--list takes no run, and {run} was given; leave one of them out.")
        if as_json:
            result_json(known)
        else:
            result(to_text(formats_table(known), columns(wide)))
        return
    if run is None:
        raise UsageError("Nothing is named to export; name a run folder or a published recipe, or use --list.")
    exported = export_run(run, to=to or ["all"], out=out, prefix=prefix, checked=not unchecked, data=data)
    note_written()
    if as_json:
        result_json({"folder": str(exported.folder), "exports": exported.exports})
    else:
        result(export_text(exported.exports, str(exported.folder), columns(wide)))
