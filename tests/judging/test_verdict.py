"""Finished runs judged, one by one and many seeds together."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from support import BUDGET, TINY, edit_record, mnist_plan, run_record

import pennyweight as pw
from pennyweight.base.budget import Budget, check
from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.base.record_text import _unsealed, sealed, to_json
from pennyweight.base.records import EpochMistakes, RunRecord
from pennyweight.judging.evidence import JudgesBudget, RunEvidence
from pennyweight.judging.seeds import NOT_SHOWN
from pennyweight.judging.verdict import Judgement, Problem, judge, judge_evidence
from pennyweight.nets.measure import measure
from pennyweight.nets.weights import read_sealed, seal
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.reporting.judgements import judgement_text, run_text
from pennyweight.reporting.verdicts import verdict_text
from pennyweight.settings.recipe import Origin, Recipe

RECIPE = replace(TINY, budgets=(BUDGET,))


def judged(
    *records: RunRecord, recipe: Recipe = RECIPE, others: Sequence[Recipe] = (), judges: JudgesBudget | None = None
) -> Judgement:
    """Judge records made up in memory, as if each had been read from its folder."""
    recipes = [*others, *[recipe] * (len(records) - len(others))]
    evidence = [
        RunEvidence(f"runs/seed-{record.seed}", record, recipe, record.dataset, record.changes)
        for record, recipe in zip(records, recipes, strict=True)
    ]
    return judge_evidence(evidence, judges or JudgesBudget())


def test_all_seeds_of_a_recipe_are_summed_up_together() -> None:
    finals = [9_940, 9_945, 9_952, 9_939, 9_960]
    found = judged(*(run_record([9_940, 9_941, final], seed=seed) for seed, final in enumerate(finals)))
    assert found.met is False
    assert [run.verdict.met for run in found.runs] == [True, True, True, False, True]
    (group,) = found.groups
    assert (group.dataset, group.split, group.seeds, group.share.kept) == ("mnist", "test", (0, 1, 2, 3, 4), 4)
    shares = np.array(finals) / 100
    low, high = scipy.stats.t.interval(0.95, 4, loc=shares.mean(), scale=scipy.stats.sem(shares))
    assert group.figures.final.n == 5
    assert (group.figures.final.mean, group.figures.final.low, group.figures.final.high) == pytest.approx(
        (shares.mean(), low, high)
    )


def test_one_seed_is_judged_as_a_run_and_shows_nothing_of_its_recipe() -> None:
    kept, broken = judged(run_record([9_950] * 3)), judged(run_record([9_000] * 3))
    assert (kept.met, broken.met) == (True, False)
    assert [one.groups[0].verdict for one in (kept, broken)] == [NOT_SHOWN, NOT_SHOWN]
    assert kept.groups[0].figures.final.low == float("-inf")


def test_two_seeds_that_kept_their_budget_do_not_show_that_the_recipe_does() -> None:
    assert judged(run_record([9_950] * 3), run_record([9_950] * 3, seed=1)).met is False
    many = [run_record([9_950] * 3, seed=seed) for seed in range(88)]
    assert judged(*many).met is True
    assert (
        judged(
            *many,
            *[replace(run_record([9_000] * 3, seed=seed), recipe="other") for seed in (0, 1)],
            others=[RECIPE] * 88,
            recipe=replace(RECIPE, name="other"),
        ).met
        is False
    )
    assert judged().met is None


def test_a_dataset_without_a_budget_is_not_judged_and_spoils_nothing() -> None:
    good, other = run_record([9_950] * 3), replace(run_record([10] * 3), dataset="digits")
    found = judged(good, other)
    assert found.met is True
    assert [run.verdict.met for run in found.runs] == [True, None]
    assert [group.dataset for group in found.groups] == ["mnist"]
    assert judged(other).met is None
    assert judged(other).runs[0].reason == "made-up has no budget for digits; name one, as --accuracy 99.4"


def test_a_run_that_left_the_test_images_alone_is_not_judged() -> None:
    found = judged(run_record([None] * 3))
    assert found.met is None
    assert found.runs[0].verdict.breaches == ()
    assert found.runs[0].reason == "the test images were not evaluated"
    assert found.groups == ()


def test_a_run_that_stopped_looking_at_the_end_is_not_counted_as_zero() -> None:
    found = judged(run_record([9_950, None, None]))
    assert found.met is False
    assert found.runs[0].verdict.breaches == ("not_measured",)
    assert found.groups[0].figures is None
    assert found.groups[0].share.kept == 0


def test_seeds_that_were_not_measured_leave_the_others_alone() -> None:
    found = judged(run_record([9_950] * 3), run_record([None] * 3, seed=1))
    assert found.groups[0].figures.final.mean == 99.5
    assert found.groups[0].figures.final.n == 1
    assert found.groups[0].seeds == (0,)


def test_a_budget_on_a_hold_out_that_is_empty_is_not_measured() -> None:
    recipe = replace(RECIPE, budgets=(replace(BUDGET, split="val"),))
    found = judged(run_record([9_950] * 3), recipe=recipe)
    assert found.runs[0].verdict.breaches == ("not_measured",)
    assert found.groups[0].figures is None


def test_runs_of_one_recipe_with_other_changes_data_or_engines_are_other_groups() -> None:
    records = [
        run_record([9_950] * 3),
        replace(run_record([9_940] * 3), changes=("epochs=3",)),
        replace(run_record([9_945] * 3), provenance=replace(run_record([1]).provenance, dataset_digest="e" * 64)),
        replace(run_record([9_947] * 3), engine="native"),
    ]
    assert [group.figures.final.mean for group in judged(*records).groups] == pytest.approx([99.5, 99.4, 99.45, 99.47])
    assert [group.recipe for group in judged(*records).groups] == ["made-up", "made-up+epochs=3", "made-up", "made-up"]


def test_runs_from_other_weights_are_no_seeds_of_the_recipe() -> None:
    records = [run_record([9_950] * 3, seed=seed) for seed in range(4)]
    warm = [replace(record, initial_sha256=digest * 64) for record, digest in zip(records[2:], "ab", strict=True)]
    groups = judged(*records[:2], *warm).groups
    assert [(group.recipe, group.seeds) for group in groups] == [
        ("made-up", (0, 1)),
        ("made-up from other weights aaaaaaaaaaaa", (2,)),
        ("made-up from other weights bbbbbbbbbbbb", (3,)),
    ]
    alone = judged(warm[0])
    assert "  started from the weights aaaaaaaaaaaa\n" in run_text(alone.runs[0])
    assert "started from the weights aaaaaaaaaaaa\n" in verdict_text(warm[0])
    assert "started from" not in verdict_text(records[0]) + run_text(judged(records[0]).runs[0])


def test_words_about_where_a_setting_is_from_make_no_other_group() -> None:
    reasoned = (replace(BUDGET, reason="Another reason."),)
    reworded = replace(RECIPE, budgets=reasoned, origin=Origin(document="", note="Paddings are our choice."))
    slower = replace(RECIPE, batch_images=1 + RECIPE.batch_images)
    records = [run_record([9_940, 9_941, 9_945], seed=seed) for seed in (0, 1)]
    assert [group.seeds for group in judged(*records, others=[reworded]).groups] == [(0, 1)]
    assert [group.seeds for group in judged(*records, others=[slower]).groups] == [(0,), (1,)]


def test_a_seed_counts_once() -> None:
    with pytest.raises(UsageError, match="runs/seed-0 and runs/seed-0 are runs of one recipe and one seed"):
        judged(run_record([9_950] * 3), run_record([9_950] * 3, seed=1), run_record([9_951] * 3))


def submitted(*sources: str) -> Judgement:
    """Judge runs of one recipe under these names, of seeds 0, 1 and so on."""
    runs = [(source, run_record([9_950] * 3, seed=seed)) for seed, source in enumerate(sources)]
    return judge_evidence([RunEvidence(name, one, RECIPE, one.dataset, ()) for name, one in runs], JudgesBudget())


def test_runs_of_one_recipe_under_names_of_their_own_are_no_seeds_of_it() -> None:
    students = submitted("class/anna", "class/ben", "class/cem")
    assert [group.seeds for group in students.groups] == [(0,), (1,), (2,)]
    text = " ".join(judgement_text(students).split())
    assert "each run of made-up is judged alone" in text
    assert "verdict on the recipe" not in text
    assert "--seeds" not in text
    seeds = submitted("class/seed-0", "class/seed-1", "class/seed-2")
    assert [group.seeds for group in seeds.groups] == [(0, 1, 2)]
    assert "judged alone" not in judgement_text(seeds)


def test_one_seed_in_two_students_folders_is_judged_in_each() -> None:
    runs = [(name, seed) for name in ("anna", "ben") for seed in (0, 1)]
    evidence = [
        RunEvidence(f"class/{name}/seed-{seed}", run_record([9_950] * 3, seed=seed), RECIPE, "mnist", ())
        for name, seed in runs
    ]
    assert [group.seeds for group in judge_evidence(evidence, JudgesBudget()).groups] == [(0, 1), (0, 1)]


def test_a_refused_run_has_a_row_with_the_reason() -> None:
    refused = replace(submitted("class/anna"), problems=(Problem("class/cem", "Its record was edited.", 4),))
    rows = [line.split() for line in judgement_text(refused).splitlines()]
    assert ["class/cem", "refused", "Its", "record", "was", "edited."] in rows
    assert any(row[:2] == ["class/anna", "kept"] for row in rows)


# ------------------------------------------------------------------------------------------------ the judge's budget


WHOLE = Budget("any", None, None, 99.6, hold_epochs=2)
LIMITS: list[tuple[str, JudgesBudget, Budget | None, str]] = [
    ("none", JudgesBudget(), BUDGET, "the run's own"),
    ("a whole budget", JudgesBudget(WHOLE), replace(WHOLE, dataset="mnist"), "the judge's"),
    ("one limit", JudgesBudget(accuracy=99.6), replace(BUDGET, accuracy=99.6), "the judge's, over the run's own"),
    (
        "a whole budget and one limit",
        JudgesBudget(WHOLE, max_params=100),
        replace(WHOLE, dataset="mnist", max_params=100),
        "the judge's",
    ),
]


@pytest.mark.parametrize(("judges", "budget", "whose"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS])
def test_the_judges_limits_win_and_are_called_the_judges(judges: JudgesBudget, budget: Budget, whose: str) -> None:
    (run,) = judged(run_record([9_950] * 3), judges=judges).runs
    assert (run.budget, run.whose) == (budget, whose)
    assert run.verdict == check(budget, run.record)


def test_a_run_without_a_budget_is_judged_by_the_judges_accuracy_and_by_no_lone_cap() -> None:
    none = replace(RECIPE, budgets=())
    (run,) = judged(run_record([9_950] * 3), recipe=none, judges=JudgesBudget(accuracy=99.5, hold_epochs=3)).runs
    assert (run.verdict.met, run.budget) == (True, Budget("mnist", None, None, 99.5, hold_epochs=3))
    (run,) = judged(run_record([9_950] * 3), recipe=none, judges=JudgesBudget(max_params=10)).runs
    assert run.reason == "made-up has no budget for mnist; name an accuracy too"


def test_a_limit_of_the_judges_that_cannot_work_is_refused() -> None:
    with pytest.raises(UsageError, match=r"budget\.accuracy is 101"):
        judged(run_record([9_950] * 3), judges=JudgesBudget(accuracy=101))


def test_a_published_recipe_is_judged_by_its_published_budget() -> None:
    recipe = find_recipe("progressive-3")
    record = replace(run_record([9_950] * 5), recipe="progressive-3")
    easy = replace(recipe, budgets=(replace(recipe.budgets[0], accuracy=10.0),))
    (run,) = judged(record, recipe=easy).runs
    assert (run.budget, run.whose) == (recipe.budgets[0], "that of progressive-3")
    (run,) = judged(replace(record, changes=("budgets=changed",)), recipe=easy).runs
    assert (run.budget.accuracy, run.whose) == (10.0, "the run's own, not that of progressive-3")
    assert recipe.budgets[0].reason, "which is none for the other"
    assert run.budget.reason == ""


def test_a_record_alone_is_judged_by_the_published_budget_and_taken_on_trust(tmp_path: Path) -> None:
    alone = tmp_path / "seed-0.json"
    alone.write_text(to_json(replace(run_record([9_950] * 5), recipe="progressive-3")))
    (run,) = judge([alone]).runs
    assert (run.verdict.met, run.whose) == (True, "that of progressive-3")
    assert "nothing beside it" in run.on_trust
    alone.write_text(to_json(replace(run_record([9_950] * 5), recipe="progressive-3", changes=("budgets=changed",))))
    run = judge([alone]).runs[0]
    assert (run.budget, "judge its run folder, whose recipe.toml does" in run.reason) == (None, True)


def test_a_record_alone_of_a_recipe_of_ones_own_is_sent_to_its_folder(tmp_path: Path) -> None:
    alone = tmp_path / "seed-0.json"
    alone.write_text(to_json(run_record([9_950] * 5)))
    (run,) = judge([alone]).runs
    assert run.reason == (
        "a record alone does not hold the budget of made-up; judge its run folder, whose recipe.toml does, or name "
        "one, as --accuracy 99.4"
    )
    assert judge([alone], JudgesBudget(accuracy=99.0)).runs[0].verdict.met


def test_a_budget_on_validation_images_is_not_told_of_test_sets() -> None:
    recipe = replace(RECIPE, budgets=(replace(BUDGET, split="val"),))
    wrong = tuple(EpochMistakes(epoch, "val", tuple(range(50))) for epoch in (1, 2, 3))
    records = [replace(run_record(val=[9_950] * 3, seed=seed), mistakes_by_epoch=wrong) for seed in (0, 1)]
    text = " ".join(judgement_text(judged(*records, recipe=recipe)).split())
    assert "budget kept by 2 of 2 seeds on this validation set" in text
    assert "on other validation sets like it" in text
    alone = judgement_text(judged(records[0], recipe=recipe))
    assert "on other validation sets like this one, kept on" in alone
    assert "test set" not in text + alone
    on_test = judgement_text(judged(run_record([9_950] * 3)))
    assert "on other test sets like this one" in on_test


def test_other_images_under_the_name_of_mnist_have_no_budget_of_its(tmp_path: Path) -> None:
    alone = tmp_path / "seed-0.json"
    record = replace(run_record([9_950] * 5), recipe="progressive-3")
    alone.write_text(to_json(replace(record, provenance=replace(record.provenance, dataset_digest="e" * 64))))
    (run,) = judge([alone]).runs
    assert run.reason.startswith("progressive-3 has no budget for other-mnist (the record calls it mnist)")
    (run,) = judge([alone], JudgesBudget(accuracy=99.0)).runs
    assert (run.verdict.met, run.verdict.dataset, run.whose) == (True, "other-mnist", "the judge's")


# ---------------------------------------------------------------------------------------------------- a real run


@pytest.fixture
def folder(digits_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(digits_run, tmp_path / "run"))


def test_a_real_run_is_judged_by_its_recipe_and_record(digits_run: Path) -> None:
    found = pw.judge(digits_run)
    assert found.met is True
    assert found.runs[0].source == str(digits_run)
    assert found.runs[0].record.params == measure(mnist_plan(TINY.layers)).params
    assert found.runs[0].verdict == found.runs[0].record.verdict
    assert found.runs[0].other_test_sets.epochs == 2
    assert found.groups[0].seeds == (0,)


def edited(name: str, old: str, new: str) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edit


EDITS: dict[str, tuple[Callable[[Path], object], str]] = {
    "an easier budget": (edited("recipe.toml", "accuracy = 1.0", "accuracy = 0.5"), "digest of recipe.toml"),
    "an easier share of seeds": (edited("recipe.toml", "hold_rate = 0.95", "hold_rate = 0.1"), "digest of recipe.toml"),
    "another setting": (edited("recipe.toml", "momentum = 0.9", "momentum = 0.8"), "digest of recipe.toml"),
    "a higher count, resealed": (lambda folder: edit_record(folder, more_right), "every epoch is the checkpoint's"),
    "fewer parameters, resealed": (
        lambda folder: edit_record(folder, lambda held: held.update(params=100)),
        "parameters: 100 is written, 404 found",
    ),
    "a verdict, resealed": (
        lambda folder: edit_record(folder, lambda held: held["verdict"].update(met=False)),
        "budget kept: False is written, True found",
    ),
    "a plan made afterwards, resealed": (
        lambda folder: edit_record(folder, lambda held: held.update(planned_seeds=59)),
        "planned seeds: 59 is written, 0 found",
    ),
    "a record, not resealed": (edited("record.json", '"seed": 0', '"seed": 1'), "SHA-256"),
}


def more_right(held: dict[str, Any]) -> None:
    row, mistakes = held["epochs"][-1], held["mistakes_by_epoch"][-1]
    row["test_correct"] += 1
    row["test_accuracy"] = 100 * row["test_correct"] / held["test_images"]
    mistakes["images"].pop()


@pytest.mark.parametrize("edit", EDITS)
def test_a_run_that_was_edited_is_not_judged(edit: str, folder: Path) -> None:
    change, words = EDITS[edit]
    change(folder)
    found = pw.judge(folder)
    assert (found.met, found.runs, found.problems[0].exit_code) == (False, (), 4)
    assert words in found.problems[0].message


def test_an_edited_run_does_not_keep_others_from_being_judged(folder: Path, digits_run: Path) -> None:
    EDITS["another setting"][0](folder)
    found = pw.judge(digits_run, folder)
    assert ([run.source for run in found.runs], len(found.problems)) == ([str(digits_run)], 1)


def test_an_early_record_whose_budget_was_changed_unsaid_is_not_judged(tmp_path: Path) -> None:
    """Records of 0.1.0 do not carry the digest of their recipe; the published budget is known all the same."""
    folder = tmp_path / "run"
    pw.train("progressive-3", epochs=1, dataset="digits", engine="torch", out=folder)
    early = ("recipe_sha256", "planned_seeds", "final_train_correct", "mistakes_by_epoch")
    held = json.loads((folder / "record.json").read_text())
    record = _unsealed({key: held[key] for key in held if key not in (*early, "sha256")})
    (folder / "record.json").write_text(to_json(sealed(record)))
    as_early_checkpoint(folder)
    assert pw.judge(folder).problems == ()
    edited("recipe.toml", "accuracy = 98.0", "accuracy = 10.0")(folder)
    assert "changes of the published recipe: epochs=1 is written" in pw.judge(folder).problems[0].message


def as_early_checkpoint(folder: Path) -> None:
    for path in folder.glob("checkpoint-*"):
        tensors, facts = read_sealed(path)
        del facts["mistakes_by_epoch"]
        path.write_bytes(seal(tensors, facts))


def test_changes_that_a_record_does_not_tell_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    pw.train("progressive-1", settings={"batch_images": 64}, epochs=1, dataset="digits", engine="torch", out=folder)
    assert pw.judge(folder).runs[0].record.changes == ("batch_images=64", "epochs=1")
    edit_record(folder, lambda held: held.update(changes=[]))
    found = pw.judge(folder)
    assert "changes of the published recipe: none is written, batch_images=64" in found.problems[0].message


def test_runs_are_found_at_any_depth_and_those_moved_aside_are_not(digits_run: Path, tmp_path: Path) -> None:
    for number in (0, 1):
        shutil.copytree(digits_run, tmp_path / "class" / f"pupil-{number}" / "runs" / "seed-0")
    shutil.copytree(digits_run, tmp_path / "class" / "pupil-1" / "runs" / "old-1-seed-0")
    (tmp_path / "class" / "pupil-1" / "runs" / "seed-0" / "record.json").unlink()
    found = pw.judge(tmp_path)
    assert [Path(run.source) for run in found.runs] == [tmp_path / "class" / "pupil-0" / "runs" / "seed-0"]


def test_a_folder_without_a_run_is_refused_by_its_name(digits_run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnavailableError, match="empty"):
        pw.judge(digits_run, tmp_path / "empty")


def test_the_same_folder_given_twice_is_refused(digits_run: Path) -> None:
    with pytest.raises(UsageError, match="a seed counts once"):
        pw.judge(digits_run, digits_run)


def test_a_budget_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text("accuracy = 99.4\nhold_epochs = 5\nmax_params = 8000\n")
    assert pw.read_budget(path) == Budget("any", 8_000, None, 99.4, hold_epochs=5)
    for text, words in (("accuracy = ", "not TOML"), ("max_params = 5\n", "needs a value for 'accuracy'")):
        path.write_text(text)
        with pytest.raises(UsageError, match=words):
            pw.read_budget(path)
    with pytest.raises(UnavailableError, match="nowhere"):
        pw.read_budget(tmp_path / "nowhere.toml")
