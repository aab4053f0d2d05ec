"""Writing files so that a crash, a kill or a full disk never leaves a half-written one under its final name."""

import contextlib
import errno
import os
import re
import shutil
from pathlib import Path
from typing import BinaryIO

from pennyweight.base.errors import UnavailableError
from pennyweight.base.reading import NotAFile, open_regular

TEMPORARY_SUFFIX = ".tmp"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system answers where there is no room for a file."""
_TEMPORARY = re.compile(r".+\.\d+" + re.escape(TEMPORARY_SUFFIX))


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: temporary file, fsync, rename, fsync of the folder.

    A symbolic link at `path` is replaced, not written through.
    Raises UnavailableError when the system refuses (full disk, read-only folder); what stood there before survives.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _new(temporary) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove_quietly(temporary)
        raise write_error(path, len(content), error) from error


def _new(temporary: Path) -> BinaryIO:
    """Create a file that was not there: what a killed process of our number left, or a link, is not written to."""
    try:
        return open(temporary, "xb")
    except FileExistsError:
        temporary.unlink()
        return open(temporary, "xb")


def open_lock(path: Path) -> int:
    """Open a file to lock, made where it is missing and else untouched; raises OSError for a link or another kind."""
    return open_regular(str(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)


def remove_temporaries(folder: Path) -> None:
    """Delete what writers that were killed left behind in `folder`, and nobody else's `.tmp` files."""
    for leftover in folder.glob(f"*{TEMPORARY_SUFFIX}"):
        if _TEMPORARY.fullmatch(leftover.name):
            _remove_quietly(leftover)


def write_error(path: Path, size_bytes: int, error: OSError) -> UnavailableError:
    """Return the sentence for a write that the system refused, with the free space where the disk is full."""
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return UnavailableError(
            f"Cannot write {path}: {reason} ({size_bytes:,} bytes needed, {_free_bytes(path):,} free). "
            "Free some space and run the same command again; what was complete before is kept."
        )
    remove = "Remove it, or choose" if isinstance(error, NotAFile | IsADirectoryError) else "Choose"
    return UnavailableError(f"Cannot write {path}: {reason}. {remove} a place you may write to with --out or --data.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _free_bytes(path: Path) -> int:
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
