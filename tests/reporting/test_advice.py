"""Under every verdict: what it means, and a command that can be pasted as it stands."""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from support import BUDGET, TINY, run_record

from pennyweight.api import find_recipe
from pennyweight.base.budget import Budget, check, not_judged
from pennyweight.base.records import Misclassified, RunRecord
from pennyweight.cli.app import app
from pennyweight.cli.seeds import parse_seeds
from pennyweight.judging.checks import Check
from pennyweight.judging.compare import compare, rank
from pennyweight.judging.evidence import JudgesBudget, RunEvidence
from pennyweight.judging.verdict import Judgement, judge_evidence
from pennyweight.judging.verify import INITIAL_WEIGHTS, Verification
from pennyweight.reporting.advice import Advice, audit_advice, comparison_advice, ranking_advice, verification_advice
from pennyweight.reporting.command import command_lines
from pennyweight.reporting.run_advice import judged_advice, request_of, run_advice, runs_advice
from pennyweight.reporting.seeds_advice import seeds_advice
from pennyweight.reporting.verdicts import budget_words
from pennyweight.runs.request import Request
from pennyweight.settings.recipe_text import recipe_to_text

HELD = replace(BUDGET, hold_epochs=1)
PROGRESSIVE = Request(target="progressive-3", dataset="mnist")


def check_commands(advice: Advice) -> list[list[str]]:
    """Read every command of an advice as a shell and the command line do; return their words after the program."""
    group = typer.main.get_command(app)
    found = []
    for _, words in advice.steps:
        pasted = shlex.split(command_lines(shlex.join(["pennyweight", *words]), 60).replace("\\\n", ""))
        assert pasted == ["pennyweight", *words]
        verb = group.commands[words[0]]  # type: ignore[attr-defined]
        given = verb.make_context(words[0], list(words[1:])).params
        if words[0] in ("train", "show"):
            find_recipe(given["target"], given["settings"] or [])
        if given.get("seeds"):
            assert parse_seeds(given["seeds"])
        found.append(list(words))
    text = advice.text(60)
    assert text
    assert all(len(line) <= 60 for line in text.splitlines() if "\\" not in line)
    return found


