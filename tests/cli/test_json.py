"""What `--json` prints is what docs/schemas says, for every command."""

import json
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from json_schema import violations
from support import TINY

from pennyweight.cli.app import app
from pennyweight.cli.output import result_json
from pennyweight.data.dataset import load
from pennyweight.judging.ablation import ablation_steps
from pennyweight.recipes.progressive import ABLATION
from pennyweight.reporting.outputs import OUTPUTS, schemas
from pennyweight.runs.published import published_tree
from pennyweight.runs.record_tree import full_runs
from pennyweight.settings.recipe_text import recipe_to_text

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
RECORDS = Path(__file__).parents[2] / "records"
RUN = "runs/tiny+dataset=digits"
TRAIN = ("train", "tiny.toml", "--dataset", "digits", "--epochs", "2")
COMMANDS = [
    ("list",),
    ("show", "progressive-3"),
    ("show", "skip-3", "-s", "optimizer=Adam"),
    ("show", "skip-3", "--for", "c-int8"),
    (*TRAIN, "--seed", "0"),
    ("judge", f"{RUN}/seed-0"),
    ("judge", RUN),
    ("judge", "skip-3"),
    ("audit", "compact-regularized", "--require", "gap"),
    ("audit", "compact-regularized", "tiny.toml", "--max-params", "9000"),
    ("verify", f"{RUN}/seed-0"),
    ("claims",),
    ("compare", f"{RUN}/seed-0", f"{RUN}/seed-1"),
    ("compare", "progressive-3", "skip-3", "iteration-3"),
    ("doctor",),
    ("report", f"{RUN}/seed-0", "--out", "page.html"),
    ("export", f"{RUN}/seed-0", "--to", "c"),
    ("export", "--list"),
    ("predict", "pennyweight-8k", "digit.npy", "nothing.png"),
    ("fetch", "digits"),
]


@pytest.fixture
def trained(here: Path, command) -> None:
    """Two short runs to judge, verify and compare."""
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    np.save(here / "digit.npy", load("digits").test_images[0])
    for seed in (0, 1):
        assert command(*TRAIN, "--seed", seed).code == 0


def schema_of(verb: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{verb}.json").read_text())


def against_schema(printed: object, verb: str) -> list[str]:
    schema = schema_of(verb)
    return list(violations(printed, schema, schema))


@pytest.mark.usefixtures("trained")
def test_the_json_of_every_command_is_as_its_schema_says(command) -> None:
    seen = set()
    for words in COMMANDS:
        ended = command(*words, "--json")
        assert ended.out, ended.err
        assert against_schema(json.loads(ended.out), words[0]) == [], words
        seen.add(words[0])
    assert set(OUTPUTS) - seen == {"ablate"}


@pytest.mark.usefixtures("trained")
def test_the_json_of_several_runs_is_as_its_schema_says(command) -> None:
    several = command(*TRAIN, "--json", "--seeds", "0-1", "--jobs", "1")
    assert len(json.loads(several.out)) == 2
    assert against_schema(json.loads(several.out), "train") == []


def test_the_json_of_an_ablation_is_as_its_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the published runs; to train those of other steps takes a minute."""
    runs = [(words, full_runs(published_tree(), recipe.name, recipe.epochs)) for words, recipe in ABLATION]
    result_json(ablation_steps(runs))
    steps = json.loads(capsys.readouterr().out)
    assert len(steps) == len(ABLATION)
    assert against_schema(steps, "ablate") == []


def test_every_command_with_json_has_a_schema() -> None:
    names = {one.name for one in app.registered_commands if "as_json" in signature(one.callback).parameters}
    assert len(names) == len(app.registered_commands) - 1  # `help` alone prints no facts
    assert names == set(OUTPUTS) == {path.stem for path in SCHEMAS.iterdir()}


def test_the_schemas_are_those_of_the_code() -> None:
    assert {verb: schema_of(verb) for verb in OUTPUTS} == schemas()


@pytest.mark.parametrize(
    ("verb", "change", "words"),
    [
        ("list", lambda rows: rows[0].pop("macs"), "$[0]: a key is missing: macs"),
        ("list", lambda rows: rows[0].update(colour="red"), "$[0]: a key is not documented: colour"),
        ("list", lambda rows: rows[1].update(params="many"), "$[1].params: 'many' is not integer"),
        ("list", lambda rows: rows[1].update(params=True), "$[1].params: True is not integer"),
        ("list", lambda rows: rows[2].update(claim=[]), "$[2].claim: [] is none of what is allowed"),
        ("doctor", lambda facts: facts["python"].update(ok=0), "$.python.ok: 0 is not boolean"),
        ("claims", lambda claims: claims.update(other=1), "$.other: 1 is not array"),
    ],
)
def test_what_is_not_as_the_schema_says_is_named(command, verb: str, change, words: str) -> None:
    printed = json.loads(command(verb, "--json").out)
    change(printed)
    assert against_schema(printed, verb) == [words]


def test_a_keyword_that_is_not_checked_is_not_believed() -> None:
    with pytest.raises(NotImplementedError, match="minimum"):
        list(violations(1, {"minimum": 2}, {}))
