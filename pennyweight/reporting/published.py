"""What the published records say of recipes: the tables of the README, of records/ and of docs/CHOICES.md."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import budget_for, check
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import summary
from pennyweight.judging.selection import CandidateScore
from pennyweight.nets.measure import measure
from pennyweight.reporting.recipes import claim_words
from pennyweight.reporting.text import mean_words
from pennyweight.settings.recipe import Recipe
from pennyweight.tables.table import Column, Table, right, table

LAST = 5
"""Last epochs whose lowest accuracy is shown."""


def results_table(runs: Sequence[tuple[Recipe, Sequence[RunRecord]]], seconds: Mapping[str, float]) -> Table:
    """Return one row per recipe: its costs, what its document claims, what full runs gave here, and their `seconds`."""
    columns = (
        *(Column("recipe"), *right("parameters", "MACs", "receptive field", "epochs")),
        *map(Column, ("its document claims (%)", "the same figure here (%)", "last epoch (%)", "seeds")),
        *right("kept its budget", "seconds to train"),
    )
    return table(columns, (_result(recipe, records, seconds) for recipe, records in runs))


def _result(recipe: Recipe, records: Sequence[RunRecord], seconds: Mapping[str, float]) -> tuple[object, ...]:
    costs = measure(recipe.plan())
    named = (recipe.name, f"{costs.params:,}", f"{costs.macs:,}", costs.receptive_field, recipe.epochs)
    claim = claim_words(recipe.origin.claim)
    if not records:
        return *named, claim, "not run in full yet", "", "", "", ""
    finals = np.array([curve[-1] for curve in _curves(records, _split(records))])
    budget = budget_for(recipe.budgets, "mnist")
    kept = sum(check(budget, record).met is True for record in records) if budget else None
    return (
        *(*named, claim, _claimed_figure(recipe, records), mean_words(summary(finals))),
        f"{len(records)} {records[0].engine}",
        "" if kept is None else f"{kept} of {len(records)}",
        f"{seconds[recipe.name]:.0f}" if recipe.name in seconds else "",
    )


def _claimed_figure(recipe: Recipe, records: Sequence[RunRecord]) -> str:
    """Return what full runs gave for the figure that a document claims: best or final, same split."""
    claim = recipe.origin.claim
    if claim is None:
        return ""
    curves = _curves(records, claim.split)
    return mean_words(summary(np.array([curve.max() if claim.which == "best" else curve[-1] for curve in curves])))


def runs_table(groups: Mapping[tuple[str, str, str], Sequence[RunRecord]]) -> Table:
    """Return one row per dataset, engine and recipe: last, best and lowest accuracies over seeds."""
    columns = (
        *map(Column, ("dataset", "engine", "recipe")),
        *right("seeds", "epochs"),
        *map(Column, ("split", "final, %", "best, %", f"lowest of the last {LAST}, %")),
    )
    rows = []
    for key, records in groups.items():
        split = _split(records)
        curves = _curves(records, split)
        figures = [[c[-1] for c in curves], [c.max() for c in curves], [c[-LAST:].min() for c in curves]]
        words = [mean_words(summary(np.array(values))) for values in figures]
        rows.append((*key, len(records), len(curves[0]), split, *words))
    return table(columns, rows)


def choices_table(scores: Sequence[CandidateScore]) -> Table:
    """Return one row per candidate of a choice with its validation accuracy over its last epochs, as ranked."""
    columns = (
        *(Column("candidate"), *right("parameters"), Column("mean of the last five epochs (%)")),
        *right("their lowest (%)", "their loss", "seeds"),
    )
    rows = (
        (
            *(score.name, f"{score.params:,}", mean_words(score.accuracy, 3)),
            *(f"{score.lowest:.3f}", f"{score.loss:.4f}", str(score.accuracy.n)),
        )
        for score in scores
    )
    return table(columns, rows)


def _split(records: Sequence[RunRecord]) -> str:
    """Return the split that judges these runs: the validation set of a recipe that has one."""
    return "val" if records[0].val_images else "test"


def _curves(records: Sequence[RunRecord], split: str) -> list[NDArray[np.float64]]:
    return [curve for record in records if (curve := record.curve(split)) is not None]
