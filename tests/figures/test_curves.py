"""Curves show what the records hold, at the place the axes give it, and catch a shifted epoch or a swapped seed."""

from dataclasses import replace

import numpy as np
import pytest
from figure_gallery import published_runs, stepped_run
from support import BUDGET, run_record

from pennyweight.base.errors import UsageError
from pennyweight.base.records import RunRecord
from pennyweight.figures.curve_values import lowest_held
from pennyweight.figures.curves import curves, curves_words, rate_drops
from pennyweight.figures.small_curves import small_curves
from pennyweight.figures.svg import points_of, text_of, to_svg
from pennyweight.figures.words import Words

WORDS = Words("a title", "a description")


def points(records: list[RunRecord] | tuple[RunRecord, ...]) -> dict[str, np.ndarray]:
    svg = to_svg(curves(records, budget=BUDGET), words=WORDS, name="c")
    return {name: np.array(numbers).reshape(-1, 2) for name, numbers in points_of(svg).items()}


def test_plotted_accuracies_are_those_of_the_records() -> None:
    """Up the picture is linear in the logarithm of the error; two points of the line give the scale for all others."""
    records = published_runs("progressive-3")
    errors = 100 - np.mean([[100 * row.test_correct / 10_000 for row in one.epochs] for one in records], axis=0)
    line = points(records)["accuracy-test-mean"]
    logarithms = np.log10(np.array(errors, dtype=float))
    slope, start = np.polyfit(logarithms, line[:, 1], 1)
    # the line is the mean of the accuracies of all seeds, not of their logarithms
    assert np.allclose(line[:, 1], slope * logarithms + start, atol=0.01)
    assert slope > 0  # a larger error stands lower


def test_the_band_reaches_from_the_lowest_to_the_highest_seed() -> None:
    records = published_runs("progressive-3")
    found = points(records)
    wrong = np.array([[row.test_correct for row in one.epochs] for one in records])
    ends = found["accuracy-test-band"]
    line = found["accuracy-test-mean"]
    for epoch in range(15):
        at = ends[np.isclose(ends[:, 0], line[epoch, 0], atol=0.02)][:, 1]
        spread = np.log10((10_000 - wrong[:, epoch].min()) / (10_000 - wrong[:, epoch].max()))
        assert at.max() - at.min() == pytest.approx(spread * pixels_to_a_power_of_ten(found, records), abs=0.05)


def pixels_to_a_power_of_ten(found: dict[str, np.ndarray], records: tuple[RunRecord, ...]) -> float:
    means = 100 - np.mean([[row.test_accuracy for row in one.epochs] for one in records], axis=0)
    line = found["accuracy-test-mean"][:, 1]
    return float((line[0] - line[-1]) / np.log10(means[0] / means[-1]))


def test_the_target_stands_where_its_accuracy_does() -> None:
    found = points([run_record([9_940, 9_900, 9_940])])
    assert found["target"][0, 1] == pytest.approx(found["accuracy-test-mean"][0, 1], abs=0.01)
    assert found["target"][0, 1] == pytest.approx(found["accuracy-test-mean"][2, 1], abs=0.01)


@pytest.mark.parametrize("planted", ["a shifted epoch", "a swapped seed", "a changed count"])
def test_a_planted_error_changes_what_is_plotted(planted: str) -> None:
    records = list(published_runs("progressive-3")[:3])
    before = points(records)["accuracy-test-mean"]
    rows = records[1].epochs
    if planted == "a shifted epoch":
        counts = [row.test_correct for row in (rows[-1], *rows[:-1])]
        shifted = tuple(replace(row, test_correct=count) for row, count in zip(rows, counts, strict=True))
        records[1] = replace(records[1], epochs=shifted)
    elif planted == "a swapped seed":
        records[1] = published_runs("progressive-3")[5]
    else:
        changed = replace(rows[7], test_correct=(rows[7].test_correct or 0) - 3)
        records[1] = replace(records[1], epochs=(*rows[:7], changed, *rows[8:]))
    assert not np.allclose(points(records)["accuracy-test-mean"], before, atol=0.02)


