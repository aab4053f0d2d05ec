"""What was chosen on held-out images is what the recipes are, and the published choices bear it out."""

from dataclasses import replace
from pathlib import Path

import pytest

from pennyweight.base.stats import welch
from pennyweight.judging.selection import validation_accuracies
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.runs.find import records_in
from pennyweight.searching.candidates import GROUPS

ROOT = Path(__file__).parents[2]
CHOICES = ROOT / "records" / "choices"
CHOSEN = {
    "pennyweight-8k": "decay-0.02",
    "progressive-1": "progressive-1-batch-32-rate-0.003",
    "progressive-2": "progressive-2-batch-32",
    "skip-3": "skip-3-eager",
}
"""What each group's choice fell on."""


CANDIDATES = {group: {recipe.name: recipe for recipe in recipes} for group, recipes in GROUPS.items()}


@pytest.mark.parametrize("group", CHOSEN)
def test_a_recipe_is_the_candidate_chosen_on_all_training_images(group: str) -> None:
    recipe, candidate = find_recipe(group), CANDIDATES[group][CHOSEN[group]]
    as_recipe = replace(candidate, name=recipe.name, validation_images=0, budgets=recipe.budgets, origin=recipe.origin)
    assert as_recipe == recipe


def test_every_published_choice_is_a_candidate() -> None:
    published = {(folder.parent.name, folder.name) for folder in CHOICES.glob("*/*")}
    assert published <= {(group, name) for group, candidates in CANDIDATES.items() for name in candidates}
    for group, name in CHOSEN.items():
        assert (group, name) in published


def test_our_own_recipe_is_the_smallest_finalist_and_no_finalist_is_shown_to_be_better() -> None:
    by_name = {folder.name: records_in(folder) for folder in (CHOICES / "pennyweight-8k").iterdir()}
    finalists = {
        name: validation_accuracies(records).mean(axis=1) for name, records in by_name.items() if len(records) >= 3
    }
    chosen = finalists[CHOSEN["pennyweight-8k"]]
    assert len(finalists) >= 4
    assert all(welch(other, chosen).low <= 0 for other in finalists.values())
    assert by_name[CHOSEN["pennyweight-8k"]][0].params == min(by_name[name][0].params for name in finalists)
    assert find_recipe("pennyweight-8k").label_smoothing == 0
