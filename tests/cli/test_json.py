"""What `--json` prints is what docs/json.md says, for every command."""

import json
from pathlib import Path

import pytest
from support import TINY

from pennyweight.cli.app import app
from pennyweight.reporting.outputs import OUTPUTS, mismatches
from pennyweight.settings.recipe_text import recipe_to_text

RUN = "runs/tiny+dataset=digits"
TRAIN = ("train", "tiny.toml", "--dataset", "digits", "--epochs", "2")
COMMANDS = [
    (("list",), 0),
    (("show", "progressive-3"), 0),
    (("show", "skip-3", "-s", "optimizer=Adam"), 0),
    ((*TRAIN, "--seed", "0"), 0),
    (("judge", f"{RUN}/seed-0"), 0),
    (("judge", RUN), 0),
    (("judge", "skip-3"), 0),
    (("audit", "compact-regularized", "--require", "gap"), 0),
    (("audit", "compact-regularized", "tiny.toml", "--max-params", "9000"), 1),
    (("verify", f"{RUN}/seed-0"), 0),
    (("claims",), 0),
    (("compare", f"{RUN}/seed-0", f"{RUN}/seed-1"), 0),
    (("compare", "progressive-3", "skip-3", "iteration-3"), 1),
    (("doctor",), 0),
    (("fetch", "digits"), 0),
]


@pytest.fixture
def trained(here: Path, command) -> None:
    """Two short runs to judge, verify and compare."""
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    for seed in (0, 1):
        assert command(*TRAIN, "--seed", seed).code == 0


@pytest.mark.usefixtures("trained")
def test_the_json_of_every_command_is_as_documented(command) -> None:
    seen = set()
    for words, number in COMMANDS:
        shapes = OUTPUTS[words[0]]
        ended = command(*words, "--json")
        assert ended.out, ended.err
        printed = json.loads(ended.out)
        assert list(mismatches(printed, shapes[number])) == [], words
        seen.add((words[0], number))
    many = [json.loads(command(*TRAIN, "--seed", "0", "--json").out)]
    assert list(mismatches(many, OUTPUTS["train"][1])) == []
    every = {(verb, number) for verb, shapes in OUTPUTS.items() for number in range(len(shapes))}
    assert every - seen == {("train", 1), ("ablate", 0)}


def test_every_command_with_json_is_documented() -> None:
    names = {one.name for one in app.registered_commands}
    assert names == set(OUTPUTS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[0].pop("macs"), "[0]: a key is missing: macs"),
        (lambda rows: rows[0].update(colour="red"), "[0]: a key is not documented: colour"),
        (lambda rows: rows[1].update(params="many"), "[1].params: 'many' is not whole number"),
        (lambda rows: rows[1].update(params=True), "[1].params: True is not whole number"),
        (lambda rows: rows[2].update(claim=[]), "[2].claim: [] is not number or null"),
    ],
)
def test_what_is_not_as_documented_is_named(command, change, words: str) -> None:
    rows = json.loads(command("list", "--json").out)
    change(rows)
    assert list(mismatches(rows, OUTPUTS["list"][0])) == [words]
