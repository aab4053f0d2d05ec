"""`pennyweight show`: a recipe's layers, costs and settings."""

from typing import TYPE_CHECKING, Annotated

import typer

from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.cli.options import FORMATS, Json, Settings, Target, Wide, complete_layout, require_one_value
from pennyweight.cli.output import columns, result, result_json

if TYPE_CHECKING:
    from pennyweight.nets.measure import Measurement
    from pennyweight.settings.recipe import Recipe


def show(
    target: Target,
    settings: Settings = None,
    layout: Annotated[
        str,
        typer.Option(
            "--format",
            help="table, or torchsummary: the layers alone, as that package prints them.",
            autocompletion=complete_layout,
        ),
    ] = "table",
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Show a recipe's layers, costs and settings.

    Every layer with its shape, parameters, MACs and receptive field, then every setting and where it comes from.

    Examples: pennyweight show progressive-3; pennyweight show skip-3 --json; pennyweight show skip-3 --format
    torchsummary
    """
    from pennyweight.api import find_recipe
    from pennyweight.nets.measure import measure
    from pennyweight.reporting.recipes import recipe_text
    from pennyweight.reporting.torchsummary import torchsummary_text
    from pennyweight.settings.keys import kept_by_kinds

    require_one_value(settings)
    if layout not in FORMATS:
        raise unknown_name_error("format", layout, FORMATS)
    if as_json and layout != "table":
        raise UsageError(f"--json has a form of its own, and --format {layout} another; leave one of them out.")
    base = find_recipe(target)
    recipe = find_recipe(base, settings or [])
    measured = measure(recipe.plan())
    if layout == "torchsummary":
        result(torchsummary_text(recipe.plan()))
    elif as_json:
        result_json(_json_values(recipe, measured))
    else:
        result(recipe_text(recipe, measured, columns(wide), kept_by_kinds(base, recipe)))


def _json_values(recipe: "Recipe", measured: "Measurement") -> dict[str, object]:
    from dataclasses import asdict

    from pennyweight.recipes.origins import layer_settings, variant_words
    from pennyweight.reporting.recipes import trained_words
    from pennyweight.settings.keys import settings_of

    settings = settings_of(recipe)
    return {
        "name": recipe.name,
        **asdict(measured),
        "settings": settings,
        "from": {key: recipe.origin.says(key) for key in (*layer_settings(recipe), *settings)},
        "variant": variant_words(recipe),
        "trained": trained_words(recipe),
        "origin": asdict(recipe.origin),
    }
