"""The pictures of README and site, from the published records: one for each document's journey, and the frontier."""

from collections.abc import Iterator
from pathlib import Path

import pennyweight as pw
from pennyweight.base.budget import Budget
from pennyweight.figures import plots
from pennyweight.figures.layout import Picture
from pennyweight.figures.svg import to_svg
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.runs.record_tree import full_runs, read_tree
from pennyweight.settings.recipe import Recipe

COLUMN, HALF = 720, 540
"""Widths in pixels: of a column of text, and of a picture that is shown in about half of one."""


def families() -> dict[str, list[Recipe]]:
    """Return the recipes of every document in their order, by the document's title."""
    found: dict[str, list[Recipe]] = {}
    for recipe in RECIPES:
        if recipe.origin.document:
            found.setdefault(recipe.origin.document, []).append(recipe)
    return found


def pictures(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the SVG files in docs/pictures, from the tree of records in `folder`."""
    tree = read_tree(folder)
    runs = {recipe: full_runs(tree, recipe.name, recipe.epochs) for recipe in RECIPES}
    everything = [record for records in runs.values() for record in records]
    yield _picture("frontier", plots.frontier(everything, budget=_budget(pw.recipe("pennyweight-8k")), width=COLUMN))
    for recipes in families().values():
        own = [record for recipe in recipes for record in runs[recipe]]
        others = [record for recipe in RECIPES if recipe not in recipes for record in runs[recipe]]
        budget, family = _budget(recipes[-1]), recipes[0].name.partition("-")[0]
        yield _picture(family, plots.steps(own, others=others, budget=budget, width=COLUMN))
        yield _picture(f"{family}-small", plots.steps(own, others=others, budget=budget, width=HALF))


def _picture(name: str, figure: object) -> tuple[str, str]:
    assert isinstance(figure, Picture)
    assert figure.words
    return name, to_svg(figure, words=figure.words, name=name, standalone=True)


def _budget(recipe: Recipe) -> Budget:
    return next(budget for budget in recipe.budgets if budget.dataset == "mnist")
