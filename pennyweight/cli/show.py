"""`pennyweight show`: a recipe's layers, costs and settings."""

from typing import TYPE_CHECKING

from pennyweight.cli.options import Json, Settings, Target
from pennyweight.cli.output import result, result_json

if TYPE_CHECKING:
    from pennyweight.nets.measure import Measurement
    from pennyweight.training.recipe import Recipe


def show(target: Target, settings: Settings = None, as_json: Json = False) -> None:
    """Show a recipe's layers, costs and settings.

    Every layer with its shape, parameters, MACs and receptive field, then every setting and where it comes from.

    Examples: pennyweight show progressive-3; pennyweight show skip-3 --json
    """
    from pennyweight.api import recipe as find
    from pennyweight.nets.measure import measure
    from pennyweight.nets.plan import make_plan

    recipe = find(target, settings or [])
    measured = measure(make_plan(recipe.layers))
    if as_json:
        return result_json(_facts(recipe, measured))
    return result(_text(recipe, measured))


def _facts(recipe: "Recipe", measured: "Measurement") -> dict[str, object]:
    from dataclasses import asdict

    from pennyweight.training.recipe_text import settings_of

    return {"name": recipe.name, **asdict(measured), "settings": settings_of(recipe), "origin": asdict(recipe.origin)}


def _text(recipe: "Recipe", measured: "Measurement") -> str:
    from pennyweight.recipes.origins import says
    from pennyweight.reporting.tables import claim_words, layer_table, table
    from pennyweight.training.recipe_text import settings_of

    settings = [(key, value, says(recipe, key)) for key, value in settings_of(recipe).items()]
    budgets = [
        f"budget on {one.dataset}: at most {one.max_params:,} parameters and {one.max_epochs} epochs, at least "
        f"{one.accuracy:g} % {one.split} accuracy in each of the last {one.hold_epochs}. {one.reason}"
        for one in recipe.budgets
    ]
    return "\n".join(
        [
            f"{recipe.name}  ({recipe.origin.document or 'no document'})",
            f"claim: {claim_words(recipe.origin.claim) or 'none'}",
            *([recipe.origin.note] if recipe.origin.note else []),
            *budgets,
            "",
            layer_table(measured),
            "",
            f"{measured.params:,} trained parameters (what a cap counts), {measured.buffers:,} buffers, "
            f"{measured.macs:,} multiply-accumulates an image",
            f"receptive field {measured.receptive_field} pixels at the last convolution, jump {measured.jump}; "
            f"largest activation {measured.largest_activation_bytes:,} bytes",
            "",
            table(("setting", "value", "from"), settings),
        ]
    )
