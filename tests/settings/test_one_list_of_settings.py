"""A field of a recipe is entered once: everything that reads or writes settings follows from the dataclass."""

from dataclasses import dataclass, field, fields, replace

import pytest
from support import TINY

from pennyweight.base.errors import UsageError
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.settings import recipe, recipe_text
from pennyweight.settings.keys import KINDS, added_settings, change, differences, setting_names, settings_of
from pennyweight.settings.optimizers import OPTIMIZERS
from pennyweight.settings.recipe import Origin, Recipe, with_unstated
from pennyweight.settings.recipe_text import recipe_from_text, recipe_to_text
from pennyweight.settings.schedules import SCHEDULES


@dataclass(frozen=True)
class Noise:
    """A part that no recipe has."""

    scale: float = 0.0
    every_epochs: int = 1


@dataclass(frozen=True)
class Blur:
    """Another kind of it."""

    radius: float = 1.0


@dataclass(frozen=True)
class Grown(Recipe):
    """A recipe with a plain field more, a part more and a part of two kinds more, each entered here alone."""

    clip_gradient: float = field(default=0.0, metadata={"since": "9.9"})
    noise: Noise = field(default_factory=Noise, metadata={"since": "9.9"})
    filter: Noise | Blur = field(default_factory=Blur, metadata={"since": "9.9"})


GROWN = Grown(**{item.name: getattr(TINY, item.name) for item in fields(TINY)})
NEW = {"clip_gradient": 0.0, "noise.scale": 0.0, "noise.every_epochs": 1, "filter": "Blur", "filter.radius": 1.0}


@pytest.fixture(autouse=True)
def _grown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read from text is the recipe that has grown."""
    monkeypatch.setattr(recipe_text, "Recipe", Grown)
    monkeypatch.setattr(recipe, "Recipe", Grown)


def test_a_new_field_is_a_setting() -> None:
    assert settings_of(GROWN) == {**settings_of(TINY), **NEW}


def test_a_new_field_can_be_changed_by_its_key() -> None:
    changed = change(GROWN, ["clip_gradient=0.5", "noise.scale=2", "filter=Noise", "filter.every_epochs=3"])
    assert changed == replace(GROWN, clip_gradient=0.5, noise=Noise(scale=2.0), filter=Noise(every_epochs=3))
    assert differences(GROWN, change(GROWN, ["noise.scale=2"])) == ("noise.scale=2.0",)
    with pytest.raises(UsageError, match=r"no filter 'Blurr'\. Did you mean 'Blur'"):
        change(GROWN, ["filter=Blurr"])


def test_a_new_field_is_written_to_toml_and_read_back() -> None:
    changed = change(GROWN, ["clip_gradient=0.5", "noise.scale=2", "filter=Noise"])
    assert recipe_from_text(recipe_to_text(changed), "recipe.toml") == changed
    with pytest.raises(UsageError, match=r"\[filter\] It needs a kind, as kind = \"Noise\""):
        recipe_from_text(recipe_to_text(changed).replace('kind = "Noise"', ""), "recipe.toml")
    assert recipe_from_text(recipe_to_text(TINY), "recipe.toml") == GROWN


def test_a_new_field_is_one_that_earlier_runs_did_not_write_down() -> None:
    assert added_settings(GROWN) == {**added_settings(TINY), **NEW}
    changed = change(GROWN, ["filter=Noise"])
    assert added_settings(changed) == added_settings(GROWN)


@dataclass(frozen=True)
class Rotation:
    """A part with a field that came later."""

    degrees: float = 0.0
    flips: bool = field(default=False, metadata={"since": "9.9"})


@dataclass(frozen=True)
class WithPart(Recipe):
    """A recipe whose part has grown."""

    rotation: Rotation = field(default_factory=Rotation)


def test_a_new_field_of_a_part_is_one_too() -> None:
    grown = WithPart(**{item.name: getattr(TINY, item.name) for item in fields(TINY)})
    assert added_settings(grown) == {**added_settings(TINY), "rotation.flips": False}


def test_a_new_field_is_suggested_where_no_source_states_it() -> None:
    origin = with_unstated(Origin(document="", stated=("layers", "noise"), suggested=("noise.scale",)))
    assert {"clip_gradient", "noise.scale", "filter"} <= set(origin.suggested)
    assert "noise" not in origin.suggested
    assert [origin.says(key) for key in ("noise.scale", "noise.every_epochs")] == ["suggested", "document"]


# ------------------------------------------------------------------------------------------ as it is today

FIRST = (
    *("epochs", "batch_images", "label_smoothing", "validation_images"),
    *("optimizer", "schedule", "augmentation"),
)
"""What version 0.1 wrote into its checkpoints."""


def test_every_setting_is_of_the_first_version_or_says_since_when_it_is_there() -> None:
    since = [item.name for item in fields(Recipe) if "since" in item.metadata]
    assert sorted(setting_names(Recipe)) == sorted((*FIRST, *since))
    assert added_settings(TINY) == {
        "averaging.decay": 0.0,
        "averaging.every_steps": 20,
        "stopping.patience_epochs": 0,
        "stopping.threshold": 1e-4,
        "input.channels": 1,
        "input.rows": 28,
        "input.columns": 28,
    }


def test_the_kinds_are_those_of_the_field_s_type() -> None:
    assert {"optimizer": OPTIMIZERS, "schedule": SCHEDULES} == KINDS


@pytest.mark.parametrize("published", RECIPES, ids=lambda one: one.name)
def test_no_published_recipe_leaves_a_field_without_a_source(published: Recipe) -> None:
    assert all(published.origin.says(key) for key in settings_of(published))
