"""`pennyweight list`: the published recipes."""

from pennyweight.cli.options import Json
from pennyweight.cli.output import result, result_json


def list_recipes(as_json: Json = False) -> None:
    """List the published recipes, their costs and claims.

    Example: pennyweight list --json
    """
    from pennyweight.nets.measure import measure
    from pennyweight.nets.plan import make_plan
    from pennyweight.recipes.catalogue import RECIPES
    from pennyweight.reporting.tables import claim_words, table

    measured = [(recipe, measure(make_plan(recipe.layers))) for recipe in RECIPES]
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
        return result_json(rows)
    lines = [
        (
            recipe.name,
            f"{costs.params:,}",
            f"{costs.macs:,}",
            costs.receptive_field,
            recipe.epochs,
            claim_words(recipe.origin.claim),
            recipe.origin.document[:3],
        )
        for recipe, costs in measured
    ]
    headers = ("recipe", "params", "MACs", "sees", "epochs", "claim of its document, %", "doc")
    return result(table(headers, lines, right=" rrrr"))
