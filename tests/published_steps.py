"""The published steps of every document with their runs, read once for all tests of a process."""

from collections.abc import Sequence
from functools import cache

from pennyweight.pages.steps import Step
from pennyweight.recipes import compact, evolution, iteration, own, progressive, skip
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.runs.published import published_tree
from pennyweight.runs.record_tree import full_runs
from pennyweight.settings.recipe import Recipe

FAMILIES = {module.__name__.rpartition(".")[2]: module.RECIPES for module in (progressive, evolution, skip, compact)}
FAMILIES |= {module.__name__.rpartition(".")[2]: module.RECIPES for module in (iteration, own)}


@cache
def published_step(name: str) -> Step:
    """Return a published recipe with its runs."""
    recipe = find_recipe(name)
    return Step(recipe=recipe, records=tuple(full_runs(published_tree(), name, recipe.epochs)))


def published_steps(recipes: Sequence[Recipe]) -> list[Step]:
    """Return published recipes with their runs."""
    return [published_step(recipe.name) for recipe in recipes]
