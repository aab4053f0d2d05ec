"""Recipes: all of them in one table, and one with its layers, costs, settings and where those are from."""

from collections.abc import Sequence
from dataclasses import replace

from pennyweight.nets.measure import Measurement
from pennyweight.recipes.catalogue import published
from pennyweight.recipes.origins import budget_reason, layer_settings, source_of, variant_words
from pennyweight.reporting.layers import layer_table
from pennyweight.reporting.text import WIDTH, fitted, wrapped
from pennyweight.reporting.verdicts import budget_words
from pennyweight.runs.folder import read_record
from pennyweight.runs.published import published_run, published_run_names
from pennyweight.settings.keys import settings_of
from pennyweight.settings.recipe import PublishedResult, Recipe
from pennyweight.tables.table import Column, Table, right, table
from pennyweight.tables.text import to_text


def recipes_table(costs: Sequence[tuple[Recipe, Measurement]]) -> Table:
    """Return one row per recipe with what it costs: parameters, MACs, receptive field (RF) in pixels, and its claim."""
    columns = (
        *(Column("recipe"), *right("params", "MACs"), Column("RF", "right", "drop"), Column("epochs", "right", "drop")),
        *(Column("its claim, %"), Column("doc", narrow="drop")),
    )
    return table(
        columns,
        (
            (
                recipe.name,
                f"{measured.params:,}",
                f"{measured.macs:,}",
                measured.receptive_field,
                recipe.epochs,
                claim_words(recipe.origin.claim and replace(recipe.origin.claim, epoch=None)),
                recipe.origin.document[:3],
            )
            for recipe, measured in costs
        ),
    )


def recipe_text(recipe: Recipe, measured: Measurement, width: int = WIDTH, kept: Sequence[str] = ()) -> str:
    """Return a recipe in full: its document and claim, its budgets, its layers and its settings.

    `kept` are sentences on what parts of another kind kept of the one before.
    """
    variant, origin = variant_words(recipe), recipe.origin
    claim = f"claim: {claim_words(origin.claim) or 'none'}" + ("; a changed recipe has none" if variant else "")
    paragraphs = [f"{recipe.name}  ({variant or origin.document or 'no document'})", claim]
    paragraphs += kept
    if origin.note:
        paragraphs.append(f"Of {origin.recipe}: {origin.note}" if variant else origin.note)
    if trained := trained_words(recipe):
        paragraphs.append(trained)
    paragraphs += [
        f"budget on {budget.dataset}: {budget_words(budget)}. {budget_reason(recipe, budget)}"
        for budget in recipe.budgets
    ]
    costs = [
        f"{measured.params:,} trained parameters (what a cap counts), {measured.buffers:,} buffers, "
        f"{measured.macs:,} multiply-accumulates per image",
        f"receptive field {measured.receptive_field} pixels at the last convolution, jump {measured.jump}; "
        f"largest activation {measured.largest_activation_bytes:,} bytes",
    ]
    return "\n".join(
        [
            *(wrapped(text, width=width) for text in paragraphs),
            "",
            fitted(layer_table(measured), width),
            "",
            *(wrapped(text, width=width) for text in costs),
            "",
            to_text(settings_table(recipe), width),
        ]
    )


def trained_words(recipe: Recipe) -> str:
    """Return what the package brings of a recipe in trained weights; empty without any, and for a changed recipe."""
    if published(recipe.name) != recipe or recipe.name not in published_run_names():
        return ""
    record = read_record(published_run(recipe.name))
    split = "val" if record.val_images else "test"
    return (
        f"trained weights come with the package: pw.load('{recipe.name}'), seed {record.seed}, "
        f"{record.epochs[-1].score(split).accuracy:.2f} % {split} accuracy on {record.dataset}"
    )


def settings_table(recipe: Recipe) -> Table:
    """Return every setting with its value and where it is from."""
    settings = {**layer_settings(recipe), **settings_of(recipe)}
    columns = (Column("setting"), Column("value", narrow="wrap"), Column("from", narrow="wrap"))
    return table(columns, ((key, value, _source(recipe, key)) for key, value in settings.items()))


def claim_words(claim: PublishedResult | None) -> str:
    """Return a document's claim as words: `99.54 best test, epoch 12`."""
    if claim is None:
        return ""
    return f"{claim.accuracy:.2f} {claim.which} {claim.split}" + (f", epoch {claim.epoch}" if claim.epoch else "")


def _source(recipe: Recipe, key: str) -> str:
    """Return where a setting is from, and of a changed one what it was."""
    was = recipe.origin.was(key)
    return source_of(recipe, key) + (f", was {was}" if was else "")
