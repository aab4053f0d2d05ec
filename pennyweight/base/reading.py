"""Reading a file that may be anything: only regular files, only as large as their kind can be."""

import errno
import os
import stat
from pathlib import Path


class NotAFile(OSError):
    """What stands at a path is no regular file, or not there alone; `strerror` says what it is."""


class TooLarge(OSError):
    """A file holds more than is ever read of its kind; `strerror` gives both sizes."""


def open_regular(path: str, flags: int) -> int:
    """Open a regular file; for `open(..., opener=open_regular)`. Raises NotAFile for everything else.

    A pipe without a writer would block for ever, hence O_NONBLOCK, which means nothing on regular files.
    """
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, 0o666)
    except OSError as error:
        if flags & os.O_NOFOLLOW and os.path.islink(path):
            words = "it is a symbolic link, and nothing in this folder is followed out of it"
            raise NotAFile(error.errno, words, path) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = "a folder" if stat.S_ISDIR(mode) else "a pipe" if stat.S_ISFIFO(mode) else "a device"
    raise NotAFile(errno.EINVAL, f"it is {kind} where a file was expected", path)


def read_regular(path: Path, largest_bytes: int) -> bytes:
    """Return the content of a file that the user named; symbolic links are followed.

    Raises OSError: NotAFile, TooLarge before anything is read, or whatever the system says.
    """
    return _read(path, os.O_RDONLY, largest_bytes)


def read_unlinked(path: Path, largest_bytes: int) -> bytes:
    """Return the content of a file that lies where we put it; does what `read_regular` does, but follows no link."""
    return _read(path, os.O_RDONLY | os.O_NOFOLLOW, largest_bytes)


def _read(path: Path, flags: int, largest_bytes: int) -> bytes:
    descriptor = open_regular(str(path), flags)
    with os.fdopen(descriptor, "rb") as file:
        size_bytes = os.fstat(descriptor).st_size
        if size_bytes > largest_bytes:
            words = f"it holds {size_bytes:,} bytes, and at most {largest_bytes:,} are read"
            raise TooLarge(errno.EFBIG, words, str(path))
        content = file.read(size_bytes + 1)
    if len(content) > size_bytes:
        raise OSError(errno.EBUSY, "it grew while it was being read", str(path))
    return content
