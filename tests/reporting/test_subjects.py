"""What a person reads: aligned, with units, and with marks where something happened."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import BUDGET, TINY, epoch_row, mnist_plan, run_record

from pennyweight.base.budget import check
from pennyweight.base.stats import Summary
from pennyweight.cli.seeds import parse_seeds
from pennyweight.judging.evidence import JudgesBudget, RunEvidence
from pennyweight.judging.seeds import judge_seeds, kept_share
from pennyweight.judging.verdict import judge_evidence
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.reporting.epochs import epoch_line, marks, target_of
from pennyweight.reporting.judgements import judgement_text, seeds_text, share_words
from pennyweight.reporting.layers import layer_table
from pennyweight.reporting.recipes import claim_words
from pennyweight.reporting.seeds_advice import ranges
from pennyweight.reporting.text import WIDTH, duration, summary_words, wrapped
from pennyweight.reporting.verdicts import limits_table, verdict_text, verdict_words
from pennyweight.settings.recipe import Origin, PublishedResult
from pennyweight.settings.schedules import Constant, Cosine, OneCycle, ReduceLROnPlateau, StepLR
from pennyweight.tables.text import to_text


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


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (1_000, {"loss", "train", "test", "(unaveraged", "rate", "ETA"}),
        (100, {"loss", "train", "test", "(unaveraged", "ETA"}),
        (80, {"loss", "train", "test", "(unaveraged"}),
        (72, {"loss", "train", "test", "ETA"}),
        (60, {"loss", "train", "test"}),
        (50, {"train", "test"}),
    ],
)
def test_an_epoch_s_line_keeps_to_its_width_by_the_same_parts_in_every_epoch(width: int, shown: set[str]) -> None:
    rows = [replace(epoch_row(number, test=9_875), raw_test_accuracy=98.7) for number in range(1, 16)]
    for number in range(1, 15):
        line = epoch_line(rows[:number], 15, [], width)
        assert len(line) <= width
        assert {part for part in ("loss", "train", "test", "(unaveraged", "rate", "ETA") if part in line} == shown


def test_marks_that_do_not_fit_stand_below_their_epoch() -> None:
    line = epoch_line([epoch_row(1, test=9_940)], 15, ["first at target, 99.4 %"], 80)
    assert line.splitlines()[1] == "  <- first at target, 99.4 %"


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
    for dataset in ("fashion-mnist", "other-mnist"):
        assert target_of(find_recipe("progressive-1"), dataset) is None
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
    measured = measure(mnist_plan(find_recipe("iteration-2").layers))
    lines = to_text(layer_table(measured)).splitlines()
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
        "RF",
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
    assert [
        " ".join(line.split()) for line in verdict_text(record, "The document's rules.", width=200).splitlines()
    ] == [
        "made-up on mnist, seed 0: 6,188 parameters, 6 epochs, 12 s",
        "test accuracy: last 99.40 %, best 99.52 % (epoch 4), lowest of the last 5 epochs: 99.30 %",
        "budget on mnist, test images: The document's rules.",
        "limit measured allowed",
        "parameters 6,188 at most 8,000 met",
        "epochs 6 at most 15 met",
        "test accuracy lowest 99.40 % (9,940 of 10,000) at least 99.4 % (9,940 of 10,000) "
        "in each of the last 3 epochs met",
        "verdict: budget kept on mnist",
    ]


def test_of_one_epoch_no_lowest_is_told() -> None:
    assert "lowest" not in verdict_text(run_record([9_000]))
    assert "lowest of the last 2 epochs: 90.00 %" in verdict_text(run_record([9_000, 9_001]), width=200)


def test_a_broken_budget_is_told_by_the_names_of_its_breaches() -> None:
    record = judged(run_record([9_000], params=9_000))
    text = verdict_text(record)
    assert text.splitlines()[-1] == "verdict: budget broken on mnist: too many params, too short, accuracy not held"
    assert text.count("NOT MET") == 3
    assert "budget on mnist, test images\n" in text


def test_what_has_no_budget_or_was_not_measured_says_so() -> None:
    text = verdict_text(run_record([None]))
    assert text.endswith("verdict: not judged, the test images were not evaluated")
    text = verdict_text(run_record([1]))
    assert text.endswith("verdict: not judged, made-up has no budget for mnist")
    assert verdict_words(run_record([1]).verdict) == "not judged"


def test_limits_are_aligned_under_their_headers() -> None:
    lines = to_text(limits_table(check(BUDGET, run_record([9_950] * 3)).limits), 200, indent="  ").splitlines()
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
    lines = seeds_text(group, width=200).splitlines()
    assert lines[0] == "made-up on mnist, 2 seeds, test accuracy"
    assert any("99.400 % ± 0.141 (n 2, 95 % interval of the mean 98.13 to 100.00)" in line for line in lines)
    assert any("target" in line and "1 of 2 reached 99.4 %, in epoch 2 (median)" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    assert (
        "budget kept by 1 of 2 seeds on this test set; of all seeds, 0.8 to 99.2 % (each bound at 95 %, however" in text
    )
    assert text.endswith(
        "verdict on the recipe: not shown 132 more seeds, every one kept, would show it: --seeds 2-133"
    )
    unmeasured = judge_seeds([run_record([None])], BUDGET)
    assert "  not measured in every epoch" in seeds_text(unmeasured).splitlines()


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (None, ""),
        (PublishedResult(99.54, "test", "best", 12), "99.54 best test, epoch 12"),
        (PublishedResult(98.67, "test", "best"), "98.67 best test"),
        (PublishedResult(99.4, "val", "final", 8), "99.40 final val, epoch 8"),
    ],
)
def test_a_claim_is_told_with_its_split_and_epoch(claim: PublishedResult | None, text: str) -> None:
    assert claim_words(claim) == text


@pytest.mark.parametrize(
    ("numbers", "text"), [((), ""), ((3,), "3"), ((0, 1, 2), "0-2"), ((0, 1, 5, 7, 8), "0-1,5,7-8")]
)
def test_seeds_are_told_as_the_command_line_reads_them(numbers: tuple[int, ...], text: str) -> None:
    assert ranges(numbers) == text
    assert not numbers or parse_seeds(text) == list(numbers)


@given(st.lists(st.sampled_from(["95 %", "of", "seeds", "kept-by", "0.1 to 62 %"]), min_size=1, max_size=40))
def test_prose_is_broken_between_words_and_never_between_a_figure_and_its_unit(words: list[str]) -> None:
    lines = wrapped(" ".join(words), "  ").splitlines()
    assert " ".join(" ".join(lines).split()) == " ".join(words)
    assert all(len(line) <= WIDTH and not line.strip().startswith("%") for line in lines)


def test_a_run_judged_alone_is_told_in_full_and_several_in_a_table() -> None:
    recipe = replace(TINY, budgets=(BUDGET,))
    evidence = [
        RunEvidence(f"runs/seed-{n}", run_record([9_940, 9_941, last], seed=n), recipe, "mnist", ())
        for n, last in enumerate((9_950, 9_939))
    ]
    alone = judgement_text(judge_evidence(evidence[:1], JudgesBudget()))
    assert alone.splitlines()[0] == "runs/seed-0: budget kept on mnist"
    assert "  budget: the run's own" in alone
    both = judgement_text(judge_evidence(evidence, JudgesBudget())).splitlines()
    assert both[1].split() == ["runs/seed-0", "kept"]
    assert both[2].split(maxsplit=2) == ["runs/seed-1", "broken", "test accuracy lowest 99.39 % (9,939 of 10,000)"]
    assert "verdict on the recipe: not shown" in "\n".join(both)
    nothing = judgement_text(judge_evidence([replace(evidence[0], recipe=TINY)], JudgesBudget()), width=200)
    *lines, command = nothing.splitlines()
    assert lines == [
        "runs/seed-0: not judged",
        "  made-up has no budget for mnist; name one, as --accuracy 99.4",
        "  Limits of your own judge it, as these:",
    ]
    assert command.endswith(" judge runs/seed-0 --accuracy 99.4 --hold 3")


def test_a_share_that_just_misses_what_is_asked_never_reads_as_if_it_reached_it() -> None:
    words = [share_words(kept_share(dict.fromkeys(range(seeds), True), 0), "test") for seeds in (87, 88)]
    assert ["of all seeds, 94.9 to 100.0 %" in words[0], "of all seeds, 95.0 to 100.0 %" in words[1]] == [True, True]
