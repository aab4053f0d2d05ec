"""What the verbs print, where, and in which shape; the verbs and flags themselves are frozen."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from support import TINY

from pennyweight.api import plan_run
from pennyweight.base.errors import Interrupted
from pennyweight.cli.app import app
from pennyweight.cli.doctor import PACKAGES
from pennyweight.cli.options import complete_dataset, complete_recipe
from pennyweight.cli.several import end_unless_complete
from pennyweight.cli.signals import interrupted_sentence
from pennyweight.judging.checks import Check
from pennyweight.judging.verify import Verification
from pennyweight.recipes.catalogue import RECIPE_NAMES, RECIPES
from pennyweight.reporting.command import same_command
from pennyweight.reporting.console import Console
from pennyweight.runs.request import Request
from pennyweight.settings.keys import settings_of
from pennyweight.settings.recipe_text import recipe_from_text, recipe_to_text
from pennyweight.training.pool import Outcome

ROOT = Path(__file__).parent.parent.parent
FROZEN = {
    "list": ["--json", "--wide"],
    "show": ["--for", "--format", "--json", "--wide", "-s", "RECIPE"],
    "train": [
        *("--again", "--data", "--dataset", "--device", "--engine", "--epochs", "--initial-weights", "--jobs"),
        *("--json", "--no-test", "--out", "--planned-seeds", "--report", "--seed", "--seeds", "--wide"),
        *("-s", "-v", "RECIPE"),
    ],
    "judge": [
        *("--accuracy", "--allow-unjudged", "--budget", "--hold", "--json", "--max-epochs", "--max-params", "--wide"),
        "RUN...",
    ],
    "compare": ["--json", "--wide", "RUNS RUNS..."],
    "verify": ["--data", "--json", "--replay", "--run", "--wide", "RUN"],
    "claims": ["--json", "--records", "--wide", "[DOCUMENT]"],
    "ablate": ["--data", "--dataset", "--jobs", "--json", "--seeds", "--wide", "ABLATION"],
    "audit": [
        *("--csv", "--forbid", "--json", "--max-epochs", "--max-macs", "--max-params", "--min-receptive-field"),
        *("--require", "--wide", "RECIPE..."),
    ],
    "report": ["--data", "--figures", "--json", "--out", "TARGET..."],
    "export": ["--data", "--json", "--list", "--out", "--prefix", "--to", "--unchecked", "--wide", "RUN"],
    "predict": ["--data", "--json", "--preprocess", "--wide", "FILE...", "RUN"],
    "fetch": ["--data", "--json", "[DATASET]"],
    "doctor": ["--data", "--json", "--wide"],
    "help": ["[COMMAND]"],
}
"""A change here is a change of what people have typed into their scripts."""


def test_the_verbs_and_flags_are_the_frozen_ones() -> None:
    group = typer.main.get_command(app)
    found = {
        verb: sorted(
            word
            for parameter in held.params
            for word in (parameter.opts if parameter.param_type_name == "option" else [parameter.metavar])
        )
        for verb, held in group.commands.items()
    }
    assert found == FROZEN
    assert sorted(word for one in group.params for word in one.opts if "completion" not in word) == ["--version"]


@pytest.mark.parametrize("verb", FROZEN)
def test_every_verb_explains_itself_with_an_example(verb: str, command) -> None:
    for flag in ("--help", "-h"):
        ended = command(verb, flag)
        assert (ended.code, ended.err) == (0, "")
        assert f"pennyweight {verb}" in ended.out
        assert "Example" in ended.out
        for word in FROZEN[verb]:
            assert word.rstrip(".") in ended.out


def test_help_lists_every_verb_and_the_first_steps(command) -> None:
    ended = command("--help")
    assert ended.code == 0
    assert all(f"\n  {verb} " in ended.out for verb in FROZEN)
    assert "pennyweight train pennyweight-8k" in ended.out


def test_the_version_is_one_line(command) -> None:
    ended = command("--version")
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"pennyweight \d+\.\d+\.\d+\n", ended.out)


# ---------------------------------------------------------------------------------------------------- looking


def test_list_names_every_recipe_on_a_line_of_its_own(command) -> None:
    ended = command("list")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(RECIPE_NAMES)
    assert "6,188" in lines[1 + RECIPE_NAMES.index("progressive-3")]


def test_list_as_json_is_a_list_of_objects(command) -> None:
    rows = json.loads(command("list", "--json").out)
    assert [row["name"] for row in rows] == list(RECIPE_NAMES)
    for row, recipe in zip(rows, RECIPES, strict=True):
        assert {"name", "params", "claim", "epochs", "macs", "receptive_field", "document"} <= set(row)
        assert isinstance(row["params"], int)
        assert row["claim"] == (recipe.origin.claim.accuracy if recipe.origin.claim else None)
    assert [row["name"] for row in rows if row["claim"] is None] == ["pennyweight-8k"]
    assert {row["name"]: row["params"] for row in rows}["skip-3"] == 7_480


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_show_prints_every_setting_with_its_origin(name: str, command) -> None:
    ended = command("show", name)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    for key in settings_of(RECIPES[RECIPE_NAMES.index(name)]):
        (line,) = [line for line in lines if line.split()[:1] == [key]]
        assert line.split()[-1] in ("document", "suggested", "default")


def test_show_as_json_holds_the_figures_and_layers(command) -> None:
    facts = json.loads(command("show", "progressive-3", "--json").out)
    assert {"name", "params", "buffers", "macs", "receptive_field", "layers", "settings"} <= set(facts)
    assert (facts["params"], facts["macs"], facts["receptive_field"], facts["jump"]) == (6_188, 691_360, 24, 4)
    assert facts["buffers"] == 2 * (8 + 10 + 12 + 16 + 16)
    first = facts["layers"][0]
    assert {"number", "kind", "output_shape", "params", "buffers", "macs", "receptive_field", "jump"} <= set(first)
    assert (first["kind"], first["output_shape"], first["params"]) == ("Conv", [8, 26, 26], 72)
    assert sum(layer["params"] for layer in facts["layers"]) == facts["params"]
    assert facts["settings"]["optimizer.learning_rate"] == 0.01


def test_show_prints_the_layers_alone_as_courses_ask_for_them(command) -> None:
    ended = command("show", "iteration-3", "--format", "torchsummary")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[3] == "            Conv2d-1            [-1, 6, 26, 26]              54"
    assert "Total params: 5,178" in lines
    assert max(map(len, lines)) <= 80
    assert command("show", "iteration-3", "--format", "table").out == command("show", "iteration-3").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--format", "torchsumary"), "There is no format 'torchsumary'. Did you mean 'torchsummary'?"),
        (
            ("--format", "torchsummary", "--json"),
            "--json has a form of its own, and --format torchsummary another; leave one of them out.",
        ),
    ],
)
def test_a_format_that_there_is_not_is_refused(words: tuple[str, ...], sentence: str, command) -> None:
    ended = command("show", "iteration-3", *words)
    assert (ended.code, ended.out, ended.err) == (2, "", f"Error: {sentence}\n")


def test_show_shows_what_was_changed(command) -> None:
    facts = json.loads(command("show", "skip-3", "--json", "-s", "optimizer=Adam", "-s", "epochs=3").out)
    assert facts["settings"]["optimizer"] == "Adam"
    assert facts["settings"]["epochs"] == 3
    assert "optimizer.momentum" not in facts["settings"]
    assert facts["from"]["epochs"] == facts["from"]["optimizer.learning_rate"] == "changed"
    assert facts["from"]["batch_images"] == "document"
    assert facts["variant"].startswith("variant of skip-3: epochs=3, optimizer")
    assert (facts["origin"]["claim"], facts["origin"]["document"]) == (None, "")


def test_show_says_changed_beside_a_changed_setting_and_whose_variant_it_is(command) -> None:
    lines = command("show", "progressive-3", "-s", "augmentation.rotation_degrees=90").out.splitlines()
    assert lines[0] == "progressive-3  (variant of progressive-3: augmentation.rotation_degrees=90.0)"
    assert lines[1] == "claim: none; a changed recipe has none"
    paragraphs = "\n".join(lines).replace("\n  ", " ").splitlines()
    assert any(line.startswith("budget on mnist: ") and "That of progressive-3." in line for line in paragraphs)
    (changed,) = [line.split() for line in lines if line.startswith("augmentation.rotation_degrees")]
    assert changed == ["augmentation.rotation_degrees", "90.0", "changed,", "was", "5.0"]


def test_show_does_not_take_a_replace_in_python_for_its_parent(command, here: Path) -> None:
    (here / "v.py").write_text(
        "from dataclasses import replace\nimport pennyweight as pw\nfrom pennyweight.nets.layers import Conv\n"
        "b = pw.recipe('progressive-3')\nMY = replace(b, name='mine', layers=(Conv(9),) + b.layers[1:])\n"
    )
    lines = command("show", "v.py:MY").out.splitlines()
    assert lines[:2] == ["mine  (variant of progressive-3: layers=changed)", "claim: none; a changed recipe has none"]


def test_show_says_of_what_a_document_does_not_name_that_it_is_suggested(command) -> None:
    of_skip_3, of_v2 = (json.loads(command("show", name, "--json").out)["from"] for name in ("skip-3", "evolution-v2"))
    assert (of_skip_3["optimizer"], of_skip_3["optimizer.momentum"]) == ("suggested", "document")
    assert (of_v2["optimizer"], of_v2["optimizer.beta1"], of_v2["optimizer.epsilon"]) == ("document", *["default"] * 2)


def test_show_takes_a_file_of_either_kind(command, here: Path) -> None:
    (here / "mine.toml").write_text(recipe_to_text(TINY))
    (here / "mine.py").write_text(
        "from dataclasses import replace\nfrom pennyweight.recipes.skip import MODEL_3\n"
        "MINE = replace(MODEL_3, name='mine', epochs=3)\n"
    )
    assert json.loads(command("show", "mine.toml", "--json").out)["params"] == 404
    mine = json.loads(command("show", "mine.py:MINE", "--json").out)
    assert (mine["name"], mine["params"], mine["settings"]["epochs"]) == ("mine", 7_480, 3)


def test_audit_says_which_rule_fails_and_ends_with_1(command) -> None:
    good = command("audit", "compact-regularized", "--max-params", 20_000, "--require", "batchnorm,dropout , GAP")
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("compact-regularized: every rule holds\n")
    bad = command("audit", "compact-regularized", "--max-params", 100, "--forbid", "linear")
    assert bad.code == 1
    assert bad.out.count("NOT MET") == 1
    facts = json.loads(command("audit", "compact-regularized", "--max-params", 100, "--json").out)
    assert facts["met"] is False
    assert facts["limits"][0] == {"name": "parameters", "allowed": "at most 100", "measured": "19,204", "met": False}


def test_audit_without_rules_uses_the_recipe_s_own_caps(command) -> None:
    assert command("audit", "progressive-3").code == 0
    assert command("audit", "evolution-v1").code == 1


def test_doctor_says_what_is_there_and_changes_nothing(command, here: Path) -> None:
    facts = json.loads(command("doctor", "--json").out)
    assert {"pennyweight", "python", "processor", "numpy", "torch", "mnist", "fashion-mnist", "digits"} <= set(facts)
    assert all(set(found) == {"ok", "what"} for found in facts.values())
    assert facts["torch"]["ok"] is True
    assert facts["mnist"]["ok"] is False
    assert "pennyweight fetch mnist" in facts["mnist"]["what"]
    ended = command("doctor")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split()[0] for line in ended.out.splitlines()[1:4]] == ["pennyweight", "python", "processor"]
    assert list(here.parent.iterdir()) == [here]
    assert list(here.iterdir()) == []


def test_doctor_lists_what_every_extra_of_a_user_needs(command, here: Path) -> None:
    facts = json.loads(command("doctor", "--json").out)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra in ("torch", "report", "ship"):
        for requirement in extras[extra]:
            name = re.split(r"[<>=]", requirement)[0]
            assert name in facts, name
            assert f"pennyweight[{extra}]" in PACKAGES[name]


def test_doctor_names_the_command_that_fetches_to_where_it_looked(command, here: Path) -> None:
    assert "pennyweight fetch mnist --data 'my data' gets it" in command("doctor", "--data", "my data", "--json").out
    assert "pennyweight fetch mnist gets it" in command("doctor", "--json").out


def test_doctor_says_why_no_run_can_be_kept(command, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = here
    monkeypatch.setattr("os.access", lambda place, mode: str(place) != str(refused))
    fact = json.loads(command("doctor", "--json").out)["run folder"]
    why = "this user has no permission to write there; name another folder with --out"
    assert fact == {"ok": False, "what": f"no run can be kept in {here}: {why}"}
    refused = here / "runs"
    refused.mkdir()
    assert json.loads(command("doctor", "--json").out)["run folder"]["what"].startswith(
        f"no run can be kept in {refused}"
    )
    refused = here  # where runs/ may be written, its folder need not be
    assert json.loads(command("doctor", "--json").out)["run folder"] == {"ok": True, "what": str(here / "runs")}


@pytest.mark.parametrize(
    "words", [("judge", ""), ("compare", "skip-3", ""), ("train", "skip-3", "--out="), ("verify", "")]
)
def test_an_empty_path_is_not_the_current_folder(words: tuple[str, ...], command) -> None:
    ended = command(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "as where a shell's variable is not set" in ended.err


@pytest.mark.parametrize("verb", FROZEN)
def test_help_names_every_argument_and_value_by_a_word(verb: str, command) -> None:
    usage, text = command(verb, "--help").out.split("\n", 1)
    assert not set("{}<>") & set(usage + text)
    for word in FROZEN[verb]:
        if not word.startswith("-"):
            assert f" {word}" in usage
            assert f"\n  {word} " in text


def test_doctor_answers_without_a_home_too(command, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setenv("PENNYWEIGHT_DATA", "")
    monkeypatch.setattr("platformdirs.user_cache_path", homeless)
    ended = command("doctor", "--json")
    assert ended.code == 0, ended.err
    facts = json.loads(ended.out)
    assert "There is no home folder" in facts["mnist"]["what"]
    assert facts["digits"]["ok"] is True


def test_fetching_what_is_embedded_needs_nothing(command) -> None:
    facts = json.loads(command("fetch", "digits", "--json").out)
    assert (facts["name"], facts["train_images"], facts["test_images"]) == ("digits", 1_437, 360)
    assert "embedded in the package" in command("fetch", "digits").out


# ---------------------------------------------------------------------------------------------------- training

EPOCH_KEYS = {
    *("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"),
    *("test_correct", "learning_rate", "seconds"),
}


@pytest.fixture
def tiny(here: Path) -> str:
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    return "tiny.toml"


def test_a_run_is_one_line_an_epoch_then_its_verdict_and_last_its_folder(tiny: str, command, here: Path) -> None:
    ended = command("train", tiny, "--dataset", "digits")
    assert ended.code == 0
    assert "\r" not in ended.out + ended.err
    assert "\x1b" not in ended.out + ended.err
    # where the network is compiled for the first time, two more lines say so
    lines = [line for line in ended.err.splitlines() if not re.match("Compil(ed|ing) the network", line)]
    assert lines[0].startswith("tiny on digits: 1,437 training images, 2 epochs, seed 0, ")
    assert [line.split()[:2] for line in lines[1:]] == [["epoch", "1/2"], ["epoch", "2/2"]]
    results = ended.out.splitlines()
    assert results[0].startswith("tiny on digits, seed 0: 404 parameters, 2 epochs, ")
    verdict = results.index("verdict: budget kept on digits")
    assert results[verdict + 1].startswith("  Every limit holds, for this seed.")
    assert results[-2] == "    pennyweight train tiny.toml --dataset=digits --seeds 0-4"
    assert results[-1] == "runs/tiny+dataset=digits/seed-0"
    assert (here / results[-1] / "weights.safetensors").exists()


def test_a_changed_run_is_judged_by_a_budget_that_is_called_another_recipe_s(tiny: str, command, here: Path) -> None:
    lines = command("train", tiny, "--dataset", "digits", "--epochs", 3, "--out", "changed").out.splitlines()
    assert "budget on digits, test images: That of tiny. Made up." in lines
    written = recipe_from_text((here / "changed" / "recipe.toml").read_text(), "recipe.toml")
    assert written.origin.changed == ("epochs=2",)
    assert command("show", "changed/recipe.toml").out.startswith("tiny  (variant of tiny: epochs=3)")


def test_a_finished_run_is_printed_again_and_says_so(tiny: str, command) -> None:
    first = command("train", tiny, "--dataset", "digits")
    again = command("train", tiny, "--dataset", "digits")
    assert (again.code, again.out) == (0, first.out)
    assert "already complete" in again.err
    assert "epoch 1/2" not in again.err


@pytest.mark.parametrize("engine", ["torch", "native"])
def test_v_says_what_the_engine_is_made_of(tiny: str, command, engine: str) -> None:
    plain = command("train", tiny, "--dataset", "digits", "--engine", engine, "--epochs", 1)
    told = command("train", tiny, "--dataset", "digits", "--engine", engine, "--epochs", 1, "--again", "-v")
    line = next(line for line in told.err.splitlines() if line.startswith(f"{engine} engine, "))
    assert ("-march=native" in line and "net-" in line) if engine == "native" else "PyTorch 2." in line
    assert "thread" in line
    assert f"{engine} engine, " not in plain.err


def test_again_moves_the_old_run_aside(tiny: str, command, here: Path) -> None:
    command("train", tiny, "--dataset", "digits", "--out", "run")
    ended = command("train", tiny, "--dataset", "digits", "--out", "run", "--again")
    assert ended.code == 0
    assert "The earlier run was moved to old-1-run." in ended.err
    assert (here / "old-1-run" / "record.json").exists()
    assert ended.out.splitlines()[-1] == "run"


def test_a_run_as_json_is_its_whole_record(tiny: str, command, here: Path) -> None:
    words = ("train", tiny, "--dataset", "digits", "-s", "validation_images=100", "--seed", 5, "--json", "--out", "run")
    record = json.loads(command(*words).out)
    assert {"recipe", "seed", "engine", "dataset", "params", "folder", "epochs", "verdict", "provenance"} <= set(record)
    assert (record["recipe"], record["seed"], record["dataset"], record["params"]) == ("tiny", 5, "digits", 404)
    assert record["folder"] == "run"
    assert record["changes"] == ["validation_images=100"]
    assert [row["epoch"] for row in record["epochs"]] == [1, 2]
    assert all(set(row) >= EPOCH_KEYS for row in record["epochs"])
    assert record["epochs"][0]["val_accuracy"] is not None
    assert {"met", "split", "breaches", "limits"} <= set(record["verdict"])
    assert record["verdict"]["met"] is True
    assert json.loads((here / "run" / "record.json").read_text()) == {**record, "folder": ""}


def test_a_run_that_breaks_its_budget_still_ends_with_0(tiny: str, command) -> None:
    ended = command("train", tiny, "--dataset", "digits", "--epochs", 1)
    assert ended.code == 0
    assert "verdict: budget broken on digits: too short" in ended.out


def test_no_test_leaves_the_test_columns_empty(tiny: str, command, here: Path) -> None:
    ended = command("train", tiny, "--dataset", "digits", "--no-test", "--epochs", 1)
    assert ended.code == 0
    assert "verdict: not judged, the test images were not evaluated" in ended.out
    assert ended.out.splitlines()[-1] == "runs/tiny+epochs=1+dataset=digits+no-test/seed-0"
    row = (here / ended.out.splitlines()[-1] / "metrics.csv").read_text().splitlines()[1]
    assert row.split(",")[5:8] == ["", "", ""]


def test_a_judgement_ends_by_whether_the_budget_was_kept(tiny: str, command) -> None:
    command("train", tiny, "--dataset", "digits", "--out", "good")
    command("train", tiny, "--dataset", "digits", "--out", "short", "--epochs", 1)
    good = command("judge", "good")
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("good: budget kept on digits\n")
    assert "on other test sets like this one, kept on 100 %" in good.out
    assert "verdict on the recipe" not in good.out
    both = command("judge", "good", "short")
    assert both.code == 1
    assert re.search("^short +broken +epochs run 1$", both.out, re.MULTILINE)
    facts = json.loads(command("judge", "good", "short", "--json").out)
    assert {"met", "runs", "groups", "problems"} == set(facts)
    assert [run["verdict"]["breaches"] for run in facts["runs"]] == [[], ["too_short"]]
    assert {"met", "split", "breaches"} <= set(facts["runs"][0]["verdict"])
    assert [group["verdict"] for group in facts["groups"]] == ["not shown"] * 2
    assert facts["groups"][0]["figures"]["final"]["std"] is None


def test_a_run_that_is_not_complete_is_named_and_not_judged(tiny: str, command, here: Path) -> None:
    for seed in (0, 1):
        command("train", tiny, "--dataset", "digits", "--seed", seed, "--out", f"runs-of-tiny/seed-{seed}")
    (here / "runs-of-tiny/seed-1/record.json").unlink()
    ended = command("judge", "runs-of-tiny", "--accuracy", "1")
    assert ended.code == 0, ended
    assert ended.err == "runs-of-tiny/seed-1 is not complete and is not judged.\n"
    for words in (["judge", "runs-of-tiny/seed-1"], ["verify", "runs-of-tiny/seed-1"]):
        ended = command(*words)
        assert ended.code == 3
        assert "the one in runs-of-tiny/seed-1 has no record.json, so it is not complete. The command" in ended.err


def test_the_judge_brings_a_budget_of_their_own(tiny: str, command, here: Path) -> None:
    command("train", tiny, "--dataset", "digits", "--out", "run")
    strict = command("judge", "run", "--accuracy", "99.9")
    assert strict.code == 1
    assert "budget: the judge's, over the run's own" in strict.out
    assert "at least 99.9 % (360 of 360)" in strict.out
    (here / "asked.toml").write_text("accuracy = 0.5\nmax_params = 403\n")
    capped = command("judge", "run", "--budget", "asked.toml")
    assert (capped.code, "too many params" in capped.out) == (1, True)
    assert command("judge", "run", "--budget", "asked.toml", "--max-params", 404).code == 0
    assert command("judge", "run", "--hold", 3).code == 1  # two epochs were trained
    refused = command("judge", "run", "--budget", "nowhere.toml")
    assert "Error: Cannot read the budget nowhere.toml: No such file or directory." in refused.err
    assert (refused.code, "nowhere.toml" in refused.err) == (3, True)


def test_a_run_without_a_budget_ends_with_1_unless_that_is_allowed(tiny: str, command, here: Path) -> None:
    bare = (here / tiny).read_text().split("[[budgets]]")[0]
    (here / "bare.toml").write_text(bare)
    command("train", "bare.toml", "--dataset", "digits", "--out", "bare")
    ended = command("judge", "bare")
    assert (ended.code, ended.out.splitlines()) == (
        1,
        [
            "bare: not judged",
            "  tiny has no budget for digits; name one, as --accuracy 99.4",
            "  Limits of your own judge it, as these:",
            "    pennyweight judge bare --accuracy 99.4 --hold 2",
        ],
    )
    assert command("judge", "bare", "--allow-unjudged").code == 0
    assert command("judge", "bare", "--accuracy", 1).code == 0


def test_an_easier_budget_written_into_a_finished_run_is_not_believed(tiny: str, command, here: Path) -> None:
    """The class's favourite: 99.4 becomes 10."""
    command("train", "progressive-1", "--dataset", "digits", "--epochs", 1, "--engine", "torch", "--out", "run")
    path = here / "run" / "recipe.toml"
    path.write_text(path.read_text().replace("accuracy = 99.4", "accuracy = 10.0"))
    ended = command("judge", "run")
    assert (ended.code, ended.out) == (4, "")
    assert "digest of recipe.toml" in ended.err


