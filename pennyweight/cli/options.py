"""Flags that several commands share, and completion of what they take."""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from pennyweight.base.errors import UsageError

DATASETS = ("mnist", "fashion-mnist", "digits")
ENGINES, DEVICES = ("auto", "native", "torch"), ("cpu", "cuda")
FORMATS = ("table", "torchsummary")
"""How `show` prints layers."""
WHOLE_NUMBER = re.compile(r"(-?\d[\d_]*|\d{1,3}(?:,\d{3})+)([kKmM]?)|(\d+\.\d+)([kKmM])")
THOUSANDS = {"": 1, "k": 1_000, "m": 1_000_000}


def whole_number(text: str | int) -> int:
    """Read `20000`, `20,000`, `20_000`, `20k` or `1.5M`; raises BadParameter, shown with the option's name."""
    match = WHOLE_NUMBER.fullmatch(str(text).strip())
    if match:
        digits, unit = (match[1] or match[3]).replace(",", "").replace("_", ""), (match[2] or match[4] or "").lower()
        number = Decimal(digits) * THOUSANDS[unit]
        if number == int(number):
            return int(number)
    raise typer.BadParameter(f"'{text}' is not a whole number; write it like 8000, 8,000, 8_000 or 8k.")


def count_option(help: str) -> Any:
    """Return an option that is a whole number as people write it."""
    return typer.Option(metavar="N", parser=whole_number, help=help)


def require_one_value(settings: Sequence[str] | None) -> None:
    """Raise UsageError with a command for each value, where a setting is given several: a run has one."""
    from pennyweight.reporting.command import same_command
    from pennyweight.settings.keys import values_apart

    several = {text: values_apart(text) for text in settings or () if values_apart(text)}
    if several:
        commands = [same_command(begun=False)]
        for text, values in several.items():
            commands = [command.replace(text, value) for command in commands for value in values]
        listed = " -s ".join(several)
        raise UsageError(f"A run has one value of a setting; -s {listed} gives several. A command for each:", commands)


def complete_recipe(incomplete: str) -> list[str]:
    """Return the published recipes that start with what is typed."""
    from pennyweight.recipes.catalogue import RECIPE_NAMES

    return _starting_with(incomplete, RECIPE_NAMES)


def complete_setting(incomplete: str) -> list[str]:
    """Return the settings that start with what is typed, as `epochs=`; behind the `=` of one with kinds, its kinds."""
    from pennyweight.settings.keys import kinds_of, setting_keys
    from pennyweight.settings.recipe import Recipe

    kinds = [f"{key}={kind}" for key, named in kinds_of(Recipe).items() for kind in named]
    return _starting_with(incomplete, kinds if "=" in incomplete else [f"{key}=" for key in setting_keys(Recipe)])


def complete_export_format(incomplete: str) -> list[str]:
    """Return the export formats that start with what is typed."""
    from pennyweight.api import export_formats

    return _starting_with(incomplete, [*(one["name"] for one in export_formats()), "all"])


def complete_features(incomplete: str) -> list[str]:
    """Return the features that the last name of a list, as `batchnorm,drop`, may become."""
    from pennyweight.judging.features import FEATURES

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _starting_with(last, FEATURES)]


def complete_preprocess(incomplete: str) -> list[str]:
    """Return what `--preprocess` takes that starts with what is typed."""
    from pennyweight.shipping.predict import PREPROCESSES

    return _starting_with(incomplete, PREPROCESSES)


def complete_document(incomplete: str) -> list[str]:
    """Return the numbers of the source documents that start with what is typed."""
    from pennyweight.recipes.catalogue import DOCUMENTS

    return _starting_with(incomplete, [title.split()[0] for title in DOCUMENTS])


def complete_report_target(incomplete: str) -> list[str]:
    """Return the documents, by number and family, and the published recipes that start with what is typed."""
    from pennyweight.recipes.catalogue import RECIPE_NAMES, document_words

    return _starting_with(incomplete, [*document_words(), *RECIPE_NAMES])


def complete_ablation(incomplete: str) -> list[str]:
    """Return the ablations that start with what is typed."""
    from pennyweight.recipes.catalogue import ABLATIONS

    return _starting_with(incomplete, ABLATIONS)


def completion_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a completion that offers those of `words` that start with what is typed."""

    def complete(incomplete: str) -> list[str]:
        return _starting_with(incomplete, words)

    return complete


complete_dataset, complete_layout = completion_of(DATASETS), completion_of(FORMATS)
complete_engine, complete_device = completion_of(ENGINES), completion_of(DEVICES)


def _starting_with(start: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(start)]


Target = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A published name (see 'pennyweight list'), a recipe.toml, path.py with one recipe, or path.py:NAME. "
        "A Python file is executed, a TOML file is not.",
        autocompletion=complete_recipe,
    ),
]
DatasetName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="mnist, fashion-mnist or digits (embedded in the package). Other images in the files of mnist are called "
        "other-mnist (docs/data.md).",
        autocompletion=complete_dataset,
    ),
]
Wide = Annotated[
    bool, typer.Option("--wide", help="Print every column and cell in full, as where no terminal shows them.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Folder that holds mnist/ and others; default: $PENNYWEIGHT_DATA, else the user's cache."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "-s",
        metavar="KEY=VALUE",
        help="Change one setting, as optimizer.learning_rate=0.05; repeatable. 'show RECIPE' lists the keys. Another "
        "kind, as optimizer=SGD, keeps the values that both kinds have.",
        autocompletion=complete_setting,
    ),
]
