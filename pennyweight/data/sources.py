"""Getting the files of a named dataset: where they lie, and downloading what is missing."""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from pennyweight.base.errors import EnvironmentRefused, unknown
from pennyweight.base.files import TEMPORARY_SUFFIX, write_atomically
from pennyweight.data.catalogue import EMBEDDED, NAMES, SOURCES, Source, SourceFile
from pennyweight.data.download import MirrorFailed, Patience, answers, download
from pennyweight.data.lock import locked

LOCK_NAME = ".download.lock"
_PATIENCE = Patience()
_NEEDS_NO_DOWNLOAD = f"`--dataset {EMBEDDED}` needs no download."


def data_folder(explicit: Path | None) -> Path:
    """Return the folder that holds the datasets: `explicit`, else $PENNYWEIGHT_DATA, else the user's cache."""
    if explicit is not None:
        return Path(os.path.expanduser(explicit))
    named = os.environ.get("PENNYWEIGHT_DATA", "")
    return Path(os.path.expanduser(named)) if named else platformdirs.user_cache_path("pennyweight")


def located(file: SourceFile, home: Path) -> Path | None:
    """Return where `file` lies in `home` under one of its accepted names, the published one first, or None."""
    for spelling in file.spellings():
        try:
            os.stat(home / spelling)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise EnvironmentRefused(
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


def fetch(name: str, folder: Path, report: Callable[[str], None]) -> list[Path]:
    """Download what is missing of dataset `name` into `folder/name`; returns the paths of its four files.

    `report` receives short lines of progress. Raises UsageError for an unknown name and EnvironmentRefused when
    there is no network, no mirror gives the right bytes, or the folder refuses. The embedded digits have no files.
    """
    if name == EMBEDDED:
        report(f"{EMBEDDED} is part of Pennyweight; there is nothing to download.")
        return []
    if name not in SOURCES:
        raise unknown("dataset", name, NAMES)
    return fetch_source(SOURCES[name], folder, report)


def fetch_source(
    source: Source, folder: Path, report: Callable[[str], None], patience: Patience = _PATIENCE
) -> list[Path]:
    """Do what `fetch` does, for a source and with waiting times of the caller's choice."""
    home = folder / source.name
    if wanted := missing(source, home):
        report(f"{home} lacks {', '.join(file.name for file in wanted)}.")
        with locked(home / LOCK_NAME, report, patience.lock_seconds):
            _download_missing(source, home, report, patience)
    return paths(source, home)


def require_folder(source: Source, folder: Path) -> None:
    """Raise EnvironmentRefused when files would be looked for one folder too deep, or below a folder that is not there.

    The user's cache is made when it is missing; a folder that somebody named is not.
    """
    if not folder.is_dir() and folder != platformdirs.user_cache_path("pennyweight"):
        raise EnvironmentRefused(f"There is no folder {folder}; name the one that holds {source.name}/.")
    if not missing(source, folder):
        raise EnvironmentRefused(
            f"{folder} holds the files themselves; name the folder above: --data {folder.absolute().parent}, "
            f"whose sub-folder is called {source.name}."
        )


def by_hand(source: Source, wanted: Sequence[SourceFile], home: Path) -> str:
    """Return the sentence that tells how to get the missing files without Pennyweight's help."""
    names = ", ".join(file.name for file in wanted)
    return (
        f"Get {names} from {' or '.join(source.mirrors)} by hand and put them into {home}, or name the folder "
        f"that holds {source.name}/ with --data or $PENNYWEIGHT_DATA; {_NEEDS_NO_DOWNLOAD}"
    )


def _download_missing(source: Source, home: Path, report: Callable[[str], None], patience: Patience) -> None:
    wanted = missing(source, home)  # Asked again: while this process waited, another may have fetched them.
    if not wanted:
        return
    _remove_leftovers(wanted, home)
    problems: list[str] = []
    reached = False
    for answer in answers(source.mirrors, wanted[0].name, patience.reach_seconds):
        if answer.problem:
            problems.append(f"{_host(answer.mirror)}: {answer.problem}")
            continue
        reached = True
        wanted = _take(answer.mirror, wanted, home, report, patience, problems)
        if not wanted:
            return
    what = "No mirror gave all files" if reached else "There is no network, or no mirror can be reached: no file"
    raise EnvironmentRefused(
        f"{what} of dataset '{source.name}' ({'; '.join(problems)}). {by_hand(source, wanted, home)}"
    )


def _take(
    mirror: str,
    wanted: Sequence[SourceFile],
    home: Path,
    report: Callable[[str], None],
    patience: Patience,
    problems: list[str],
) -> list[SourceFile]:
    """Put what this mirror gives of `wanted` into `home`; returns what is still wanted, adds to `problems`."""
    for file in wanted:
        report(f"Downloading {file.name} ({file.expected.size_bytes / 1e6:.1f} MB) from {mirror} to {home}")
        try:
            content = download(mirror + file.name, file.expected, report, patience)
        except MirrorFailed as failure:
            problems.append(f"{_host(mirror)}, {file.name}: {failure}")
            report(f"  {_host(mirror)} failed: {failure}")
            if failure.is_down:
                break
        else:
            write_atomically(home / file.name, content)
    return [file for file in wanted if located(file, home) is None]


def _remove_leftovers(wanted: Sequence[SourceFile], home: Path) -> None:
    """Delete what killed downloads of these files left; nothing else in the user's folder is touched."""
    for file in wanted:
        for leftover in home.glob(f"{file.name}.*{TEMPORARY_SUFFIX}"):
            with suppress(OSError):  # Only tidying; a folder that refuses says so when the file is written.
                leftover.unlink()


def _host(mirror: str) -> str:
    return urlsplit(mirror).netloc or mirror
