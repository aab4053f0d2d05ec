"""Flags that several verbs share, and completion of what they take."""

from pathlib import Path
from typing import Annotated

import typer

DATASETS = ("mnist", "fashion-mnist", "digits")


def complete_recipe(incomplete: str) -> list[str]:
    """Return the published recipes that start with what is typed."""
    from pennyweight.recipes.catalogue import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


def complete_dataset(incomplete: str) -> list[str]:
    """Return the datasets that start with what is typed."""
    return [name for name in DATASETS if name.startswith(incomplete)]


Target = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A published name (see 'pennyweight list'), a recipe.toml, or path.py:NAME.",
        autocompletion=complete_recipe,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder that holds mnist/ and others; else $PENNYWEIGHT_DATA, else the user's cache."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "-s",
        metavar="KEY=VALUE",
        help="Change one setting, as optimizer.learning_rate=0.05; repeatable. 'show RECIPE' lists the keys.",
    ),
]
