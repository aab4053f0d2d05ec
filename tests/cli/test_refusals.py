"""A run that is refused, for whatever reason, leaves nothing behind and announces nothing: one sentence, no more."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support import TINY, run_record

from pennyweight.base.errors import Interrupted, MismatchError, NonFiniteError, UnavailableError, UsageError
from pennyweight.cli.several import end_unless_complete
from pennyweight.runs.request import Request
from pennyweight.settings.recipe_text import recipe_to_text
from pennyweight.training.pool import Outcome

TRAIN = ["train", "tiny.toml", "--dataset", "digits"]


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def place(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe, and beside it the cache that a run might write."""
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    monkeypatch.setenv("PENNYWEIGHT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir(mode=0o700)
    return here


def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennyweight.base.machine.available_memory", lambda: 1 << 10)


def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")


def as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change nothing."""


REFUSED: list[tuple[str, list[str], Callable[[pytest.MonkeyPatch], None], int, str]] = [
    ("a hold-out of all", ["-s", "validation_images=70000"], as_it_is, 2, "Cannot hold out 70,000 of 1,437"),
    ("a hold-out of a class", ["-s", "validation_images=1436"], as_it_is, 2, "takes all 142 of class '0'"),
    ("another image size", ["-s", "input.rows=32"], as_it_is, 2, "'tiny' reads images of 32x28 pixels"),
    ("no such engine", ["--engine", "jax"], as_it_is, 2, "There is no engine 'jax'"),
    ("no such weights", ["--initial-weights", "nothing"], as_it_is, 3, "There is no run folder nothing"),
    ("no GPU", ["--engine", "torch", "--device", "cuda"], as_it_is, 3, "PyTorch found no CUDA device"),
    ("no memory", ["--engine", "native"], no_memory, 3, "GiB of memory"),
    ("no memory for PyTorch", ["--engine", "torch"], no_memory, 3, "GiB of memory"),
    ("no compiler", ["--engine", "native"], no_compiler, 3, "/nowhere/cc"),
]
cases = pytest.mark.parametrize(
    ("words", "trouble", "code", "part"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)


def test_data_that_cannot_be_had_leave_no_folder_and_no_lock(
    command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pennyweight.data.fetch.answers", lambda *_: iter(()))  # no mirror answers
    (place / "data").mkdir()
    before = tree(place.parent)
    for words in (["train", "tiny.toml"], ["train", "tiny.toml", "--seeds", "0-1"], ["fetch", "mnist"]):
        ended = command(*words, "--data", "data")
        assert ended.code == 3
        assert "no mirror can be reached" in ended.err
        assert "training images, " not in ended.err
        assert tree(place.parent) == before
    (place / "data" / "mnist").mkdir()
    before = tree(place.parent)
    assert command("fetch", "mnist", "--data", "data").code == 3
    assert tree(place.parent) == before


@cases
def test_a_refused_run_leaves_nothing_and_announces_nothing(
    words: list[str], trouble: Callable, code: int, part: str, command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble(monkeypatch)
    before = tree(place.parent)
    ended = command(*TRAIN, *words)
    assert ended.err.startswith("Error: ")
    assert len(ended.err.splitlines()) == 1
    assert part in ended.err
    assert (ended.code, ended.out) == (code, "")
    assert tree(place.parent) == before


def test_a_refused_run_does_not_move_the_earlier_one_aside(command, place: Path, digits_run: Path) -> None:
    shutil.copytree(digits_run, place / "run")
    before = tree(place)
    ended = command(*TRAIN, "--out", "run", "--again", "-s", "validation_images=1437")
    assert (ended.code, ended.out) == (2, "")
    assert tree(place) == before


@pytest.mark.parametrize("target", ["tiny.toml", "all"])
def test_what_no_seed_can_do_is_said_once_and_no_process_is_started(
    target: str, command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pennyweight.training.pool.subprocess.Popen", lambda *_, **__: pytest.fail("started"))
    before = tree(place)
    ended = command("train", target, "--seeds", "0-3", "--dataset", "digits", "-s", "validation_images=1437")
    assert (ended.code, ended.out) == (2, "")
    why = "validation_images may be from 0 to 1,436, as -s validation_images=0."
    assert ended.err == f"Error: Cannot hold out 1,437 of 1,437 training images; {why}\n"
    assert tree(place) == before
    assert command("train", target, "--seeds", "0-3", "--dataset", "digits", "--planned-seeds", "2").code == 2


def test_all_leaves_out_what_cannot_run_with_the_reason_and_ends_with_0(
    command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run_requests(requests: list[Request], *_: object, **__: object) -> list[Outcome]:
        asked.extend(request.name for request in requests)
        return [Outcome(request, replace(run_record([9_000]), recipe=request.name), 0) for request in requests]

    monkeypatch.setattr("pennyweight.cli.several.run_requests", run_requests)
    ended = command("train", "all", "--seeds", "0", "--dataset", "digits")
    words = "left out: compact-regularized, compact-minimal: Cannot hold out 10,000 of 1,437 training images; "
    assert words in ended.err
    assert words in ended.out
    assert (ended.code, "same command" in ended.err) == (0, False)
    assert len(asked) == 12
    assert not {"compact-regularized", "compact-minimal"} & set(asked)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([UnavailableError, Interrupted], "2 runs did not finish; run the same command to resume."),
        ([UsageError, UnavailableError], "2 runs did not finish; the same command resumes 1 of them."),
        ([UsageError], "1 run did not finish; the same command would end in the same errors."),
        ([MismatchError], "1 run did not finish; the same command would end in the same errors."),
        ([NonFiniteError], "1 run did not finish; the same command would end in the same errors."),
    ],
    ids=lambda value: "" if isinstance(value, str) else " and ".join(kind.__name__ for kind in value),
)
def test_only_what_can_ever_finish_is_advised_to_be_repeated(
    kinds: list[type], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    request = Request(target="skip-3")
    outcomes = [Outcome(request, None, kind.exit_code) for kind in kinds]
    with pytest.raises(SystemExit) as end:
        end_unless_complete([*outcomes, Outcome(request, run_record([9_000]), 0)], stopped=False)
    assert capsys.readouterr().err == f"{words}\n"
    assert end.value.code == max(kind.exit_code for kind in kinds)


# ---------------------------------------------------------------------------------------------------- repairs

WEIGHTS = "weights.safetensors"


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def missing(path: Path) -> None:
    path.unlink()


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("damage", [empty, flipped, missing, link])
def test_damaged_weights_of_a_complete_run_are_written_again_by_the_command_that_judge_names(
    damage: Callable[[Path], None], command, place: Path, digits_run: Path
) -> None:
    shutil.copytree(digits_run, place / "run")
    before = tree(place)
    damage(place / "run" / WEIGHTS)
    refused = command("judge", "run")
    assert refused.code in (3, 4)
    sentence, _, words = refused.err.rstrip().partition(" This writes it again from the checkpoint: pennyweight ")
    assert WEIGHTS in sentence
    ended = command(*words.split())
    assert ended.code == 0, ended.err
    assert f"{WEIGHTS} " in ended.err
    assert "It was written again from the checkpoint." in ended.err
    assert tree(place) == before
    assert command("judge", "run").code == 0


def test_weights_are_not_mended_from_a_checkpoint_of_other_weights(command, place: Path, digits_run: Path) -> None:
    shutil.copytree(digits_run, place / "run")
    other = command(*TRAIN, "--engine", "torch", "--seed", "1", "--out", "other")
    assert other.code == 0, other.err
    shutil.copy(place / "other" / "record.json", place / "run" / "record.json")
    (place / "run" / WEIGHTS).unlink()
    ended = command(*TRAIN, "--engine", "torch", "--out", "run")
    assert ended.code == 4
    assert "The checkpoint cannot mend that: it holds weights" in ended.err
    assert not (place / "run" / WEIGHTS).exists()
