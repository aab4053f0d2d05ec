"""Getting the files of a named dataset: where they lie, and downloading what is missing."""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from pennyweight.base.errors import Interrupted, UnavailableError
from pennyweight.base.files import remove_temporaries, write_atomically
from pennyweight.base.lock import file_lock
from pennyweight.base.stop import Stop, attend, never
from pennyweight.data.download import MirrorFailed, Timeouts, answers, download
from pennyweight.data.sources import EMBEDDED, OWN_IMAGES, Source, SourceFile

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MOST_ENTRIES = 1_000
"""Of a folder that was named for data, looked at for pictures before anything is downloaded into it."""
LOCK_NAME = ".download.lock"
_PATIENCE = Timeouts()
_NEEDS_NO_DOWNLOAD = f"`--dataset {EMBEDDED}` needs no download."


def data_folder(explicit: Path | None) -> Path:
    """Return the folder that holds the datasets: `explicit`, else $PENNYWEIGHT_DATA, else the user's cache.

    Raises UnavailableError where none is named and there is no home to have a cache in.
    """
    named = os.environ.get("PENNYWEIGHT_DATA", "") if explicit is None else explicit
    folder = Path(os.path.expanduser(named)) if named else _user_cache()
    if folder is None:
        raise UnavailableError(
            "There is no home folder to keep data in; name a folder with --data or $PENNYWEIGHT_DATA."
        )
    return folder


def _user_cache() -> Path | None:
    """Return the user's cache, None without a home, as where a container runs under a number of no user."""
    try:
        return platformdirs.user_cache_path("pennyweight")
    except RuntimeError:
        return None


def located(file: SourceFile, home: Path) -> Path | None:
    """Return where `file` lies in `home` under one of its accepted names, the published one first, or None."""
    for spelling in file.spellings():
        try:
            os.stat(home / spelling)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise UnavailableError(
                    f"Cannot look into {home}: {error.strerror}. "
                    "Make it readable, or name another folder with --data or PENNYWEIGHT_DATA."
                ) from error
        else:
            return home / spelling
    return None


def missing(source: Source, home: Path) -> list[SourceFile]:
    """Return those of the four files that are not in `home` under any accepted name."""
    return [file for file in source.files if located(file, home) is None]


def paths(source: Source, home: Path) -> list[Path]:
    """Return where the four files lie in `home`, in the order of `source.files`, one not there as published."""
    return [located(file, home) or home / file.name for file in source.files]


def fetch_source(
    source: Source, folder: Path, report: Callable[[str], None], patience: Timeouts = _PATIENCE, stop: Stop = never
) -> list[Path]:
    """Download what is missing of a dataset into `folder/NAME`; returns the paths of its four files.

    `report` receives short lines of progress. Raises UnavailableError when there is no network, no mirror gives the
    right bytes, or the folder refuses, Interrupted when `stop` says so.
    """
    home = folder / source.name
    is_new = not home.exists()
    if wanted := missing(source, home):
        report(f"{home} lacks {', '.join(file.name for file in wanted)}.")
        doing = f"downloading into {home}"
        with file_lock(home / LOCK_NAME, report, patience.lock_seconds, doing=doing, stop=stop):
            try:
                _download_missing(source, home, report, patience, stop)
            except (UnavailableError, Interrupted):
                _leave_nothing(home, is_new)
                raise
    return paths(source, home)


def require_folder(source: Source, folder: Path) -> None:
    """Raise UnavailableError when files would be looked for one folder too deep, or below a folder that is not there.

    The user's cache is made when it is missing; a folder that somebody named is not.
    """
    if not folder.is_dir() and folder != _user_cache():
        raise UnavailableError(f"There is no folder {folder}; name the one that holds {source.name}/.")
    home = folder / source.name
    if not home.is_dir() and (picture := _picture_in(folder)):
        raise UnavailableError(
            f"{folder} holds pictures, as {picture}, and no {source.name}/. {OWN_IMAGES} Where {source.name} itself is "
            f"meant, make the folder {home}, and it is downloaded into that."
        )
    if not missing(source, folder):
        raise UnavailableError(
            f"{folder} holds the files themselves; name the folder above: --data {folder.absolute().parent}, "
            f"whose sub-folder is called {source.name}."
        )


