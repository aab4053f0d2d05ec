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

_POLL_SECONDS = 0.1
_HELD = (errno.EWOULDBLOCK, errno.EACCES)
_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def download_lock(path: Path, report: Callable[[str], None], seconds: float) -> Iterator[None]:
    """Hold the lock file `path`, waiting up to `seconds` for another process; its folder is made when missing.

    The file itself stays: deleting it would let a third process lock a new file of the same name.
    Raises UnavailableError when it cannot be written or is not released in time.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = open_lock(path)
    except OSError as error:
        raise write_error(path, 0, error) from error
    try:
        _wait(descriptor, path, report, seconds)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, path: Path, report: Callable[[str], None], seconds: float) -> None:
    deadline = monotonic() + seconds
    announced = False
    while not _try(descriptor, path, report):
        if monotonic() >= deadline:
            raise UnavailableError(
                f"Another process has held {path} for more than {seconds:g} seconds. "
                "End that process, or wait for it, and run the same command again."
            )
        if not announced:
            report(f"Another process is downloading into {path.parent}; waiting for it.")
            announced = True
        sleep(_POLL_SECONDS)


def _try(descriptor: int, path: Path, report: Callable[[str], None]) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        if error.errno not in _UNSUPPORTED:
            raise write_error(path, 0, error) from error
        # Files are still put in place by a rename, so the worst case is one download too many.
        report(f"The file system of {path.parent} knows no locks; a second process may download the same files.")
    return True
