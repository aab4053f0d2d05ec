"""Whether an export has its place in a folder: beside other exports, and over nothing that is not its own."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from pennyweight.base.errors import UsageError
from pennyweight.base.exports import Export
from pennyweight.base.reading import read_unlinked

LARGEST_BYTES = 1 << 30


def require_place(
    folder: Path, files: Mapping[str, bytes], replaced: Sequence[Export], others: Sequence[Export]
) -> None:
    """Raise UsageError where a file of an export would replace one that is not its own.

    Its own are those that `replaced` wrote, what the manifest lists of the same prefix and format, with the digest that
    they still have, and files of the same content. `others` are what else the manifest lists: no two names may
    differ in case alone, for include guards do not, nor names on some file systems.
    """
    for other in others:
        taken = {file.name.casefold(): file.name for file in other.files}
        for name in files:
            if held := taken.get(name.casefold()):
                raise UsageError(
                    f"{name} would collide with {folder / held}, written by the export of '{other.prefix}' as "
                    f"{other.format}; choose another --prefix or --out. Nothing was written."
                )
    own = {file.name: file.sha256 for export in replaced for file in export.files}
    for name, content in files.items():
        if _digest(folder / name) not in (None, sha256(content).hexdigest(), own.get(name)):
            raise UsageError(
                f"{folder / name} is not as an export wrote it, and would be overwritten; move it away, or choose "
                "another --prefix or --out. Nothing was written."
            )


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file; None where there is nothing, and no digest for a link, a folder and the like."""
    try:
        return sha256(read_unlinked(path, LARGEST_BYTES)).hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return ""
