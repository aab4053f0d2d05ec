"""What a person sees in a terminal: lines that fit, colours that say nothing alone, a bar, and a Ctrl-C on its line."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import TINY
from terminal import ESCAPES, Screen, screen

from pennyweight.cli.app import app
from pennyweight.engines import predict
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.recipe_text import recipe_to_text

RUN = "runs/tiny+dataset=digits/seed-0"
TRAIN = ("train", "tiny.toml", "--dataset", "digits")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, one whose weights are averaged, a long one, and two trained seeds of the first."""
    home = tmp_path_factory.mktemp("home")
    (home / "tiny.toml").write_text(recipe_to_text(TINY))
    (home / "averaged.toml").write_text(recipe_to_text(replace(TINY, name="averaged", averaging=Averaging(0.9))))
    (home / "long.toml").write_text(recipe_to_text(replace(TINY, name="long", epochs=5_000)))
    trained = screen(*TRAIN, "--seeds", "0-1", "--jobs", "1", folder=home)
    assert trained.code == 0, trained.written
    return home


SCREENS: list[tuple[str, ...]] = [
    (),
    ("--help",),
    ("help",),
    *(("help", str(one.name)) for one in app.registered_commands),
    ("list",),
    ("show", "progressive-3"),
    ("show", "evolution-v1", "-s", "optimizer.learning_rate=0.02"),
    TRAIN,
    (*TRAIN, "--seeds", "0-1"),
    (*TRAIN, "--epochs", "1", "--out", "a run with a very long name that does not fit"),
    ("train", "averaged.toml", "--dataset", "digits"),
    ("train", "tiny.toml", "--dataset", "digits", "--no-test"),
    ("judge", RUN),
    ("judge", "runs"),
    ("judge", "skip-3", "pennyweight-8k"),
    ("judge", RUN, "--accuracy", "99.9"),
    ("compare", "progressive-3", "skip-3"),
    ("compare", RUN, RUN.replace("seed-0", "seed-1")),
    ("compare", "progressive-3", "skip-3", "iteration-3"),
    ("audit", "compact-regularized", "--require", "batchnorm,dropout,gap"),
    ("audit", "skip-3", "evolution-v1", "tiny.toml", "--max-params", "8000"),
    ("verify", RUN),
    ("claims",),
    ("doctor",),
    ("fetch", "digits"),
    # and what goes wrong
    ("train", "progresive-3"),
    ("train", "tiny.toml", "with", "many", "more", "words", "than", "it", "takes,", "and", "they", "are", "long"),
    ("trian",),
    ("verify", "there is no folder of such a name, and it could hardly be longer than this one is"),
    ("judge", "nowhere"),
]


@pytest.mark.parametrize("words", SCREENS, ids=" ".join)
def test_no_line_of_any_screen_is_longer_than_80(words: tuple[str, ...], home: Path) -> None:
    shown = screen(*words, folder=home)
    assert shown.code in (0, 1, 2, 3), shown.written
    assert "Traceback" not in shown.written
    assert "Unexpected" not in shown.written
    assert len(shown.lines) > 1
    assert [line for line in shown.plain.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    "words",
    [("list",), ("show", "progressive-3"), ("help", "audit"), ("claims", "000"), ("judge", "skip-3"), ("verify", RUN)],
    ids=" ".join,
)
def test_a_narrow_terminal_is_kept_to_as_well(words: tuple[str, ...], home: Path) -> None:
    shown = screen(*words, columns=60, folder=home)
    assert [line for line in shown.plain.splitlines() if len(line) > 60] == []


def test_the_width_may_be_fixed_and_everything_be_had_in_full(home: Path) -> None:
    fixed = screen("show", "progressive-3", folder=home, environment={"COLUMNS": "60"})
    assert max(map(len, fixed.lines)) in range(50, 61)
    assert "columns left out for want of room: stride, pad, buffers, jump, bytes;" in " ".join(fixed.plain.split())
    wide = screen("show", "progressive-3", "--wide", folder=home)
    assert "left out" not in wide.plain
    assert "21,632" in wide.plain
    assert max(map(len, screen("claims", "000", "--wide", folder=home).lines)) > 150


