"""Finding finished runs: a run folder, a folder of them, or records alone."""

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path

from pennyweight.base.errors import UnavailableError
from pennyweight.base.reading import read_regular
from pennyweight.base.record_text import run_record_from_json
from pennyweight.base.records import RunRecord
from pennyweight.runs.folder import LARGEST_RECORD_BYTES, RECIPE, RECORD, SET_ASIDE, read_record
from pennyweight.runs.model import read_recipe
from pennyweight.settings.keys import LAYERS_CHANGED, layers_changed

_RECORD_FILE = re.compile(r"seed-\d+\.json")


def records_in(path: Path) -> list[RunRecord]:
    """Return the records of all finished runs at or below `path`, by seed; see find_runs.

    Raises UnavailableError when there is none, MismatchError when one is damaged.
    """
    found = [_record_in(one) if os.path.lexists(one / RECORD) else read_record_file(one) for one in find_runs(path)]
    return sorted(found, key=lambda record: record.seed)


def _record_in(folder: Path) -> RunRecord:
    """Return the record of a run folder; where version 0.1 wrote that layers were changed, it says which they are."""
    record = read_record(folder)
    if LAYERS_CHANGED not in record.changes:
        return record
    layers = layers_changed(read_recipe(folder))
    return replace(record, changes=tuple(layers if text == LAYERS_CHANGED else text for text in record.changes))


def find_runs(path: Path) -> list[Path]:
    """Return every finished run at or below `path` in the order of its numbers: run folders, and record files alone.

    Folders that --again moved aside are passed over. Raises UnavailableError when there is none.
    """
    if not path.exists():
        raise UnavailableError(f"There is no run folder {path}; 'pennyweight train' prints where a run is kept.")
    if not path.is_dir() or os.path.lexists(path / RECORD):
        return [path]
    found: list[Path] = []
    for folder, folders, files in os.walk(path, onerror=_refuse_unreadable):
        names = [name for name in (*folders, *files) if not name.startswith((SET_ASIDE, "."))]
        if RECORD in names:
            found.append(Path(folder))
            folders.clear()
        else:
            found += [Path(folder, name) for name in names if _is_run(Path(folder, name), path)]
            folders[:] = [name for name in folders if name in names and Path(folder, name) not in found]
    if not found:
        refuse_unfinished(path)
        raise UnavailableError(
            f"{path} holds no finished run: a run folder, as runs/NAME/seed-0, holds a record once its training is "
            "complete. Name one, or a folder of them."
        )
    return sorted(found, key=_by_numbers)


def refuse_unfinished(path: Path) -> None:
    """Raise UnavailableError where a run at or below `path` has begun; whoever calls this found no complete one."""
    begun = unfinished_below(path)
    if begun:
        raise UnavailableError(
            f"{path} holds no finished run: the one in {begun[0]} has no {RECORD}, so it is not complete. The command "
            "that began it goes on with it, unless it still runs; "
            f"'pennyweight report {shlex.quote(str(begun[0]))}' shows how far it is."
        )


def unfinished_below(path: Path) -> list[Path]:
    """Return the folders at or below `path` in which a run has begun and is not complete, by name."""
    found = []
    for folder, folders, files in os.walk(path):
        complete = RECORD in (*files, *folders)
        folders[:] = sorted(name for name in folders if not name.startswith((SET_ASIDE, ".")))
        if RECIPE in files and not complete:
            found.append(Path(folder))
            folders.clear()
    return found


def _is_run(path: Path, top: Path) -> bool:
    """Return whether it has the name of a record, or is a link to a run folder that is not below `top` anyway."""
    if _RECORD_FILE.fullmatch(path.name):
        return True
    linked = path.is_symlink() and os.path.lexists(path / RECORD)
    return linked and not path.resolve().is_relative_to(top.resolve())


def is_seed_of_a_folder(path: Path, seed: int) -> bool:
    """Return whether a run has the name of one of several seeds, as folder or as record alone: `seed-3`."""
    return path.name in (f"seed-{seed}", f"seed-{seed}.json")


def _refuse_unreadable(error: OSError) -> None:
    raise UnavailableError(f"Cannot read {error.filename}: {error.strerror}.") from error


def _by_numbers(path: Path) -> list[tuple[str, int]]:
    parts = re.findall(r"(\D*)(\d*)", str(path))
    return [(words, int(digits or 0)) for words, digits in parts]


def read_record_file(path: Path) -> RunRecord:
    """Read a record that lies alone; raises UnavailableError when it cannot be read, MismatchError when damaged."""
    try:
        text = read_regular(path, LARGEST_RECORD_BYTES).decode(errors="replace")
    except OSError as error:
        raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
    return run_record_from_json(text, str(path))


def run_key(record: RunRecord) -> tuple[object, ...]:
    """Return what runs agree on that differ in their seed alone, as far as a record tells."""
    data = record.dataset, record.provenance.dataset_digest
    epochs = record.planned_epochs or len(record.epochs)
    return record.recipe, record.changes, data, record.params, epochs, record.val_images, record.initial_sha256