def test_the_losses_and_rates_are_on_their_axes() -> None:
    record = published_runs("compact-minimal")[0]
    found = points([record])
    losses = np.log10([row.train_loss for row in record.epochs])
    line = found["loss-train-mean"]
    slope, start = np.polyfit(losses, line[:, 1], 1)
    assert np.allclose(line[:, 1], slope * losses + start, atol=0.01)
    assert {"drop-7-0", "drop-7-1", "drop-7-2"} <= set(found)  # through all three panels
    assert "× 0.1" in text_of(to_svg(curves([record]), words=WORDS, name="c"))


@pytest.mark.parametrize(
    ("rates", "drops"),
    [
        ([0.1] * 5, ()),
        ([0.1] * 6 + [0.01] * 6 + [0.001] * 3, (7, 13)),
        ([0.1, 0.1, 0.01], (3,)),
        ([0.1, 0.01, 0.01], (2,)),
        ([0.1, 0.05, 0.02, 0.01], ()),
        ([0.01, 0.02, 0.02, 0.019, 0.015, 0.01], (4,)),
        ([0.1], ()),
    ],
)
def test_a_rate_drop_is_a_fall_from_or_to_a_level(rates: list[float], drops: tuple[int, ...]) -> None:
    assert rate_drops(stepped_run(rates)) == drops


def test_no_published_run_of_a_smooth_schedule_has_a_rate_drop() -> None:
    for name in ("pennyweight-8k", "progressive-3"):
        assert {rate_drops(record) for record in published_runs(name)} == {()}


def test_the_lowest_held_point_is_that_of_all_seeds_in_their_own_last_epochs() -> None:
    early = run_record([9_950, 9_930, 9_941, 9_942])
    late = run_record([9_000, 9_950, 9_950, 9_950, 9_960], seed=1)
    assert lowest_held([early, late], BUDGET) == (2, 99.3)
    assert lowest_held([late], BUDGET) == (3, 99.5)
    assert lowest_held([run_record([None, None])], BUDGET) is None


def test_the_title_says_the_lowest_and_whether_it_is_below_the_target() -> None:
    kept, broken = run_record([9_940, 9_940, 9_940]), run_record([9_940, 9_939, 9_940])
    assert "lowest in the last 3 epochs is 99.40 %, not below the target" in curves_words([kept], budget=BUDGET).title
    assert "lowest in the last 3 epochs is 99.39 %, below the target" in curves_words([broken], budget=BUDGET).title
    short = run_record([9_950, 9_951])
    assert "lowest in the last 2 epochs is 99.50 %" in curves_words([short], budget=BUDGET).title
    assert "target" not in curves_words([kept]).title


def test_a_run_that_stopped_early_ends_where_it_ended() -> None:
    long, short = run_record([9_900] * 6), run_record([9_920] * 3, seed=1)
    found = points([long, short])
    assert len(found["accuracy-test-mean"]) == 6
    heights = found["accuracy-test-mean"][:, 1]
    assert heights[2] < heights[3] == heights[5]  # the better one is part of the mean until it stops


def test_a_perfect_epoch_is_drawn_on_the_scale_of_errors() -> None:
    found = points([run_record([9_990, 10_000])])
    assert np.isfinite(found["accuracy-test-mean"]).all()
    assert found["accuracy-test-mean"][1, 1] < found["accuracy-test-mean"][0, 1]


def test_panels_side_by_side_share_their_axes() -> None:
    groups = {"one": [run_record([9_900] * 5)], "other": [run_record([9_900] * 9, seed=1)]}
    found = points_of(to_svg(small_curves(groups, budget=BUDGET), words=WORDS, name="c"))
    first, second = (np.array(found[f"{number}-test-mean"]).reshape(-1, 2) for number in (1, 2))
    assert first[0, 1] == second[0, 1]
    assert first[1, 0] - first[0, 0] == pytest.approx(second[1, 0] - second[0, 0], abs=0.011)


def test_nothing_to_draw_is_one_sentence() -> None:
    for draw in (curves, curves_words):
        with pytest.raises(UsageError, match="no epochs to draw"):
            draw([])
    with pytest.raises(UsageError, match="There are 0 groups"):
        small_curves({})
