"""STEP.md is what a student pastes: its tables are of the records, in the form the documents have, and escaped."""

import re
from dataclasses import replace

import numpy as np
import pytest
from published_steps import published_steps
from support import run_record

from pennyweight.base.budget import check
from pennyweight.base.records import Misclassified, RunRecord
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.kinds import ParameterLimit
from pennyweight.documents.logs import EPOCH_SECONDS
from pennyweight.judging.seeds import judge_seeds
from pennyweight.pages.changes import changes
from pennyweight.pages.evidence import Chapter, Evidence
from pennyweight.pages.headline import headline, journey_headline, kicker, page_heading
from pennyweight.pages.requirements import (
    budget_requirements,
    requirements,
    requirements_table,
    seconds_note,
    summary_table,
)
from pennyweight.pages.step import Picture, architecture, journey_markdown, results_table, step_markdown, targets
from pennyweight.pages.steps import Step, gain_over, median_record
from pennyweight.recipes import compact, evolution, iteration, own, progressive, skip
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.runs.published import TrainingTime
from pennyweight.settings.recipe import Origin, Recipe


@pytest.fixture(scope="module")
def progressive_steps() -> list[Step]:
    return published_steps(progressive.RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_documents_limit_of_parameters_is_that_of_the_budget(recipe: Recipe) -> None:
    stated = [one for one in CLAIMS.get(recipe.origin.document[:3], ()) if isinstance(one, ParameterLimit)]
    assert {one.limit - (not one.included) for one in stated} <= {recipe.budgets[0].max_params}


def test_a_share_of_the_limit_is_printed_as_document_003_prints_it() -> None:
    shares = {step.name: requirements(step)[0].share for step in published_steps(compact.RECIPES)}
    assert shares == {"compact-minimal": "70.6 %", "compact-regularized": "96.0 %"}


def test_requirements_pass_and_fail_as_the_budget_says() -> None:
    for step in published_steps(RECIPES):
        budget = step.budget
        assert budget is not None
        for record in step.records[:3]:
            asked = budget_requirements(replace(step, records=(record,)))
            limits = check(budget, record).limits
            assert [(one.limit, one.measured, one.met) for one in asked] == [
                (limit.allowed, limit.measured, limit.met) for limit in limits
            ], (step.name, record.seed)
            assert {one.result for one in asked} <= {"pass", "fail"}


def test_a_run_too_short_to_hold_its_accuracy_fails_as_the_judge_says(progressive_steps: list[Step]) -> None:
    step = progressive_steps[2]
    short = replace(step, records=(replace(step.records[0], epochs=step.records[0].epochs[-2:], planned_epochs=2),))
    row = next(one for one in requirements(short) if one.name == "epochs run")
    assert (row.limit, row.measured, row.result) == ("at least 5", "2", "fail")
    text = step_markdown(short)
    assert headline(short).met is False
    assert "2 epochs run where the accuracy has to hold in 5" in text
    assert "Trained for 2 of the 5 epochs" in text
    assert "lowest of the last 2 epochs, %" in text
    assert "Held to the end" not in text


def held(record: RunRecord) -> bool:
    """Whether a run held 99.4 % over its last five epochs, by counting."""
    return min(row.test_correct or 0 for row in record.epochs[-5:]) >= 9_940


def test_several_seeds_that_differ_neither_pass_nor_fail(progressive_steps: list[Step]) -> None:
    kept, broken = (next(one for one in progressive_steps[2].records if held(one) is met) for met in (True, False))
    other = replace(progressive_steps[2], records=tuple(sorted((kept, broken), key=lambda one: one.seed)))
    accuracy = requirements(other)[2]
    assert (accuracy.met, accuracy.result) == (None, "1 of 2 seeds")
    runs = len(progressive_steps[0].records)
    assert requirements(progressive_steps[0])[2].result == f"fail, 0 of {runs} seeds"
    assert requirements(Step(recipe=progressive.STEP_1))[2].result == "not measured"


def test_document_003_asks_of_its_layers_too() -> None:
    found = {
        step.name: [(one.result, one.met) for one in requirements(step)[3:]]
        for step in published_steps(compact.RECIPES)
    }
    assert found["compact-regularized"] == [("pass", True)] * 3
    assert found["compact-minimal"] == [("pass", True), ("not in this network", None), ("pass", True)]


def test_the_summary_has_our_figures_beside_those_of_the_document() -> None:
    steps = published_steps(iteration.RECIPES)
    rows = summary_table(steps).rows
    assert [row[2] for row in rows] == ["98.8 final", "97.9 final", "98.8 final"]
    assert [row[4] for row in rows] == ["98.8 final", "98.9 final", "99.4 final"]
    assert [row[5] for row in rows] == ["7,998", "7,936", "5,178"]
    assert [row[9] for row in rows] == ["37.9", "41.3", "57.3"]
    for step, row in zip(steps, rows, strict=True):
        finals = [100 * (one.epochs[-1].test_correct or 0) / 10_000 for one in step.records]
        assert row[3] == f"{np.mean(finals):.2f} ± {np.std(finals, ddof=1):.2f}"
        assert len(EPOCH_SECONDS[step.name]) == step.recipe.epochs


def test_seconds_are_those_measured_apart_where_they_were_else_the_median_of_the_epochs() -> None:
    (recorded,) = published_steps([own.PENNYWEIGHT_8K])
    apart = replace(recorded, time=TrainingTime(seconds=31.5, where="a quiet machine"))
    epochs = [row.seconds for one in recorded.records for row in one.epochs]
    for step, shown in ((apart, "2.1"), (recorded, f"{np.median(epochs):.1f}")):
        assert shown in summary_table([step]).rows[0]
        assert ["seconds per epoch", shown] in [list(row) for row in results_table(step).rows]
    assert "(a quiet machine)" in seconds_note([apart])
    assert "recorded epochs" in seconds_note([recorded])
    assert "recorded epochs" not in seconds_note([apart])


def test_a_summary_names_the_data_where_they_differ(progressive_steps: list[Step]) -> None:
    step = progressive_steps[2]
    elsewhere = replace(step, records=(replace(step.records[0], dataset="digits"),))
    table = summary_table([step, elsewhere])
    assert table.headers[:3] == ("model", "data", "train, %")
    assert [row[1] for row in table.rows] == ["mnist", "digits"]
    assert "data" not in summary_table([step]).headers


def test_a_step_meets_its_own_goal_where_its_document_gives_it_one(progressive_steps: list[Step]) -> None:
    words = [row[7] for row in summary_table(progressive_steps).rows]
    for step, target, said in zip(progressive_steps[:2], (9_600, 9_850), words, strict=False):
        met = [max(row.test_correct or 0 for row in one.epochs) >= target for one in step.records]
        count = f"{sum(met)} of {len(met)} seeds"
        assert said == f"goal {target / 100:g} %: {count}"
    kept = sum(map(held, progressive_steps[2].records))
    assert words[2] == f"budget: {kept} of {len(progressive_steps[2].records)} seeds"
    assert summary_table(progressive_steps).headers.count("its document") == 2  # it logs no seconds


def test_the_headline_says_what_the_records_come_to() -> None:
    (step,) = published_steps([own.PENNYWEIGHT_8K])
    kept = [one for one in step.records if held(one)]
    broken = [one for one in step.records if not held(one)]
    cases = (
        (kept[:1], "stays within", True),
        (broken[:1], "breaks", False),
        (kept[:3], "not shown to be met", None),
        (broken[:2], "not shown to be met", None),
        ((*kept, *broken), "not shown to be met", None),
    )
    for records, word, met in cases:
        found = headline(replace(step, records=tuple(sorted(records, key=lambda one: one.seed))))
        assert (found.word, found.met) == (word, met)
        assert "pennyweight-8k" in found.text[:36]
        assert "7,454 of 8,000 parameters, 15 of 15 epochs" in found.text


def test_the_headline_tells_the_lowest_accuracy_of_the_epochs_that_count() -> None:
    ours, (minimal,) = published_steps([own.PENNYWEIGHT_8K])[0], published_steps([compact.MINIMAL])
    kept = headline(replace(ours, records=ours.records[:1])).text
    lowest = min(row.test_correct or 0 for row in ours.records[0].epochs[-5:])
    assert "stays within its budget on mnist, with seed 0: " in kept
    assert kept.endswith(f"at least {lowest / 100:.2f} % of 10,000 test images in each of the last 5 epochs.")
    assert "99,746 parameters where at most 19,999 are allowed" in headline(published_steps([evolution.V2])[0]).text
    last = min(record.epochs[-1].val_correct or 0 for record in minimal.records)
    lowest_of_all = (
        f"at the lowest {last / 100:.2f} % of 10,000 validation images in the last epoch, where 99.4 % is asked"
    )
    assert lowest_of_all in headline(minimal).text


def test_the_headline_of_several_seeds_is_the_verdict_of_their_judge() -> None:
    for step in published_steps(RECIPES):
        budget = step.budget
        assert budget is not None
        judged = judge_seeds(step.records, budget)
        found = headline(step)
        words = {"met": "met", "not met": "not met", "not shown": "not shown to be met"}
        assert found.word == words[judged.verdict], step.name
        kept = f"{judged.share.kept} of {judged.share.seeds} seeds of {step.name} keep"
        assert kept in found.text
        few = judged.share.kept < budget.hold_rate * judged.share.seeds
        assert found.text.startswith("Only ") == (few and judged.share.kept > 0)


def test_the_title_of_a_page_is_short_and_says_what_is_judged() -> None:
    def page(*steps: Step, document: str = "") -> Evidence:
        chapters = tuple(Chapter(label=one.name, step=one, source="") for one in steps)
        return Evidence(title="A title", document=document, chapters=chapters)

    (ours, third) = published_steps([own.PENNYWEIGHT_8K, skip.MODEL_3])
    assert page_heading(page(ours)) == (
        "pennyweight-8k on mnist, judged on 99.4 % test accuracy with at most 8,000 parameters"
    )
    assert page_heading(page(third)) == (
        "skip-3 on mnist, judged on 99.4 % test accuracy with at most 7,999 parameters"
    )
    free = replace(ours, recipe=replace(ours.recipe, budgets=()))
    assert page_heading(page(free)) == "pennyweight-8k on mnist, without a budget"
    assert page_heading(page(ours, third)) == "A title side by side"
    assert page_heading(page(ours, third, document="002 A title")) == "A title"
    assert kicker(page(ours)) == kicker(page(ours, third)) == ""
    assert kicker(page(third)) == f"A step of document {third.recipe.origin.document}"
    assert kicker(page(ours, third, document="002 A title")) == "Document 002, 2 steps"


def test_the_headline_of_a_run_without_budget_or_without_runs() -> None:
    bare = replace(progressive.STEP_3, budgets=(), origin=Origin(document=""), name="made-up")
    record = replace(run_record([9_000, 9_100]), dataset="letters")
    assert headline(Step(recipe=bare, records=(record,))).text == (
        "made-up has no budget on letters: 6,188 parameters, 2 epochs, 91.00 % test accuracy, seed 0."
    )
    assert headline(Step(recipe=bare)).text == "made-up has no runs yet: 6,188 parameters."
    unseen = Step(recipe=progressive.STEP_3, records=(run_record(val=[9_000, 9_100]),))
    assert "was not evaluated on test images" in headline(unseen).text
    with pytest.raises(ValueError, match="needs a step"):
        journey_headline([])


def test_what_is_changed_is_said_in_words() -> None:
    assert changes(progressive.STEP_3, progressive.STEP_3) == ()
    said = changes(progressive.STEP_2, progressive.STEP_3)
    assert said[:3] == ("dropout", "a fully connected layer", "augmentation")
    assert "batches of 128 instead of 32" in said
    assert "OneCycle to a rate of 0.01 instead of a constant rate of 0.001" in said
    assert changes(progressive.STEP_3, progressive.STEP_2)[:3] == (
        "no dropout",
        "no fully connected layer",
        "no augmentation",
    )
    assert changes(compact.REGULARIZED, replace(compact.REGULARIZED, epochs=8)) == ("8 epochs instead of 12",)


def test_step_md_is_target_architecture_result_and_analysis(progressive_steps: list[Step]) -> None:
    before, step = progressive_steps[1:]
    text = step_markdown(step, before, pictures=(Picture("figures/my curves.svg", "Accuracy [over] 15 epochs"),))
    assert re.findall(r"^#+ .*$", text, re.MULTILINE) == [
        "# progressive-3",
        "## Target",
        "## Architecture",
        "## Result",
        "## Analysis",
    ]
    assert text.count("```") == 4
    assert "![Accuracy \\[over\\] 15 epochs](figures/my%20curves.svg)" in text
    shown = median_record(step)
    assert shown is not None
    log = [line for line in text.splitlines() if line.startswith("Epoch [")]
    assert len(log) == 15
    assert log[14].startswith(f"Epoch [15/15] - Train Loss: {shown.epochs[14].train_loss:.4f}, Train Acc: ")
    assert f"Test Acc: {shown.epochs[14].test_accuracy:.2f}%" in log[14]
    assert text == step_markdown(
        step, before, pictures=(Picture("figures/my curves.svg", "Accuracy [over] 15 epochs"),)
    )


def test_a_journey_is_its_steps_under_one_title(progressive_steps: list[Step]) -> None:
    text = journey_markdown("000 MNIST <Classification>", progressive_steps)
    lines = text.splitlines()
    assert lines[0] == "# 000 MNIST \\<Classification>"
    assert re.match(r"From \d\d\.\d\d to \d\d\.\d\d % test accuracy in 3 steps, 1,674 to 6,188 parameters", lines[2])
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## {step.name}" for step in progressive_steps
    ]
    assert text.count("### Analysis") == 3


