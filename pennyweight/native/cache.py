"""Where compiled libraries are kept: in a folder that nobody else can write, because what lies there runs as you.

A digest beside a library tells damage, not who wrote it: whoever can write the one can write the other.
"""

import atexit
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

from pennyweight.base.reading import NotAFile, read_unlinked

CACHE = "PENNYWEIGHT_CACHE"
OTHERS = stat.S_IWGRP | stat.S_IWOTH
LARGEST_LIBRARY_BYTES = 1 << 28


def cache_folders(say: Callable[[str], None]) -> Iterator[Path]:
    """Yield where libraries may be kept: $PENNYWEIGHT_CACHE or the user's cache, then a private folder.

    Either only where nobody but this user and root can write. The private folder goes when the process ends; that it is
    taken, and why, is said once.
    """
    wanted = _preferred_folder()
    refused = _unfit(wanted) if wanted else "There is no home folder"
    if wanted and not refused:
        yield wanted
        refused = f"Nothing can be kept in {wanted} and loaded from there"
    is_new = not _private.cache_info().currsize
    with suppress(OSError):
        private = _private()
        if not _unfit(private):
            if is_new:
                way_out = f"Name a folder of your own with ${CACHE}."
                say(f"{refused}, so the compiled network is kept in {private} until this process ends. {way_out}")
            yield private


def trusted_content(path: Path) -> bytes:
    """Return what a file in such a folder holds; raises OSError, NotAFile where others can write it or it is a link."""
    status = os.lstat(path)
    if not stat.S_ISLNK(status.st_mode) and (words := _distrusted(status)):
        raise NotAFile(0, f"it {words}", str(path))
    return read_unlinked(path, LARGEST_LIBRARY_BYTES)


def _preferred_folder() -> Path | None:
    """Return the folder asked for, its parents free of links; None where there is no home to have one in."""
    named = os.environ.get(CACHE)
    try:
        folder = Path(os.path.abspath(named or platformdirs.user_cache_path("pennyweight") / "native"))
    except (RuntimeError, OSError):
        return None
    return Path(os.path.realpath(folder.parent)) / folder.name


def _unfit(folder: Path) -> str:
    """Make `folder` for this user alone where it is missing; return in words why it must not be used, or nothing."""
    try:
        _make(folder)
        status = os.lstat(folder)
        parents = [(parent, os.lstat(parent)) for parent in folder.parents]
    except OSError:
        return f"{folder} cannot be written"
    if not stat.S_ISDIR(status.st_mode):
        return f"{folder} is no folder, or a link to one"
    if words := _distrusted(status):
        return f"{folder} {words}"
    for parent, held in parents:
        if words := _distrusted(held, is_above=True):
            return f"{folder} can be exchanged: {parent} {words}"
    return ""


def _distrusted(status: os.stat_result, is_above: bool = False) -> str:
    """Return in words why what a file or folder holds may be from somebody else, or nothing.

    A folder above the cache may be writable by others where it is sticky, as /tmp, so each keeps to his own, and by
    this user's own group, because many systems give every user one alone.
    """
    if status.st_uid not in (0, os.geteuid()):
        return f"belongs to user {status.st_uid}"
    others = OTHERS
    if is_above and status.st_gid == os.getegid():
        others = stat.S_IWOTH
    if is_above and status.st_mode & stat.S_ISVTX:
        others = 0
    if status.st_mode & others:
        return f"can be written by others (mode {stat.S_IMODE(status.st_mode):o}; chmod go-w mends that)"
    return ""


def _make(folder: Path) -> None:
    """Make a folder and those above it for this user alone."""
    if not folder.exists():
        _make(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(0o700)


@cache
def _private() -> Path:
    """Return a new folder of this process; it is removed when the process ends."""
    folder, owner = os.path.realpath(tempfile.mkdtemp(prefix="pennyweight-native-")), os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return Path(folder)
