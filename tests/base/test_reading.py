"""What is no file is refused at once, what is too large before it is read, and links only lead where that is meant."""

import os
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from pennyweight.base.files import open_lock, write_atomically
from pennyweight.base.reading import NotAFile, TooLarge, read_regular, read_unlinked

Reader = Callable[[Path, int], bytes]
READERS = pytest.mark.parametrize("read", [read_regular, read_unlinked])


@READERS
def test_a_file_is_read_up_to_the_size_that_is_allowed(read: Reader, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for size in (0, 1, 1_000):
        path.write_bytes(bytes(size))
        assert read(path, 1_000) == bytes(size)
    path.write_bytes(bytes(1_001))
    with pytest.raises(TooLarge, match="it holds 1,001 bytes, and at most 1,000 are read"):
        read(path, 1_000)


@READERS
def test_what_is_too_large_takes_no_memory(read: Reader, tmp_path: Path) -> None:
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    with pytest.raises(TooLarge):
        read(tmp_path / "sparse", 1 << 30)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1 << 20


@READERS
def test_what_is_no_file_is_refused_without_waiting(read: Reader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path, kind in (
        (tmp_path / "pipe", "a pipe"),
        (tmp_path / "folder", "a folder"),
        (Path("/dev/zero"), "a device"),
    ):
        with pytest.raises(NotAFile) as refused:
            read(path, 1_000)
        assert refused.value.strerror == f"it is {kind} where a file was expected"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="No such device"):
            read(tmp_path / "socket", 1_000)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing", 1_000)


def test_a_link_is_followed_where_the_user_named_it_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "way").symlink_to(tmp_path)
    assert read_regular(tmp_path / "link", 10) == b"content"
    assert read_unlinked(tmp_path / "way" / "file", 10) == b"content"
    with pytest.raises(NotAFile, match="it is a device"):
        read_regular(tmp_path / "zero", 10)
    for name in ("link", "zero"):
        with pytest.raises(NotAFile, match="it is a symbolic link, and nothing in this folder is followed out of it"):
            read_unlinked(tmp_path / name, 10)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = tmp_path / "file", os.fstat
    path.write_bytes(b"before")

    def fstat(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        with open(path, "ab") as file:
            file.write(b" and after")
        return found

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(OSError, match="it grew while it was being read"):
        read_regular(path, 1_000)


def test_a_lock_is_opened_as_it_is_and_through_no_link(tmp_path: Path) -> None:
    os.close(open_lock(tmp_path / "lock"))
    (tmp_path / "lock").write_bytes(b"held by somebody")
    os.close(open_lock(tmp_path / "lock"))
    assert (tmp_path / "lock").read_bytes() == b"held by somebody"
    (tmp_path / "link").symlink_to("lock")
    (tmp_path / "dangling").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "dangling", "pipe", "folder"):
        with pytest.raises(OSError, match=r"symbolic link|a pipe|Is a directory"):
            open_lock(tmp_path / name)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("planted", ["link", "dangling", "file"])
def test_a_file_is_written_through_no_link_under_either_of_its_names(planted: str, tmp_path: Path) -> None:
    for name in ("record", f"record.{os.getpid()}.tmp"):
        (tmp_path / "precious").write_bytes(b"precious")
        (tmp_path / name).unlink(missing_ok=True)
        if planted == "file":
            (tmp_path / name).write_bytes(b"left by a process of the same number")
        else:
            (tmp_path / name).symlink_to("precious" if planted == "link" else "nowhere")
        write_atomically(tmp_path / "record", b"content")
        assert (tmp_path / "precious").read_bytes() == b"precious"
        assert not (tmp_path / "record").is_symlink()
        assert (tmp_path / "record").read_bytes() == b"content"
        assert sorted(os.listdir(tmp_path)) == ["precious", "record"]
