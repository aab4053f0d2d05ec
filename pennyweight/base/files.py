"""Writing files so that a crash, a kill or a full disk never leaves a half-written one under its final name."""

import contextlib
import errno
import os
import re
import shutil
from pathlib import Path

from pennyweight.base.errors import EnvironmentRefused

TEMPORARY_SUFFIX = ".tmp"
_TEMPORARY = re.compile(r".+\.\d+" + re.escape(TEMPORARY_SUFFIX))


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: temporary file, fsync, rename, fsync of the folder.

    Raises EnvironmentRefused when the system refuses (full disk, read-only folder); what stood there before survives.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove_quietly(temporary)
        raise refusal(path, len(content), error) from error


def remove_temporaries(folder: Path) -> None:
    """Delete what writers that were killed left behind in `folder`, and nobody else's `.tmp` files."""
    for leftover in folder.glob(f"*{TEMPORARY_SUFFIX}"):
        if _TEMPORARY.fullmatch(leftover.name):
            _remove_quietly(leftover)


def refusal(path: Path, size_bytes: int, error: OSError) -> EnvironmentRefused:
    """Return the sentence for a write that the system refused, with the free space where the disk is full."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return EnvironmentRefused(
            f"Cannot write {path}: {reason} ({size_bytes:,} bytes needed, {_free_bytes(path):,} free). "
            "Free some space and run the same command again; what was complete before is kept."
        )
    return EnvironmentRefused(f"Cannot write {path}: {reason}. Choose a place you may write to with --out or --data.")


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
