"""A budget is judged on integer counts, and every breach has a name."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import BUDGET, epoch_row, run_record

from pennyweight.base.budget import Budget, budget_for, check, check_budget, in_present_words, not_judged
from pennyweight.base.errors import UsageError


@pytest.mark.parametrize(
    ("accuracy", "images", "needed"),
    [
        (99.4, 10_000, 9_940),
        (99.4, 360, 358),
        (99.4, 1_000, 994),
        (99.4, 1, 1),
        (99.395, 20_000, 19_879),
        (99.4, 20_000, 19_880),
        (99.41, 10_000, 9_941),
        (99.405, 10_000, 9_941),
        (100.0, 10_000, 10_000),
        (0.0, 10_000, 0),
        (33.3, 1_000, 333),
        (1e-05, 10_000, 1),
    ],
)
def test_the_count_needed_is_the_exact_share_rounded_up(accuracy: float, images: int, needed: int) -> None:
    assert replace(BUDGET, accuracy=accuracy).correct_needed(images) == needed


@given(hundredths=st.integers(0, 10_000), images=st.integers(1, 100_000))
def test_the_count_needed_is_the_least_one_that_is_not_below_the_share(hundredths: int, images: int) -> None:
    needed = replace(BUDGET, accuracy=hundredths / 100).correct_needed(images)
    share = Fraction(hundredths, 10_000)
    assert Fraction(needed, images) >= share > Fraction(needed - 1, images) or needed == share == 0


def test_an_accuracy_that_only_rounds_to_the_target_does_not_pass() -> None:
    """19,879 of 20,000 is 99.395 %, which prints as 99.39 or 99.40 and is neither."""
    budget = replace(BUDGET, hold_epochs=1)
    assert check(budget, run_record([19_879], images=20_000)).breaches == ("accuracy_not_held",)
    assert check(budget, run_record([19_880], images=20_000)).met


HELD = [9_940] * 3

BREACHES = [
    ("all limits kept exactly", run_record([*[9_000] * 12, *HELD], params=8_000), ()),
    ("one parameter too many", run_record(HELD, params=8_001), ("too_many_params",)),
    ("one epoch too many", run_record([9_940] * 16), ("too_many_epochs",)),
    ("one image short in the last epoch", run_record([9_940, 9_940, 9_939]), ("accuracy_not_held",)),
    ("one image short in the first epoch that counts", run_record([9_939, 9_940, 9_940]), ("accuracy_not_held",)),
    ("one image short before the epochs that count", run_record([9_939, *HELD]), ()),
    ("shorter than the epochs it must hold", run_record([9_999, 9_999]), ("too_short",)),
    ("too short and not accurate", run_record([9_000]), ("too_short", "accuracy_not_held")),
    ("never measured", run_record([None] * 3), ("not_measured",)),
    ("one epoch not measured", run_record([9_999, None, 9_999]), ("not_measured",)),
    ("not measured before the epochs that count", run_record([None, *HELD]), ()),
    ("nothing trained", run_record([]), ("too_short", "not_measured")),
    (
        "everything at once",
        run_record([9_000] * 16, params=9_000),
        ("too_many_params", "too_many_epochs", "accuracy_not_held"),
    ),
]


@pytest.mark.parametrize(("record", "breaches"), [case[1:] for case in BREACHES], ids=[case[0] for case in BREACHES])
def test_every_breach_has_its_name(record, breaches) -> None:
    verdict = check(BUDGET, record)
    assert verdict.breaches == breaches
    assert verdict.met == (not breaches)
    assert sum(not limit.met for limit in verdict.limits) == len(breaches)


def test_a_missing_epoch_is_a_breach_of_its_own() -> None:
    """Not measured is neither right nor wrong: it never counts as the accuracy of the epochs around it."""
    verdict = check(BUDGET, run_record([9_999, None, 9_999]))
    assert verdict.breaches == ("not_measured",)
    assert verdict.limits[-1].measured == "measured in 2 of the last 3 epochs"


def test_a_limit_says_what_is_allowed_and_what_was_found() -> None:
    limits = {limit.name: limit for limit in check(BUDGET, run_record([9_950, 9_941, 9_930], params=8_123)).limits}
    assert limits["parameters"].allowed == "at most 8,000"
    assert limits["parameters"].measured == "8,123"
    assert "9,940 of 10,000" in limits["test accuracy"].allowed
    assert limits["test accuracy"].measured == "lowest 99.30 % (9,930 of 10,000)"


def test_a_budget_on_the_hold_out_reads_nothing_of_the_test_images() -> None:
    budget = replace(BUDGET, split="val", hold_epochs=1)
    assert check(budget, run_record([0], val=[9_940])).met
    assert check(budget, run_record([10_000], val=[9_939])).breaches == ("accuracy_not_held",)
    assert check(budget, run_record([10_000], val=[None])).breaches == ("not_measured",)
    assert check(budget, run_record([10_000])).breaches == ("not_measured",)


def test_a_budget_belongs_to_a_dataset() -> None:
    assert budget_for((BUDGET,), "mnist") == BUDGET
    assert budget_for((BUDGET,), "digits") is None
    assert not_judged("digits").met is None


@given(
    counts=st.lists(st.none() | st.integers(9_930, 9_950), max_size=20),
    params=st.integers(7_990, 8_010),
    hold=st.integers(1, 15),
    target=st.sampled_from(["99.3", "99.35", "99.395", "99.4", "99.405", "99.5"]),
)
def test_a_verdict_is_what_fractions_say(counts: list[int | None], params: int, hold: int, target: str) -> None:
    budget = replace(BUDGET, accuracy=float(target), hold_epochs=hold)
    last = counts[-hold:]
    expected = {
        "too_many_params": params > 8_000,
        "too_many_epochs": len(counts) > 15,
        "too_short": len(counts) < hold,
        "not_measured": None in last or not last,
        "accuracy_not_held": None not in last
        and any(Fraction(count, 10_000) < Fraction(target) / 100 for count in last if count is not None),
    }
    verdict = check(budget, run_record(list(counts), params=params))
    assert set(verdict.breaches) == {name for name, broken in expected.items() if broken}


IMPOSSIBLE = [
    ({"split": "tset"}, "Did you mean 'test'?"),
    ({"split": "validation"}, "test, val"),
    ({"hold_epochs": 0}, "hold_epochs is 0"),
    ({"hold_epochs": 16}, "from 1 to 15"),
    ({"accuracy": 100.01}, "accuracy is 100.01"),
    ({"accuracy": float("nan")}, "accuracy is nan"),
    ({"max_params": 0}, "max_params is 0"),
    ({"max_epochs": -1}, "max_epochs is -1"),
    ({"hold_rate": 1.5}, "hold_rate is 1.5"),
]


@pytest.mark.parametrize(("fields", "words"), IMPOSSIBLE)
def test_a_budget_that_cannot_work_is_refused_by_its_field(fields: dict, words: str) -> None:
    with pytest.raises(UsageError, match=r"budget|split") as refused:
        check_budget(Budget(**{**vars(BUDGET), **fields}))
    assert words in str(refused.value)


def test_accuracy_in_percent_is_the_exact_quotient() -> None:
    assert epoch_row(1, test=9_940).test_accuracy == 99.4


def test_one_epoch_is_no_plural_and_the_words_of_early_records_are_read_as_the_present_ones() -> None:
    budget = replace(BUDGET, hold_epochs=1)
    for record, field, words in (
        (run_record([9_950]), "allowed", "at least 99.4 % (9,940 of 10,000) in the last epoch"),
        (run_record([None]), "measured", "not measured in the last epoch"),
    ):
        verdict = check(budget, record)
        limit = verdict.limits[-1]
        assert getattr(limit, field) == words
        early = replace(
            limit,
            allowed=limit.allowed.replace("in the last epoch", "in each of the last 1 epochs"),
            measured=limit.measured.replace("not measured in the last epoch", "measured in 0 of the last 1 epochs"),
        )
        written = replace(verdict, limits=(*verdict.limits[:-1], early))
        assert written != verdict
        assert in_present_words(written) == verdict
    assert check(BUDGET, run_record([None] * 3)).limits[-1].measured == "measured in 0 of the last 3 epochs"
