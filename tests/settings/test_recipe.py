"""Recipes as TOML both ways, single settings changed, and what the 13 published ones say of themselves."""

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import BUDGET, TINY, any_row, every_setting, mnist_plan

import pennyweight as pw
from pennyweight.base.errors import UsageError
from pennyweight.data.augment import Augmentation
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, Layers, Relu
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import ABLATIONS, RECIPE_NAMES, RECIPES, find_recipe
from pennyweight.recipes.origins import budget_reason, layer_settings, settled, variant_words
from pennyweight.reporting.epochs import target_of
from pennyweight.runs.folder import default_folder
from pennyweight.settings.keys import change, differences, kept_by_kinds, settings_of
from pennyweight.settings.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW
from pennyweight.settings.recipe import Origin, Recipe, check_recipe
from pennyweight.settings.recipe_text import recipe_from_text, recipe_to_text
from pennyweight.settings.schedules import SCHEDULES, Cosine, OneCycle, StepLR

finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
words = st.text(max_size=20).filter(lambda text: "\r" not in text)
PLAIN: dict[object, st.SearchStrategy] = {
    int: st.integers(-(10**12), 10**12),
    float: finite,
    bool: st.booleans(),
    str: words,
    type(None): st.none(),
    Layers: st.lists(any_row, max_size=5).map(tuple),
}


def anything(hint: Any) -> st.SearchStrategy:
    """Any value of a type; a frozen value gets one for every field it declares, so that none can be forgotten."""
    if hint in PLAIN:
        return PLAIN[hint]
    if is_dataclass(hint):
        return st.builds(hint, **{name: anything(one) for name, one in get_type_hints(hint).items()})
    if get_origin(hint) is tuple:
        return st.lists(anything(get_args(hint)[0]), max_size=2).map(tuple)
    return st.one_of([anything(option) for option in get_args(hint)])


any_recipe = st.tuples(anything(Recipe), names).map(lambda parts: replace(parts[0], name=parts[1]))


@given(recipe=any_recipe)
def test_a_recipe_written_is_read_back_equal(recipe: Recipe) -> None:
    assert recipe_from_text(recipe_to_text(recipe), "recipe.toml") == recipe


