"""Finished runs judged, one by one and many seeds together."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from support import BUDGET, TINY, edit_record, run_record, with_folder

import pennyweight as pw
from pennyweight.base.errors import EnvironmentRefused, MismatchError, UsageError
from pennyweight.base.records import RunRecord
from pennyweight.judging import verdict
from pennyweight.judging.verdict import Judgement, judge
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import make_plan
from pennyweight.training.recipe import Origin, Recipe
from pennyweight.training.trained import Trained

RECIPE = replace(TINY, budgets=(BUDGET,))
WEIGHTS = initial_weights(make_plan(TINY.layers), 0)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch):
    """Judge records made up in memory, as if each had been read from its folder."""

    def judge_them(*records: RunRecord, recipe: Recipe = RECIPE, others: Sequence[Recipe] = ()) -> Judgement:
        folders = {Path(f"run-{number}"): record for number, record in enumerate(records)}
        recipes = dict(zip_longest(folders, others, fillvalue=recipe))

        def load(folder: Path) -> Trained:
            record = replace(with_folder(folders[folder], str(folder)), params=404)
            return Trained(recipes[folder], WEIGHTS, record, tuple("0123456789"), 0.1, 0.3)

        monkeypatch.setattr(verdict, "load_trained", load)
        return judge(list(folders))

    return judge_them


def test_all_seeds_of_a_recipe_are_summed_up_together(judged) -> None:
    finals = [9_940, 9_945, 9_952, 9_939, 9_960]
    found = judged(*(run_record([9_940, 9_941, final], seed=seed) for seed, final in enumerate(finals)))
    assert found.met is False
    assert [run.verdict.met for run in found.runs] == [True, True, True, False, True]
    (group,) = found.groups
    assert (group.dataset, group.split, group.seeds, group.met) == ("mnist", "test", (0, 1, 2, 3, 4), 4)
    shares = np.array(finals) / 100
    low, high = scipy.stats.t.interval(0.95, 4, loc=shares.mean(), scale=scipy.stats.sem(shares))
    assert group.figures.final.n == 5
    assert (group.figures.final.mean, group.figures.final.low, group.figures.final.high) == pytest.approx(
        (shares.mean(), low, high)
    )
    wilson = scipy.stats.binomtest(4, 5).proportion_ci(method="wilson")
    assert (group.met_low, group.met_high) == pytest.approx((wilson.low, wilson.high))


def test_one_seed_is_a_group_without_an_interval(judged) -> None:
    (group,) = judged(run_record([9_950] * 3)).groups
    assert group.figures.final.n == 1
    assert group.figures.final.low == float("-inf")


def test_a_judgement_is_met_only_when_every_group_is(judged) -> None:
    good, bad = run_record([9_950] * 3), run_record([9_000] * 3, seed=1)
    assert judged(good).met is True
    assert judged(good, bad).met is False
    assert judged(bad).met is False
    assert judged().met is None


def test_a_dataset_without_a_budget_is_not_judged_and_spoils_nothing(judged) -> None:
    good, other = run_record([9_950] * 3), replace(run_record([10] * 3), dataset="digits")
    found = judged(good, other)
    assert found.met is True
    assert [run.verdict.met for run in found.runs] == [True, None]
    assert [group.dataset for group in found.groups] == ["mnist"]
    assert judged(other).met is None


def test_a_run_that_left_the_test_images_alone_is_not_judged(judged) -> None:
    found = judged(run_record([None] * 3))
    assert found.met is None
    assert found.runs[0].verdict.breaches == ()
    assert found.groups == ()


def test_a_run_that_stopped_looking_at_the_end_is_not_counted_as_zero(judged) -> None:
    found = judged(run_record([9_950, None, None]))
    assert found.met is False
    assert found.runs[0].verdict.breaches == ("not_measured",)
    assert found.groups[0].figures is None
    assert found.groups[0].met == 0


def test_seeds_that_were_not_measured_leave_the_others_alone(judged) -> None:
    found = judged(run_record([9_950] * 3), run_record([None] * 3, seed=1))
    assert found.groups[0].figures.final.mean == 99.5
    assert found.groups[0].figures.final.n == 1
    assert found.groups[0].seeds == (0,)


def test_a_budget_on_a_hold_out_that_is_empty_is_not_measured(judged) -> None:
    recipe = replace(RECIPE, budgets=(replace(BUDGET, split="val"),))
    found = judged(run_record([9_950] * 3), recipe=recipe)
    assert found.runs[0].verdict.breaches == ("not_measured",)
    assert found.groups[0].figures is None


def test_runs_of_one_recipe_with_other_changes_or_data_are_other_groups(judged) -> None:
    records = [
        run_record([9_950] * 3),
        replace(run_record([9_940] * 3), changes=("epochs=3",)),
        replace(run_record([9_945] * 3), provenance=replace(run_record([1]).provenance, dataset_digest="e" * 64)),
    ]
    assert [group.figures.final.mean for group in judged(*records).groups] == pytest.approx([99.5, 99.4, 99.45])
    assert [group.recipe for group in judged(*records).groups] == ["made-up", "made-up+epochs=3", "made-up"]


def test_words_about_where_a_setting_is_from_make_no_other_group(judged) -> None:
    reasoned = (replace(BUDGET, reason="Another reason."),)
    reworded = replace(RECIPE, budgets=reasoned, origin=Origin(document="", note="Paddings are our choice."))
    slower = replace(RECIPE, batch_images=1 + RECIPE.batch_images)
    records = [run_record([9_940, 9_941, 9_945], seed=seed) for seed in (0, 1)]
    assert [group.seeds for group in judged(*records, others=[reworded]).groups] == [(0, 1)]
    assert [group.seeds for group in judged(*records, others=[slower]).groups] == [(0,), (1,)]


def test_a_seed_counts_once(judged) -> None:
    with pytest.raises(UsageError, match="run-0 and run-2 are runs of one recipe and one seed"):
        judged(run_record([9_950] * 3), run_record([9_950] * 3, seed=1), run_record([9_951] * 3))


# ---------------------------------------------------------------------------------------------------- a real run


@pytest.fixture
def folder(digits_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(digits_run, tmp_path / "run"))


def test_a_real_run_is_judged_by_its_recipe_and_record(digits_run: Path) -> None:
    found = pw.judge(digits_run)
    assert found.met is True
    assert found.runs[0].folder == str(digits_run)
    assert found.runs[0].record.params == measure(make_plan(TINY.layers)).params
    assert found.runs[0].verdict == found.runs[0].record.verdict
    assert found.groups[0].seeds == (0,)


def test_the_verdict_is_computed_anew_from_the_counts(folder: Path) -> None:
    edit_record(folder, lambda held: held["epochs"][-1].update(test_correct=0))
    assert json.loads((folder / "record.json").read_text())["verdict"]["met"] is True
    found = pw.judge(folder)
    assert found.met is False
    assert found.runs[0].verdict.breaches == ("accuracy_not_held",)


def test_the_budget_is_that_of_the_recipe_beside_it(folder: Path) -> None:
    path = folder / "recipe.toml"
    path.write_text(path.read_text().replace("max_params = 1000", "max_params = 403"))
    assert pw.judge(folder).runs[0].verdict.breaches == ("too_many_params",)


def test_parameters_are_counted_and_not_believed(folder: Path) -> None:
    edit_record(folder, lambda held: held.update(params=100))
    with pytest.raises(MismatchError, match="the record says 100 parameters, the weights are 404"):
        pw.judge(folder)


def test_a_folder_of_runs_stands_for_its_finished_ones(digits_run: Path, tmp_path: Path) -> None:
    for number in (0, 1):
        shutil.copytree(digits_run, tmp_path / f"seed-{number}")
    (tmp_path / "seed-1" / "record.json").unlink()
    assert [Path(run.folder) for run in pw.judge(tmp_path).runs] == [tmp_path / "seed-0"]


def test_one_bad_folder_stops_the_judgement_by_its_name(digits_run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EnvironmentRefused, match="empty"):
        pw.judge(digits_run, tmp_path / "empty")


def test_the_same_folder_given_twice_is_refused(digits_run: Path) -> None:
    with pytest.raises(UsageError, match="a seed counts once"):
        pw.judge(digits_run, digits_run)
