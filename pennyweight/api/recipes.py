"""A recipe before anything is trained: found, changed, audited, and what it costs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.base.streaming import StreamedCost
from pennyweight.base.values import check_types, coerce
from pennyweight.judging.audit import Audit, Rules, rules_of
from pennyweight.judging.audit import audit as audit_recipe
from pennyweight.recipes import catalogue
from pennyweight.recipes.origins import settled
from pennyweight.runs.model import load_trained
from pennyweight.runs.request import assignments_of
from pennyweight.settings.keys import change
from pennyweight.settings.recipe import Recipe, check_recipe
from pennyweight.shipping.cost import STREAMED_FORMAT, streamed_cost


def published_recipes() -> tuple[Recipe, ...]:
    """Return the published recipes.

    >>> len(pw.published_recipes())
    14
    """
    return catalogue.RECIPES


def find_recipe(target: str | Recipe, settings: Mapping[str, object] | Sequence[str] = ()) -> Recipe:
    """Return a recipe (a published name, a TOML file, `path.py:NAME`, or a recipe itself) with `settings` changed.

    A Python file is executed; one that holds a single recipe needs no NAME. Settings are
    `{"optimizer.learning_rate": 0.05}` or `["optimizer.learning_rate=0.05"]`. What differs from the recipe it was made
    from, by them or by `dataclasses.replace`, loses that recipe's document and claim. Raises UsageError for an unknown
    name or setting.

    >>> pw.recipe("skip-3", {"optimizer.learning_rate": 0.05}).optimizer.learning_rate
    0.05
    """
    base = base_recipe(target)
    changed = change(base, assignments_of(settings))
    check_recipe(changed)
    return settled(changed, base)


def base_recipe(target: str | Recipe) -> Recipe:
    """Return the recipe that `target` is or names, as it stands there; raises UsageError for what is neither."""
    coerce("The recipe", target, str | Recipe)
    return catalogue.find_recipe(target) if isinstance(target, str) else target


def audit(target: str | Recipe, rules: Rules | None = None) -> Audit:
    """Check a recipe against `rules`; without rules, against the caps of its own budget.

    >>> pw.audit("progressive-3")
    <Audit of progressive-3: every one of 2 rules holds>
    """
    recipe = base_recipe(target)
    coerce("rules", rules, Rules | None)
    check_types(rules)
    return audit_recipe(recipe, rules or rules_of(recipe))


def cost_of(
    target: str | Recipe, settings: Mapping[str, object] | Sequence[str] = (), purpose: str = "c-int8"
) -> tuple[str, StreamedCost]:
    """Return the name of a recipe, or of a run folder's, and what its layers cost in the format `purpose`.

    Only `c-int8` has such costs. Raises UsageError for another format, and what `find_recipe` and `load_trained` raise.
    """
    if purpose != STREAMED_FORMAT:
        raise unknown_name_error("format with costs by layer", purpose, [STREAMED_FORMAT])
    if isinstance(target, str) and Path(target).is_dir():
        if assignments_of(settings):
            raise UsageError(f"{target} is a run, whose settings are made; leave -s out, or name its recipe.")
        model = load_trained(Path(target))
        return model.recipe.name, streamed_cost(model.plan)
    recipe = find_recipe(target, settings)
    return recipe.name, streamed_cost(recipe.plan())
