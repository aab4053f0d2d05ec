"""The analysis of a step is what its records say: no sentence is true of every step, and every figure is there."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from string import Formatter

import numpy as np
import pytest
import scipy.stats
from published_steps import FAMILIES, published_steps
from support import TINY, epoch_row, run_record

from pennyweight.base.budget import Budget
from pennyweight.base.records import Misclassified, RunRecord
from pennyweight.judging.ablation import AblationStep, ablation_steps
from pennyweight.pages.analysis import Sentence, analyse, sentences
from pennyweight.pages.facts import facts_of
from pennyweight.pages.requirements import summary_table
from pennyweight.pages.rules import RULES
from pennyweight.pages.steps import Step
from pennyweight.recipes import compact, evolution, progressive
from pennyweight.recipes.catalogue import ABLATIONS, RECIPES
from pennyweight.runs.published import published_tree
from pennyweight.runs.record_tree import full_runs

NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e-\d+)?")


@pytest.fixture(scope="module")
def journeys() -> list[list[Step]]:
    """The published steps of every document, and ours."""
    return [published_steps(family) for family in FAMILIES.values()]


@pytest.fixture(scope="module")
def walk() -> list[AblationStep]:
    tree = published_tree()
    runs = [(words, full_runs(tree, one.name, one.epochs)) for words, one in ABLATIONS["progressive"]]
    return ablation_steps(runs)


@pytest.fixture(scope="module")
def analyses(journeys: list[list[Step]], walk: list[AblationStep]) -> dict[str, Sequence[Sentence]]:
    """The analysis of every published recipe, as its page has it."""
    return {
        step.name: analyse(step, before, walk)
        for steps in journeys
        for before, step in zip((None, *steps), steps, strict=False)
    }


def repeated(analyses: Mapping[str, Sequence[Sentence]]) -> set[str]:
    """Return the sentences that two recipes share, and the rules that are printed for every one."""
    counts = Counter(one.text for said in analyses.values() for one in said)
    rules = Counter(one.rule for said in analyses.values() for one in said)
    return {text for text, count in counts.items() if count > 1} | {
        rule for rule, count in rules.items() if count == len(analyses)
    }


def test_every_recipe_has_an_analysis_and_no_sentence_is_that_of_another(
    analyses: dict[str, Sequence[Sentence]],
) -> None:
    for name, said in analyses.items():
        print(f"\n{name}")
        print("\n".join(f"  {one.rule}: {one.text}" for one in said))
    assert list(analyses) == [recipe.name for recipe in RECIPES]
    assert min(len(said) for said in analyses.values()) >= 5
    assert repeated(analyses) == set()


def test_a_sentence_that_is_true_of_every_recipe_would_be_found(analyses: dict[str, Sequence[Sentence]]) -> None:
    praise = Sentence("praise", "The network learns well.")
    assert repeated({name: [*said, praise] for name, said in analyses.items()}) == {"praise", praise.text}
    counted = {name: [*said, Sentence("size", name)] for name, said in analyses.items()}
    assert repeated(counted) == {"size"}


def test_the_words_of_a_rule_hold_no_number_of_their_own() -> None:
    """It would be one that nobody measured."""
    stated = {"95"}  # the confidence of every interval
    for rule in RULES:
        words = "".join(text for text, *_ in Formatter().parse(rule.words))
        assert set(NUMBER.findall(words)) <= stated, rule.name
        assert "{" not in words


class Asked(dict[str, object]):
    """Facts that note which of them are looked at."""

    def __init__(self, facts: Mapping[str, object]) -> None:
        super().__init__(facts)
        self.names = set[str]()

    def __getitem__(self, name: str) -> object:
        self.names.add(name)
        return super().__getitem__(name)


def test_a_rule_names_every_figure_that_it_needs(journeys: list[list[Step]], walk: list[AblationStep]) -> None:
    facts: dict[str, object] = {}
    for steps in journeys:
        for before, step in zip((None, *steps), steps, strict=False):
            facts |= facts_of(step, before, walk)
    alone = [step for steps in journeys for step in steps if step.name in ("skip-1", "skip-2")]
    facts |= facts_of(*(replace(step, records=step.records[:1]) for step in reversed(alone)))
    for rule in RULES:
        asked = Asked(facts)
        rule.holds(asked)
        fields = {name for _, name, _, _ in Formatter().parse(rule.words) if name}
        assert fields | asked.names <= set(rule.needs), rule.name
        assert set(rule.needs) <= set(facts), f"{rule.name} needs what nothing measures"


def test_a_sentence_without_its_figures_is_not_printed(journeys: list[list[Step]]) -> None:
    (step,) = [step for steps in journeys for step in steps if step.name == "skip-3"]
    facts = dict(facts_of(step))
    said = {one.rule for one in sentences(facts)}
    for rule in RULES:
        if rule.name in said:
            for name in rule.needs:
                left = {key: value for key, value in facts.items() if key != name}
                assert rule.name not in {one.rule for one in sentences(left)}


def test_rules_of_one_subject_exclude_each_other(analyses: dict[str, Sequence[Sentence]]) -> None:
    for name, said in analyses.items():
        subjects = Counter(one.rule.split(":")[0] for one in said)
        del subjects["walk"]  # gains and what shows none stand together
        assert max(subjects.values()) == 1, name
    used = {one.rule for said in analyses.values() for one in said}
    assert len(used) >= 20


def test_without_runs_there_is_no_analysis_but_of_the_size() -> None:
    assert analyse(Step(recipe=evolution.V1))[0].rule == "size: beyond its limit"
    assert analyse(Step(recipe=progressive.STEP_3)) == ()


# ------------------------------------------------------------------------- figures, against arithmetic of their own


def seeds(counts: Sequence[Sequence[int | None]], **changes: object) -> tuple[RunRecord, ...]:
    runs = (run_record(list(row), seed=seed) for seed, row in enumerate(counts))
    return tuple(replace(one, **changes) for one in runs)  # type: ignore[arg-type]


BUDGETED = replace(
    TINY, budgets=(Budget("mnist", max_params=8_000, max_epochs=15, accuracy=98.0, hold_epochs=2, reason="Made up."),)
)


def test_the_gain_over_the_step_before_is_welchs() -> None:
    old, new = [[9_000, 9_700], [9_000, 9_720], [9_000, 9_690]], [[9_000, 9_800], [9_000, 9_790], [9_000, 9_830]]
    before, step = (Step(recipe=BUDGETED, records=seeds(counts)) for counts in (old, new))
    facts = facts_of(step, before)
    test = scipy.stats.ttest_ind([98.0, 97.9, 98.3], [97.0, 97.2, 96.9], equal_var=False)
    interval = test.confidence_interval(0.95)
    assert facts["gain"] == pytest.approx(98.0667 - 97.0333, abs=1e-3)
    assert (facts["gain_low"], facts["gain_high"]) == pytest.approx((interval.low, interval.high))


def test_how_far_the_end_moves_is_highest_less_lowest_run_by_run() -> None:
    calm = [[9_000, 9_500, 9_400, 9_600, 9_700, 9_710], [9_000, 9_300, 9_500, 9_600, 9_640, 9_620]]
    facts = facts_of(Step(recipe=BUDGETED, records=seeds(calm)))
    assert facts["end"] == 3
    assert facts["swing"] == pytest.approx((1.10 + 0.40) / 2)
    assert facts["earlier_swing"] == pytest.approx((5.0 + 5.0) / 2)
    test = scipy.stats.ttest_1samp([5.0 - 1.10, 5.0 - 0.40], 0).confidence_interval(0.95)
    assert facts["calmer_low"] == pytest.approx(max(test.low, -100))


def test_the_target_counts_images_and_epochs() -> None:
    facts = facts_of(Step(recipe=BUDGETED, records=seeds([[9_800, 9_799, 9_800], [9_700, 9_800, 9_801]])))
    assert (facts["kept"], facts["reached"], facts["first_epoch"]) == (1, 2, 1.5)
    assert facts["margin"] == pytest.approx(np.mean([97.99, 98.00]) - 98)
    assert facts["lowest_of_all"] == pytest.approx(97.99)


def test_the_clean_gap_is_that_of_the_final_weights() -> None:
    records = tuple(
        replace(one, final_train_correct=count)
        for one, count in zip(seeds([[9_700, 9_800], [9_700, 9_810]]), (59_400, 59_700), strict=True)
    )
    facts = facts_of(Step(recipe=BUDGETED, records=records))
    assert facts["clean"] == pytest.approx(100 * (59_400 + 59_700) / 2 / 60_000)
    assert facts["gap"] == pytest.approx(((99.0 - 98.0) + (99.5 - 98.1)) / 2)
    assert facts["running_gap"] == pytest.approx(90 - 98.05)
    early = (records[0], replace(records[1], final_train_correct=None))
    assert "clean" not in facts_of(Step(recipe=BUDGETED, records=early))


def test_the_drop_of_the_rate_is_seen_where_it_is() -> None:
    counts = [[9_000, 9_100, 9_500, 9_550], [9_000, 9_200, 9_500, 9_560]]
    records = tuple(
        replace(one, epochs=tuple(replace(row, learning_rate=0.1 if row.epoch < 3 else 0.01) for row in one.epochs))
        for one in seeds(counts)
    )
    facts = facts_of(Step(recipe=replace(compact.MINIMAL, validation_images=0), records=records))
    assert (facts["drop_epochs"], facts["drop_from"], facts["drop_to"]) == ("epoch 3", 0.1, 0.01)
    assert facts["drop"] == pytest.approx((4.0 + 3.0) / 2)


def test_mistakes_are_counted_by_class_by_pair_and_by_image() -> None:
    wrong = [
        [(3, 0, 1), (5, 0, 1), (7, 1, 0)],
        [(3, 0, 1), (6, 0, 2), (7, 1, 0)],
        [(3, 0, 1), (9, 2, 0)],
    ]
    records = tuple(
        replace(
            one,
            test_images=100,
            epochs=(epoch_row(1, test=100 - len(found), images=100), epoch_row(2, test=100 - len(found), images=100)),
            classes=("ant", "<bee>", "cat"),
            test_class_images=(20, 40, 40),
            misclassified=tuple(Misclassified(*mistake) for mistake in found),
        )
        for one, found in zip(seeds([[97, 97]] * 3), wrong, strict=True)
    )
    facts = facts_of(Step(recipe=BUDGETED, records=records))
    assert (facts["hardest"], facts["hardest_missed"]) == ("ant", pytest.approx(100 * 5 / 60))
    assert facts["all_missed"] == pytest.approx(100 * 8 / 300)
    assert (facts["pair_label"], facts["pair_predicted"], facts["pair_images"]) == (
        "ant",
        "<bee>",
        pytest.approx(4 / 3),
    )
    assert (facts["common"], facts["common_runs"]) == (1, 3)
    assert facts["common_share"] == pytest.approx(100 * 3 / 8)


def test_two_single_runs_are_held_against_each_other_image_by_image(journeys: list[list[Step]]) -> None:
    steps = [replace(step, records=step.records[:1]) for step in journeys[0]]
    facts = facts_of(steps[2], steps[1])
    old, new = ({mistake.index for mistake in step.records[0].misclassified} for step in (steps[1], steps[2]))
    assert (facts["mended"], facts["spoilt"]) == (len(old - new), len(new - old))
    said = {one.rule: one.text for one in analyse(steps[2], steps[1])}
    assert f"gets {len(old - new)} images right" in said["change: two networks differ"]
    assert not any(rule.startswith(("change: gains", "spread")) for rule in said)


@pytest.mark.parametrize(
    ("train_correct", "rule"),
    [(59_400, "overfitting: shown in one run"), (58_800, "overfitting: not shown in one run")],
)
def test_one_run_is_sure_by_the_number_of_its_images(train_correct: int, rule: str) -> None:
    (record,) = seeds([[9_700, 9_800]], final_train_correct=train_correct)
    step = Step(recipe=BUDGETED, records=(record,))
    facts, interval = facts_of(step), scipy.stats.binomtest(9_800, 10_000).proportion_ci(0.95)
    assert (facts["final_least"], facts["final_most"]) == pytest.approx((100 * interval.low, 100 * interval.high))
    assert rule in {one.rule for one in analyse(step)}


def test_what_the_document_says_of_mnist_is_not_said_of_other_data(journeys: list[list[Step]]) -> None:
    step = replace(journeys[0][0], records=tuple(replace(one, dataset="digits") for one in journeys[0][0].records))
    assert facts_of(journeys[0][0])["claimed"] == "best"
    assert facts_of(step)["claimed"] == ""
    assert summary_table(journeys[0]).rows[0][4] == "96.58 best"
    assert summary_table([step]).headers.count("its document") == 0


@pytest.mark.parametrize("broken", ["epoch", "seed", "label"])
def test_a_shifted_epoch_a_swapped_seed_and_a_changed_label_change_the_analysis(
    broken: str, journeys: list[list[Step]]
) -> None:
    (step,) = [step for steps in journeys for step in steps if step.name == "skip-3"]
    first, *others = step.records
    planted = {
        "epoch": replace(
            first, epochs=tuple(replace(row, epoch=row.epoch) for row in (*first.epochs[1:], first.epochs[0]))
        ),
        "seed": replace(others[0], seed=first.seed),
        "label": replace(first, misclassified=tuple(replace(one, label=9) for one in first.misclassified)),
    }[broken]
    assert analyse(replace(step, records=(planted, *others))) != analyse(step)
