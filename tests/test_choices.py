"""What was chosen on held-out images is what the recipes are, and the published choices bear it out."""

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import welch
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.training.collect import records_in
from pennyweight.training.recipe import Recipe

ROOT = Path(__file__).parent.parent
CHOICES = ROOT / "records" / "choices"
CHOSEN = {
    "pennyweight-8k": "decay-0.02",
    "progressive-1": "progressive-1-batch-32-rate-0.003",
    "progressive-2": "progressive-2-batch-32",
    "skip-3": "skip-3-eager",
}
"""What each group's choice fell on."""


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Recipe]]:
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    return {name: {one.name: one for one in group} for name, group in import_module("choices").GROUPS.items()}


def held_out(records: list[RunRecord]) -> NDArray[np.float64]:
    return np.mean([[row.val_accuracy for row in record.epochs[-5:]] for record in records], axis=1)


@pytest.mark.parametrize("group", CHOSEN)
def test_a_recipe_is_the_candidate_chosen_on_all_training_images(
    group: str, groups: dict[str, dict[str, Recipe]]
) -> None:
    recipe, candidate = find_recipe(group), groups[group][CHOSEN[group]]
    as_recipe = replace(candidate, name=recipe.name, validation_images=0, budgets=recipe.budgets, origin=recipe.origin)
    assert as_recipe == recipe


def test_every_published_choice_is_a_candidate(groups: dict[str, dict[str, Recipe]]) -> None:
    published = {(folder.parent.name, folder.name) for folder in CHOICES.glob("*/*")}
    assert published <= {(group, name) for group, candidates in groups.items() for name in candidates}
    for group, name in CHOSEN.items():
        assert (group, name) in published


def test_our_own_recipe_is_the_smallest_finalist_and_no_finalist_is_shown_to_be_better() -> None:
    by_name = {folder.name: records_in(folder) for folder in (CHOICES / "pennyweight-8k").iterdir()}
    finalists = {name: held_out(records) for name, records in by_name.items() if len(records) >= 3}
    chosen = finalists[CHOSEN["pennyweight-8k"]]
    assert len(finalists) >= 4
    assert all(welch(other, chosen).low <= 0 for other in finalists.values())
    assert by_name[CHOSEN["pennyweight-8k"]][0].params == min(by_name[name][0].params for name in finalists)
    assert find_recipe("pennyweight-8k").label_smoothing == 0
