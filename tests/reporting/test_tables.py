"""What a person reads: aligned, with units, and with marks where something happened."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import BUDGET, TINY, epoch_row, run_record

from pennyweight.base.budget import check
from pennyweight.base.stats import Summary
from pennyweight.judging.seeds import judge_seeds
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import make_plan
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.reporting.marks import marks, target_of
from pennyweight.reporting.tables import (
    claim_words,
    duration,
    epoch_line,
    layer_table,
    limit_lines,
    seeds_text,
    summary_words,
    table,
    verdict_text,
    verdict_words,
)
from pennyweight.training.recipe import Claim, Origin
from pennyweight.training.schedules import Constant, Cosine, OneCycle, ReduceLROnPlateau, StepLR

cells = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=8).map(lambda text: text.strip())


@given(
    rows=st.lists(st.tuples(cells, cells, cells), max_size=5),
    right=st.text("r ", max_size=3),
)
def test_every_column_starts_and_ends_where_its_header_does(rows: list[tuple[str, ...]], right: str) -> None:
    headers = ("first", "second", "third")
    lines = table(headers, rows, right).split("\n")
    assert len(lines) == len(rows) + 1
    widths = [max(len(row[column]) for row in [headers, *rows]) for column in range(3)]
    starts = [0, widths[0] + 2, widths[0] + widths[1] + 4]
    for line, row in zip(lines, [headers, *rows], strict=True):
        assert line == line.rstrip()
        padded = line.ljust(sum(widths) + 4)
        for column in range(3):
            cell = padded[starts[column] : starts[column] + widths[column]]
            to_the_right = right.ljust(3)[column] == "r"
            assert cell == (row[column].rjust(widths[column]) if to_the_right else row[column].ljust(widths[column]))


def test_a_table_by_hand() -> None:
    assert table(("name", "n"), [("a", 5), ("longer", 1_000)], right=" r") == (
        "name       n\na          5\nlonger  1000"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (8.2, "8 s"),
        (59.4, "59 s"),
        (59.6, "1 m 00 s"),
        (60, "1 m 00 s"),
        (125, "2 m 05 s"),
        (3_599.4, "59 m 59 s"),
        (3_599.6, "1 h 00 m"),
        (4_020, "1 h 07 m"),
        (360_000, "100 h 00 m"),
    ],
)
def test_a_time_span_is_written_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# ---------------------------------------------------------------------------------------------------- epochs


def test_an_epoch_is_one_line_with_what_was_measured() -> None:
    history = [epoch_row(1, test=9_000, seconds=2.0), epoch_row(2, test=9_875, learning_rate=0.05, seconds=4.0)]
    assert epoch_line(history, 15, []) == (
        "epoch  2/15  loss 0.5000  train 90.00 %  test 98.75 %  rate 0.05      4.0 s  ETA 39 s"
    )
    assert "val 98.75 %" in epoch_line([epoch_row(1, val=9_875)], 2, [])
    assert "test" not in epoch_line([epoch_row(1, val=9_875)], 2, [])
    assert "ETA" not in epoch_line([epoch_row(1, test=1)], 1, [])
    assert epoch_line([epoch_row(1, test=1)], 1, ["one", "two"]).endswith("  <- one  <- two")


@given(correct=st.lists(st.integers(9_900, 9_960), min_size=1, max_size=15))
def test_the_first_epoch_at_target_is_marked_and_no_other(correct: list[int]) -> None:
    recipe = replace(TINY, budgets=(BUDGET,))
    history = [epoch_row(number, test=count) for number, count in enumerate(correct, start=1)]
    marked = [bool(marks(history[:number], recipe, "mnist")) for number in range(1, len(history) + 1)]
    first = next((index for index, count in enumerate(correct) if count >= 9_940), None)
    assert marked == [index == first for index in range(len(correct))]


@pytest.mark.parametrize(
    ("correct", "expected"), [(9_939, []), (9_940, ["first at target, 99.4 %"]), (9_941, ["first at target, 99.4 %"])]
)
def test_the_target_is_reached_at_its_very_count(correct: int, expected: list[str]) -> None:
    assert marks([epoch_row(1, test=correct)], replace(TINY, budgets=(BUDGET,)), "mnist") == expected


def test_a_step_of_a_document_aims_at_its_own_target() -> None:
    assert target_of(find_recipe("progressive-1"), "mnist") == (96.0, "test")
    assert target_of(find_recipe("progressive-3"), "mnist") == (99.4, "test")
    assert target_of(find_recipe("compact-minimal"), "mnist") == (99.4, "val")
    assert target_of(find_recipe("progressive-1"), "fashion-mnist") is None
    own = replace(
        TINY, budgets=(BUDGET, replace(BUDGET, dataset="digits", accuracy=90.0)), origin=Origin("", target=96.0)
    )
    assert target_of(own, "mnist") == (96.0, "test")
    assert target_of(own, "digits") == (90.0, "test")


def test_a_target_on_the_hold_out_is_not_reached_by_test_images() -> None:
    recipe = replace(TINY, budgets=(replace(BUDGET, split="val"),))
    assert marks([epoch_row(1, test=10_000, val=9_939)], recipe, "mnist") == []
    assert marks([epoch_row(1, test=0, val=9_940)], recipe, "mnist") == ["first at target, 99.4 %"]
    assert marks([epoch_row(1, test=10_000)], recipe, "mnist") == []


@pytest.mark.parametrize(
    ("schedule", "rates", "expected"),
    [
        (StepLR(), [0.1, 0.01], ["learning rate 0.1 to 0.01"]),
        (ReduceLROnPlateau(), [0.1, 0.1, 0.05], ["learning rate 0.1 to 0.05"]),
        (StepLR(), [0.1, 0.01, 0.01], []),
        (StepLR(), [0.1], []),
        (OneCycle(), [0.1, 0.01], []),
        (Cosine(), [0.1, 0.09], []),
        (Constant(), [0.1, 0.1], []),
    ],
)
def test_a_drop_of_the_learning_rate_is_marked_where_it_is_one(schedule, rates, expected) -> None:
    history = [epoch_row(number, test=1, learning_rate=rate) for number, rate in enumerate(rates, start=1)]
    assert marks(history, replace(TINY, schedule=schedule, budgets=()), "mnist") == expected


# ---------------------------------------------------------------------------------------------------- layers


def test_the_layer_table_shows_every_figure_of_every_layer() -> None:
    measured = measure(make_plan(find_recipe("iteration-2").layers))
    lines = layer_table(measured).splitlines()
    assert lines[0].split() == [
        "#",
        "layer",
        "output",
        "kernel",
        "stride",
        "pad",
        "params",
        "buffers",
        "MACs",
        "sees",
        "jump",
        "bytes",
    ]
    assert len(lines) == len(measured.layers) + 1
    assert lines[1].split() == ["1", "Conv", "20x26x26", "3", "1", "0", "200", "121,680", "3", "1", "54,080"]
    assert lines[2].split() == ["2", "Relu", "20x26x26", "3", "1", "54,080"]
    assert lines[3].split() == ["3", "BatchNorm", "20x26x26", "40", "40", "3", "1", "54,080"]
    pool = next(line for line in lines if "AvgPool" in line)
    assert pool.split() == ["25", "AvgPool", "12x1x1", "7", "7", "32", "14", "48"]


# ---------------------------------------------------------------------------------------------------- verdicts


def judged(record):
    return replace(record, verdict=check(BUDGET, record))


def test_a_met_budget_is_told_with_its_figures() -> None:
    record = judged(run_record([9_900, 9_930, 9_945, 9_952, 9_941, 9_940]))
    assert [" ".join(line.split()) for line in verdict_text(record, "The document's rules.").splitlines()] == [
        "made-up on mnist, seed 0: 6,188 parameters, 6 epochs, 12 s",
        "test accuracy: last 99.40 %, best 99.52 % (epoch 4), lowest of the last 5 epochs: 99.30 %",
        "budget on mnist, test images: The document's rules.",
        "limit measured allowed",
        "parameters 6,188 at most 8,000 met",
        "epochs 6 at most 15 met",
        "test accuracy lowest 99.40 % (9,940 of 10,000) at least 99.4 % (9,940 of 10,000) "
        "in each of the last 3 epochs met",
        "verdict: budget met on mnist",
    ]


def test_a_broken_budget_is_told_by_the_names_of_its_breaches() -> None:
    record = judged(run_record([9_000], params=9_000))
    text = verdict_text(record)
    assert text.splitlines()[-1] == "verdict: budget not met on mnist: too many params, too short, accuracy not held"
    assert text.count("NOT MET") == 3
    assert "budget on mnist, test images\n" in text


def test_what_has_no_budget_or_was_not_measured_says_so() -> None:
    text = verdict_text(run_record([None]))
    assert text.endswith("verdict: not judged, the test images were left alone")
    text = verdict_text(run_record([1]))
    assert text.endswith("verdict: not judged, made-up has no budget for mnist")
    assert verdict_words(run_record([1]).verdict) == "not judged"


def test_limits_are_aligned_under_their_headers() -> None:
    lines = limit_lines(check(BUDGET, run_record([9_950] * 3)).limits).splitlines()
    assert all(line.startswith("  ") for line in lines)
    assert len({line.rindex("met") for line in lines[1:]}) == 1
    assert lines[0].index("allowed") == lines[1].index("at most") == lines[3].index("at least")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (None, "not measured"),
        (Summary(1, 99.4, float("nan"), float("-inf"), float("inf")), "99.40 % (one seed, no interval)"),
        (Summary(5, 99.42, 0.0255, 99.388, 99.452), "99.420 % ± 0.025 (n 5, 95 % interval of the mean 99.39 to 99.45)"),
    ],
)
def test_a_summary_states_its_count_and_interval(values: Summary | None, text: str) -> None:
    assert summary_words(values) == text


def test_what_the_seeds_say_together_is_a_figure_a_line() -> None:
    records = [run_record([9_900, final], seed=seed) for seed, final in enumerate((9_930, 9_950))]
    group = judge_seeds(records, replace(BUDGET, hold_epochs=1))
    lines = seeds_text(group).splitlines()
    assert lines[0] == "made-up on mnist, 2 seeds, test accuracy"
    assert "99.400 % ± 0.141 (n 2, 95 % interval of the mean 98.13 to 100.67)" in lines[1]
    assert any("target" in line and "1 of 2 reached 99.4 %, in epoch 2 (median)" in line for line in lines)
    assert lines[-2:] == [
        "  budget kept by 1 of 2 (95 % interval of the share 9 to 91 %; asked: 95 %)",
        "  verdict: not met",
    ]
    unmeasured = judge_seeds([run_record([None])], BUDGET)
    assert "  not measured in every epoch" in seeds_text(unmeasured).splitlines()


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (None, ""),
        (Claim(99.54, "test", "best", 12), "99.54 best test, epoch 12"),
        (Claim(98.67, "test", "best"), "98.67 best test"),
        (Claim(99.4, "val", "final", 8), "99.40 final val, epoch 8"),
    ],
)
def test_a_claim_is_told_with_its_split_and_epoch(claim: Claim | None, text: str) -> None:
    assert claim_words(claim) == text
