"""Files are complete or as they were, whatever the system refuses."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pennyweight.base.errors import UnavailableError
from pennyweight.base.files import remove_temporaries, write_atomically, write_error, write_together


def test_what_was_written_is_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "file"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["file"]


class FullDisk:
    """A file opened for writing whose disk is full once `room` bytes are written."""

    def __init__(self, file, room: int) -> None:
        self._file = file
        self._room = room

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def write(self, content: bytes) -> int:
        self._file.write(content[: self._room])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refuse_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_full(path: Path, mode: str) -> FullDisk:
        return FullDisk(open(path, mode), room=3)

    monkeypatch.setattr("pennyweight.base.files.open", open_full, raising=False)


def refuse_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennyweight.base.files.open", full, raising=False)


def refuse_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full)


def refuse_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", full)


@pytest.mark.parametrize("refuse", [refuse_open, refuse_write, refuse_fsync, refuse_replace])
def test_a_full_disk_leaves_what_was_there_and_says_how_full_it_is(refuse, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "weights"
    write_atomically(path, b"old content")
    free = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free._replace(free=12_345))
    refuse(monkeypatch)
    with pytest.raises(UnavailableError) as refused:
        write_atomically(path, b"new content that is longer")
    monkeypatch.undo()
    assert path.read_bytes() == b"old content"
    assert os.listdir(tmp_path) == ["weights"]
    assert str(refused.value).startswith(f"Cannot write {path}: No space left on device (26 bytes needed, 12,345 free)")
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("refuse", [refuse_open, refuse_write, refuse_fsync, refuse_replace])
def test_a_full_disk_leaves_nothing_where_nothing_was(refuse, tmp_path: Path, monkeypatch) -> None:
    refuse(monkeypatch)
    with pytest.raises(UnavailableError):
        write_atomically(tmp_path / "weights", b"new")
    assert os.listdir(tmp_path) == []


def test_an_interrupt_is_not_taken_for_a_refusal(tmp_path: Path, monkeypatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "weights"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    remove_temporaries(tmp_path)
    assert os.listdir(tmp_path) == ["weights"]


def test_a_folder_that_cannot_be_is_refused_with_the_ways_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError) as refused:
        write_atomically(tmp_path / "file" / "weights", b"new")
    assert str(refused.value).startswith(f"Cannot write {tmp_path / 'file' / 'weights'}: ")
    assert "--out" in str(refused.value)


def test_a_folder_in_place_of_the_file_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "weights" / "inside").mkdir(parents=True)
    with pytest.raises(UnavailableError, match="Is a directory"):
        write_atomically(tmp_path / "weights", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM, errno.EIO])
def test_a_refusal_that_is_not_about_space_names_no_space(number: int, tmp_path: Path) -> None:
    sentence = str(write_error(tmp_path / "x", 7, OSError(number, os.strerror(number))))
    assert os.strerror(number) in sentence
    assert "bytes" not in sentence


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_free_space_is_found_even_for_a_folder_that_is_not_there_yet(number: int, tmp_path: Path) -> None:
    sentence = str(write_error(tmp_path / "not" / "there" / "x", 7, OSError(number, os.strerror(number))))
    assert "7 bytes needed" in sentence


def test_a_file_that_is_larger_than_allowed_is_not_a_full_disk(tmp_path: Path) -> None:
    sentence = str(write_error(tmp_path / "x", 168_662, OSError(errno.EFBIG, os.strerror(errno.EFBIG))))
    assert "168,662 bytes; allow this process files of that size (ulimit -f)" in sentence
    assert "free" not in sentence.lower()


def test_an_error_without_a_number_keeps_its_own_words(tmp_path: Path) -> None:
    assert "odd" in str(write_error(tmp_path / "x", 0, OSError("odd")))


def ended_process() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_only_leftovers_are_removed(tmp_path: Path) -> None:
    ended = ended_process()
    left = (f"record.json.{ended}.tmp", f"weights.safetensors.{os.getpid()}.tmp")
    kept = ("record.json", "notes.txt", f"being-written.{os.getppid()}.tmp", f"x.{'9' * 30}.tmp", "draft.v2.tmp")
    for name in (*left, *kept):
        (tmp_path / name).write_bytes(b"x")
    remove_temporaries(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_of_files_that_belong_together_all_are_written_or_none(written: int, tmp_path: Path, monkeypatch) -> None:
    """The disk is full behind the first, the second or the third."""
    names = ("net.h", "net.c", "manifest.json")
    (tmp_path / "net.h").write_bytes(b"old")
    room, fsync = iter(range(written)), os.fsync

    def fsync_while_there_is_room(descriptor: int) -> None:
        if next(room, None) is None:
            full()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync_while_there_is_room)
    with pytest.raises(UnavailableError, match=rf"Cannot write .*{names[written]}: No space left"):
        write_together({tmp_path / name: b"new" for name in names})
    assert os.listdir(tmp_path) == ["net.h"]
    assert (tmp_path / "net.h").read_bytes() == b"old"


def test_a_folder_in_place_of_the_last_of_them_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(UnavailableError, match=r"Cannot write .*manifest\.json: Is a directory\. Remove it"):
        write_together({tmp_path / name: b"new" for name in ("net.h", "manifest.json")})
    assert os.listdir(tmp_path) == ["manifest.json"]


def test_an_interruption_between_two_renames_finds_all_of_them_done(tmp_path: Path, monkeypatch) -> None:
    replace, calls = os.replace, iter(range(10))

    def interrupted(source: Path, target: Path) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together({tmp_path / name: b"new" for name in ("net.h", "net.c", "manifest.json")})
    assert sorted(os.listdir(tmp_path)) == ["manifest.json", "net.c", "net.h"]
