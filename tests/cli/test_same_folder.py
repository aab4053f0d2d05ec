"""One run folder, many processes: one works, the others say who does, and a complete run is never touched."""

import os
import shutil
from hashlib import sha256
from pathlib import Path
from time import sleep

import pytest
from crashing import finish, outcome, run, start, train_words, uninterrupted

from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.runs import folder as folders
from pennyweight.runs.fingerprint import require_run_folder
from pennyweight.runs.folder import run_lock, set_aside

KILLED = -9


def state_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """What shows that a file was touched."""
    paths = [folder, *sorted(folder.iterdir())]
    facts = {path.name: (path.stat().st_mtime_ns, path.stat().st_ctime_ns, path.stat().st_ino) for path in paths}
    return facts | {f"{path.name} content": (sha256(path.read_bytes()).hexdigest(),) for path in paths[1:]}


@pytest.mark.slow
def test_of_eight_processes_started_at_once_one_trains_and_the_others_name_it(tmp_path: Path) -> None:
    words = train_words("SMALL", "run", "--epochs", "1000")
    processes = [start(words, tmp_path) for _ in range(8)]
    try:
        while sum(process.poll() is None for process in processes) > 1:
            sleep(0.05)
        holder = next(process for process in processes if process.poll() is None)
        for process in processes:
            if process is not holder:
                ended = finish(process)
                assert ended.code == 3
                message = ended.err.splitlines()[-1]
                assert message.startswith("Error: Another process works in run (process ")
                assert f"process {holder.pid} since 20" in message
                assert ended.epochs == []
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    # the holder was killed without a chance to clean up: the next one starts at once
    assert run(words, tmp_path, ("kill_at_step", 3), images=0).code == KILLED


def test_a_complete_run_is_already_complete_and_no_file_of_it_is_touched(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert run(train_words("SMALL", folder)).code == 0
    before = state_of(folder)
    assert ".lock" in before
    again = run(train_words("SMALL", folder))
    assert again.code == 0
    assert f"{folder} is already complete; --again retrains it." in again.err
    assert again.out.splitlines()[-1] == str(folder)
    assert state_of(folder) == before
    assert run(train_words("SMALL", folder, "--seed", "1")).code == 2
    assert state_of(folder) == before


@pytest.mark.slow
def test_eight_processes_at_once_find_a_complete_run_complete(tmp_path: Path) -> None:
    assert run(train_words("SMALL", "run"), tmp_path, images=0).code == 0
    before = state_of(tmp_path / "run")
    processes = [start(train_words("SMALL", "run"), tmp_path) for _ in range(8)]
    ended = [finish(process) for process in processes]
    assert [one.code for one in ended] == [0] * 8, ended
    assert len({one.out for one in ended}) == 1
    assert state_of(tmp_path / "run") == before


def test_a_run_that_lost_what_follows_from_its_checkpoint_is_completed_again(tmp_path: Path) -> None:
    assert run(train_words("SMALL", tmp_path)).code == 0
    for name in ("record.json", "metrics.csv", "weights.safetensors", "recipe.toml"):
        (tmp_path / name).unlink()
    # a record is what makes a run complete; without it, all is written anew
    refused_or_done = run(train_words("SMALL", tmp_path))
    assert (refused_or_done.code, refused_or_done.epochs) == (0, [])
    assert outcome(tmp_path) == uninterrupted("SMALL")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATIENCE_SECONDS", "COMPLETE_PATIENCE_SECONDS"):
        monkeypatch.setattr(folders, name, 0.05)


@pytest.mark.usefixtures("hurried")
def test_the_holder_is_named_and_released_with_the_block(tmp_path: Path) -> None:
    message = rf"works in .*run \(process {os.getpid()} since 20.* UTC\)"
    with run_lock(tmp_path / "run"), pytest.raises(UnavailableError, match=message), run_lock(tmp_path / "run"):
        pytest.fail("two hold one lock")
    with run_lock(tmp_path / "run"):
        pass


@pytest.mark.usefixtures("hurried")
def test_who_completed_a_run_is_not_named_as_who_holds_it(tmp_path: Path) -> None:
    (tmp_path / "record.json").touch()
    (tmp_path / ".lock").write_text("process 1 since 2020-01-01 00:00:00 UTC\n")
    with run_lock(tmp_path), pytest.raises(UnavailableError, match=r"\(unknown\)"), run_lock(tmp_path):
        pytest.fail("two hold one lock")


@pytest.mark.usefixtures("hurried")
def test_again_does_not_move_a_folder_aside_in_which_another_process_works(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with run_lock(folder):
        with pytest.raises(UnavailableError, match="Another process works in"):
            set_aside(folder)
        ended = run(train_words("SMALL", folder, "--again"))
        assert ended.code == 3
        assert f"(process {os.getpid()} since" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (folder / "recipe.toml").touch()
    assert set_aside(folder) == tmp_path / "old-1-run"


@pytest.mark.usefixtures("hurried")
def test_a_lock_taken_on_a_folder_that_was_just_moved_aside_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real, moved = tmp_path / "run", folders.fcntl.flock, tmp_path / "moved"

    def flock(descriptor: int, operation: int) -> None:
        if not moved.exists():
            folder.rename(moved)
        real(descriptor, operation)

    monkeypatch.setattr(folders.fcntl, "flock", flock)
    with run_lock(folder), pytest.raises(UnavailableError, match="Another process"), run_lock(folder):
        pytest.fail("two hold one lock")
    assert (folder / ".lock").read_text().startswith(f"process {os.getpid()}")


def test_a_run_that_another_process_begins_meanwhile_is_no_foreign_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.listdir

    def listed_late(folder: Path) -> list[str]:
        (folder / "recipe.toml").touch()
        return real(folder)

    monkeypatch.setattr(os, "listdir", listed_late)
    require_run_folder(tmp_path)
    (tmp_path / "thesis.txt").touch()
    require_run_folder(tmp_path)
    monkeypatch.setattr(os, "listdir", lambda folder: ["thesis.txt"])
    with pytest.raises(UsageError, match=r"holds 'thesis\.txt' and no run"):
        require_run_folder(tmp_path)


@pytest.mark.usefixtures("hurried")
def test_of_two_that_move_one_folder_aside_at_once_the_second_moves_what_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real = tmp_path / "run", folders.fcntl.flock
    folder.mkdir()

    def flock(descriptor: int, operation: int) -> None:
        """Another process was first."""
        if not (tmp_path / "old-1-run").exists():
            folder.rename(tmp_path / "old-1-run")
            folder.mkdir()
        real(descriptor, operation)

    monkeypatch.setattr(folders.fcntl, "flock", flock)
    assert set_aside(folder) is None
    assert sorted(os.listdir(tmp_path)) == ["old-1-run", "run"]
    (folder / "recipe.toml").touch()
    assert set_aside(folder) == tmp_path / "old-2-run"


def test_a_copy_of_a_folder_being_trained_in_is_free(tmp_path: Path) -> None:
    with run_lock(tmp_path / "run"):
        shutil.copytree(tmp_path / "run", tmp_path / "copy")
        with run_lock(tmp_path / "copy"):
            pass
