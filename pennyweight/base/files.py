"""Writing files so that a crash, a kill or a full disk never leaves a half-written one under its final name."""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pennyweight.base.errors import UnavailableError
from pennyweight.base.reading import NotAFile, open_regular

TEMPORARY_SUFFIX = ".tmp"
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system answers where there is no room on a disk."""
_TEMPORARY = re.compile(r".+\.(\d{1,18})" + re.escape(TEMPORARY_SUFFIX))


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: temporary file, fsync, rename, fsync of the folder.

    A symbolic link at `path` is replaced, not written through.
    Raises UnavailableError when the system refuses (full disk, read-only folder); what stood there before survives.
    """
    write_together({path: content})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Put several files in place as `write_atomically` does one; where one cannot be written, none is.

    All temporary files are complete before the first is renamed; renamed they are in the order of `files`, so that what
    lists the others can come last.
    """
    temporaries: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporaries[path] = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
            with _new(temporaries[path]) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _rename(temporaries)
        for folder in dict.fromkeys(path.parent for path in files):
            _sync_folder(folder)
    except OSError as error:
        raise write_error(path, len(files[path]), error) from error
    finally:
        for temporary in temporaries.values():  # those that were not renamed
            _remove_quietly(temporary)


def _rename(temporaries: dict[Path, Path]) -> None:
    """Give every file its final name and take it from the list; an interruption comes out when all have theirs."""
    try:
        for path in [*temporaries]:
            os.replace(temporaries[path], path)
            del temporaries[path]
    except KeyboardInterrupt:
        for path, temporary in temporaries.items():
            with contextlib.suppress(FileNotFoundError):  # it has its name
                os.replace(temporary, path)
        raise


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


def remove_temporaries(folder: Path, of: str = "*") -> None:
    """Delete what writers that were killed left in `folder` of the files `of`: nothing of a live process or of others.

    It is only tidying: a folder that refuses says so when a file is written.
    """
    for leftover in folder.glob(f"{of}.*{TEMPORARY_SUFFIX}"):
        named = _TEMPORARY.fullmatch(leftover.name)
        if named and not _is_another_alive(int(named[1])):
            _remove_quietly(leftover)


def _is_another_alive(process: int) -> bool:
    """Return whether a process of this number runs that is not this one."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def write_error(path: Path, size_bytes: int, error: OSError) -> UnavailableError:
    """Return the sentence for a write that the system refused, with the free space where the disk is full."""
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return UnavailableError(
            f"Cannot write {path}: {reason} ({size_bytes:,} bytes needed, {_free_bytes(path):,} free). "
            "Free some space and run the same command again; what was complete before is kept."
        )
    if error.errno == errno.EFBIG:
        return UnavailableError(
            f"Cannot write {path}: {reason}. It takes {size_bytes:,} bytes; allow this process files of that size "
            "(ulimit -f), or choose a file system that holds them with --out or --data."
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
