"""Settings, numbers and names as people type them: what is kept, what is read, and what Tab offers."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from support import TINY, every_setting

from pennyweight.cli import options
from pennyweight.cli.app import app
from pennyweight.cli.options import whole_number
from pennyweight.settings.optimizers import OPTIMIZERS
from pennyweight.settings.recipe_text import recipe_to_text
from pennyweight.settings.schedules import SCHEDULES

ON_DIGITS = ("--dataset", "digits", "--engine", "torch")
BESIDE = "import pennyweight as pw\nBLOCK = (pw.Conv({}), pw.BatchNorm(), pw.Relu())\n"
IMPORTING = """
from blocks import BLOCK
import pennyweight as pw
MINE = pw.Recipe(
    name="of-{}", layers=(*BLOCK, pw.GlobalAvgPool(), pw.Linear(pw.CLASSES)), epochs=1, optimizer=pw.Adam()
)
"""


def test_show_says_what_another_kind_keeps(command) -> None:
    lines = command("show", "progressive-3", "-s", "optimizer=SGD", "-s", "schedule=StepLR").out.splitlines()
    assert "optimizer=SGD keeps optimizer.learning_rate=0.01, optimizer.weight_decay=0.0001 of Adam." in lines
    assert ["optimizer.learning_rate", "0.01"] in [line.split()[:2] for line in lines]
    assert "keeps" not in command("show", "progressive-3", "-s", "optimizer=Adam").out


def test_training_says_once_what_another_kind_keeps(command, here: Path) -> None:
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    ended = command(
        "train", "tiny.toml", "--dataset", "digits", "--engine", "torch", "--epochs", 1, "-s", "optimizer=Adam"
    )
    assert (
        ended.err.count("optimizer=Adam keeps optimizer.learning_rate=0.1, optimizer.weight_decay=0.0 of SGD.\n") == 1
    )
    assert "keeps" not in ended.out


@pytest.mark.parametrize("verb", ["train", "show"])
def test_several_values_of_a_setting_are_answered_with_a_command_for_each(verb: str, command, here: Path) -> None:
    words = (verb, "skip-3", "-s", "optimizer.learning_rate=0.005, 0.01", "-s", "epochs=1,2", "-s", "batch_images=64")
    ended = command(*words)
    assert (ended.code, ended.out) == (2, "")
    first, *commands = ended.err.splitlines()
    assert first.startswith(
        "Error: A run has one value of a setting; -s optimizer.learning_rate=0.005, 0.01 -s epochs=1,2"
    )
    asked = [shlex.split(line)[1:] for line in commands]
    assert asked == [
        [verb, "skip-3", "-s", f"optimizer.learning_rate={rate}", "-s", f"epochs={epochs}", "-s", "batch_images=64"]
        for rate in ("0.005", "0.01")
        for epochs in (1, 2)
    ]
    assert not list(here.iterdir())


NUMBERS = [
    *(("8k", 8_000), ("8K", 8_000), ("20,000", 20_000), ("20_000", 20_000), ("20000", 20_000), ("1.5M", 1_500_000)),
    *(("0.5k", 500), ("1,234,567", 1_234_567), ("15", 15), (" 7 ", 7), ("-3", -3), ("0", 0)),
]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_whole_numbers_are_read_as_people_write_them(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "k", "8kk", "20,00", ",000", "1.5", "0.0001k", "1e3", "8 000", "inf", "1,000.5", "_1"]
)
def test_what_is_no_whole_number_is_refused_with_examples(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a whole number; write it like 8000, 8,000, 8_000 or 8k"):
        whole_number(text)


@pytest.mark.parametrize(
    ("verb", "flag"),
    [
        *(("audit", flag) for flag in ("--max-params", "--max-macs", "--max-epochs", "--min-receptive-field")),
        *(("judge", flag) for flag in ("--max-params", "--max-epochs", "--hold")),
        *(("train", flag) for flag in ("--epochs", "--planned-seeds")),
    ],
)
def test_every_count_is_read_alike_and_a_wrong_one_named_by_its_option(verb: str, flag: str, command) -> None:
    ended = command(verb, "skip-3", flag, "8kk")
    assert (ended.code, f"Invalid value for '{flag}': '8kk' is not a whole number" in ended.err) == (2, True)


def test_an_audit_takes_its_cap_in_thousands(command) -> None:
    for cap in ("8k", "8,000", "8_000"):
        assert "at most 8,000" in command("audit", "progressive-3", "--max-params", cap).out


@pytest.mark.parametrize(
    ("complete", "typed", "offered"),
    [
        (options.complete_setting, "optimizer.be", ["optimizer.beta1=", "optimizer.beta2="]),
        (options.complete_setting, "schedule.step", ["schedule.step_epochs="]),
        (options.complete_setting, "optimizer=Adam", ["optimizer=Adam", "optimizer=AdamW"]),
        (options.complete_engine, "n", ["native"]),
        (options.complete_device, "c", ["cpu", "cuda"]),
        (options.complete_features, "dropout,batchnorm-", ["dropout,batchnorm-after-conv"]),
        (options.complete_document, "00", ["000", "001", "002", "003", "004"]),
        (options.complete_ablation, "", ["progressive"]),
        (options.complete_dataset, "d", ["digits"]),
    ],
)
def test_tab_completes(complete, typed: str, offered: list[str]) -> None:
    assert complete(typed) == offered


def test_every_key_that_tab_offers_is_one_that_some_recipe_takes() -> None:
    recipes = [replace(TINY, optimizer=kind()) for kind in OPTIMIZERS.values()]
    recipes += [replace(TINY, schedule=kind()) for kind in SCHEDULES.values()]
    kinds = ["optimizer=", "schedule="]
    assert {*options.complete_setting("")} == {f"{key}=" for _, key in every_setting(*recipes)} | {*kinds}


def test_tab_offers_what_each_verb_takes() -> None:
    group = typer.main.get_command(app)
    completed = {
        (verb, parameter.name)
        for verb, held in group.commands.items()
        for parameter in held.params
        if getattr(parameter, "_custom_shell_complete", None)
    }
    assert completed >= {
        *(("train", "engine"), ("train", "device"), ("train", "dataset"), ("train", "settings"), ("train", "target")),
        *(("show", "settings"), ("show", "target"), ("audit", "require"), ("audit", "forbid"), ("audit", "targets")),
        *(("claims", "document"), ("ablate", "ablation"), ("ablate", "dataset"), ("fetch", "name")),
        *(("compare", "sides"), ("judge", "runs")),
    }


@pytest.mark.parametrize(
    "words", [("show",), ("audit", "--max-params", "1k"), ("train", "--dataset", "digits", "--engine", "torch")]
)
def test_a_recipe_file_imports_the_file_beside_it(words: tuple[str, ...], command, here: Path) -> None:
    """Each folder has blocks of its own, and reading a file leaves nothing behind in it."""
    for number in (2, 3):
        (here / f"of-{number}").mkdir()
        (here / f"of-{number}" / "blocks.py").write_text(BESIDE.format(number))
        (here / f"of-{number}" / "mine.py").write_text(IMPORTING.replace("{}", str(number)))
        ended = command(*words[:1], f"of-{number}/mine.py", *words[1:])
        assert ended.code == 0, ended.err
        params = number * (9 + 2) + number * 10 + 10
        assert str(params) in ended.out
        assert sorted(path.name for path in (here / f"of-{number}").iterdir()) == ["blocks.py", "mine.py"]


@pytest.mark.slow
def test_each_seed_of_a_recipe_file_imports_the_file_beside_it_and_needs_no_name(command, here: Path) -> None:
    (here / "blocks.py").write_text(BESIDE.format(2))
    (here / "mine.py").write_text(IMPORTING.replace("{}", "2"))
    ended = command("train", "mine.py", *ON_DIGITS, "--seeds", "0", "--out", "kept")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "kept"), ended.err


@pytest.mark.parametrize("words", [("show",), ("audit", "--max-params", "1k"), ("train",), ("train", "--seeds", "0-1")])
@pytest.mark.parametrize(("target", "answer"), [("two.py", "A, B. Name one, as two.py:A"), ("two.py:C", "in it: A, B")])
def test_a_missing_name_names_the_recipes_in_the_file(
    words: tuple[str, ...], target: str, answer: str, command, here: Path
) -> None:
    (here / "two.py").write_text(
        "from support import TINY as _T\nfrom dataclasses import replace\nA, B = (replace(_T, name=n) for n in 'ab')\n"
    )
    ended = command(words[0], target, *words[1:])
    assert (ended.code, answer in ended.err) == (2, True), ended.err


@pytest.mark.parametrize("verb", ["train", "show", "audit", "judge", "compare", "verify"])
def test_the_help_of_every_verb_that_takes_files_says_what_is_executed(verb: str, command) -> None:
    assert "executed" in command(verb, "--help").out


@pytest.mark.parametrize("name", ["kmnist", "emnist"])
def test_a_dataset_by_others_is_not_taken_for_a_typing_error(name: str, command) -> None:
    ended = command("train", "skip-3", "--dataset", name)
    start = (
        f"Error: There is no dataset '{name}'. Known: mnist, fashion-mnist, digits. Images of your own are read from "
    )
    assert ended.err.startswith(start)
    assert "(docs/data.md)" in ended.err


@pytest.mark.parametrize(
    ("theirs", "answer"),
    [
        ("Conv2d(8)", "There is no kind 'Conv2d'. It is Conv here."),
        ("ReLU()", "There is no kind 'ReLU'. It is Relu here."),
        ("BatchNorm2d()", "There is no kind 'BatchNorm2d'. It is BatchNorm here."),
        ("MaxPool2d(2)", "There is no kind 'MaxPool2d'. It is MaxPool here."),
        ("AdaptiveAvgPool2d(1)", "There is no kind 'AdaptiveAvgPool2d'. It is GlobalAvgPool here."),
        ("Flatten()", "There is no kind 'Flatten'. Leave it out: Linear reads a map as one vector."),
        ("GELU()", "There is no kind 'GELU'. Known: Conv, Depthwise, BatchNorm, Relu, "),
        ("LeakyReLU(0.1)", "There is no kind 'LeakyReLU'. Known: Conv, "),
    ],
)
def test_a_layer_of_pytorch_is_answered_with_ours_or_with_all(theirs: str, answer: str, command, here: Path) -> None:
    (here / "r.toml").write_text(recipe_to_text(TINY).replace('"Relu()"', f'"{theirs}"'))
    assert f"layers, line 3: {answer}" in command("show", "r.toml").err
