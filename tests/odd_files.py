"""What can stand in the place of a file of ours."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

ENDLESS_BYTES = 1_000_000_000


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def endless(path: Path) -> None:
    with open(path, "r+b") as file:
        file.truncate(ENDLESS_BYTES)


def link(path: Path) -> None:
    """The same content, but outside of the run folder."""
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to("../elsewhere")


def plug(path: Path) -> None:
    path.unlink()
    before = os.getcwd()
    os.chdir(path.parent)  # the name of a socket may have a hundred bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


def circular(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def missing(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def unreadable(path: Path) -> None:
    path.chmod(0)


ODD: tuple[Callable[[Path], None], ...] = (
    *(pipe, device, folder, endless, link, plug, dangling, circular, empty, missing, unreadable),
)