def test_the_runs_of_several_students_stand_under_their_names(progressive_steps: list[Step]) -> None:
    """None follows another, though each is of the same recipe."""
    runs = [replace(progressive_steps[2], records=(record,)) for record in progressive_steps[2].records[:3]]
    names = ["anna", "ben|<b>", "cleo"]
    text = journey_markdown("course", runs, names=names, befores=[None] * 3, opening="Three runs.")
    assert text.splitlines()[2] == "Three runs."
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## anna", "## ben\\|\\<b>", "## cleo"]
    assert [row[0] for row in summary_table(runs, names).rows] == names
    assert "Against" not in text
    assert "in 3 steps" not in text


ODD = {
    "one epoch": lambda: (run_record([9_000]),),
    "one epoch, two seeds": lambda: (run_record([9_000]), run_record([9_100], seed=1)),
    "nothing right": lambda: (run_record([0, 0, 0, 0]), run_record([0, 0, 0, 0], seed=1)),
    "everything right": lambda: (run_record([10_000] * 15), run_record([10_000] * 15, seed=1)),
    "a hold-out alone": lambda: (run_record(val=[9_000, 9_100]),),
    "nothing measured": lambda: (run_record([None, None]),),
    "measured in some epochs": lambda: (run_record([9_000, None, 9_100, None]),),
    "one class, never missed": lambda: (
        replace(run_record([9_999, 9_999]), classes=("<i>a</i>", "b"), test_class_images=(10_000, 0)),
    ),
    "a label that no class has": lambda: (
        replace(
            run_record([9_999, 9_998]),
            classes=("a", "b"),
            test_class_images=(5_000, 5_000),
            misclassified=(Misclassified(0, 7, 1), Misclassified(1, 0, 1)),
        ),
    ),
    "other data": lambda: (replace(run_record([9_000, 9_100]), dataset="letters"),),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_runs_have_a_step_md_without_figures_that_are_none(name: str) -> None:
    step = Step(recipe=progressive.STEP_3, records=ODD[name]())
    text = step_markdown(step, Step(recipe=progressive.STEP_2, records=ODD["one epoch"]()))
    assert not re.search(r"\b(nan|inf|None)\b", text)
    assert "<i>" not in text.replace("\\<i>", "")
    assert journey_markdown("odd", [step])


def test_a_step_that_was_not_run_says_so() -> None:
    text = step_markdown(Step(recipe=progressive.STEP_3))
    assert "has no runs yet" in text
    assert "Nothing was run yet" in text
    assert journey_headline([Step(recipe=progressive.STEP_3)]).text.endswith("parameters.")
    assert summary_table([Step(recipe=progressive.STEP_3)]).rows[0][1] == "not run yet"


def test_every_table_and_list_of_every_recipe_fits_what_it_says() -> None:
    for before, step in zip((None, *published_steps(RECIPES)), published_steps(RECIPES), strict=False):
        table = dict(results_table(step).rows)
        assert table["parameters"] == f"{step.costs.params:,}"
        assert any(f"{step.costs.macs:,}" in line for line in architecture(step, before))
        assert len(targets(step)) >= 3
        assert len(requirements_table(step).rows) >= 3


def test_runs_of_different_recipes_are_no_step(progressive_steps: list[Step]) -> None:
    first, second = (step.records[0] for step in progressive_steps[:2])
    with pytest.raises(ValueError, match="differ in more than their seed"):
        Step(recipe=progressive.STEP_1, records=(first, second))
    with pytest.raises(ValueError, match="differ in more than their seed"):
        Step(recipe=progressive.STEP_1, records=(first, first))


def test_steps_of_other_data_or_another_split_have_no_gain(progressive_steps: list[Step]) -> None:
    step = progressive_steps[0]
    assert gain_over(step, Step(recipe=progressive.STEP_2)) is None
    elsewhere = [
        replace(one, provenance=replace(one.provenance, dataset_digest="0" * 64))
        for one in progressive_steps[1].records
    ]
    assert gain_over(step, Step(recipe=progressive.STEP_2, records=tuple(elsewhere))) is None
    found = gain_over(progressive_steps[1], step)
    assert found is not None
    assert found.low > 0


def test_a_budget_that_is_too_large_is_said_first() -> None:
    (step,) = published_steps([evolution.V2])
    assert requirements(step)[0].share == "498.8 %"
    assert requirements(step)[0].met is False
