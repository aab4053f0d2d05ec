"""What docs/run_folders.md says of the files of a run: what comes back when one is deleted, and how."""

import os
import re
import shutil
from pathlib import Path

import pytest
from support import TINY

from pennyweight.settings.recipe_text import recipe_to_text

PAGE = Path(__file__).parents[2] / "docs" / "run_folders.md"
FATE = dict(re.findall(r"^\| `([^`]+)`.* \|.*\| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE))
LEFT_BY_TRAINING = {name for name, fate in FATE.items() if not fate.endswith("writes the same bytes again")}
TRAIN = ("train", "tiny.toml", "--dataset", "digits", "--engine", "torch", "--out", "run")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.fixture
def run(digits_run: Path, here: Path) -> Path:
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    return Path(shutil.copytree(digits_run, here / "run"))


def test_the_page_names_every_file_of_a_run(digits_run: Path) -> None:
    assert {re.sub(r"-\d+\.", "-*.", path.name) for path in digits_run.iterdir()} == LEFT_BY_TRAINING


@pytest.mark.parametrize("name", [name for name, fate in FATE.items() if fate.startswith("comes back")])
def test_a_deleted_file_comes_back_with_the_same_command(name: str, command, run: Path) -> None:
    before, judged = contents(run), command("judge", "run")
    (run / name).unlink()
    ended = command(*TRAIN)
    assert ended.code == 0, ended.err
    assert (run / name).exists()
    after = contents(run)
    if FATE[name] == "comes back, the same bytes":
        assert f"run/{name} " in ended.err
        assert after == before
    assert {**after, "record.json": b""} == {**before, "record.json": b""}
    assert command("verify", "run").code == 0
    assert command("judge", "run").code == judged.code


@pytest.mark.parametrize("name", ["recipe.toml", "metrics.csv"])
def test_a_changed_text_is_written_again_too(name: str, command, run: Path) -> None:
    before = contents(run)
    (run / name).write_text((run / name).read_text().replace("1", "2"))
    assert command("judge", "run").code == 4
    ended = command(*TRAIN)
    assert f"run/{name} was missing or changed. It was written again" in ended.err
    assert contents(run) == before


def test_one_checkpoint_is_enough_and_none_is_too_few(command, run: Path) -> None:
    before = contents(run)
    older, newest = sorted(path.name for path in run.glob("checkpoint-*"))
    (run / older).unlink()
    assert "already complete" in command(*TRAIN).err
    assert contents(run).keys() == before.keys() - {older}
    (run / older).write_bytes(before[older])
    (run / newest).unlink()
    ended = command(*TRAIN)
    assert (ended.code, "epoch 2/2" in ended.err) == (0, True)
    assert contents(run)["weights.safetensors"] == before["weights.safetensors"]
    for path in run.glob("checkpoint-*"):
        path.unlink()
    assert [command(*words).code for words in (TRAIN, ("judge", "run"), ("verify", "run"))] == [2, 4, 4]
    assert command(*TRAIN, "--again").code == 0
    assert sorted(path.name for path in run.parent.iterdir()) == ["old-1-run", "run", "tiny.toml"]


def test_files_of_ones_own_are_left_alone(command, run: Path) -> None:
    for name in ("notes.txt", "mine.tmp", f"record.json.{os.getpid()}.tmp"):
        (run / name).write_text("mine")
    (run / "record.json").unlink()
    assert command(*TRAIN).code == 0
    assert {path.name for path in run.glob("*.t*") if path.name != "recipe.toml"} == {"notes.txt", "mine.tmp"}