@pytest.mark.parametrize("recipe", RECIPES, ids=RECIPE_NAMES)
def test_every_published_recipe_is_a_file_both_ways(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(recipe_to_text(recipe), encoding="utf-8")
    assert find_recipe(str(path)) == recipe


def test_the_layers_stand_in_the_file_as_one_writes_them() -> None:
    text = recipe_to_text(find_recipe("progressive-3"))
    assert '"Conv(8)"' in text
    assert 'kind = "OneCycle"' in text
    assert text.splitlines()[0] == 'name = "progressive-3"'


# ---------------------------------------------------------------------------------------------------- reading

WHOLE = recipe_to_text(TINY)


def test_everything_wrong_in_one_file_is_reported() -> None:
    text = """
name = "mine"
epochs = "ten"
batch_imags = 64
layers = ["Cnov(8)", "Conv(CLASSES)", "GlobalAvgPol()"]
[optimizer]
kind = "SDG"
[schedule]
kind = "StepLR"
stepp_epochs = 3
factor = "small"
[augmentation]
rotation = 5.0
[[budgets]]
dataset = "mnist"
[origin]
document = 4
"""
    with pytest.raises(UsageError) as refused:
        recipe_from_text(text, "mine.toml")
    for part in (
        "mine.toml: ",
        "line 1: There is no kind 'Cnov'. Did you mean 'Conv'?",
        "line 3: There is no kind 'GlobalAvgPol'. Did you mean 'GlobalAvgPool'?",
        "[optimizer] There is no optimizer 'SDG'. Did you mean 'SGD'?",
        "Did you mean 'step_epochs'?",
        "factor is 'small', but must be a number.",
        "There is no Augmentation field 'rotation'.",
        "Budget needs a value for 'accuracy'.",
        "[origin] document is 4, but must be text.",
        "epochs is 'ten', but must be a whole number.",
        "There is no Recipe field 'batch_imags'. Did you mean 'batch_images'?",
    ):
        assert part in str(refused.value)
    assert "stand-in" not in str(refused.value)


UNREADABLE = [
    ("not TOML", "epochs = ", "recipe.toml is not TOML: "),
    ("nothing", "", "Recipe needs a value for 'name'. Recipe needs a value for 'layers'."),
    ("a number of 5,000 digits", f"epochs = {'9' * 5_000}", "recipe.toml is not TOML: "),
    ("a number of 5,000 hexadecimal digits", f"epochs = 0x{'f' * 5_000}", "epochs is a number too long"),
    ("deep nesting", f"layers = {'[' * 50_000}", "recipe.toml is not TOML: "),
    ("layers as text", 'layers = "Conv(8)"', "'Conv(8)' must be a list."),
    ("a layer that is a number", "layers = [8]", "layers, line 1: 8 is not text"),
    ("an optimizer that is text", 'optimizer = "SGD"', "[optimizer] 'SGD' must be a table."),
    ("an optimizer without its kind", "[optimizer]\nmomentum = 0.9", '[optimizer] It needs a kind, as kind = "SGD".'),
    ("a kind that is a list", 'optimizer.kind = ["SGD"]', "There is no optimizer '['SGD']'."),
    ("a field of another optimizer", '[optimizer]\nkind = "Adagrad"\nmomentum = 0.9', "no Adagrad field 'momentum'"),
    ("budgets as a table", "[budgets]\nx = 1", "[budgets] {'x': 1} must be a list."),
    ("a claim that is a number", "[origin]\nclaim = 3", "[origin] 3 must be a table."),
    ("true for a number", "epochs = true", "epochs is True, but must be a whole number."),
    (
        "a value for a kind without any",
        'schedule.kind = "Constant"\nschedule.factor = 1',
        "Constant takes no values, so",
    ),
    ("a date", "epochs = 2026-01-01", "epochs is datetime.date"),
    ("an unknown table", "[optimiser]\nx = 1", "There is no Recipe field 'optimiser'. Did you mean 'optimizer'?"),
]


@pytest.mark.parametrize(("text", "part"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
def test_an_unreadable_recipe_is_refused_by_what_is_wrong(text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        recipe_from_text(text, "recipe.toml")
    assert part in str(refused.value)
    assert str(refused.value).startswith("recipe.toml")


@given(text=st.text(max_size=80), at=st.integers(0, len(WHOLE)), gone=st.integers(0, 60))
def test_any_file_is_a_recipe_or_a_usage_error(text: str, at: int, gone: int) -> None:
    try:
        found = recipe_from_text(WHOLE[:at] + text + WHOLE[at + gone :], "recipe.toml")
    except UsageError as error:
        found = str(error)  # type: ignore[assignment]
    assert isinstance(found, Recipe) or found.startswith("recipe.toml")


# ---------------------------------------------------------------------------------------------------- checking

IMPOSSIBLE = [
    ({"epochs": 0}, "epochs is 0; it must be from 1 to 100,000."),
    ({"epochs": -1}, "epochs is -1"),
    ({"epochs": "15"}, "epochs is '15', but must be a whole number."),
    ({"batch_images": 0}, "batch_images is 0"),
    ({"batch_images": 65_537}, "batch_images is 65,537; it must be from 1 to 65,536."),
    ({"validation_images": -1}, "validation_images is -1"),
    ({"label_smoothing": 1.0}, "label_smoothing is 1.0; it must be at least 0 and below 1."),
    ({"label_smoothing": float("nan")}, "label_smoothing is nan"),
    ({"optimizer": SGD(learning_rate=0.0)}, "optimizer.learning_rate is 0.0"),
    ({"optimizer": SGD(learning_rate=-1.0)}, "optimizer.learning_rate is -1.0"),
    ({"optimizer": SGD(learning_rate=float("inf"))}, "optimizer.learning_rate is inf"),
    ({"optimizer": SGD(momentum=1.0)}, "optimizer.momentum is 1.0; it must be from 0 to 0.9999."),
    ({"optimizer": SGD(nesterov=True)}, "optimizer.nesterov needs a momentum above 0."),
    ({"optimizer": Adam(beta1=1.0)}, "optimizer.beta1 is 1.0"),
    ({"optimizer": Adam(beta2=1.0)}, "optimizer.beta2 is 1.0"),
    ({"optimizer": AdamW(epsilon=0.0)}, "optimizer.epsilon is 0.0; it must be above 0 and at most 1000."),
    ({"optimizer": AdamW(epsilon=float("inf"))}, "optimizer.epsilon is inf; it must be"),
    ({"optimizer": AdamW(weight_decay=-0.1)}, "optimizer.weight_decay is -0.1"),
    ({"optimizer": SGD}, "optimizer is <class"),
    ({"schedule": StepLR(step_epochs=-1)}, "schedule.step_epochs is -1"),
    ({"schedule": StepLR(factor=0.0)}, "schedule.factor is 0.0"),
    ({"schedule": OneCycle(warmup_fraction=1.1)}, "schedule.warmup_fraction is 1.1"),
    ({"schedule": Cosine(final_learning_rate=1.0)}, "schedule.final_learning_rate is 1.0; it must be from 0 to 0.1."),
    ({"schedule": OneCycle(), "optimizer": Adagrad()}, "which Adagrad does not have; set schedule.cycle_mom"),
    ({"schedule": OneCycle(), "optimizer": SGD()}, "which SGD does not have"),
    ({"augmentation": Augmentation(rotation_degrees=181.0)}, "augmentation.rotation_degrees is 181.0"),
    ({"augmentation": Augmentation(scale_low=1.2)}, "augmentation.scale_low is 1.2; it must be from 0.1 to 1.0."),
    ({"augmentation": Augmentation(fill=256)}, "augmentation.fill is 256; it must be from 0 to 255."),
    ({"layers": (Conv(8), Relu, Conv(CLASSES), GlobalAvgPool())}, "layers holds <class"),
    ({"layers": (Conv("8"), Conv(CLASSES), GlobalAvgPool())}, "Conv.channels is '8'"),  # type: ignore[arg-type]
    ({"layers": [Conv(CLASSES), GlobalAvgPool()]}, "layers is a list; use a tuple"),
    ({"layers": (Conv(CLASSES, kernel=29),)}, "layer 1 (Conv)"),
    ({"name": ".."}, "names a folder"),
    ({"name": ""}, "names a folder"),
    ({"name": "a/b"}, "names a folder"),
    ({"name": "a\nb"}, "names a folder"),
    ({"name": "-s"}, "names a folder"),
    ({"name": "a" * 101}, "at most 100"),
    ({"budgets": (replace(BUDGET, split="tset"),)}, "There is no split 'tset'. Did you mean 'test'?"),
    ({"budgets": (replace(BUDGET, hold_epochs=0),)}, "budget.hold_epochs is 0"),
    ({"budgets": (BUDGET, replace(BUDGET, accuracy=99.0))}, "two budgets for one dataset"),
]


@pytest.mark.parametrize(("fields_changed", "part"), IMPOSSIBLE, ids=[part[:40] for _, part in IMPOSSIBLE])
def test_an_impossible_setting_stops_by_its_name(fields_changed: dict, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_recipe(replace(TINY, **fields_changed))
    assert part in str(refused.value)


# ---------------------------------------------------------------------------------------------------- changing


def other_value(value: object) -> str:
    if isinstance(value, bool):
        return str(not value).lower()
    return str(value + 1) if isinstance(value, int) else str(float(str(value)) / 2 + 0.125)


CHANGEABLE = every_setting(
    *(replace(TINY, optimizer=kind()) for kind in OPTIMIZERS.values()),
    *(replace(TINY, schedule=kind()) for kind in SCHEDULES.values()),
)


@pytest.mark.parametrize(
    ("recipe", "key"),
    CHANGEABLE,
    ids=[f"{type(r.optimizer).__name__}-{type(r.schedule).__name__}-{k}" for r, k in CHANGEABLE],
)
def test_every_setting_can_be_changed_and_nothing_else_changes(recipe: Recipe, key: str) -> None:
    before = settings_of(recipe)
    text = other_value(before[key])
    after = settings_of(change(recipe, [f"{key}={text}"]))
    assert {name for name in before if before[name] != after[name]} == {key}
    assert str(after[key]).lower() == text
    assert type(after[key]) is type(before[key])
    assert differences(recipe, change(recipe, [f"{key}={text}"])) == (f"{key}={text}",)


@pytest.mark.parametrize(
    ("recipe", "key"),
    [case for case in CHANGEABLE if not isinstance(settings_of(case[0])[case[1]], bool)],
    ids=lambda part: part if isinstance(part, str) else type(part.optimizer).__name__ + type(part.schedule).__name__,
)
def test_every_setting_that_is_a_number_has_a_range(recipe: Recipe, key: str) -> None:
    beyond = -1 if isinstance(settings_of(recipe)[key], int) else float("nan")
    with pytest.raises(UsageError, match=rf"^{key} is {beyond}; it must be"):
        check_recipe(change(recipe, [f"{key}={beyond}"]))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_same_optimizer_keeps_all_its_values(kind: str) -> None:
    mine = replace(TINY, optimizer=OPTIMIZERS[kind](learning_rate=0.034, weight_decay=0.5))
    assert change(mine, [f"optimizer={kind}"]) == mine
    assert kept_by_kinds(mine, mine) == ()


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_another_optimizer_keeps_what_both_have(kind: str) -> None:
    mine = replace(TINY, optimizer=Adam(0.034, 0.8, epsilon=1e-3, weight_decay=0.5))
    found, default = change(mine, [f"optimizer={kind}"]).optimizer, OPTIMIZERS[kind]()
    common = vars(default).keys() & vars(mine.optimizer).keys()
    assert vars(found) == {**vars(default), **{key: getattr(mine.optimizer, key) for key in common}}


def test_what_another_kind_keeps_is_said_with_its_values() -> None:
    mine = replace(TINY, optimizer=Adam(0.034, weight_decay=0.5), schedule=StepLR(2, 0.3))
    words = "optimizer=SGD keeps optimizer.learning_rate=0.034, optimizer.weight_decay=0.5 of Adam."
    assert kept_by_kinds(mine, change(mine, ["optimizer=SGD", "schedule=Cosine"])) == (words,)
    plateau = change(mine, ["schedule=ReduceLROnPlateau"])
    assert kept_by_kinds(mine, plateau) == ("schedule=ReduceLROnPlateau keeps schedule.factor=0.3 of StepLR.",)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_another_schedule_starts_from_its_defaults(kind: str) -> None:
    assert change(TINY, [f"schedule={kind}"]).schedule == SCHEDULES[kind]()


def test_changes_are_made_in_order() -> None:
    changed = change(TINY, ["optimizer=Adam", "optimizer.beta1=0.5", "epochs=3", "epochs=4"])
    assert changed.optimizer == Adam(TINY.optimizer.learning_rate, beta1=0.5)
    assert changed.epochs == 4


def test_every_setting_is_part_of_the_identity_of_a_recipe() -> None:
    """What `-s` cannot reach is layers, budgets, name and origin; only the layers decide weights."""
    reachable = {key.partition(".")[0] for key in settings_of(TINY)}
    assert {field.name for field in fields(Recipe)} - reachable == {"name", "layers", "budgets", "origin"}


MISTYPED = [
    (
        "optimizer.learning_rat=0.1",
        "There is no setting 'optimizer.learning_rat'. Did you mean 'optimizer.learning_rate'?",
    ),
    ("learning_rate=0.1", "There is no setting 'learning_rate'. Did you mean 'optimizer.learning_rate'?"),
    ("Epochs=1", "There is no setting 'Epochs'. Did you mean 'epochs'?"),
    ("layers=x", "-s does not change layers, as 'layers' would: write a recipe file"),
    ("layers.padding=1", "-s does not change layers, as 'layers.padding' would: write a recipe file"),
    (
        "layers.0.padding=1,2",
        "see docs/adding_a_recipe.md. Every run folder holds one, its recipe.toml, to start from.",
    ),
    ("name=x", "There is no setting 'name'."),
    ("optimizer=SDG", "There is no optimizer 'SDG'. Did you mean 'SGD'?"),
    ("optimizer=", "There is no optimizer ''. Known: SGD, Adam, AdamW, Adagrad."),
    ("schedule=cosine", "There is no schedule 'cosine'. Did you mean 'Cosine'?"),
    ("schedule.step_epochs=1", "There is no setting 'schedule.step_epochs'."),
    ("epochs", "'epochs' is not key=value"),
    ("=3", "'=3' is not key=value"),
    ("", "'' is not key=value"),
    ("epochs=ten", "epochs is 'ten', but must be a whole number."),
    ("optimizer.learning_rate=0.1,0.2", "a run has one: optimizer.learning_rate=0.1, then optimizer.learning_rate=0.2"),
    ("optimizer=SGD, Adam", "a run has one: optimizer=SGD, then optimizer=Adam."),
    ("optimizer.learning_rat=0.1,0.2", "There is no setting 'optimizer.learning_rat'."),
    ("lr=0.1", "There is no setting 'lr'. It is optimizer.learning_rate here."),
    ("epochs=1.5", "epochs is 1.5, but must be a whole number."),
    ("epochs=", "epochs is '', but must be a whole number."),
    ("optimizer.nesterov=1", "optimizer.nesterov is 1, but must be true or false."),
    ("optimizer.learning_rate=fast", "optimizer.learning_rate is 'fast', but must be a number."),
    (f"optimizer.learning_rate=1{'0' * 400}", "optimizer.learning_rate is 1000"),
    (f"epochs={'9' * 5_000}", "epochs is inf, but must be a whole number."),
]


@pytest.mark.parametrize(("assignment", "part"), MISTYPED, ids=[text[:30] for text, _ in MISTYPED])
def test_a_change_that_cannot_be_made_is_named(assignment: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        change(TINY, [assignment])
    assert part in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "folder"),
    [
        ([], "runs/progressive-3/seed-0"),
        (["epochs=15"], "runs/progressive-3/seed-0"),
        (["optimizer.learning_rate=0.05"], "runs/progressive-3+optimizer.learning_rate=0.05/seed-0"),
        (["optimizer.learning_rate=0.050"], "runs/progressive-3+optimizer.learning_rate=0.05/seed-0"),
        (["label_smoothing=0.1", "epochs=2"], "runs/progressive-3+epochs=2+label_smoothing=0.1/seed-0"),
        (["epochs=2", "label_smoothing=0.1"], "runs/progressive-3+epochs=2+label_smoothing=0.1/seed-0"),
        (["schedule.cycle_momentum=false"], "runs/progressive-3+schedule.cycle_momentum=false/seed-0"),
        (
            ["schedule=Constant", "optimizer=SGD"],
            "runs/progressive-3+optimizer.momentum=0.0+optimizer.nesterov=false+optimizer=SGD+schedule=Constant/seed-0",
        ),
    ],
)
def test_the_folder_follows_from_what_was_changed(changes: list[str], folder: str) -> None:
    base = find_recipe("progressive-3")
    assert str(default_folder(Path("runs"), base.name, differences(base, change(base, changes)), 0)) == folder


def test_other_layers_are_part_of_the_folder_too() -> None:
    base = find_recipe("progressive-3")
    named = {differences(base, replace(base, layers=base.layers[n:])) for n in range(4)}
    assert len(named) == 4
    assert all(re.fullmatch(r"layers=[0-9a-f]{8}", text) for (text,) in named - {()})


@given(changes=st.lists(st.text(max_size=100), max_size=9), seed=st.integers(0, 10**6))
def test_a_folder_is_always_two_names_a_file_system_can_hold(changes: list[str], seed: int) -> None:
    folder = default_folder(Path("runs"), "progressive-3", [text.replace("\0", "") for text in changes], seed)
    assert folder.parts[0] == "runs"
    assert len(folder.parts) == 3
    assert all(len(part.encode(errors="replace")) <= 255 for part in folder.parts)
    assert folder.parts[1].startswith("progressive-3")


# ---------------------------------------------------------------------------------------------------- the published


WALKED = [recipe for walk in ABLATIONS.values() for _, recipe in walk]
ALL = tuple({recipe.name: recipe for recipe in (*RECIPES, *WALKED)}.values())


@pytest.mark.parametrize("recipe", ALL, ids=lambda one: one.name)
def test_every_setting_of_a_published_recipe_says_where_it_is_from(recipe: Recipe) -> None:
    keys = [*settings_of(recipe), *layer_settings(recipe)]
    assert {key: recipe.origin.says(key) for key in keys if not recipe.origin.says(key)} == {}


@pytest.mark.parametrize("recipe", ALL, ids=lambda one: one.name)
def test_what_a_published_recipe_says_it_took_from_somewhere_is_a_setting(recipe: Recipe) -> None:
    known = {*settings_of(recipe), *layer_settings(recipe), "augmentation", "averaging", "stopping", "input"}
    lists = recipe.origin.stated, recipe.origin.suggested, recipe.origin.defaults
    named = [name for names in lists for name in names]
    assert set(named) <= known
    assert len(named) == len(set(named))
    assert (recipe.origin.recipe, recipe.origin.changed) == (recipe.name, ())


# What each document states of each recipe, and what we chose where it is silent; all the rest is what the framework
# does where nothing is asked. Read from the documents, setting by setting.
PLACES = ("rotation_degrees", "shift_fraction", "scale_low", "scale_high", "shear_degrees", "fill")
ALL_PLACES = {f"augmentation.{name}" for name in (*PLACES, "perspective_distortion", "perspective_probability")}
MOVED = {"augmentation.shift_fraction", "augmentation.scale_low", "augmentation.scale_high"}
TILTED = {"augmentation.perspective_distortion", "augmentation.perspective_probability"}
RATE, DECAY, MOMENTUM = "optimizer.learning_rate", "optimizer.weight_decay", "optimizer.momentum"
BASIC = {"epochs", "optimizer", RATE, "schedule", "batch_images", "validation_images", *ALL_PLACES}
FROM: dict[str, tuple[set[str], set[str]]] = {
    "progressive-1": ({"layers", "layers.padding"}, {*BASIC, DECAY}),
    "progressive-2": ({"layers"}, {*BASIC, DECAY, "layers.padding"}),
    "progressive-3": (
        {
            *("layers", "layers.padding", "layers.dropout", "epochs", "optimizer", "schedule"),
            "augmentation.rotation_degrees",
        },
        {RATE, DECAY, "schedule.warmup_fraction", "batch_images", "validation_images", *MOVED},
    ),
    "evolution-v1": (
        {"layers", "layers.padding", "epochs", "optimizer", RATE, "schedule", "batch_images", *ALL_PLACES},
        set(),
    ),
    "evolution-v2": (
        {
            *("layers", "layers.padding", "layers.dropout", "epochs", "optimizer", RATE, DECAY),
            *("schedule", "batch_images", *ALL_PLACES),
        },
        set(),
    ),
    "skip-1": (set(), {"layers", "layers.padding", *BASIC}),
    "skip-2": ({"layers.dropout"}, {"layers", "layers.padding", MOMENTUM, *BASIC}),
    "skip-3": (
        {"epochs", RATE, MOMENTUM, "schedule", "batch_images", "augmentation.rotation_degrees"},
        {
            *("layers", "layers.padding", "optimizer", DECAY, "schedule.factor", "schedule.patience_epochs"),
            *("schedule.threshold", "validation_images", *MOVED, *TILTED),
        },
    ),
    "compact-regularized": (
        {
            *("layers", "layers.dropout", "epochs", "optimizer", RATE, MOMENTUM, DECAY, "schedule"),
            *("schedule.step_epochs", "schedule.factor", "batch_images", "validation_images"),
            "augmentation.rotation_degrees",
        },
        {"layers.padding"},
    ),
    "compact-minimal": (
        {
            *("layers", "epochs", "optimizer", RATE, MOMENTUM, DECAY, "schedule"),
            *("schedule.step_epochs", "schedule.factor", "batch_images", "validation_images", *ALL_PLACES),
        },
        {"layers.padding"},
    ),
    "iteration-1": (
        {"layers", "layers.padding", "epochs", "optimizer", RATE},
        {"layers.dropout", "schedule", "batch_images", "validation_images", *ALL_PLACES},
    ),
    "iteration-2": (
        {"layers", "layers.padding", "epochs", "optimizer", RATE, MOMENTUM},
        {"layers.dropout", "schedule", "batch_images", "validation_images", *ALL_PLACES},
    ),
    "iteration-3": (
        {"layers", "layers.padding", "epochs", "schedule"},
        {
            *("optimizer", RATE, "schedule.warmup_fraction", "schedule.start_divisor", "schedule.final_divisor"),
            *("schedule.cycle_momentum", "batch_images", "validation_images"),
            *("augmentation.rotation_degrees", "augmentation.shift_fraction", "augmentation.fill"),
        },
    ),
}


@pytest.mark.parametrize("name", FROM)
def test_every_setting_comes_from_where_its_document_says(name: str) -> None:
    recipe = find_recipe(name)
    stated, suggested = FROM[name]
    found: dict[str, set[str]] = {"document": set(), "suggested": set(), "default": set()}
    for key in (*settings_of(recipe), *layer_settings(recipe)):
        found[recipe.origin.says(key)].add(key)
    images = {"input.channels", "input.rows", "input.columns"}  # of MNIST, which each document names
    assert (found["document"], found["suggested"]) == (stated | images, suggested)


def test_every_default_is_the_value_of_the_framework() -> None:
    """What `default` says is checked where the optimizers, schedules and the rest are named without their settings."""
    for recipe in RECIPES:
        plain = Recipe("plain", recipe.layers, 1, type(recipe.optimizer)(), type(recipe.schedule)())
        before = settings_of(plain)
        for key, value in settings_of(recipe).items():
            if recipe.origin.says(key) == "default":
                assert before[key] == value, (recipe.name, key)


def test_every_document_has_its_recipes_in_that_table() -> None:
    assert list(FROM) == [recipe.name for recipe in RECIPES if recipe.origin.document]


def test_the_longest_key_that_covers_a_setting_decides() -> None:
    origin = Origin("", stated=("optimizer",), suggested=("optimizer.momentum", "epochs"), defaults=("schedule",))
    assert origin.says("optimizer") == "document"
    assert origin.says("optimizer.learning_rate") == "document"
    assert origin.says("optimizer.momentum") == "suggested"
    assert origin.says("epochs") == "suggested"
    assert origin.says("schedule.factor") == "default"
    assert origin.says("averaging") == ""


def test_what_is_changed_is_so_whatever_was_said_of_its_parts() -> None:
    origin = Origin("", stated=("layers.dropout",), changed=("layers", "epochs=15"))
    assert origin.says("layers.dropout") == origin.says("layers") == origin.says("epochs") == "changed"
    assert (origin.was("epochs"), origin.was("layers"), origin.was("optimizer")) == ("15", "", "")


# ---------------------------------------------------------------------------------------------------- variants


def test_a_changed_setting_is_no_longer_the_document_s() -> None:
    """It said `document` beside a rotation of 90 degrees, above the document's name and claim."""
    found = pw.recipe("progressive-3", {"augmentation.rotation_degrees": 90})
    assert found.origin.says("augmentation.rotation_degrees") == "changed"
    assert found.origin.was("augmentation.rotation_degrees") == "5.0"
    assert found.origin.says("epochs") == "document"
    assert (found.origin.document, found.origin.claim, found.origin.target) == ("", None, None)
    assert variant_words(found) == "variant of progressive-3: augmentation.rotation_degrees=90.0"


def test_a_replace_in_python_is_noticed_under_any_name() -> None:
    base = find_recipe("progressive-3")
    mine = pw.recipe(replace(base, name="mine", layers=(Conv(9), *base.layers[1:])))
    assert (mine.origin.document, mine.origin.claim) == ("", None)
    assert [mine.origin.says(key) for key in layer_settings(mine)] == ["changed"] * 3
    assert variant_words(mine) == "variant of progressive-3: layers=changed"
    assert pw.recipe(replace(base, name="mine")).origin == base.origin


def test_a_target_of_a_document_is_not_that_of_a_variant() -> None:
    assert find_recipe("progressive-1").origin.target == 96.0
    assert target_of(pw.recipe("progressive-1"), "mnist") == (96.0, "test")
    assert target_of(pw.recipe("progressive-1", ["epochs=10"]), "mnist") == (99.4, "test")


def test_a_variant_changed_back_is_the_recipe_again() -> None:
    there = pw.recipe("progressive-3", ["epochs=3", "schedule=Constant"])
    assert pw.recipe(there, ["epochs=4"]).origin.was("epochs") == "15"
    back = replace(there, epochs=15, schedule=find_recipe("progressive-3").schedule)
    assert pw.recipe(back) == find_recipe("progressive-3")


def test_another_kind_changes_all_of_its_settings() -> None:
    there = pw.recipe("progressive-3", ["optimizer=AdamW"])
    assert {there.origin.says(key) for key in settings_of(there) if key.startswith("optimizer")} == {"changed"}
    assert there.origin.was("optimizer") == "Adam"


def test_the_budget_of_a_variant_is_called_that_of_the_recipe_it_varies() -> None:
    base = find_recipe("progressive-3")
    there = pw.recipe(base, ["epochs=3"])
    assert there.budgets == base.budgets
    assert budget_reason(base, base.budgets[0]) == base.budgets[0].reason
    assert budget_reason(there, there.budgets[0]) == f"That of progressive-3. {base.budgets[0].reason}"
    easy = pw.recipe(replace(base, budgets=(replace(base.budgets[0], accuracy=10.0),)))
    assert budget_reason(easy, easy.budgets[0]).startswith("Changed from that of progressive-3. ")
    assert easy.origin.claim is None


def test_a_recipe_of_your_own_has_variants_too() -> None:
    own = replace(TINY, origin=Origin("a paper", stated=("epochs", "optimizer")))
    there = pw.recipe(own, ["epochs=3", "optimizer.momentum=0.5"])
    assert there.origin.document == ""
    assert [there.origin.says(key) for key in ("epochs", "optimizer.momentum", "optimizer")] == [
        *("changed", "changed", "document")
    ]
    assert variant_words(there) == "variant of tiny: epochs=3, optimizer.momentum=0.5"
    again = pw.recipe(recipe_from_text(recipe_to_text(there), "recipe.toml"), ["batch_images=8"])
    assert again.origin.changed == ("batch_images=64", "epochs=2", "optimizer.momentum=0.9")
    assert pw.recipe(own) == own


def test_a_file_of_version_0_1_says_what_the_recipe_of_its_name_says_today(tmp_path: Path) -> None:
    """Its origin has neither `recipe` nor `defaults`, and called SGD stated that its document does not name."""
    settings, _, _ = recipe_to_text(find_recipe("skip-3")).partition("[origin]")
    origin = """[origin]
document = "002 CNN Models on MNIST Data"
stated = ["epochs", "optimizer"]
suggested = ["layers"]
note = ""
reconstructed = true
[origin.claim]
accuracy = 99.49
split = "test"
which = "best"
"""
    (tmp_path / "old.toml").write_text(settings + origin)
    assert find_recipe(str(tmp_path / "old.toml")).origin.stated == ("epochs", "optimizer")
    assert pw.recipe(str(tmp_path / "old.toml")) == find_recipe("skip-3")
    changed = pw.recipe(str(tmp_path / "old.toml"), ["epochs=3"])
    assert variant_words(changed) == "variant of skip-3: epochs=3"


@pytest.mark.parametrize("recipe", ALL, ids=lambda one: one.name)
def test_a_published_recipe_is_no_variant(recipe: Recipe) -> None:
    assert settled(recipe) == recipe
    assert variant_words(recipe) == ""


@pytest.mark.parametrize("recipe", RECIPES, ids=RECIPE_NAMES)
def test_a_published_recipe_is_possible_and_its_budget_sane(recipe: Recipe) -> None:
    check_recipe(recipe)
    budget = recipe.budgets[0]
    assert (budget.dataset, budget.accuracy) == ("mnist", 99.4)
    for one in recipe.budgets:
        assert recipe.epochs <= one.max_epochs
        assert 1 <= one.hold_epochs <= recipe.epochs
        assert one.max_params == budget.max_params
        assert one.reason.endswith(".")
        assert one.split == ("val" if recipe.validation_images else "test")
    # three of the documents' networks are larger than their own text allows; no other is
    over = measure(mnist_plan(recipe.layers)).params > budget.max_params
    assert over == (recipe.name in ("evolution-v1", "evolution-v2", "skip-1"))


@pytest.mark.parametrize("recipe", RECIPES, ids=RECIPE_NAMES)
def test_a_published_recipe_is_found_by_its_name(recipe: Recipe) -> None:
    assert find_recipe(recipe.name) is recipe


@pytest.mark.parametrize("recipe", [one for one in RECIPES if one.origin.document], ids=lambda one: one.name)
def test_a_recipe_of_a_document_cites_it(recipe: Recipe) -> None:
    documents = {"progressive": "000", "evolution": "001", "skip": "002", "compact": "003", "iteration": "004"}
    assert recipe.origin.document.startswith(documents[recipe.name.partition("-")[0]])
    assert recipe.origin.claim is not None
    assert recipe.origin.claim.split == ("val" if recipe.validation_images else "test")
    assert recipe.origin.claim.which in ("best", "final")
    assert (recipe.origin.claim.epoch or 1) <= recipe.epochs


def test_names_are_unique() -> None:
    assert len(set(RECIPE_NAMES)) == len(RECIPES)
