"""A run's folder: its name, its lock, and the files rewritten from the newest checkpoint."""

import csv
import errno
import fcntl
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

from pennyweight.base.errors import UnavailableError
from pennyweight.base.files import open_lock, write_atomically, write_error
from pennyweight.base.reading import NotAFile, read_unlinked
from pennyweight.base.record_text import run_record_from_json, to_json
from pennyweight.base.records import EpochRow, RunRecord
from pennyweight.base.stop import Stop, heed, never

LONGEST_NAME = 200
PATIENCE_SECONDS, COMPLETE_PATIENCE_SECONDS, POLL_SECONDS = 1.0, 30.0, 0.02
"""A run that has its record is only looked at, so whoever holds its lock is soon gone, if on a busy machine."""
RECORD, RECIPE, METRICS, WEIGHTS = "record.json", "recipe.toml", "metrics.csv", "weights.safetensors"
LOCK = ".lock"
SET_ASIDE = "old-"
"""How the names of folders begin that --again moved aside."""
LARGEST_RECORD_BYTES = 1 << 26
"""More than the most epochs a recipe may have and every image of a test set wrong take."""

METRIC_COLUMNS = tuple(field.name for field in fields(EpochRow) if field.name != "val_correct")
"""The columns of metrics.csv, in order."""


def default_folder(root: Path, name: str, changes: Sequence[str], seed: int) -> Path:
    """Return the folder that follows from what differs: `runs/NAME+key=value/seed-0`; a long name ends in a digest."""
    readable = "+".join([name, *changes]).replace("/", "_")
    if len(readable.encode()) > LONGEST_NAME:
        readable = f"{name}+{sha256(readable.encode()).hexdigest()[:16]}"
    return seed_folder(root / readable, seed)


def seed_folder(folder: Path, seed: int) -> Path:
    """Return where one of several seeds is kept in `folder`."""
    return folder / f"seed-{seed}"


@contextmanager
def run_lock(folder: Path, stop: Stop = never) -> Iterator[None]:
    """Hold the kernel's lock on `folder` while the block runs; a killed holder leaves nothing behind.

    A complete run's lock file is not written to. Raises UnavailableError when another process holds the lock, when
    the folder cannot be made or written, or when `.lock` is a link: nothing is followed out of a run folder.
    Raises Interrupted when `stop` says so while it waits.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(path, stop)
    except OSError as error:
        raise write_error(path, 0, error) from error
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path, stop: Stop) -> int:
    """Return a descriptor of `path` with the kernel's lock on it.

    Waits a moment before it refuses, longer where the run is complete: whoever only looks at it is gone by then.
    """
    complete = (path.parent / RECORD).exists()
    until = monotonic() + (COMPLETE_PATIENCE_SECONDS if complete else PATIENCE_SECONDS)
    while True:
        descriptor = open_lock(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, descriptor):
                _sign(path, descriptor)
                return descriptor
        except BlockingIOError as error:
            if monotonic() > until:
                holder = os.read(descriptor, 200).decode(errors="replace").strip()
                os.close(descriptor)
                # a complete run's lock still carries the name of who completed it
                known = holder if holder and not (path.parent / RECORD).exists() else "unknown"
                raise UnavailableError(
                    f"Another process works in {path.parent} ({known}); wait for it, or use another --out."
                ) from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        heed(stop, f"another process worked in {path.parent}")
        sleep(POLL_SECONDS)


def _is_still(path: Path, descriptor: int) -> bool:
    """Return whether the locked file is the one at `path`: another process may have moved the folder aside."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return False


def _sign(path: Path, descriptor: int) -> None:
    """Write who holds the lock of an unfinished run; raises OSError where that would change another file."""
    if not (path.parent / RECORD).exists():
        if os.fstat(descriptor).st_nlink > 1:
            raise NotAFile(errno.EMLINK, "it is a hard link, and what it is another name of would be overwritten")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode(), 0)


def set_aside(folder: Path, stop: Stop = never) -> Path | None:
    """Move an existing run folder to `old-1-NAME`, `old-2-NAME`, ...; return where it went, None when it held nothing.

    The name no longer starts as the run's does, so that `judge` does not find it.
    Raises UnavailableError when another process works in it, or when it cannot be moved.
    """
    if not folder.exists():
        return None
    with run_lock(folder, stop):
        if os.listdir(folder) == [LOCK]:  # as of a process that is about to begin
            return None
        number = 1
        while (target := folder.with_name(f"{SET_ASIDE}{number}-{folder.name}")).exists():
            number += 1
        try:
            folder.rename(target)
        except OSError as error:
            raise write_error(target, 0, error) from error
    return target


def metrics_text(history: Sequence[EpochRow]) -> str:
    """Return `metrics.csv`: one line an epoch, empty where nothing was measured."""
    text = io.StringIO()
    writer = csv.DictWriter(text, METRIC_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in history)
    return text.getvalue()


def write_metrics(folder: Path, history: Sequence[EpochRow]) -> None:
    """Write `metrics.csv`."""
    write_atomically(folder / METRICS, metrics_text(history).encode())


def metrics_agree(folder: Path, history: Sequence[EpochRow]) -> bool:
    """Return whether `metrics.csv` is of these epochs, in the columns it has: earlier versions wrote fewer.

    Raises UnavailableError when it cannot be read.
    """
    path = folder / METRICS
    try:
        written = list(csv.DictReader(read_unlinked(path, LARGEST_RECORD_BYTES).decode(errors="replace").splitlines()))
    except (FileNotFoundError, csv.Error):
        return False
    except OSError as error:
        raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
    found = csv.DictReader(metrics_text(history).splitlines())
    return bool(written) and written == [{name: row.get(name) for name in written[0]} for row in found]


def write_record(folder: Path, record: RunRecord) -> None:
    """Write `record.json`; its folder is left out, so that a run can be moved."""
    write_atomically(folder / RECORD, to_json(record).encode())


def read_record(folder: Path) -> RunRecord:
    """Read the record of a finished run; raises UnavailableError when there is none, MismatchError when damaged."""
    path = folder / RECORD
    try:
        text = read_unlinked(path, LARGEST_RECORD_BYTES).decode(errors="replace")
    except OSError as error:
        raise UnavailableError(
            f"Cannot read {path}: {error.strerror}. "
            "A run folder, as runs/NAME/seed-0, holds a record once its training is complete."
        ) from error
    return run_record_from_json(text, str(path))
