"""A lock between processes, kept by the kernel: it ends with the process that holds it, however that ends."""

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from pennyweight.base.errors import EnvironmentRefused
from pennyweight.base.files import refusal

_POLL_SECONDS = 0.1
_HELD = (errno.EWOULDBLOCK, errno.EACCES)
_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def locked(path: Path, report: Callable[[str], None], seconds: float) -> Iterator[None]:
    """Hold the lock file `path`, waiting up to `seconds` for another process; its folder is made when missing.

    The file itself stays: deleting it would let a third process lock a new file of the same name.
    Raises EnvironmentRefused when it cannot be written or is not released in time.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "ab")  # noqa: SIM115 - closed below; a `with` here would also catch errors of the caller
    except OSError as error:
        raise refusal(path, 0, error) from error
    with file:
        _wait(file.fileno(), path, report, seconds)
        yield


def _wait(descriptor: int, path: Path, report: Callable[[str], None], seconds: float) -> None:
    deadline = monotonic() + seconds
    announced = False
    while not _try(descriptor, path, report):
        if monotonic() >= deadline:
            raise EnvironmentRefused(
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
            raise refusal(path, 0, error) from error
        # Files are still put in place by a rename, so the worst case is one download too many.
        report(f"The file system of {path.parent} knows no locks; a second process may download the same files.")
    return True
