"""Finding a recipe: by its name, in a `recipe.toml`, or as `path.py:NAME`."""

import runpy
from pathlib import Path

from pennyweight.base.errors import EnvironmentRefused, UsageError, did_you_mean
from pennyweight.recipes import compact, evolution, iteration, own, progressive, skip
from pennyweight.training.recipe import Recipe, check_recipe
from pennyweight.training.recipe_text import recipe_from_text

RECIPES: tuple[Recipe, ...] = (
    *progressive.RECIPES,
    *evolution.RECIPES,
    *skip.RECIPES,
    *compact.RECIPES,
    *iteration.RECIPES,
    *own.RECIPES,
)
DOCUMENTS = {module.DOCUMENT: module.CLAIMS for module in (progressive, evolution, skip, compact, iteration)}
"""What each source document says that can be checked."""
WALKS = {"progressive": progressive.WALK}
"""Published recipes with what lies between them, one change at a time."""
NAMES = tuple(recipe.name for recipe in RECIPES)


def find_recipe(target: str) -> Recipe:
    """Return the recipe `target` names: a published name, a TOML file, or `path.py:NAME`.

    Raises UsageError for an unknown name (with the nearest one) or an invalid recipe, EnvironmentRefused for a file
    that cannot be read.
    """
    named = published(target)
    if named is not None:
        return named
    path_text, colon, name = target.rpartition(":")
    if colon and path_text.endswith(".py"):
        recipe = _from_python(Path(path_text), name)
    elif target.endswith(".toml"):
        recipe = _from_toml(Path(target))
    else:
        raise UsageError(
            f"There is no recipe '{target}'.{did_you_mean(target, NAMES)} "
            "'pennyweight list' shows all; a file is given as recipe.toml or path.py:NAME."
        )
    check_recipe(recipe)
    return recipe


def published(name: str) -> Recipe | None:
    """Return the published recipe of this name, or of a walk, or None."""
    walked = (recipe for walk in WALKS.values() for _, recipe in walk)
    return next((recipe for recipe in (*RECIPES, *walked) if recipe.name == name), None)


def _from_toml(path: Path) -> Recipe:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentRefused(f"Cannot read the recipe {path}: {_reason(error)}.") from error
    return recipe_from_text(text, str(path))


def _from_python(path: Path, name: str) -> Recipe:
    try:
        path.read_bytes()
    except OSError as error:
        raise EnvironmentRefused(f"Cannot read the recipe {path}: {_reason(error)}.") from error
    try:
        names = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # the user's own code may raise anything
        raise UsageError(f"{path} fails when it is run: {type(error).__name__}: {error}") from error
    recipes = {key: value for key, value in names.items() if isinstance(value, Recipe)}
    if name not in recipes:
        known = ", ".join(recipes) or "none"
        raise UsageError(f"{path} holds no recipe '{name}'.{did_you_mean(name, recipes)} Recipes in it: {known}.")
    return recipes[name]


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