def test_judge_and_compare_take_published_names_and_whole_trees(command) -> None:
    judged = command("judge", "pennyweight-8k")
    assert judged.code == 1
    assert "budget kept by 57 of 59 seeds" in judged.out
    assert "each bound exact at 95 % for the 59 seeds planned" in judged.out
    assert "verdict on the recipe: not shown" in judged.out
    assert "Only a new plan, with new seeds, can decide more." in judged.out
    assert "taken on trust, 59 runs: the record alone" in judged.out
    tree = str(Path(__file__).parents[2] / "records" / "digits")
    assert "progressive-3 on digits, 20 seeds" in command("judge", tree, "--allow-unjudged").out
    ranked = command("compare", "progressive-3", "skip-3", "iteration-3")
    assert ranked.code == 0
    assert "p (Holm)" in ranked.out
    assert json.loads(command("compare", "progressive-3", "skip-3", "iteration-3", "--json").out)["names"][0]


def test_a_replay_is_advised_by_the_name_that_was_asked(command, monkeypatch: pytest.MonkeyPatch) -> None:
    verified = Verification("progressive-3 seed 0, published", (Check("weights", "a", "a", True),), ())
    monkeypatch.setattr("pennyweight.api.verify", lambda *_, **__: verified)
    ended = command("verify", "progressive-3", "--data", "images")
    assert ended.out.splitlines()[-1].endswith("pennyweight verify progressive-3 --data images --replay")


