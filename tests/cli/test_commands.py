"""What the verbs print, where, and in which shape; the verbs and flags themselves are frozen."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from support import TINY

from pennyweight.api import plan_run
from pennyweight.cli.app import app
from pennyweight.cli.console import Console
from pennyweight.cli.options import complete_dataset, complete_recipe
from pennyweight.recipes.catalogue import NAMES, RECIPES
from pennyweight.training.recipe_text import recipe_to_text, settings_of

FROZEN = {
    "list": ["--json"],
    "show": ["--json", "-s", "RECIPE"],
    "train": [
        *("--again", "--data", "--dataset", "--device", "--engine", "--epochs", "--jobs", "--json", "--no-test"),
        *("--out", "--seed", "--seeds", "-s", "-v", "RECIPE"),
    ],
    "judge": ["--json", "FOLDER..."],
    "compare": ["--json", "RUNS", "RUNS"],
    "verify": ["--data", "--json", "--replay", "FOLDER"],
    "claims": ["--json", "--records", "[DOCUMENT]"],
    "ablate": ["--data", "--dataset", "--jobs", "--json", "--seeds", "WALK"],
    "audit": ["--forbid", "--json", "--max-epochs", "--max-params", "--require", "RECIPE"],
    "fetch": ["--data", "--json", "DATASET"],
    "doctor": ["--data", "--json"],
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
    assert "pennyweight train progressive-3" in ended.out


def test_the_version_is_one_line(command) -> None:
    ended = command("--version")
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"pennyweight \d+\.\d+\.\d+\n", ended.out)


# ---------------------------------------------------------------------------------------------------- looking


def test_list_names_every_recipe_on_a_line_of_its_own(command) -> None:
    ended = command("list")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(NAMES)
    assert "6,188" in lines[1 + NAMES.index("progressive-3")]


def test_list_as_json_is_a_list_of_objects(command) -> None:
    rows = json.loads(command("list", "--json").out)
    assert [row["name"] for row in rows] == list(NAMES)
    for row, recipe in zip(rows, RECIPES, strict=True):
        assert {"name", "params", "claim", "epochs", "macs", "receptive_field", "document"} <= set(row)
        assert isinstance(row["params"], int)
        assert row["claim"] == (recipe.origin.claim.accuracy if recipe.origin.claim else None)
    assert [row["name"] for row in rows if row["claim"] is None] == ["pennyweight-8k"]
    assert {row["name"]: row["params"] for row in rows}["skip-3"] == 7_480


@pytest.mark.parametrize("name", NAMES)
def test_show_prints_every_setting_with_its_origin(name: str, command) -> None:
    ended = command("show", name)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    for key in settings_of(RECIPES[NAMES.index(name)]):
        (line,) = [line for line in lines if line.split()[:1] == [key]]
        assert line.split()[-1] in ("document", "suggested")


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


def test_show_shows_what_was_changed(command) -> None:
    facts = json.loads(command("show", "skip-3", "--json", "-s", "optimizer=Adam", "-s", "epochs=3").out)
    assert facts["settings"]["optimizer"] == "Adam"
    assert facts["settings"]["epochs"] == 3
    assert "optimizer.momentum" not in facts["settings"]


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
    # where the network is compiled for the first time, one more line says so
    lines = [line for line in ended.err.splitlines() if not line.startswith("Compiled the network")]
    assert lines[0].startswith("tiny on digits: 1,437 training images, 2 epochs, seed 0, ")
    assert [line.split()[:2] for line in lines[1:]] == [["epoch", "1/2"], ["epoch", "2/2"]]
    results = ended.out.splitlines()
    assert results[0].startswith("tiny on digits, seed 0: 404 parameters, 2 epochs, ")
    assert results[-2] == "verdict: budget met on digits"
    assert results[-1] == "runs/tiny+dataset=digits/seed-0"
    assert (here / results[-1] / "weights.safetensors").exists()


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
    assert "verdict: budget not met on digits: too short" in ended.out


def test_no_test_leaves_the_test_columns_empty(tiny: str, command, here: Path) -> None:
    ended = command("train", tiny, "--dataset", "digits", "--no-test", "--epochs", 1)
    assert ended.code == 0
    assert "verdict: not judged, the test images were left alone" in ended.out
    assert ended.out.splitlines()[-1] == "runs/tiny+epochs=1+dataset=digits+no-test/seed-0"
    row = (here / ended.out.splitlines()[-1] / "metrics.csv").read_text().splitlines()[1]
    assert row.split(",")[5:8] == ["", "", ""]


def test_a_judgement_ends_with_1_when_a_budget_is_not_kept(tiny: str, command) -> None:
    command("train", tiny, "--dataset", "digits", "--out", "good")
    command("train", tiny, "--dataset", "digits", "--out", "short", "--epochs", 1)
    good = command("judge", "good")
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("good: budget met on digits\n")
    assert "tiny on digits, 1 seed, test accuracy" in good.out
    both = command("judge", "good", "short")
    assert both.code == 1
    assert "short: budget not met on digits: too short" in both.out
    facts = json.loads(command("judge", "good", "short", "--json").out)
    assert {"met", "runs", "groups"} == set(facts)
    assert [run["verdict"]["breaches"] for run in facts["runs"]] == [[], ["too_short"]]
    assert {"met", "split", "breaches"} <= set(facts["runs"][0]["verdict"])
    assert facts["groups"][0]["figures"]["final"]["deviation"] is None


def test_several_seeds_train_at_the_same_time_and_are_summed_up(tiny: str, here: Path) -> None:
    words = ["train", tiny, "--dataset", "digits", "--seeds", "0-1", "--jobs", "2"]
    done = subprocess.run([sys.executable, "-m", "pennyweight", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "tiny.toml: 2 seeds, 2 at a time" in done.stderr
    for seed in (0, 1):
        assert len(re.findall(rf"^seed {seed} \| epoch [12]/2 ", done.stderr, re.MULTILINE)) == 2
        assert f"runs/tiny+dataset=digits/seed-{seed}: budget met on digits" in done.stdout
    assert "tiny on digits, 2 seeds, test accuracy" in done.stdout
    records = [json.loads((here / f"runs/tiny+dataset=digits/seed-{seed}/record.json").read_text()) for seed in (0, 1)]
    assert records[0]["weights_sha256"] != records[1]["weights_sha256"]


# ---------------------------------------------------------------------------------------------------- the rest


def test_on_a_terminal_a_line_moves_and_is_wiped_before_the_next(monkeypatch, capsys, tmp_path: Path) -> None:
    from support import epoch_row

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    console = Console(plan_run(TINY, dataset="digits", out=tmp_path), verbose=False)
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
    ("typed", "offered"),
    [
        ("prog", ["progressive-1", "progressive-2", "progressive-3"]),
        ("skip-3", ["skip-3"]),
        ("x", []),
        ("", list(NAMES)),
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
