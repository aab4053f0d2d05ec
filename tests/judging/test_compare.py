"""Two groups of runs side by side."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from support import run_record

from pennyweight.base.errors import EnvironmentRefused, MismatchError, UsageError
from pennyweight.base.records import Misclassified, RunRecord, to_json
from pennyweight.judging.compare import compare
from pennyweight.reporting.tables import comparison_text
from pennyweight.training.collect import records_in


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


def test_runs_on_a_hold_out_are_compared_on_it() -> None:
    def held_out(*finals: int) -> list[RunRecord]:
        return [run_record([None, None], val=[9_000, final], seed=seed) for seed, final in enumerate(finals)]

    found = compare(held_out(9_500, 9_510), held_out(9_400, 9_410))
    assert (found.split, found.better) == ("val", "first")


def test_what_cannot_be_compared_is_refused() -> None:
    other = replace(
        run_record([9_000]), dataset="digits", provenance=replace(run_record([1]).provenance, dataset_digest="e")
    )
    with pytest.raises(UsageError, match="different data \\(digits, mnist\\)"):
        compare(runs(9_000), [other])
    for side in ([*runs(9_000), *runs(9_100)], [*runs(9_000), replace(run_record([9_000], seed=1), params=5)]):
        with pytest.raises(UsageError, match="differ in more than their seed, or one seed twice"):
            compare(runs(9_000), side)
    with pytest.raises(UsageError, match="did not measure the same split"):
        compare(runs(9_000), [run_record([None])])


def test_records_are_found_as_a_file_a_run_or_a_folder_of_either(tmp_path: Path) -> None:
    for seed in (10, 2):
        (tmp_path / "runs" / f"seed-{seed}").mkdir(parents=True)
        (tmp_path / "runs" / f"seed-{seed}" / "record.json").write_text(to_json(run_record([9_000], seed=seed)))
        (tmp_path / f"seed-{seed}.json").write_text(to_json(run_record([9_000], seed=seed)))
    assert [record.seed for record in records_in(tmp_path / "runs")] == [2, 10]
    assert [record.seed for record in records_in(tmp_path)] == [2, 10]
    assert [record.seed for record in records_in(tmp_path / "runs" / "seed-2")] == [2]
    assert [record.seed for record in records_in(tmp_path / "seed-10.json")] == [10]
    (tmp_path / "empty").mkdir()
    for nothing in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(EnvironmentRefused, match="holds no finished run"):
            records_in(nothing)
    (tmp_path / "seed-2.json").write_text("{}")
    with pytest.raises(MismatchError):
        records_in(tmp_path)
