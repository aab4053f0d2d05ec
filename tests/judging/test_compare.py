"""Two groups of runs side by side."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import combinations
from math import isfinite
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from support import run_record

import pennyweight as pw
from pennyweight.base.errors import MismatchError, UnavailableError, UsageError
from pennyweight.base.random import uniforms
from pennyweight.base.record_text import to_json
from pennyweight.base.records import Misclassified, RunRecord
from pennyweight.base.stats import Difference, Summary
from pennyweight.judging.ablation import ablation_steps
from pennyweight.judging.compare import compare, rank
from pennyweight.judging.seeds import seeds_figures
from pennyweight.judging.selection import score as choice_score
from pennyweight.reporting.comparisons import comparison_text, pairs_table, ranking_text
from pennyweight.runs.find import records_in


def runs(*finals: int) -> list[RunRecord]:
    return [run_record([9_000, final], seed=seed) for seed, final in enumerate(finals)]


def test_the_difference_of_two_recipes_is_that_of_scipy() -> None:
    first, second = [9_950, 9_941, 9_947, 9_952], [9_930, 9_935, 9_921]
    found = compare(runs(*first), runs(*second))
    expected = scipy.stats.ttest_ind(np.array(first) / 100, np.array(second) / 100, equal_var=False)
    interval = expected.confidence_interval()
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))
    assert (found.split, found.better, found.predictions) == ("test", "first", None)
    assert "a is better" in comparison_text(found, "a", "b")


def test_where_the_interval_holds_zero_nothing_is_claimed() -> None:
    found = compare(runs(9_950, 9_940, 9_945), runs(9_946, 9_941, 9_951))
    assert found.better == ""
    assert comparison_text(found, "a", "b").endswith("no difference is shown")
    assert compare(runs(9_000, 9_001), runs(9_500, 9_501)).better == "second"


def test_two_single_runs_are_compared_image_by_image() -> None:
    def wrong(*indices: int) -> list[RunRecord]:
        (record,) = runs(9_999)
        return [replace(record, misclassified=tuple(Misclassified(i, 0, 1) for i in indices))]

    shown = compare(wrong(*range(20)), wrong(30))
    assert shown.better == "second"
    assert "b is better; this is of two networks" in comparison_text(shown, "a", "b")
    found = compare(wrong(1, 2, 3, 4, 5, 6, 7), wrong(7, 8)).predictions
    assert (found.only_first_wrong, found.only_second_wrong, found.both_wrong) == (6, 1, 1)
    assert found.p_value == pytest.approx(scipy.stats.binomtest(1, 7).pvalue)
    assert "one run has no interval" in comparison_text(compare(wrong(1), wrong(2)), "a", "b")


@pytest.mark.parametrize(
    ("first", "second", "shown", "reason"),
    [
        ((9_400,), (9_000, 9_950), "-0.750, one run has no interval", "one run says nothing of other seeds"),
        ((9_000, 9_950), (9_400,), "+0.750, one run has no interval", "one run says nothing of other seeds"),
        ((9_400, 9_400), (9_300, 9_300), "+1.000, equal runs have no interval", "the runs of each side are equal"),
    ],
)
def test_too_few_seeds_show_their_difference_and_that_it_decides_nothing(
    first: tuple[int, ...], second: tuple[int, ...], shown: str, reason: str
) -> None:
    found = compare(runs(*first), runs(*second))
    text = comparison_text(found, "a", "b", 200)
    assert found.better == ""
    assert shown in text
    assert text.splitlines()[-1].startswith(f"which is better cannot be told: {reason}")
    pairs = ranking_text(rank({"a": runs(*first), "b": runs(*second), "c": runs(9_100, 9_101)}), 200)
    assert pairs.count("cannot be told") == (3 if 1 in (len(first), len(second)) else 2)
    assert pairs.splitlines()[-1].startswith(f"cannot be told: {reason}")


def intervals(value: object, name: str = "") -> Iterator[tuple[str, Summary | Difference]]:
    """Yield every interval in a value, at any depth, with the name of its field."""
    if isinstance(value, Summary | Difference):
        yield name, value
    elif is_dataclass(value):
        yield from (one for item in fields(value) for one in intervals(getattr(value, item.name), item.name))
    elif isinstance(value, list | tuple):
        yield from (one for item in value for one in intervals(item, name))


def test_no_interval_of_accuracies_or_of_their_differences_leaves_what_is_possible() -> None:
    low, high = runs(100, 9_000), runs(9_999, 9_940)
    clean = [replace(record, final_train_correct=correct) for record, correct in zip(low, (100, 60_000), strict=True)]
    figures = [
        compare(low, high),
        rank({"low": low, "high": high, "both": runs(0, 10_000)}),
        ablation_steps([("low", low), ("high", high)]),
        seeds_figures(clean, "test", 99.0, 1),
        choice_score([run_record([None] * 5, val=[9_990] * 4 + [last], seed=last) for last in (100, 10_000)]),
    ]
    found = list(intervals(figures))
    assert len(found) == 19
    for name, one in found:
        lowest = -100 if name in ("difference", "gain", "gap", "running_gap") else 0
        assert lowest <= one.low <= one.mean <= one.high <= 100, name
    assert {one.low for _, one in found} >= {-100.0, 0.0}
    assert {one.high for _, one in found} >= {100.0}


def test_runs_on_a_hold_out_are_compared_on_it() -> None:
    def held_out(*finals: int) -> list[RunRecord]:
        return [run_record([None, None], val=[9_000, final], seed=seed) for seed, final in enumerate(finals)]

    found = compare(held_out(9_500, 9_510), held_out(9_400, 9_410))
    assert (found.split, found.better) == ("val", "first")


def test_what_cannot_be_compared_is_refused() -> None:
    other = replace(
        run_record([9_000]), dataset="digits", provenance=replace(run_record([1]).provenance, dataset_digest="e")
    )
    with pytest.raises(UsageError, match=r"different data \(digits e, mnist [0-9a-f]{8}\)"):
        compare(runs(9_000), [other])
    for side in ([*runs(9_000), *runs(9_100)], [*runs(9_000), replace(run_record([9_000], seed=1), params=5)]):
        with pytest.raises(UsageError, match="differ in more than their seed, or one seed twice"):
            compare(runs(9_000), side)
    with pytest.raises(UsageError, match="did not measure the same split"):
        compare(runs(9_000), [run_record([None])])


def test_three_recipes_are_ranked_and_every_pair_is_adjusted_for_the_others() -> None:
    groups = {"low": runs(9_920, 9_925, 9_921), "high": runs(9_950, 9_941, 9_947, 9_952), "middle": runs(9_930, 9_943)}
    found = rank(groups)
    assert (found.names, found.split) == (("high", "middle", "low"), "test")
    finals = {name: np.array([record.epochs[-1].test_accuracy for record in groups[name]]) for name in found.names}
    pairs = list(combinations(found.names, 2))
    expected = [scipy.stats.ttest_ind(finals[a], finals[b], equal_var=False).pvalue for a, b in pairs]
    assert [pair.difference.p_value for pair in found.pairs] == pytest.approx(expected)
    ranked = sorted(range(3), key=lambda place: expected[place])
    holm = np.maximum.accumulate([(3 - rank) * expected[place] for rank, place in enumerate(ranked)])
    assert [found.pairs[place].adjusted_p_value for place in ranked] == pytest.approx(np.minimum(holm, 1))
    assert [pair.better for pair in found.pairs] == ["", "first", ""]
    text = ranking_text(found)
    assert "first is better" in text
    assert text.count("not shown") == 2
    assert max(map(len, text.splitlines())) <= 80


def test_of_eight_equal_recipes_hardly_ever_one_is_called_better() -> None:
    """Without an adjustment one of 28 pairs is far more often; 20 trials, of which one in twenty may err."""
    alarms, unadjusted = 0, 0
    for trial in range(20):
        draws = uniforms(8 * 5, "equal recipes", trial).reshape(8, 5)
        groups = {str(n): runs(*(9_900 + np.round(60 * row)).astype(int).tolist()) for n, row in enumerate(draws)}
        found = rank(groups)
        alarms += any(pair.better for pair in found.pairs)
        unadjusted += any(pair.difference.p_value < 0.05 for pair in found.pairs)
    assert alarms <= 4
    assert unadjusted >= 7


def test_published_recipes_are_compared_by_their_names() -> None:
    found = pw.compare("progressive-3", "skip-3")
    assert (found.first.n, found.second.n, found.better) == (10, 10, "first")
    assert pw.compare("progressive-3", "skip-3", "iteration-3").names[0] == "progressive-3"
    with pytest.raises(UnavailableError, match="There is no run folder nowhere"):
        pw.compare("progressive-3", "nowhere")
    with pytest.raises(UsageError, match="named twice"):
        pw.compare("progressive-3", "skip-3", "progressive-3")


def test_records_are_found_as_a_file_a_run_or_a_folder_of_either(tmp_path: Path) -> None:
    for seed in (10, 2):
        (tmp_path / "runs" / f"seed-{seed}").mkdir(parents=True)
        (tmp_path / "runs" / f"seed-{seed}" / "record.json").write_text(to_json(run_record([9_000], seed=seed)))
        (tmp_path / f"seed-{seed}.json").write_text(to_json(run_record([9_000], seed=seed)))
    assert [record.seed for record in records_in(tmp_path / "runs")] == [2, 10]
    assert [record.seed for record in records_in(tmp_path)] == [2, 2, 10, 10]
    assert [record.seed for record in records_in(tmp_path / "runs" / "seed-2")] == [2]
    assert [record.seed for record in records_in(tmp_path / "seed-10.json")] == [10]
    (tmp_path / "empty").mkdir()
    for name, words in (("empty", "holds no finished run"), ("nowhere", "There is no run folder")):
        with pytest.raises(UnavailableError, match=words):
            records_in(tmp_path / name)
    (tmp_path / "seed-2.json").write_text("{}")
    with pytest.raises(MismatchError):
        records_in(tmp_path)


def test_every_pair_of_three_single_runs_is_tested_by_mcnemar_and_holm() -> None:
    wrong = {"a": range(100), "b": range(60, 130), "c": range(20, 101)}
    sides = {
        name: [replace(runs(10_000 - len(found))[0], misclassified=tuple(Misclassified(at, 0, 1) for at in found))]
        for name, found in wrong.items()
    }
    ranking = rank(sides)
    assert ranking.names == ("b", "c", "a")
    expected = []
    for pair in ranking.pairs:
        one, other = set(wrong[pair.first]), set(wrong[pair.second])
        expected.append(scipy.stats.binomtest(len(one - other), len(one ^ other)).pvalue)
        alone = compare(sides[pair.first], sides[pair.second])
        assert pair.predictions == alone.predictions
    ranked = sorted(range(3), key=lambda place: expected[place])
    holm = np.maximum.accumulate([(3 - rank) * expected[place] for rank, place in enumerate(ranked)])
    assert [ranking.pairs[place].adjusted_p_value for place in ranked] == pytest.approx(np.minimum(holm, 1))
    better = {(pair.first, pair.second): pair.better for pair in ranking.pairs}
    assert better[("b", "a")] == "first"
    text = " ".join(ranking_text(ranking).split())
    assert "McNemar's exact test" in text
    assert "cannot be told" not in text


def test_a_pair_that_cannot_be_told_has_no_p_value() -> None:
    ranking = rank({"a": runs(9_900), "b": runs(9_000, 9_001, 9_002), "c": runs(9_800, 9_801, 9_802)})
    told = [{pair.first, pair.second} == {"b", "c"} for pair in ranking.pairs]
    assert [isfinite(pair.adjusted_p_value) for pair in ranking.pairs] == told
    assert [isfinite(pair.difference.p_value) for pair in ranking.pairs] == told
    assert [pair.better for pair in ranking.pairs if "a" in (pair.first, pair.second)] == ["", ""]
    assert any(repr(pair).endswith("cannot be told>") for pair in ranking.pairs)
    alone = {"a": runs(9_900), "b": runs(6_000, 6_001), "c": runs(9_800, 9_801)}
    assert [row[-1] for row in pairs_table(rank(alone)).rows].count("cannot be told") == 2
    cells = pairs_table(rank({"a": runs(9_900, 9_901), "b": runs(9_900, 9_903), "c": runs(9_800, 9_805)})).rows
    assert all(p for *_, p, _ in cells)
