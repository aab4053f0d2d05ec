"""Rules checked on a recipe before anything is trained: what a layer does on its map counts, not its name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import TINY, mnist_plan, networks

import pennyweight as pw
from pennyweight.base.errors import UsageError
from pennyweight.data.augment import Augmentation
from pennyweight.judging.audit import Rules, audit, rules_of
from pennyweight.judging.features import FEATURES
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layer,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import RECIPE_NAMES, RECIPES, find_recipe
from pennyweight.settings.optimizers import SGD

CASES = [
    ("as many parameters as allowed", Rules(max_params=404), True),
    ("one parameter fewer allowed", Rules(max_params=403), False),
    ("no parameter allowed", Rules(max_params=0), False),
    ("as many epochs as allowed", Rules(max_epochs=2), True),
    ("one epoch fewer allowed", Rules(max_epochs=1), False),
    ("rows that are there", Rules(require=("batchnorm", "dropout", "gap", "maxpool", "conv", "relu")), True),
    ("a row that is not there", Rules(require=("linear",)), False),
    ("forbidden rows that are not there", Rules(forbid=("linear", "residual", "avgpool", "depthwise")), True),
    ("a forbidden row that is there", Rules(forbid=("dropout",)), False),
    ("one rule of several fails", Rules(max_params=404, max_epochs=2, require=("gap",), forbid=("conv",)), False),
    ("as many multiply-accumulates as allowed", Rules(max_macs=11_844), True),
    ("one multiply-accumulate fewer allowed", Rules(max_macs=11_843), False),
    ("a receptive field as large as asked", Rules(min_receptive_field=13), True),
    ("a receptive field one pixel too small", Rules(min_receptive_field=14), False),
    ("a recipe that moves no image", Rules(require=("augmentation",)), False),
    ("a recipe without weight decay", Rules(forbid=("weight-decay",)), True),
    ("no rule at all", Rules(), True),
]


@pytest.mark.parametrize(("rules", "met"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_recipe_keeps_its_rules_or_does_not(rules: Rules, met: bool) -> None:
    found = audit(TINY, rules)
    assert found.met == met
    assert found.met == all(limit.met for limit in found.limits)


def test_every_rule_is_answered_with_its_figure() -> None:
    found = audit(TINY, Rules(max_params=1_234, max_epochs=5, require=("batchnorm",), forbid=("linear",)))
    assert [(limit.name, limit.allowed, limit.measured, limit.met) for limit in found.limits] == [
        ("parameters", "at most 1,234", "404", True),
        ("epochs", "at most 5", "2", True),
        ("batchnorm", "required", "1 found", True),
        ("linear", "forbidden", "0 found", True),
    ]


def test_a_dropout_that_drops_nothing_is_none() -> None:
    idle = replace(TINY, layers=tuple(Dropout(0.0) if isinstance(row, Dropout) else row for row in TINY.layers))
    assert audit(idle, Rules(forbid=("dropout",))).met
    assert not audit(idle, Rules(require=("dropout",))).met


def test_rows_inside_residuals_count() -> None:
    rows: Layers = (
        Conv(4),
        Residual((Residual((Depthwise(3, padding=1), BatchNorm())),), (Relu(),)),
        GlobalAvgPool(),
        Linear(CLASSES),
    )
    found = audit(replace(TINY, layers=rows), Rules(require=("depthwise", "batchnorm", "relu"), forbid=("residual",)))
    assert [limit.measured for limit in found.limits] == ["1 found", "1 found", "1 found", "2 found"]
    assert [limit.met for limit in found.limits] == [True, True, True, False]


@given(rows=networks, name=st.sampled_from(sorted(FEATURES)))
def test_a_feature_is_required_exactly_where_it_could_be_forbidden(rows: Layers, name: str) -> None:
    recipe = replace(TINY, layers=rows)
    required, forbidden = (audit(recipe, rules) for rules in (Rules(require=(name,)), Rules(forbid=(name,))))
    assert required.met != forbidden.met
    assert required.limits[0].measured == forbidden.limits[0].measured


# ---------------------------------------------------------------------------------------------------- evasions

BLOCK: Layers = (Conv(8), BatchNorm(), Relu(), MaxPool(2))
"""Ends in a map of 13x13."""
HEAD: Layers = (GlobalAvgPool(), Linear(CLASSES))
BODY: Layers = (Conv(8, padding=1), BatchNorm())

FOUND: list[tuple[str, str, bool, Layers]] = [
    # the same layer under another name
    ("the mean of the whole map, written as AvgPool", "gap", True, (*BLOCK, AvgPool(13), Linear(CLASSES))),
    ("a convolution as large as its map", "linear", True, (*BLOCK, Conv(CLASSES, kernel=13))),
    ("that, and a pool behind it", "linear", True, (*BLOCK, Conv(CLASSES, kernel=13), GlobalAvgPool())),
    ("a pool of a 1x1 map", "gap", False, (*BLOCK, Conv(CLASSES, kernel=13), GlobalAvgPool())),
    ("a 1x1 convolution behind the global pool", "linear", True, (*BLOCK, GlobalAvgPool(), Conv(CLASSES, kernel=1))),
    ("a 1x1 convolution before it", "linear", False, (*BLOCK, Conv(CLASSES, kernel=1), GlobalAvgPool())),
    ("a kernel as large as the padded map", "linear", True, (*BLOCK, Conv(CLASSES, kernel=15, padding=1))),
    ("a 3x3 kernel on one padded pixel", "linear", True, (*BLOCK, GlobalAvgPool(), Conv(CLASSES, padding=1))),
    (
        "a stride by which one position reads the whole map and the others padding alone",
        "linear",
        True,
        (*BLOCK, MaxPool(2), Conv(CLASSES, kernel=6, padding=6, stride=6), GlobalAvgPool()),
    ),
    (
        "a padding by which every position reads the whole map",
        "linear",
        True,
        (*BLOCK, Conv(CLASSES, kernel=25, padding=12), GlobalAvgPool()),
    ),
    (
        "a padding by which the corners see all but one row",
        "linear",
        False,
        (*BLOCK, Conv(CLASSES, kernel=23, padding=11), GlobalAvgPool()),
    ),
    ("a stride that leaves one position", "linear", True, (*BLOCK, Conv(CLASSES, kernel=12, stride=2))),
    ("two positions", "linear", False, (*BLOCK, Conv(CLASSES, kernel=12), GlobalAvgPool())),
    ("a convolution on the map's way to 1x1", "conv", False, (Conv(CLASSES, kernel=28),)),
    ("a depthwise layer on one channel", "depthwise", False, (Depthwise(), *HEAD)),
    ("a depthwise layer on one channel", "conv", True, (Depthwise(), *HEAD)),
    ("a depthwise layer on the image, as large as it", "linear", True, (Depthwise(28), Conv(CLASSES, kernel=1))),
    ("a depthwise layer as large as its map", "depthwise", True, (Conv(8), Depthwise(26), Linear(CLASSES))),
    ("an average pool that leaves a border out", "gap", False, (*BLOCK, AvgPool(12), Linear(CLASSES))),
    ("an average pool that leaves a border out", "avgpool", True, (*BLOCK, AvgPool(12), Linear(CLASSES))),
    ("a global pool", "avgpool", False, (*BLOCK, AvgPool(13), Linear(CLASSES))),
    ("a max pool of the whole map", "gap", False, (*BLOCK, MaxPool(13), Linear(CLASSES))),
    # layers without an effect
    ("a max pool of one pixel", "maxpool", False, (Conv(8), MaxPool(1), *HEAD)),
    ("an average pool of one pixel", "avgpool", False, (Conv(8), AvgPool(1), *HEAD)),
    ("a depthwise layer of one pixel", "depthwise", False, (Conv(8), Depthwise(1), *HEAD)),
    ("a depthwise layer on one padded pixel", "depthwise", False, (Conv(8), HEAD[0], Depthwise(3, 1), HEAD[1])),
    # skip connections
    ("an empty body", "residual", False, (*BLOCK, Residual(()), *HEAD)),
    ("a body without a convolution", "residual", False, (*BLOCK, Residual((Dropout(0.1), BatchNorm())), *HEAD)),
    ("a body that only scales", "residual", False, (*BLOCK, Residual((Depthwise(1),)), *HEAD)),
    ("twice the same path", "residual", False, (*BLOCK, Residual(BODY, BODY), *HEAD)),
    ("the identity as the body", "residual", True, (*BLOCK, Residual((), BODY), *HEAD)),
    ("a projection", "residual", True, (*BLOCK, Residual(BODY, (Conv(8, kernel=1),)), *HEAD)),
    (
        "a skip connection inside a sum that is none",
        "residual",
        True,
        (*BLOCK, Residual((Residual(BODY),), BODY), *HEAD),
    ),
    # BatchNorm behind every convolution
    ("BatchNorm, then ReLU", "batchnorm-after-conv", True, (*BLOCK, *HEAD)),
    ("ReLU and a pool, then BatchNorm", "batchnorm-after-conv", True, (Conv(8), Relu(), MaxPool(), BatchNorm(), *HEAD)),
    ("a bare first convolution", "batchnorm-after-conv", False, (Conv(8), *BLOCK, *HEAD)),
    ("a bare last convolution before a linear layer", "batchnorm-after-conv", False, (*BLOCK, Conv(8), *HEAD)),
    ("a bare head", "batchnorm-after-conv", True, (*BLOCK, Conv(CLASSES), GlobalAvgPool())),
    ("a bare head that is a linear layer", "batchnorm-after-conv", True, (*BLOCK, Conv(CLASSES, kernel=13))),
    (
        "a bare convolution before such a head",
        "batchnorm-after-conv",
        False,
        (*BLOCK, Conv(8), Conv(CLASSES, kernel=11)),
    ),
    ("a bare depthwise layer", "batchnorm-after-conv", False, (*BLOCK, Depthwise(), *BLOCK, *HEAD)),
    ("a bare convolution inside a body", "batchnorm-after-conv", False, (*BLOCK, Residual((BODY[0],)), *HEAD)),
    ("BatchNorm behind the sum", "batchnorm-after-conv", True, (*BLOCK, Residual((BODY[0],)), BatchNorm(), *HEAD)),
    (
        "BatchNorm on one of two paths",
        "batchnorm-after-conv",
        False,
        (Conv(8), Residual((BatchNorm(), *BODY)), *HEAD),
    ),
    ("no BatchNorm and nothing but a head", "batchnorm-after-conv", False, (Conv(CLASSES), GlobalAvgPool())),
    ("two linear layers without one", "batchnorm-after-conv", True, (*BLOCK, Linear(8), Linear(CLASSES))),
]


@pytest.mark.parametrize(
    ("feature", "there", "rows"), [case[1:] for case in FOUND], ids=[f"{case[1]}: {case[0]}" for case in FOUND]
)
def test_a_layer_counts_as_what_it_does_on_its_map(feature: str, there: bool, rows: Layers) -> None:
    assert audit(replace(TINY, layers=rows), Rules(require=(feature,))).met == there


def test_the_network_that_evaded_a_ban_of_linear_layers_no_longer_does() -> None:
    """A convolution over its whole map, then the mean of a single pixel: once every rule held."""
    rows: Layers = (*BLOCK, Conv(8), Relu(), Conv(CLASSES, kernel=11), GlobalAvgPool())
    found = audit(replace(TINY, layers=rows), Rules(require=("gap", "batchnorm"), forbid=("linear",)))
    assert [(limit.name, limit.measured, limit.met) for limit in found.limits] == [
        ("gap", "0 found; layer 8, GlobalAvgPool() on its 1x1 map, does not count", False),
        ("batchnorm", "1 found", True),
        ("linear", "1 found; layer 7, Conv(10, kernel=11) on its 11x11 map, counts", False),
    ]


ALIKE: list[tuple[str, Layers, Layers]] = [
    ("global average pooling", (*BLOCK, GlobalAvgPool(), Linear(CLASSES)), (*BLOCK, AvgPool(13), Linear(CLASSES))),
    ("a head behind it", (*BLOCK, *HEAD), (*BLOCK, GlobalAvgPool(), Conv(CLASSES, kernel=1, bias=True))),
    ("a head on a map", (*BLOCK, Linear(CLASSES)), (*BLOCK, Conv(CLASSES, kernel=13, bias=True))),
    ("a first convolution", (Conv(1), *BLOCK, *HEAD), (Depthwise(), *BLOCK, *HEAD)),
    *(
        (f"{row} added", (*BLOCK, *BODY, *HEAD), (*BLOCK, *BODY, row, *HEAD))
        for row in (MaxPool(1), AvgPool(1), Dropout(0.0))
    ),
    ("GlobalAvgPool added", (*BLOCK, *HEAD), (*BLOCK, HEAD[0], GlobalAvgPool(), HEAD[1])),
]


@pytest.mark.parametrize(("one", "other"), [case[1:] for case in ALIKE], ids=[case[0] for case in ALIKE])
def test_two_ways_to_write_one_function_are_audited_alike(one: Layers, other: Layers) -> None:
    def answers(rows: Layers) -> list[bool]:
        fields = [audit(replace(TINY, layers=rows), Rules(min_receptive_field=pixels)).met for pixels in range(1, 40)]
        everything = Rules(max_params=2_000, max_macs=100_000, require=tuple(FEATURES))
        return fields + [limit.met for limit in audit(replace(TINY, layers=rows), everything).limits]

    assert answers(one) == answers(other)


HEADS = {
    "progressive-1": ("1 found, of 10x10 pixels", "0 found"),
    "progressive-2": ("1 found, of 8x8 pixels", "0 found"),
    "progressive-3": ("1 found, of 2x2 pixels", "1 found"),
    "evolution-v1": ("1 found, of 7x7 pixels", "2 found"),
    "evolution-v2": ("1 found, of 7x7 pixels", "1 found"),
    "skip-1": ("0 found", "1 found; layer 16, Conv(10, kernel=7) on its 7x7 map, counts"),
    "skip-2": ("1 found, of 3x3 pixels", "0 found"),
    "skip-3": ("1 found, of 9x9 pixels", "0 found"),
    "compact-regularized": ("1 found, of 7x7 pixels", "0 found"),
    "compact-minimal": ("1 found, of 7x7 pixels", "0 found"),
    "iteration-1": ("0 found", "1 found; layer 16, Conv(10, kernel=7, bias=True) on its 7x7 map, counts"),
    "iteration-2": (
        "1 found, of 7x7 pixels; layer 25, AvgPool(size=7) on its 7x7 map, counts",
        "1 found; layer 26, Conv(10, kernel=1, bias=True) on its 1x1 map, counts",
    ),
    "iteration-3": (
        "0 found; layer 19, GlobalAvgPool() on its 1x1 map, does not count",
        "1 found; layer 18, Conv(10, kernel=2) on its 2x2 map, counts",
    ),
    "pennyweight-8k": ("1 found, of 2x2 pixels", "1 found"),
}
"""How each published network ends: global average pooling, fully connected layers."""


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_the_heads_of_the_published_networks_are_what_they_do(name: str) -> None:
    found = audit(find_recipe(name), Rules(require=("gap", "linear")))
    assert tuple(limit.measured for limit in found.limits) == HEADS[name]
    assert [limit.met for limit in found.limits] == [words[0] != "0" for words in HEADS[name]]


PADDED = {"padding": 1}
POINT = {"kernel": 1}
PUBLIC: list[tuple[str, Layers, bool, bool]] = [
    (
        "classes, then AvgPool(2) of 2x2",
        (
            *(Conv(8), Conv(16), MaxPool(), Conv(8, **POINT), Conv(16), Conv(20), MaxPool()),
            *(Conv(16, **POINT), Conv(CLASSES), AvgPool(2)),
        ),
        True,
        False,
    ),
    (
        "3x3 on 3x3",
        (Conv(8), Conv(16), MaxPool(), Conv(16), MaxPool(), Conv(16), Conv(CLASSES)),
        False,
        True,
    ),
    (
        "AvgPool(6) of 6x6, then 1x1",
        (
            *(Conv(10), Conv(15), MaxPool(), Conv(16), Conv(10, **POINT), Conv(16), Conv(16), Conv(10, **POINT)),
            *(AvgPool(6), Conv(CLASSES, **POINT)),
        ),
        True,
        True,
    ),
    (
        "AvgPool(6) of 9x9, which drops a border, then 1x1",
        (
            *(Conv(6), Conv(16), Conv(20), MaxPool(), Conv(6, **POINT), Conv(16), Conv(20, **PADDED)),
            *(AvgPool(6), Conv(CLASSES, **POINT)),
        ),
        False,
        True,
    ),
    (
        "strides, then AvgPool(4) of 4x4, then 1x1",
        (
            *(Conv(8, **PADDED), Conv(8), Conv(8, **PADDED), Conv(8), Conv(8), Conv(8, stride=2)),
            *(Conv(8, **PADDED), Conv(8), Conv(16), Conv(16), AvgPool(4), Conv(CLASSES, **POINT)),
        ),
        True,
        True,
    ),
    (
        "classes, then AvgPool(5) of 5x5",
        (
            *(Conv(4, **PADDED), Conv(8, **PADDED), MaxPool(), Conv(10, **PADDED), Conv(16, **PADDED), MaxPool()),
            *(Conv(8, **POINT), Conv(16, **PADDED), Conv(10, **POINT), Conv(CLASSES), AvgPool(5)),
        ),
        True,
        False,
    ),
]
"""Networks that people published for the same task, without their ReLU, BatchNorm and dropout."""


@pytest.mark.parametrize(("rows", "gap", "linear"), [case[1:] for case in PUBLIC], ids=[case[0] for case in PUBLIC])
def test_the_heads_of_other_people_s_networks_are_what_they_do(rows: Layers, gap: bool, linear: bool) -> None:
    found = audit(replace(TINY, layers=rows), Rules(require=("gap", "linear")))
    assert [limit.met for limit in found.limits] == [gap, linear]


NORMALIZED = {
    "progressive-1": "0 of 3 convolutions; none behind layer 1, 3, 6",
    "progressive-2": "6 of 6 convolutions",
    "progressive-3": "5 of 5 convolutions",
    "evolution-v1": "5 of 6 convolutions; none behind layer 18",
    "evolution-v2": "6 of 6 convolutions",
    "skip-1": "0 of 7 convolutions; none behind layer 1, 3, 5, 8, 10, 12, 14",
    "skip-2": "7 of 7 convolutions",
    "skip-3": "6 of 6 convolutions",
    "compact-regularized": "6 of 6 convolutions",
    "compact-minimal": "6 of 6 convolutions",
    "iteration-1": "4 of 5 convolutions; none behind layer 15",
    "iteration-2": "6 of 6 convolutions",
    "iteration-3": "5 of 5 convolutions",
    "pennyweight-8k": "5 of 5 convolutions",
}


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_which_published_networks_normalize_every_convolution_but_the_head(name: str) -> None:
    (limit,) = audit(find_recipe(name), Rules(require=("batchnorm-after-conv",))).limits
    assert limit.measured == NORMALIZED[name]
    share = NORMALIZED[name].split()
    assert limit.met == (share[0] == share[2])


RECEPTIVE_FIELDS = {"skip-1": 16, "iteration-1": 16, "iteration-2": 20, "iteration-3": 24}
"""Where the last convolution of `show` is a fully connected layer, which sees everything."""


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_the_receptive_field_is_that_of_the_last_layer_that_is_not_fully_connected(name: str) -> None:
    shown = measure(mnist_plan(find_recipe(name).layers)).receptive_field
    pixels = RECEPTIVE_FIELDS.get(name, shown)
    held, broken = (audit(find_recipe(name), Rules(min_receptive_field=size)) for size in (pixels, pixels + 1))
    assert (held.met, broken.met) == (True, False)
    assert held.limits[0].allowed == f"at least {pixels}"
    assert held.limits[0].measured.startswith(f"{pixels}, at layer ")


def test_a_shortcut_does_not_hide_what_the_longer_path_sees() -> None:
    rows: Layers = (*BLOCK, Residual((Conv(8, padding=1), Conv(8, padding=1)), (Conv(8, kernel=1),)), *HEAD)
    assert audit(replace(TINY, layers=rows), Rules(min_receptive_field=12)).met
    assert not audit(replace(TINY, layers=rows), Rules(min_receptive_field=13)).met


def test_a_network_of_linear_layers_has_no_receptive_field() -> None:
    (limit,) = audit(replace(TINY, layers=(Linear(CLASSES),)), Rules(min_receptive_field=1)).limits
    assert (limit.measured, limit.met) == ("0, no convolution", False)


MOVES = [
    (Augmentation(), False, "images are not moved"),
    (Augmentation(fill=255), False, "images are not moved"),
    (Augmentation(perspective_distortion=0.2), False, "images are not moved"),
    (Augmentation(rotation_degrees=5.0, fill=9), True, "rotation_degrees 5, fill 9"),
    (Augmentation(scale_low=0.9), True, "scale_low 0.9"),
]


@pytest.mark.parametrize(("augmentation", "there", "words"), MOVES)
def test_augmentation_is_what_moves_images(augmentation: Augmentation, there: bool, words: str) -> None:
    (limit,) = audit(replace(TINY, augmentation=augmentation), Rules(require=("augmentation",))).limits
    assert (limit.met, limit.measured) == (there, words)


def test_weight_decay_and_dropout_are_shown_with_their_amounts() -> None:
    layers = (Conv(4), Dropout(0.1), Dropout(0.0), Dropout(0.25), *HEAD)
    recipe = replace(TINY, layers=layers, optimizer=SGD(weight_decay=1e-4))
    found = audit(recipe, Rules(require=("weight-decay", "dropout"), forbid=("dropout",)))
    amounts = "2 found, rates 0.1 to 0.25; layer 3, Dropout(0.0) on its 26x26 map, does not count"
    assert [(limit.measured, limit.met) for limit in found.limits] == [
        ("0.0001", True),
        (amounts, True),
        (amounts, False),
    ]


def test_hundreds_of_sums_are_audited_at_once() -> None:
    """The paths of a network of n sums are 2^n; what they have in common is looked at once."""
    block: tuple[Layer, ...] = (Residual((Residual(BODY), Relu())), Relu())
    rows: Layers = (*BLOCK, *(block * 100), *HEAD)
    found = audit(replace(TINY, layers=rows), Rules(require=("residual", "batchnorm-after-conv")))
    assert [limit.measured for limit in found.limits] == ["200 found", "101 of 101 convolutions"]


def test_of_many_layers_only_the_first_are_named() -> None:
    rows: Layers = (Conv(8), *([MaxPool(1)] * 11), *([Residual(())] * 9), *([Conv(8, kernel=1)] * 2_000), *HEAD)
    found = audit(replace(TINY, layers=rows), Rules(require=("maxpool", "residual", "batchnorm-after-conv")))
    layers = [limit.measured.replace(", MaxPool(size=1)", "").split("layer ") for limit in found.limits]
    assert [len(named) for named in layers] == [9, 9, 2]
    assert [limit.measured.rpartition("and ")[2] for limit in found.limits] == ["3 more", "1 more", "1,993 more"]


# ---------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("rules", [Rules(require=("batchnrm",)), Rules(forbid=("batchnrm",))])
def test_an_unknown_row_is_refused_with_the_nearest(rules: Rules) -> None:
    with pytest.raises(UsageError, match=r"There is no feature 'batchnrm'. Did you mean 'batchnorm'\?"):
        audit(TINY, rules)


def test_without_rules_the_caps_are_those_of_the_recipe_s_own_budget() -> None:
    assert rules_of(TINY) == Rules(max_params=1_000, max_epochs=5)
    assert rules_of(replace(TINY, budgets=())) == Rules()
    assert pw.audit(TINY).met
    assert not pw.audit(replace(TINY, epochs=6)).met


def test_which_published_recipes_keep_their_own_caps() -> None:
    over = {recipe.name for recipe in RECIPES if not pw.audit(recipe).met}
    assert over == {"evolution-v1", "evolution-v2", "skip-1"}


def test_the_published_features_are_there() -> None:
    """What the documents' titles promise."""
    assert audit(find_recipe("skip-3"), Rules(require=("residual", "batchnorm"))).met
    assert audit(find_recipe("skip-2"), Rules(require=("dropout",), forbid=("residual", "linear"))).met
    assert audit(find_recipe("skip-1"), Rules(forbid=("batchnorm", "dropout", "residual"))).met
    assert audit(
        find_recipe("compact-regularized"), Rules(20_000, 19, ("batchnorm", "dropout", "gap"), ("linear",))
    ).met
    assert audit(find_recipe("compact-minimal"), Rules(20_000, 19, (), ("dropout", "linear"))).met