# ------------------------------------------------------------------------------------------------------ colours


def test_a_verdict_has_a_colour_in_a_terminal_and_the_same_words_without(home: Path) -> None:
    words = ("judge", RUN, "--accuracy", "99.9")
    coloured = screen(*words, folder=home)
    assert "\x1b[31mNOT MET\x1b[0m" in coloured.written
    assert "\x1b[31mbudget broken\x1b[0m" in coloured.written
    assert "\x1b[32mmet\x1b[0m" in coloured.written
    for setting in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}):
        plain = screen(*words, folder=home, environment=setting)
        assert "\x1b" not in plain.written
        assert plain.lines == coloured.lines
    assert "\x1b[31mError:\x1b[0m " in screen("judge", "nowhere", folder=home).written


def test_colours_can_be_forced_into_a_pipe_but_never_into_json_and_csv(command, monkeypatch) -> None:
    audit = ("audit", "progressive-3", "--max-params", 10)
    assert "\x1b" not in command(*audit).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31mNOT MET\x1b[0m" in command(*audit).out
    assert "\x1b" not in command(*audit, "--json").out
    assert "\x1b" not in command(*audit, "--csv").out
    assert json.loads(command(*audit, "--json").out)["met"] is False


# ---------------------------------------------------------------------------------------- characters of a terminal


@pytest.mark.parametrize(
    ("encoding", "setting"),
    [("ascii", {}), ("utf-8", {"LANG": "C"}), ("utf-8", {"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"})],
)
def test_a_terminal_of_ascii_gets_ascii_that_fits(encoding: str, setting: dict[str, str], home: Path) -> None:
    for words in (("compare", "progressive-3", "skip-3"), ("claims", "000"), TRAIN):
        shown = screen(*words, folder=home, encoding=encoding, environment=setting)
        assert shown.code == 0
        assert shown.written.isascii()
        assert [line for line in shown.plain.splitlines() if len(line) > 80] == []
    assert (
        "99.492 % +- 0.047"
        in screen("compare", "progressive-3", "skip-3", encoding=encoding, environment=setting).plain
    )


def test_a_utf_8_terminal_gets_the_signs(home: Path) -> None:
    assert "99.492 % ± 0.047" in screen("compare", "progressive-3", "skip-3", environment={"LANG": "C.UTF-8"}).plain


def test_an_ascii_pipe_is_no_error() -> None:
    words = [sys.executable, "-m", "pennyweight", "compare", "progressive-3", "skip-3"]
    ended = subprocess.run(words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True)
    assert b"99.492 % +- 0.047" in ended.stdout


# ------------------------------------------------------------------------------------------------- bars and Ctrl-C


def pasted(shown: Screen) -> list[str]:
    """The words of the command that the last lines say, read as a shell reads them."""
    lines = [line for line in shown.lines if line.strip()]
    first = max(number for number, line in enumerate(lines) if line.startswith("    pennyweight "))
    return shlex.split("\n".join(lines[first:]).replace("\\\n", ""))


def test_ctrl_c_says_on_lines_of_its_own_how_to_go_on(home: Path) -> None:
    words = ("train", "long.toml", "--dataset", "digits", "--out", "it's a run, by a name that breaks the line")
    shown = screen(*words, folder=home, interrupt="epoch    2/5000")
    assert shown.code == 130
    (message,) = [line for line in shown.lines if "Error:" in line]
    assert message.startswith("Error: Stopped ")
    assert "^C" not in message
    assert pasted(shown) == ["pennyweight", *words]
    assert [line for line in shown.plain.splitlines() if len(line) > 80] == []


def test_ctrl_c_of_several_seeds_names_no_command_of_ours(home: Path) -> None:
    words = ("train", "long.toml", "--dataset", "digits", "--seeds", "0-1")
    shown = screen(*words, folder=home, interrupt="| epoch    2/5000")
    assert shown.code == 130
    assert any(line.startswith("Error: Stopped with 0 of 2 runs complete.") for line in shown.lines)
    assert "worker" not in shown.written
    assert pasted(shown) == ["pennyweight", *words]


def test_a_bar_is_there_before_the_first_step_and_is_gone_in_the_end(home: Path) -> None:
    shown = screen(*TRAIN, "--again", folder=home)
    ready = shown.plain.index("getting ready  [")
    assert ready < shown.plain.index("epoch 1/2  ") < shown.plain.index("epoch 1/2  loss")
    assert re.search(r"^epoch 1/2 +\d+ %  \[█+░*\]  \d+ s left, \d+ s in all", shown.plain, re.MULTILINE)
    assert not any("[" in line for line in shown.lines)


def test_several_seeds_have_one_bar_of_all_runs_below_their_lines(home: Path) -> None:
    shown = screen(*TRAIN, "--again", "--seeds", "0-1", "--jobs", "1", folder=home)
    assert "0 of 2 runs    0 %  [░" in shown.plain
    assert re.search(r"^1 of 2 runs +\d+ %  \[█+░+\]", shown.plain, re.MULTILINE)
    assert re.search(r"%  \[█+░+\]  \d+ s left", shown.plain)
    assert len([line for line in shown.lines if re.match(r"seed [01] \| epoch [12]/2  loss", line)]) == 4
    assert not any("[" in line for line in shown.lines)


def test_a_terminal_that_cannot_move_a_line_gets_none(home: Path) -> None:
    shown = screen(*TRAIN, "--again", folder=home, environment={"TERM": "dumb"})
    assert "getting ready" not in shown.plain
    assert [line for line in shown.lines if line.startswith("epoch ")] != []


def test_what_unaveraged_means_is_said_once_before_it_is_used(home: Path, command) -> None:
    for words in (("--seed", "3"), ("--seeds", "4-5")):
        shown = screen("train", "averaged.toml", "--dataset", "digits", *words, columns=120, folder=home).plain
        assert shown.count("those of the unaveraged ones stand in brackets") == 1
        assert shown.index("those of the unaveraged ones") < shown.index("(unaveraged ")
        assert " raw " not in shown
        assert "(raw" not in shown


def test_a_first_prediction_says_that_it_compiles_to_who_watches(monkeypatch, capsys) -> None:
    class Compiled:
        def __init__(self, *arguments: object) -> None:
            self.weights: dict[str, object] = {}
            arguments[-1]("Compiling the network.")  # type: ignore[operator]

    monkeypatch.setattr(predict, "Network", Compiled)
    for watched in (True, False):
        monkeypatch.setattr(predict, "is_watched", lambda watched=watched: watched)
        predict.make_predictor("native", TINY.plan(10), {}, None, 64)  # type: ignore[arg-type]
        assert capsys.readouterr().err == ("Compiling the network.\n" if watched else "")


# ------------------------------------------------------------------------------------------------ help and pipes


@pytest.mark.parametrize("verb", [one.name for one in app.registered_commands])
def test_help_in_words_is_the_help_of_the_flag(verb: str, command) -> None:
    assert command("help", verb).out.split() == command(verb, "--help").out.split()


def test_help_alone_lists_the_commands_and_an_unknown_one_is_named(command) -> None:
    assert command("help").out.split() == command("--help").out.split()
    wrong = command("help", "trian")
    assert (wrong.code, "Did you mean 'train'?" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["help"], 0),
        (["claims", "000", "--json"], 0),
        (["audit", "progressive-3", "--max-params", "1"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_reader_who_has_read_enough_changes_no_exit_code(words: list[str], code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "pennyweight", *words]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (code, "")


def test_the_escapes_are_all_that_colours_add(home: Path) -> None:
    coloured, plain = (
        screen("judge", "skip-3", folder=home, environment=setting).written for setting in ({}, {"NO_COLOR": "1"})
    )
    assert coloured != plain
    assert ESCAPES.sub("", coloured) == plain