def _picture_in(folder: Path) -> Path | None:
    """Return a picture in a folder or below it, as in `train/cats`; None where none is soon found."""
    entries = islice(chain(folder.glob("*"), folder.glob("*/*"), folder.glob("*/*/*")), MOST_ENTRIES)
    return next((one for one in entries if one.suffix.lower() in PICTURES), None)


def by_hand(source: Source, files: Sequence[SourceFile], home: Path) -> str:
    """Return the sentence that tells how to get the missing files without Pennyweight's help."""
    names = ", ".join(file.name for file in files)
    return (
        f"Get {names} from {' or '.join(source.mirrors)} by hand and put them into {home}, or name the folder "
        f"that holds {source.name}/ with --data or $PENNYWEIGHT_DATA; {_NEEDS_NO_DOWNLOAD}"
    )


def _download_missing(
    source: Source, home: Path, report: Callable[[str], None], patience: Timeouts, stop: Stop
) -> None:
    wanted = missing(source, home)  # Asked again: while this process waited, another may have fetched them.
    if not wanted:
        return
    _remove_leftovers(wanted, home)
    problems: list[str] = []
    reached = False
    for answer in answers(source.mirrors, wanted[0].name, patience.reach_seconds, stop):
        if answer.problem:
            problems.append(f"{_host(answer.mirror)}: {answer.problem}")
            continue
        reached = True
        wanted = _take(answer.mirror, wanted, home, report, patience, problems, stop)
        if not wanted:
            return
    what = "No mirror gave all files" if reached else "There is no network, or no mirror can be reached: no file"
    raise UnavailableError(
        f"{what} of dataset '{source.name}' ({'; '.join(problems)}). {by_hand(source, wanted, home)}"
    )


def _take(
    mirror: str,
    files: Sequence[SourceFile],
    home: Path,
    report: Callable[[str], None],
    patience: Timeouts,
    problems: list[str],
    stop: Stop,
) -> list[SourceFile]:
    """Put what this mirror gives of `wanted` into `home`; returns what is still wanted, adds to `problems`."""
    for file in files:
        report(f"Downloading {file.name} ({file.expected.size_bytes / 1e6:.1f} MB) from {mirror} to {home}")
        try:
            content = _download(mirror + file.name, file, report, patience, stop)
        except MirrorFailed as failure:
            problems.append(f"{_host(mirror)}, {file.name}: {failure}")
            report(f"  {_host(mirror)} failed: {failure}")
            if failure.is_down:
                break
        else:
            write_atomically(home / file.name, content)
    return [file for file in files if located(file, home) is None]


def _download(url: str, file: SourceFile, report: Callable[[str], None], patience: Timeouts, stop: Stop) -> bytes:
    """Return a file; a server may say nothing for long, and looking up its name may hang, so a thread waits for it."""
    return attend(lambda: download(url, file.expected, report, patience, stop), stop, f"downloading {file.name}")


def _remove_leftovers(files: Sequence[SourceFile], home: Path) -> None:
    """Delete what killed downloads of these files left; nothing else in the user's folder is touched."""
    for file in files:
        remove_temporaries(home, of=file.name)


def _leave_nothing(home: Path, is_new: bool) -> None:
    """Remove the lock of a download that failed, while it is held, and a folder that was made for it and is empty.

    A process that waits for it then locks a file without a name; the worst case is one download too many.
    """
    with suppress(OSError):
        (home / LOCK_NAME).unlink()
        if is_new:
            home.rmdir()


def _host(mirror: str) -> str:
    return urlsplit(mirror).netloc or mirror
