"""A lock between processes, kept by the kernel: it ends with the process that holds it, however that ends."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from pennyweight.base.errors import UnavailableError
from pennyweight.base.files import open_lock, write_error
from pennyweight.base.stop import POLL_SECONDS, Stop, heed, never

_HELD = (errno.EWOULDBLOCK, errno.EACCES)
_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF)
"""EBADF: a network file system, of a folder, which cannot be opened for writing."""


@contextmanager
def file_lock(
    path: Path, report: Callable[[str], None], seconds: float, *, doing: str, stop: Stop = never
) -> Iterator[None]:
    """Hold the lock file `path`, waiting up to `seconds` for another process that is `doing` something, in words.

    The folder is made when missing. The file itself stays: deleting it would let a third process lock a new file of the
    same name. Raises UnavailableError when it cannot be written or is not released in time, Interrupted when `stop`
    says so.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = open_lock(path)
    except OSError as error:
        raise write_error(path, 0, error) from error
    try:
        _wait(descriptor, path, report, seconds, doing, stop)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def folder_lock(folder: Path, report: Callable[[str], None], seconds: float, *, doing: str) -> Iterator[None]:
    """Hold `folder` itself, made when missing, as `file_lock` holds a file: no lock file is left among its files.

    Raises UnavailableError when it cannot be made or read or is not released in time.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise write_error(folder, 0, error) from error
    try:
        _wait(descriptor, folder, report, seconds, doing, never)
        yield
    finally:
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Return whether no process holds the lock file `path`; False as well where that cannot be told."""
    try:
        descriptor = open_lock(path)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _wait(descriptor: int, path: Path, report: Callable[[str], None], seconds: float, doing: str, stop: Stop) -> None:
    deadline = monotonic() + seconds
    announced = False
    while not _try(descriptor, path, report, doing):
        if monotonic() >= deadline:
            raise UnavailableError(
                f"Another process has held {path} for more than {seconds:g} seconds. "
                "End that process, or wait for it, and run the same command again."
            )
        if not announced:
            report(f"Another process is {doing}; waiting for it.")
            announced = True
        heed(stop, f"another process was {doing}")
        sleep(POLL_SECONDS)


def _try(descriptor: int, path: Path, report: Callable[[str], None], doing: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        if error.errno not in _UNSUPPORTED:
            raise write_error(path, 0, error) from error
        # What is made is put in place by a rename, so the worst case is work done twice.
        report(f"The file system of {path.parent} knows no locks; a second process may be {doing} as well.")
    return True