def test_a_long_command_is_one_command_to_a_shell_in_lines_that_fit() -> None:
    words = [
        "it's",
        "--out",
        "a run",
        "-s",
        "optimizer.learning_rate=0.01",
        "--seeds",
        "0-4",
        "x" * 30,
        "$HOME",
        "a/long/path " * 9,
        "y" * 99,
    ]
    lines = command_lines(shlex.join(["printf", "%s|", *words]), 40)
    assert len(lines.splitlines()) > 9
    assert all(len(line) <= 40 for line in lines.splitlines())
    done = subprocess.run(["/bin/sh", "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout.split("|")[:-1] == words


def advised(record: RunRecord, budget: Budget, request: Request | None = PROGRESSIVE) -> Advice:
    return run_advice(record, check(budget, record), budget, request)


def test_a_run_that_kept_its_budget_is_one_seed_and_more_are_named() -> None:
    kept = advised(run_record([9_950] * 3), BUDGET)
    assert "for this seed" in kept.meaning
    assert check_commands(kept) == [["train", "progressive-3", "--seeds", "0-4"]]
    planned = advised(run_record([9_950] * 3), BUDGET, replace(PROGRESSIVE, planned_seeds=59, seed=3))
    assert check_commands(planned) == [["train", "progressive-3", "--planned-seeds=59", "--seeds", "0-58"]]


def test_a_run_that_just_misses_may_be_unlucky_and_one_far_off_is_not() -> None:
    near = replace(run_record([9_935] * 15), misclassified=(Misclassified(1, 2, 3),), folder="runs/a run/seed-0")
    advice = advised(near, BUDGET)
    assert "In the worst of its last 3 epochs 5 more correct images would have been enough." in advice.meaning
    assert "listed in runs/a run/seed-0/record.json" in advice.meaning
    assert "another seed may fall on the other side" in advice.meaning
    assert check_commands(advice) == [["train", "progressive-3", "--seeds", "0-4"]]
    far = advised(run_record([9_000] * 15), BUDGET)
    assert "the recipe has to change" in far.meaning
    assert check_commands(far) == [["show", "progressive-3"]]
    brief = advised(run_record([9_000] * 5), BUDGET, replace(PROGRESSIVE, epochs=5))
    assert check_commands(brief) == [["train", "progressive-3"]]  # whose own epochs are those that are allowed
    one = advised(run_record([9_939]), HELD, None)
    assert "In its last epoch 1 more correct image would have been enough" in one.meaning
    assert "Its last epoch has not measured" in advised(run_record([None]), HELD, None).meaning
    assert budget_words(HELD).endswith(" in the last epoch")


@pytest.mark.parametrize(
    ("record", "meaning", "command"),
    [
        (run_record([9_950] * 3, params=8_001), "1 trained parameter too many", ["show", "skip-3"]),
        (run_record([9_950] * 2), "trained for 2 epochs, fewer than", ["train", "skip-3"]),
        (run_record([9_950] * 16), "trained for 16 epochs, more than allowed", ["train", "skip-3"]),
        (run_record([9_950, 9_950, None]), "Not all of its last 3 epochs measured", ["train", "skip-3", "--again"]),
    ],
)
def test_every_breach_is_told_with_what_mends_it(record: RunRecord, meaning: str, command: list[str]) -> None:
    advice = advised(record, BUDGET, Request(target="skip-3", epochs=len(record.epochs)))
    assert meaning in advice.meaning
    words = check_commands(advice)
    assert [[word for word in one if not word.startswith(("--epochs", "-s", "epochs"))] for one in words] == [command]


def test_the_epochs_that_are_allowed_replace_those_that_were_asked_for() -> None:
    budget = replace(BUDGET, max_epochs=7)
    asked = Request(target="skip-3", settings=("epochs=2", "optimizer.learning_rate=0.1"), dataset="digits")
    words = ["train", "skip-3", "--epochs=7", "--dataset=digits", "-s", "optimizer.learning_rate=0.1"]
    assert check_commands(advised(run_record([9_950]), budget, asked)) == [words]


def test_a_run_without_a_verdict_is_told_how_to_get_one() -> None:
    unmeasured = run_advice(run_record([None]), not_judged("mnist"), None, replace(PROGRESSIVE, use_test=False))
    assert check_commands(unmeasured) == [["train", "progressive-3"]]
    record = replace(run_record([9_000, 9_100]), folder="it's here/seed-0")
    (words,) = check_commands(run_advice(record, not_judged("mnist"), None, PROGRESSIVE))
    assert words == ["judge", "it's here/seed-0", "--accuracy", "99.4", "--hold", "2"]


def test_a_run_that_left_the_test_images_alone_is_sent_to_train_with_them_not_to_a_judge(tmp_path: Path) -> None:
    settings = ("validation_images=200",)
    record = replace(run_record([None], val=[195], images=200), recipe="skip-3", changes=settings, folder=str(tmp_path))
    asked = Request(target="skip-3", settings=settings, use_test=False)
    trained = run_advice(record, not_judged("mnist"), None, asked)
    assert check_commands(trained) == [["train", "skip-3", "-s", *settings]]
    named = run_advice(record, not_judged("mnist"), None, replace(asked, out=Path("mine")))
    assert check_commands(named) == [["train", "skip-3", "--out=mine", "--again", "-s", *settings]]
    alone = [RunEvidence(str(tmp_path), record, None, "mnist", ())]
    words = ["train", "skip-3", "--engine=torch", f"--out={tmp_path}", "--again", "-s", *settings]
    assert check_commands(judged_advice(judge_evidence(alone, JudgesBudget()).runs[0])) == [words]
    assert check_commands(runs_advice(judge_evidence(alone * 2, JudgesBudget()))) == [words]


def test_a_budget_on_validation_images_is_not_sent_to_train_without_them_again() -> None:
    budget = replace(HELD, split="val")
    asked = Request(target="compact-minimal", settings=("validation_images=0", "batch_images=64"))
    advice = advised(run_record([9_950]), budget, asked)
    assert check_commands(advice) == [["train", "compact-minimal", "--again", "-s", "batch_images=64"]]
    assert advised(run_record([9_950]), budget, Request(target="own.toml")).steps == ()


# ---------------------------------------------------------------------------------------------- judged runs


def evidence(folder: Path, *finals: int, recipe: str = "progressive-3", planned: int = 0) -> Judgement:
    """Return the judgement of seeds of a published recipe that ended with so many images right."""
    runs = []
    for seed, final in enumerate(finals):
        source = folder / f"seed-{seed}"
        source.mkdir(parents=True, exist_ok=True)
        (source / "recipe.toml").write_text(recipe_to_text(find_recipe(recipe)))
        record = replace(run_record([9_950] * 14 + [final], seed=seed), recipe=recipe, planned_seeds=planned)
        runs.append(RunEvidence(str(source), record, find_recipe(recipe), "mnist", ()))
    return judge_evidence(runs, JudgesBudget(replace(BUDGET, hold_epochs=1)))


def advice_of(judgement: Judgement) -> Advice:
    (group,) = judgement.groups
    return seeds_advice(group, judgement.runs)


def test_seeds_that_show_nothing_yet_name_all_that_would(tmp_path: Path) -> None:
    advice = advice_of(evidence(tmp_path, 9_950, 9_950))
    (words,) = check_commands(advice)
    assert words[:2] == ["train", "progressive-3"]
    assert words[-2:] == ["--seeds", "0-87"]
    lucky = advice_of(evidence(tmp_path, *[9_950] * 40, 9_000))
    assert "luck" in lucky.meaning
    assert check_commands(lucky)[0][-1].startswith("0-")


def test_seeds_that_break_it_too_often_are_not_sent_to_train_more(tmp_path: Path) -> None:
    advice = advice_of(evidence(tmp_path, 9_950, 9_000))
    assert advice.meaning.startswith("1 of 2 is less than the 95 % asked")
    assert check_commands(advice) == [["show", "progressive-3"]]
    hopeless = evidence(tmp_path, *[9_000] * 12)
    assert hopeless.groups[0].verdict == "not met"
    assert "more seeds would not change that" in advice_of(hopeless).meaning


def test_a_recipe_that_met_its_budget_says_what_is_shown(tmp_path: Path) -> None:
    advice = advice_of(evidence(tmp_path, *[9_950] * 88))
    assert advice.meaning.startswith("With a confidence of 95 %, at least 95 % of all seeds keep this budget")
    assert check_commands(advice) == [["verify", str(tmp_path / "seed-0"), "--replay"]]


def test_a_plan_names_what_is_missing_and_then_decides(tmp_path: Path) -> None:
    waiting = advice_of(evidence(tmp_path, 9_950, 9_950, planned=59))
    assert check_commands(waiting)[0][-3:] == ["--planned-seeds=59", "--seeds", "0-58"]
    over = advice_of(evidence(tmp_path, *[9_950] * 3, planned=3))
    assert over.meaning == "Only a new plan, with new seeds, can decide more."


def test_a_cap_that_is_exceeded_is_no_matter_of_seeds(tmp_path: Path) -> None:
    judgement = evidence(tmp_path, 9_950, 9_950)
    capped = judge_evidence(
        [RunEvidence(run.source, run.record, find_recipe("progressive-3"), "mnist", ()) for run in judgement.runs],
        JudgesBudget(max_params=10),
    )
    assert advice_of(capped).meaning == "A cap is exceeded, which no seed changes; the recipe has to."


def test_published_records_are_counted_from_the_first_seed_again() -> None:
    records = [replace(run_record([9_950] * 15, seed=seed), recipe="progressive-3") for seed in (0, 1)]
    alone = [RunEvidence(f"records/seed-{one.seed}.json", one, None, "mnist", ()) for one in records]
    judgement = judge_evidence(alone, JudgesBudget())
    assert check_commands(advice_of(judgement)) == [["train", "progressive-3", "--engine=torch", "--seeds", "0-87"]]


def test_a_run_judged_alone_and_runs_of_several_recipes_are_told_what_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    for name in ("a.json", *(f"x/{number}.json" for number in range(4))):
        (tmp_path / name).touch()
    alone = evidence(tmp_path, 9_950)
    assert check_commands(judged_advice(alone.runs[0])) == [
        ["train", "progressive-3", "--engine=torch", f"--out={tmp_path}", "--seeds", "0-4"]
    ]
    record = run_record([9_000])
    unjudged = judge_evidence([RunEvidence("a.json", record, None, "mnist", ())], JudgesBudget())
    assert check_commands(judged_advice(unjudged.runs[0])) == [["judge", "a.json", "--accuracy", "99.4", "--hold", "1"]]
    several = [RunEvidence(f"x/{n}.json", replace(record, recipe=f"own-{n}"), None, "mnist", ()) for n in range(4)]
    judgement = judge_evidence(several, JudgesBudget())
    assert check_commands(runs_advice(judgement)) == [["judge", "x", "--accuracy", "99.4", "--hold", "1"]]
    gone = [replace(one, source=f"published {one.source}") for one in several]
    assert runs_advice(judge_evidence(gone, JudgesBudget())).steps == ()


# --------------------------------------------------------------------------------- limits and folders of one's own


def test_seeds_judged_by_limits_of_ones_own_are_trained_and_then_judged_by_them(tmp_path: Path) -> None:
    limits = ("--accuracy=99", "--hold=1")
    judgement = evidence(tmp_path, 9_950, 9_950)
    (group,) = judgement.groups
    steps = check_commands(seeds_advice(group, judgement.runs, limits=limits))
    train = ["train", "progressive-3", "--engine=torch", f"--out={tmp_path}", "--seeds", "0-87"]
    assert steps == [train, ["judge", str(tmp_path), *limits]]
    records = [replace(run_record([9_950] * 15, seed=seed), recipe="progressive-3") for seed in (0, 1)]
    alone = [RunEvidence(f"records/seed-{one.seed}.json", one, None, "mnist", ()) for one in records]
    published = judge_evidence(alone, JudgesBudget(accuracy=99.0))
    steps = check_commands(seeds_advice(published.groups[0], published.runs, limits=limits))
    folder = "runs/progressive-3+engine=torch"
    assert steps == [["train", "progressive-3", "--engine=torch", "--seeds", "0-87"], ["judge", folder, *limits]]


def test_a_run_judged_by_limits_of_ones_own_is_not_sent_to_its_own_budget(tmp_path: Path) -> None:
    limits = ("--accuracy=99",)
    run = evidence(tmp_path, 9_950).runs[0]
    advice = judged_advice(run, limits)
    train = ["train", "progressive-3", "--engine=torch", f"--out={tmp_path}", "--seeds", "0-4"]
    assert check_commands(advice) == [train, ["judge", str(tmp_path), *limits]]
    assert "judges them together" not in advice.text()
    short = judge_evidence(
        [RunEvidence(str(tmp_path), run_record([9_000] * 2), replace(TINY, budgets=()), "mnist", ())],
        JudgesBudget(accuracy=99.0, max_epochs=20, hold_epochs=3),
    )
    (tmp_path / "recipe.toml").write_text(recipe_to_text(TINY))
    advice = judged_advice(short.runs[0], limits)
    assert "judge the folder it prints with --accuracy=99:" in advice.steps[0][0]


def test_more_seeds_are_trained_with_the_flags_the_first_were_and_where_they_lie(tmp_path: Path) -> None:
    judgement = evidence(tmp_path, 9_950, 9_950)
    (group,) = judgement.groups
    asked = Request(target="progressive-3", out=tmp_path, data=Path("elsewhere"), dataset="mnist", again=True)
    (words,) = check_commands(seeds_advice(group, judgement.runs, asked))
    assert words == ["train", "progressive-3", "--data=elsewhere", f"--out={tmp_path}", "--seeds", "0-87"]


@pytest.mark.parametrize(
    ("out", "folder"), [("mine", "mine-seeds"), ("mine/seed-3", "mine"), ("mine/seed-4", "mine/seed-4-seeds")]
)
def test_several_seeds_do_not_go_into_the_folder_of_one(out: str, folder: str) -> None:
    advice = advised(run_record([9_950] * 3), BUDGET, replace(PROGRESSIVE, out=Path(out), seed=3))
    assert check_commands(advice) == [["train", "progressive-3", f"--out={folder}", "--seeds", "0-4"]]


def test_other_epochs_do_not_go_into_the_folder_of_a_run() -> None:
    advice = advised(run_record([9_950] * 16), BUDGET, Request(target="skip-3", epochs=16, out=Path("mine")))
    assert check_commands(advice) == [["train", "skip-3"]]


def test_runs_in_several_places_are_counted_from_the_first(tmp_path: Path) -> None:
    runs = [*evidence(tmp_path / "a", 9_950).runs, *evidence(tmp_path / "b", 0, 9_950).runs[1:]]
    both = judge_evidence(
        [RunEvidence(run.source, run.record, find_recipe("progressive-3"), "mnist", ()) for run in runs],
        JudgesBudget(BUDGET),
    )
    (words,) = check_commands(advice_of(both))
    assert words == ["train", "progressive-3", "--engine=torch", "--seeds", "0-87"]


def test_the_usual_folder_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    usual = Path("runs/progressive-3+engine=torch")
    (words,) = check_commands(advice_of(evidence(usual, 9_950, 9_950)))
    assert words == ["train", "progressive-3", "--engine=torch", "--seeds", "0-87"]


def test_a_published_recipe_with_other_layers_is_trained_by_the_file_of_its_run(tmp_path: Path) -> None:
    record = replace(run_record([1]), recipe="skip-3", changes=("layers=0123abcd",))
    assert request_of(record, str(tmp_path)) is None
    (tmp_path / "recipe.toml").write_text(recipe_to_text(TINY))
    request = request_of(record, str(tmp_path))
    assert request is not None
    assert (request.target, request.settings) == (str(tmp_path / "recipe.toml"), ())


# ------------------------------------------------------------------------------------------------- requests


def test_a_command_trains_the_run_that_was_judged_or_there_is_none(tmp_path: Path) -> None:
    changed = replace(run_record([1]), recipe="skip-3", changes=("optimizer.beta1=0.9", "optimizer=Adam"))
    request = request_of(changed, "nowhere")
    assert request is not None
    assert request.settings == ("optimizer=Adam", "optimizer.beta1=0.9")
    assert find_recipe("skip-3", request.settings).optimizer.__class__.__name__ == "Adam"
    own = replace(run_record([1]), recipe="tiny")
    assert request_of(own, str(tmp_path)) is None
    (tmp_path / "recipe.toml").write_text(recipe_to_text(TINY))
    of_file = request_of(own, str(tmp_path))
    assert of_file is not None
    assert of_file.target == str(tmp_path / "recipe.toml")
    for other in (
        replace(own, changes=("epochs=3",)),
        replace(own, initial_sha256="0" * 64),
        replace(own, dataset="a folder of mine"),
        replace(changed, dataset="other-mnist"),
        replace(changed, changes=("layers=changed",)),
    ):
        assert request_of(other, "nowhere") is None


def test_a_target_that_looks_like_a_flag_stays_a_target() -> None:
    (words,) = check_commands_of_words(advised(run_record([9_950] * 3), BUDGET, Request(target="-odd.toml")))
    assert words == ["train", "--seeds", "0-4", "--", "-odd.toml"]
    assert audit_advice("-odd.toml", met=False).steps[0][1] == ("show", "./-odd.toml")


def check_commands_of_words(advice: Advice) -> list[list[str]]:
    return [list(words) for _, words in advice.steps]


# --------------------------------------------------------------------------------- audits, comparisons, verify


def test_an_audit_leads_to_training_or_to_the_layers() -> None:
    assert check_commands(audit_advice("progressive-3", met=True)) == [["train", "progressive-3"]]
    assert check_commands(audit_advice("progressive-3", met=False)) == [["show", "progressive-3"]]


@pytest.mark.parametrize(
    ("first", "second", "meaning"),
    [
        ((9_900, 9_901, 9_902), (9_950, 9_951, 9_952), "leaves out 0"),
        ((9_900, 9_950), (9_910, 9_945), "holds 0"),
        ((9_900, 9_901), (9_950,), "no spread to compare with"),
        ((9_900,), (9_950,), "train several seeds of both"),
    ],
)
def test_a_comparison_says_what_its_interval_means(first: Sequence[int], second: Sequence[int], meaning: str) -> None:
    one, other = ([run_record([count], seed=seed) for seed, count in enumerate(side)] for side in (first, second))
    advice = comparison_advice(compare(one, other), ("compare", "runs/a b", "runs/c"))
    assert meaning in advice.meaning
    assert check_commands(advice) in ([], [["compare", "runs/a b", "runs/c"]])


@pytest.mark.parametrize(
    ("checks", "meaning", "replay"),
    [
        ([Check("weights", "a", "a", True)], "only a replay shows how it was trained", True),
        ([Check("weights", "a", "b", False)], "its record proves nothing", True),
        ([Check("dataset digest", "a", "b", False)], "--data names the folder", False),
        ([Check("trained again, byte by byte", "a", "a", True)], "what this training gives", False),
        ([Check("trained again, byte by byte", "a", "b", False)], "its record proves nothing", False),
        ([Check("trained again under other conditions", "a", "b", None)], "The replay shows neither", False),
    ],
)
def test_a_verification_says_what_it_shows_and_what_is_left(checks: list[Check], meaning: str, replay: bool) -> None:
    advice = verification_advice(Verification("where it lies", tuple(checks), ()), ("verify", "a run"))
    assert meaning in advice.meaning
    assert check_commands(advice) == ([["verify", "a run", "--replay"]] if replay else [])


@pytest.mark.parametrize(
    "checks", [(), (Check("trained again", "a", "not here", None),)], ids=["before a replay", "after a replay"]
)
def test_no_replay_is_advised_of_a_run_that_started_from_other_weights(checks: tuple[Check, ...]) -> None:
    verification = Verification("runs/warm", checks, ((INITIAL_WEIGHTS, "abcd, not here"),))
    advice = verification_advice(verification, ("verify", "runs/warm"))
    assert "no replay can show how it was trained" in advice.meaning
    assert advice.steps == ()


def test_published_records_are_not_advised_to_be_compared_again_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = (
        [run_record([count], seed=seed) for seed, count in enumerate(side)]
        for side in ((9_900, 9_950, 9_940), (9_910, 9_945))
    )
    advice = comparison_advice(compare(one, other), ("compare", "pennyweight-8k", "progressive-3"))
    assert check_commands(advice) == [
        ["train", "progressive-3", "--seeds", "0-3"],
        ["compare", "pennyweight-8k", "runs/progressive-3"],
    ]


def test_the_same_runs_on_both_sides_are_not_advised_to_be_compared_again() -> None:
    runs = [run_record([count], seed=seed) for seed, count in enumerate((9_900, 9_950))]
    advice = comparison_advice(compare(runs, runs), ("compare", "progressive-3", "progressive-3"))
    assert (advice.meaning, advice.steps) == ("Both sides are the same runs; name others on one of them.", ())


@pytest.mark.parametrize(
    ("sides", "open_pairs"),
    [
        ([(9_900,), (9_950,), (6_000,)], False),
        ([(9_900, 9_901, 9_902), (9_800, 9_801, 9_802), (9_700, 9_701, 9_702)], False),
        ([(9_900, 9_901, 9_902), (9_899, 9_902, 9_901), (9_700, 9_701, 9_702)], True),
    ],
    ids=["single runs", "all shown", "one not shown"],
)
def test_more_seeds_are_advised_where_a_pair_is_not_shown(sides: list[Sequence[int]], open_pairs: bool) -> None:
    groups = {str(side): [run_record([count], seed=seed) for seed, count in enumerate(side)] for side in sides}
    assert ("more seeds" in ranking_advice(rank(groups)).meaning) is open_pairs
