"""`pennyweight compare`: is one recipe better, and is the difference significant?"""

from typing import Annotated

import typer

from pennyweight.cli.options import Json, Wide, complete_recipe
from pennyweight.cli.output import columns, result, result_json

Sides = Annotated[
    list[str],
    typer.Argument(
        metavar="RUNS RUNS...",
        help="A run folder, a folder of runs as runs/NAME, or a recipe's name for its published records. "
        "No file in them is executed.",
        autocompletion=complete_recipe,
    ),
]


def compare(sides: Sides, wide: Wide = False, as_json: Json = False) -> None:
    """Compare recipes, engines or runs by final accuracy.

    Two: Welch's interval for the difference over seeds; for two single runs, McNemar's exact test on their mistakes.

    Three or more: a table, and every pair, tested in the same way, with its p-value adjusted for all pairs (Holm).

    Examples: pennyweight compare runs/progressive-3 runs/skip-3; pennyweight compare progressive-3 skip-3 iteration-3
    """
    from pennyweight.api import compare as compare_runs
    from pennyweight.judging.compare import Ranking
    from pennyweight.reporting.advice import comparison_advice, ranking_advice
    from pennyweight.reporting.comparisons import comparison_text, ranking_text

    compared = compare_runs(*sides)
    if as_json:
        result_json(compared)
    elif isinstance(compared, Ranking):
        result(ranking_text(compared, columns(wide)))
        if advice := ranking_advice(compared).text(columns(wide)):
            result(advice)
    else:
        result(comparison_text(compared, sides[0], sides[1], columns(wide)))
        result(comparison_advice(compared, ("compare", *sides)).text(columns(wide)))
