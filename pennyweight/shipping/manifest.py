"""`manifest.json`: every exported file with its digest, and what the comparison with the original found."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.base.exports import Export
from pennyweight.base.reading import read_unlinked
from pennyweight.base.version import VERSION

MANIFEST = "manifest.json"
SCHEMA = 1
LARGEST_BYTES = 1 << 24


def manifest_text(exports: Sequence[Export], others: Sequence[dict[str, Any]] = ()) -> str:
    """Return the manifest of `exports` and of `others`, which it held before, by prefix and format."""
    entries = sorted([*others, *map(asdict, exports)], key=lambda one: (one["prefix"], one["format"]))
    stated = {"schema": SCHEMA, "pennyweight": VERSION, "exports": entries}
    return json.dumps(stated, indent=1, allow_nan=False) + "\n"


def other_exports(folder: Path, exports: Sequence[Export]) -> list[dict[str, Any]]:
    """Return the entries of a folder's manifest that `exports` do not replace; none where there is no manifest.

    Raises UnavailableError where it cannot be read, MismatchError where it is none.
    """
    path = folder / MANIFEST
    try:
        held = json.loads(read_unlinked(path, LARGEST_BYTES))
        entries = [dict(entry) for entry in held["exports"]]
        replaced = {(export.prefix, export.format) for export in exports}
        return [entry for entry in entries if (str(entry["prefix"]), str(entry["format"])) not in replaced]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MismatchError(
            f"{path} is no manifest of exports; move it away, or name another folder with --out."
        ) from error
