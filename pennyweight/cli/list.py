"""`pennyweight list`: the published recipes."""

from pennyweight.cli.options import Json, Wide
from pennyweight.cli.output import columns, result, result_json


def list_recipes(wide: Wide = False, as_json: Json = False) -> None:
    """List the published recipes, their costs and claims.

    Example: pennyweight list --json
    """
    from pennyweight.nets.measure import measure
    from pennyweight.recipes.catalogue import RECIPES
    from pennyweight.reporting.recipes import claim_words, recipes_table
    from pennyweight.reporting.text import fitted

    measured = [(recipe, measure(recipe.plan())) for recipe in RECIPES]
    if as_json:
        rows = [
            {
                "name": recipe.name,
                "params": costs.params,
                "claim": recipe.origin.claim.accuracy if recipe.origin.claim else None,
                "claim_words": claim_words(recipe.origin.claim),
                "macs": costs.macs,
                "receptive_field": costs.receptive_field,
                "epochs": recipe.epochs,
                "document": recipe.origin.document,
            }
            for recipe, costs in measured
        ]
        result_json(rows)
    else:
        result(fitted(recipes_table(measured), columns(wide)))
