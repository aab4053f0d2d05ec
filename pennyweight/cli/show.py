"""`pennyweight show`: a recipe's layers, costs and settings."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.cli.options import FORMATS, Json, Settings, Target, Wide, complete_layout, require_one_value
from pennyweight.cli.output import columns, result, result_json

if TYPE_CHECKING:
    from pennyweight.nets.measure import Measurement
    from pennyweight.settings.recipe import Recipe


For = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="FORMAT",
        help="Show instead what each layer costs in a format: c-int8. Takes a run folder too.",
    ),
]
Layout = Annotated[
    str,
    typer.Option(
        "--format",
        help="table, or torchsummary: the layers alone, as that package prints them.",
        autocompletion=complete_layout,
    ),
]


def show(
    target: Target,
    settings: Settings = None,
    layout: Layout = "table",
    purpose: For = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Show a recipe's layers, costs and settings.

    Every layer with its shape, parameters, MACs and receptive field, then every setting and where it comes from. With
    --for c-int8 bytes of flash and memory, and MACs, layer by layer, before anything is trained or compiled.

    Examples: pennyweight show progressive-3; pennyweight show skip-3 --json; pennyweight show skip-3 --format
    torchsummary; pennyweight show skip-3 --for c-int8
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
    if purpose is not None:
        if layout != "table":
            raise UsageError("--for has a table of its own; leave --format out.")
        _show_cost(target, settings or [], purpose, wide, as_json)
        return
    base = find_recipe(target)
    recipe = find_recipe(base, settings or [])
    measured = measure(recipe.plan())
    if layout == "torchsummary":
        result(torchsummary_text(recipe.plan()))
    elif as_json:
        result_json(_json_values(recipe, measured))
    else:
        result(recipe_text(recipe, measured, columns(wide), kept_by_kinds(base, recipe)))


def _show_cost(target: str, settings: list[str], purpose: str, wide: bool, as_json: bool) -> None:
    from pennyweight.api import cost_of
    from pennyweight.reporting.streaming import streaming_text

    name, cost = cost_of(target, settings, purpose)
    if as_json:
        result_json({"name": name, **asdict(cost)})
    else:
        result(streaming_text(name, cost, columns(wide)))


def _json_values(recipe: "Recipe", measured: "Measurement") -> dict[str, object]:
    from pennyweight.recipes.origins import layer_settings, source_of, variant_words
    from pennyweight.reporting.recipes import trained_words
    from pennyweight.settings.keys import settings_of

    settings = settings_of(recipe)
    return {
        "name": recipe.name,
        **asdict(measured),
        "settings": settings,
        "from": {key: source_of(recipe, key) for key in (*layer_settings(recipe), *settings)},
        "variant": variant_words(recipe),
        "trained": trained_words(recipe),
        "origin": asdict(recipe.origin),
    }
