"""`pennyweight compare`: is one recipe better than another?"""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.cli.options import Json
from pennyweight.cli.output import result, result_json

Side = Annotated[Path, typer.Argument(metavar="RUNS", help="A run folder, or a folder of runs as runs/NAME.")]


def compare(first: Side, second: Side, as_json: Json = False) -> None:
    """Compare two recipes, engines or runs by the accuracy of their last epoch.

    Welch's interval of the difference over seeds; between two single runs, McNemar's exact test on their mistakes.

    Example: pennyweight compare runs/progressive-3 runs/skip-3
    """
    from pennyweight.api import compare as compare_runs
    from pennyweight.reporting.tables import comparison_text

    found = compare_runs(first, second)
    if as_json:
        return result_json(found)
    return result(comparison_text(found, str(first), str(second)))