def test_a_plan_is_written_before_the_first_epoch_and_never_later(tiny: str, command, here: Path) -> None:
    command("train", tiny, "--dataset", "digits", "--out", "plain")
    late = command("train", tiny, "--dataset", "digits", "--out", "plain", "--planned-seeds", 3)
    assert (late.code, "planned seeds was None, now 3" in late.err) == (2, True)
    command("train", tiny, "--dataset", "digits", "--out", "planned", "--planned-seeds", 3, "--seed", 2)
    assert json.loads((here / "planned" / "record.json").read_text())["planned_seeds"] == 3
    assert command("train", tiny, "--dataset", "digits", "--out", "planned", "--seed", 2).code == 0
    assert command("judge", "planned").code == 0
    beyond = command("train", tiny, "--dataset", "digits", "--planned-seeds", 3, "--seed", 3)
    assert (beyond.code, "Seed 3 is none of the 3 planned" in beyond.err) == (2, True)


def test_several_seeds_train_at_the_same_time_and_are_summed_up(tiny: str, here: Path) -> None:
    words = ["train", tiny, "--dataset", "digits", "--seeds", "0-1", "--jobs", "2"]
    done = subprocess.run([sys.executable, "-m", "pennyweight", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "tiny.toml: 2 seeds, 2 at a time" in done.stderr
    for seed in (0, 1):
        assert len(re.findall(rf"^seed {seed} \| epoch [12]/2 ", done.stderr, re.MULTILINE)) == 2
        assert re.search(rf"^runs/tiny\+dataset=digits/seed-{seed} +kept", done.stdout, re.MULTILINE)
    assert "tiny on digits, 2 seeds, test accuracy" in done.stdout
    records = [json.loads((here / f"runs/tiny+dataset=digits/seed-{seed}/record.json").read_text()) for seed in (0, 1)]
    assert records[0]["weights_sha256"] != records[1]["weights_sha256"]


# ---------------------------------------------------------------------------------------------------- the rest


def test_on_a_terminal_a_line_moves_and_is_wiped_before_the_next(monkeypatch, capsys, tmp_path: Path) -> None:
    from support import epoch_row

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    console = Console(verbose=False)
    console.started(plan_run(TINY, dataset="digits", out=tmp_path))
    capsys.readouterr()
    console.progress(1, 20, 23)
    console.epoch_done([epoch_row(1, test=100)])
    console.message("A sentence.")
    printed = capsys.readouterr()
    assert printed.out == ""
    moving, wiped, line, *rest = printed.err.split("\r")[1:]
    assert moving.startswith("epoch 1/2   86 %  ")
    assert wiped == " " * len(moving)
    assert line.startswith("epoch 1/2  loss")
    assert line.endswith("\n")
    assert rest[-1] == "A sentence.\n"


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("pennyweight/__main__.py", f"{sys.executable} -m pennyweight"),
        ("tools/choose.py", f"{sys.executable} tools/choose.py"),
    ],
)
def test_the_command_that_resumes_is_the_one_that_was_run_without_again(
    program: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "a b", "--again", "-v"])
    assert same_command(begun=True) == f"{shown} 'a b' -v"
    assert same_command(begun=False) == f"{shown} 'a b' --again -v"


