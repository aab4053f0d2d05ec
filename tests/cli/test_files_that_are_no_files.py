"""A pipe, a device, a folder, a link or an endless file in place of one of ours: named at once, never read, never hung.

Nothing in a run folder is followed out of it, whether a command reads or writes.
"""

import os
import shutil
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from odd_files import ENDLESS_BYTES, device, endless, folder, link, pipe
from support import TINY

import pennyweight as pw
from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.base.lock import file_lock
from pennyweight.settings.recipe_text import recipe_to_text

LONGEST_SECONDS = 30
RECORD, RECIPE, METRICS, WEIGHTS = "record.json", "recipe.toml", "metrics.csv", "weights.safetensors"
OLDER, NEWEST = "checkpoint-0001.safetensors", "checkpoint-0002.safetensors"
PY = "from support import TINY\n"
TRAIN = ["train", "tiny.toml", "--dataset", "digits", "--engine", "torch", "--out", "run"]


KINDS: dict[Callable[[Path], None], str] = {
    pipe: "it is a pipe where a file was expected",
    device: "it is a symbolic link, and nothing in this folder is followed out of it",
    folder: "it is a folder where a file was expected",
    endless: f"it holds {ENDLESS_BYTES:,} bytes, and at most ",
    link: "it is a symbolic link, and nothing in this folder is followed out of it",
}
kinds = pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Whatever waits is interrupted, and the command then ends in another exit code than the promised one."""

    def late(number: int, frame: FrameType | None) -> None:
        raise RuntimeError(f"more than {LONGEST_SECONDS} seconds")  # an OSError would be taken for the system's

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def run(digits_run: Path, here: Path) -> Path:
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    return Path(shutil.copytree(digits_run, here / "run"))


READ: list[tuple[str, list[str]]] = [
    (RECORD, ["judge", "run"]),
    (RECORD, ["verify", "run"]),
    (RECORD, ["compare", "run", "run"]),
    (RECORD, TRAIN),
    (RECIPE, ["judge", "run"]),
    (RECIPE, ["verify", "run"]),
    (WEIGHTS, ["judge", "run"]),
    (WEIGHTS, ["verify", "run"]),
    (METRICS, ["verify", "run"]),
]


@kinds
@pytest.mark.parametrize(("name", "words"), READ, ids=[f"{name} {words[0]}" for name, words in READ])
def test_in_a_run_folder_it_is_named(
    name: str, words: list[str], kind: Callable[[Path], None], command, run: Path
) -> None:
    kind(run / name)
    ended = command(*words)
    assert ended.code == (4 if name == WEIGHTS and kind is endless else 3), ended.err
    assert ended.out == ""
    (error,) = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert f"run/{name}" in error
    assert KINDS[kind] in error


def test_control_with_files_in_their_places_every_one_of_these_commands_ends_well(command, run: Path) -> None:
    for words in {tuple(words) for _, words in READ}:
        ended = command(*words)
        assert ended.code == 0, ended.err


@kinds
def test_as_the_newest_checkpoint_it_is_passed_over_and_this_is_said(
    kind: Callable[[Path], None], command, run: Path
) -> None:
    weights = (run / WEIGHTS).read_bytes()
    kind(run / NEWEST)
    assert command("verify", "run").code == 1  # the epochs of the older one are fewer
    for name in (RECORD, WEIGHTS, METRICS):
        (run / name).unlink()
    ended = command(*TRAIN)
    (said,) = [line for line in ended.err.splitlines() if line.endswith(f"The previous one is used: {OLDER}.")]
    assert f"run/{NEWEST}" in said
    assert KINDS[kind] in said
    if kind is folder:
        assert ended.code == 3
        assert f"Cannot write run/{NEWEST}: Is a directory. Remove it, or choose a place" in ended.err
        return
    assert ended.code == 0, ended.err
    assert (run / WEIGHTS).read_bytes() == weights
    assert not (run / NEWEST).is_symlink()


@kinds
def test_as_the_only_checkpoint_it_is_refused_with_the_way_out(
    kind: Callable[[Path], None], command, run: Path
) -> None:
    (run / OLDER).unlink()
    kind(run / NEWEST)
    for words in (TRAIN, ["verify", "run"]):
        ended = command(*words)
        assert ended.code == (4 if kind is endless else 3), ended.err
        assert KINDS[kind] in ended.err
        assert "No other checkpoint is left; --again moves run aside and starts again." in ended.err


LOOKING = ["show", "audit", "train"]


@pytest.mark.parametrize("kind", [pipe, device, folder, endless], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", ["x.toml", "x.py"])
@pytest.mark.parametrize("verb", LOOKING)
def test_as_a_recipe_file_it_is_named(verb: str, name: str, kind: Callable[[Path], None], command, here: Path) -> None:
    target = f"{name}:TINY" if name == "x.py" else name
    (here / name).write_text(PY if name == "x.py" else recipe_to_text(TINY))
    assert command("show", target).code == 0
    kind(here / name)
    ended = command(verb, target)
    if verb == "audit" and kind is folder and name == "x.toml":  # a folder of recipe files, and there are none in it
        assert (ended.code, "x.toml holds no recipe file" in " ".join(ended.out.split())) == (2, True)
        return
    assert (ended.code, ended.out) == (3, "")
    what = "it is a device" if kind is device else KINDS[kind]
    assert f"Error: Cannot read the recipe {name}: {what}" in ended.err


def test_a_recipe_file_may_be_a_link(command, here: Path) -> None:
    (here / "real.toml").write_text(recipe_to_text(TINY))
    (here / "link.toml").symlink_to("real.toml")
    assert command("show", "link.toml").code == 0


@pytest.mark.parametrize("kind", [pipe, device, folder, endless], ids=lambda kind: kind.__name__)
def test_as_a_published_record_it_is_named(kind: Callable[[Path], None], command, run: Path) -> None:
    home = run.parent / "records"
    home.mkdir()
    shutil.copy(run / RECORD, home / "seed-0.json")
    assert command("compare", "records", "records").code == 0
    kind(home / "seed-0.json")
    ended = command("compare", "records", "run")
    assert (ended.code, ended.out) == (3, "")
    assert f"Cannot read records/seed-0.json: {'it is a device' if kind is device else KINDS[kind]}" in ended.err


@pytest.mark.parametrize("name", [RECORD, RECIPE, METRICS, WEIGHTS, NEWEST])
def test_what_is_endless_takes_no_memory(name: str, run: Path) -> None:
    (run / OLDER).unlink()
    pw.verify(run)
    endless(run / name)
    tracemalloc.start()
    with pytest.raises((UnavailableError, MismatchError), match=name):
        pw.verify(run)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < ENDLESS_BYTES / 50


# ---------------------------------------------------------------------------------------------------- written


def test_a_run_is_written_through_no_link_in_its_folder(command, here: Path) -> None:
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    (here / "run").mkdir()
    names = (RECORD, RECIPE, METRICS, WEIGHTS)
    for name in names:
        (here / f"precious-{name}").write_text("precious")
        (here / "run" / name).symlink_to(f"../precious-{name}")
    (here / "run" / NEWEST).symlink_to("../not-there-yet")
    ended = command(*TRAIN)
    assert f"run/{NEWEST} is not a file of this folder: {KINDS[link]}" in ended.err
    assert ended.code == 3  # with nothing but a link for a checkpoint
    (here / "run" / NEWEST).unlink()
    (here / "run" / RECORD).unlink()  # a record without a checkpoint is refused too
    ended = command(*TRAIN)
    assert ended.code == 0, ended.err
    assert [(here / f"precious-{name}").read_text() for name in names] == ["precious"] * 4
    assert [path.name for path in (here / "run").iterdir() if path.is_symlink()] == []
    assert not (here / "not-there-yet").exists()


LOCKS: list[tuple[str, Callable[[Path], None], str]] = [
    ("a link", lambda lock: lock.symlink_to("../precious"), "it is a symbolic link"),
    ("a link to nothing", lambda lock: lock.symlink_to("../nothing"), "it is a symbolic link"),
    ("another name of a file", lambda lock: lock.hardlink_to(lock.parent.parent / "precious"), "it is a hard link"),
    ("a pipe", os.mkfifo, "it is a pipe"),
    ("a device", lambda lock: lock.symlink_to("/dev/null"), "it is a symbolic link"),
]


@pytest.mark.parametrize(("plant", "words"), [case[1:] for case in LOCKS], ids=[case[0] for case in LOCKS])
def test_a_lock_is_never_taken_through_a_link(plant: Callable[[Path], None], words: str, command, here: Path) -> None:
    (here / "precious").write_text("precious")
    (here / "run").mkdir()
    plant(here / "run" / ".lock")
    for more in ([], ["--again"]):
        ended = command("train", "progressive-3", "--dataset", "digits", "--epochs", "1", "--out", "run", *more)
        assert (ended.code, ended.out) == (3, "")
        assert f"Error: Cannot write run/.lock: {words}" in ended.err
        assert "Remove it, or choose a place you may write to with --out" in ended.err
    assert sorted(os.listdir(here)) == ["precious", "run"]
    assert (here / "precious").read_text() == "precious"


def test_the_lock_of_a_complete_run_may_have_another_name(command, run: Path) -> None:
    """As in a copy made of hard links; nothing is written to it."""
    (run.parent / "copy").hardlink_to(run / ".lock")
    assert "already complete" in command(*TRAIN).err


def test_a_run_folder_may_be_a_link_itself(command, run: Path) -> None:
    real = run.rename(run.parent / "real")
    run.symlink_to("real")
    assert "already complete" in command(*TRAIN).err
    assert command("verify", "run").code == 0
    for name in (RECORD, WEIGHTS):
        (real / name).unlink()
    assert command(*TRAIN).code == 0
    assert run.is_symlink()
    assert command("verify", "real").code == 0


@pytest.mark.parametrize(("plant", "words"), [case[1:] for case in LOCKS[:2] + LOCKS[3:]], ids=["a", "b", "c", "d"])
def test_the_lock_of_a_download_is_not_taken_through_a_link_either(
    plant: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "mnist").mkdir()
    plant(tmp_path / "mnist" / ".download.lock")
    with (
        pytest.raises(UnavailableError, match=rf"Cannot write .*/mnist/\.download\.lock: {words}"),
        file_lock(tmp_path / "mnist" / ".download.lock", pytest.fail, seconds=1, doing="downloading"),
    ):
        pytest.fail("it was locked")
    assert not (tmp_path / "nothing").exists()
