"""`manifest.json`: every exported file with its digest, and what the comparison with the original found."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pennyweight.base.errors import MismatchError, UnavailableError, UsageError
from pennyweight.base.exports import ChangedLabel, Export, ExportCheck, ExportedFile
from pennyweight.base.reading import read_unlinked
from pennyweight.base.values import make
from pennyweight.base.version import VERSION

MANIFEST = "manifest.json"
SCHEMA = 1
LARGEST_BYTES = 1 << 24
_FILE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.[a-z]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def manifest_text(exports: Sequence[Export]) -> str:
    """Return the manifest of `exports`, by prefix and format."""
    entries = [asdict(one) for one in sorted(exports, key=lambda one: (one.prefix, one.format))]
    stated = {"schema": SCHEMA, "pennyweight": VERSION, "exports": entries}
    return json.dumps(stated, indent=1, allow_nan=False) + "\n"


def held_exports(folder: Path) -> tuple[Export, ...]:
    """Return what the manifest in a folder lists; nothing where there is none.

    Raises UnavailableError where it cannot be read, MismatchError where it is none, is of another schema, or has an
    entry that no export writes.
    """
    path = folder / MANIFEST
    elsewhere = "move it away, or name another folder with --out."
    try:
        held = json.loads(read_unlinked(path, LARGEST_BYTES))
        json.dumps(held, allow_nan=False)  # it is written again, and JSON has neither infinity nor NaN
        schema = held["schema"]
        if isinstance(schema, int) and schema != SCHEMA:
            raise MismatchError(f"{path} has schema {schema}, this version writes {SCHEMA}; {elsewhere}")
        return tuple(map(_export, _list(held["exports"])))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError, UsageError) as error:
        reason = f" ({str(error).rstrip('.')})" if isinstance(error, UsageError) else ""
        raise MismatchError(f"{path} is no manifest of exports{reason}; {elsewhere}") from error


def _export(entry: Mapping[str, Any]) -> Export:
    """Return an entry as it was written; raises UsageError, KeyError or TypeError for what no export writes."""
    check = entry["check"]
    export = make(
        Export,
        {
            **entry,
            "files": tuple(make(ExportedFile, file) for file in _list(entry["files"])),
            "check": None if check is None else make(ExportCheck, {**check, "changed_labels": _changed(check)}),
        },
    )
    if not all(isinstance(fact, int | float | str) for fact in export.facts.values()):
        raise UsageError("an entry has facts that are neither numbers nor text.")
    for file in export.files:
        if not _FILE_NAME.fullmatch(file.name) or not _DIGEST.fullmatch(file.sha256):
            raise UsageError(f"{file.name[:80]!r} with digest {file.sha256[:80]!r} is no exported file.")
    return export


def _changed(check: Mapping[str, Any]) -> tuple[ChangedLabel, ...]:
    return tuple(make(ChangedLabel, label) for label in _list(check["changed_labels"]))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value