@pytest.mark.parametrize(
    ("again", "words", "way_on"),
    [
        ([], "Stopped with 0 of 1 runs complete. Resume:", "run the same command to resume"),
        (["--again"], "are as they were, and need --again with their --seeds", "the same command without --again"),
    ],
)
def test_a_run_that_has_not_begun_is_retrained_by_again_alone(
    again: list[str], words: str, way_on: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pennyweight", "train", "tiny", "--seeds", "0", *again])
    outcomes = [Outcome(Request(target="tiny"), None, Interrupted.exit_code)]
    with pytest.raises(Interrupted, match=words):
        end_unless_complete(outcomes, stopped=True)
    with pytest.raises(SystemExit):
        end_unless_complete(outcomes, stopped=False)
    assert way_on in capsys.readouterr().err
    assert way_on in interrupted_sentence()


def test_without_a_command_the_commands_are_listed_line_by_line(command) -> None:
    ended = command()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: pennyweight [OPTIONS] COMMAND [ARGS]...\n")
    assert "\n  train " in ended.err
    assert command("--help").out == ended.err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("prog", ["progressive-1", "progressive-2", "progressive-3"]),
        ("skip-3", ["skip-3"]),
        ("x", []),
        ("", list(RECIPE_NAMES)),
    ],
)
def test_names_of_recipes_are_completed(typed: str, offered: list[str]) -> None:
    assert complete_recipe(typed) == offered


def test_names_of_datasets_are_completed() -> None:
    assert complete_dataset("fa") == ["fashion-mnist"]


def test_the_shell_is_offered_verbs_and_recipes(tmp_path: Path) -> None:
    def offered(line: str) -> list[str]:
        words = line.split(" ")
        environment = {
            **os.environ,
            "_PENNYWEIGHT_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        code = "import sys; sys.argv = ['pennyweight']; from pennyweight.cli.main import run; run()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
        return done.stdout.split()

    assert offered("pennyweight tr") == ["train"]
    assert offered("pennyweight show compact") == ["compact-regularized", "compact-minimal"]
