"""Holding a recipe against the published one its origin speaks of: what is changed no longer comes from a document."""

from dataclasses import replace

from pennyweight.base.budget import Budget
from pennyweight.nets.layers import Conv, Depthwise, Dropout
from pennyweight.recipes.catalogue import published
from pennyweight.settings.keys import differences, settings_of, value_text
from pennyweight.settings.recipe import Origin, Recipe


def settled(recipe: Recipe, parent: Recipe | None = None) -> Recipe:
    """Return the recipe with an origin that is true of its own values.

    A recipe that differs from the one its origin names has no document, claim and target, and lists what is changed.
    `parent` is what it was made from where no published recipe is named.
    """
    base = _published_base(recipe) or parent
    if base is None:
        return recipe
    keys = [text.partition("=")[0] for text in differences(base, recipe)]
    if not keys:
        return replace(recipe, origin=base.origin)
    before = settings_of(base)
    changed = [f"{key}={value_text(before[key])}" if key in before else key for key in keys]
    earlier = [text for text in base.origin.changed if text.partition("=")[0] not in keys]
    origin = replace(
        base.origin,
        document="",
        claim=None,
        target=None,
        recipe=base.origin.recipe or base.name,
        changed=tuple(sorted([*earlier, *changed])),
    )
    return replace(recipe, origin=origin)


def variant_words(recipe: Recipe) -> str:
    """Return whose variant a settled recipe is and what it changes; nothing for a recipe as it is."""
    now = settings_of(recipe)
    keys = [text.partition("=")[0] for text in recipe.origin.changed]
    changes = [f"{key}={value_text(now[key]) if key in now else 'changed'}" for key in keys]
    return f"variant of {recipe.origin.recipe}: {', '.join(changes)}" if changes else ""


def budget_reason(recipe: Recipe, budget: Budget) -> str:
    """Return where a settled recipe's budget comes from; a variant is judged by that of the recipe it varies."""
    if not recipe.origin.changed:
        return budget.reason
    own = recipe.origin.says("budgets") == "changed"
    whose = f"Changed from that of {recipe.origin.recipe}." if own else f"That of {recipe.origin.recipe}."
    return f"{whose} {budget.reason}".strip()


def layer_settings(recipe: Recipe) -> dict[str, str]:
    """Return what of the layers has a source of its own, by key: the layers, their paddings and their dropout rates."""
    operations = [node.operation for node in recipe.plan().nodes]
    paddings = {one.padding for one in operations if isinstance(one, Conv | Depthwise)}
    rates = {one.rate for one in operations if isinstance(one, Dropout)}
    parts = {
        "layers.padding": ", ".join(str(padding) for padding in sorted(paddings)),
        "layers.dropout": ", ".join(str(rate) for rate in sorted(rates)),
    }
    return {"layers": f"{len(recipe.layers)} layers", **{key: text for key, text in parts.items() if text}}


def source_of(recipe: Recipe, key: str) -> str:
    """Return where a setting of a settled recipe is from: `document`, `suggested`, `default` or `changed`.

    Paddings and dropout rates that other layers have in common with the recipe that is varied are not changed.
    """
    base = published(recipe.origin.recipe) if recipe.origin.recipe else None
    if base is not None and recipe.origin.says(key) == "changed" and key not in ("layers", *settings_of(recipe)):
        same = layer_settings(base).get(key) == layer_settings(recipe).get(key)
        return base.origin.says(key) if same else "changed"
    return recipe.origin.says(key)


def _published_base(recipe: Recipe) -> Recipe | None:
    """Return the published recipe that the origin names; of version 0.1's files, that of its name and document."""
    if recipe.origin.recipe:
        return published(recipe.origin.recipe)
    named = published(recipe.name)
    return named if named is not None and _same_source(recipe.origin, named.origin) else None


def _same_source(first: Origin, second: Origin) -> bool:
    return first.document == second.document != ""
