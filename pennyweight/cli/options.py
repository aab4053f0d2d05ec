"""Flags that several commands share, and completion of what they take."""

from pathlib import Path
from typing import Annotated

import typer

DATASETS = ("mnist", "fashion-mnist", "digits")


def complete_recipe(incomplete: str) -> list[str]:
    """Return the published recipes that start with what is typed."""
    from pennyweight.recipes.catalogue import RECIPE_NAMES

    return [name for name in RECIPE_NAMES if name.startswith(incomplete)]


def complete_dataset(incomplete: str) -> list[str]:
    """Return the datasets that start with what is typed."""
    return [name for name in DATASETS if name.startswith(incomplete)]


Target = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A published name (see 'pennyweight list'), a recipe.toml, path.py with one recipe, or path.py:NAME. "
        "A Python file is executed, a TOML file is not.",
        autocompletion=complete_recipe,
    ),
]
DatasetName = Annotated[str, typer.Option(help="mnist, fashion-mnist or digits.", autocompletion=complete_dataset)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder that holds mnist/ and others; default: $PENNYWEIGHT_DATA, else the user's cache."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "-s",
        metavar="KEY=VALUE",
        help="Change one setting, as optimizer.learning_rate=0.05; repeatable. 'show RECIPE' lists the keys.",
    ),
]
