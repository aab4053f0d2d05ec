"""Rules checked on a recipe before anything is trained."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import TINY, networks

import pennyweight as pw
from pennyweight.base.errors import UsageError
from pennyweight.judging.audit import FEATURES, Rules, audit, every_row, rules_of
from pennyweight.nets.rows import (
    CLASSES,
    ROW_TYPES,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Linear,
    Relu,
    Residual,
    Rows,
)
from pennyweight.recipes.catalogue import RECIPES, find_recipe

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
    rows: Rows = (
        Conv(4),
        Residual((Residual((Depthwise(3, padding=1), BatchNorm())),), (Relu(),)),
        GlobalAvgPool(),
        Linear(CLASSES),
    )
    found = audit(replace(TINY, layers=rows), Rules(require=("depthwise", "batchnorm", "relu"), forbid=("residual",)))
    assert [limit.measured for limit in found.limits] == ["1 found", "1 found", "1 found", "2 found"]
    assert [limit.met for limit in found.limits] == [True, True, True, False]


@given(rows=networks, name=st.sampled_from(sorted(FEATURES)))
def test_a_row_is_required_exactly_where_it_could_be_forbidden(rows: Rows, name: str) -> None:
    recipe = replace(TINY, layers=rows)
    required, forbidden = (audit(recipe, rules) for rules in (Rules(require=(name,)), Rules(forbid=(name,))))
    assert required.met != forbidden.met
    count = sum(isinstance(row, FEATURES[name]) and row != Dropout(0.0) for row in every_row(rows))
    assert required.limits[0].measured == f"{count} found"


def test_every_kind_of_row_has_a_name_to_audit_by() -> None:
    assert set(FEATURES.values()) == set(ROW_TYPES)


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
