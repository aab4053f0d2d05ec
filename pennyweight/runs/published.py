"""What the package brings: the records behind its published figures, and a trained run of every small recipe.

`published/records.tar.gz` is the tree of the checkout's `records/`, `published/training_seconds.json` its file of that
name. `published/NAME/` is the run folder of one seed
without its checkpoints. `tools/pack_published.py` writes both.
"""

import gzip
import json
import tarfile
import zlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path, PurePosixPath

from pennyweight.base.errors import UnavailableError
from pennyweight.base.version import VERSION
from pennyweight.runs.folder import RECIPE, RECORD, WEIGHTS
from pennyweight.runs.record_tree import RecordTree

PUBLISHED = Path(__file__).parents[1] / "published"
RECORDS = "records.tar.gz"
TIMES = "training_seconds.json"
RUN_FILES = (RECIPE, RECORD, WEIGHTS)
"""What it brings of a run."""
WORDS = f"published with pennyweight {VERSION}"
"""Where records and weights are from that the package brings, as nothing of a user's says of itself."""


@dataclass(frozen=True, kw_only=True)
class TrainingTime:
    """How long a whole training of a published recipe takes, measured apart from its runs with nothing else running."""

    seconds: float
    where: str
    """The day, the machine and the compiler."""


@cache
def published_times() -> dict[str, TrainingTime]:
    """Return how long the published recipes train, by name; raises UnavailableError when the file is damaged."""
    try:
        measured = json.loads((PUBLISHED / TIMES).read_text(encoding="utf-8"))
        return {
            str(name): TrainingTime(seconds=float(seconds), where=str(measured["where"]))
            for name, seconds in measured["seconds"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnavailableError(
            f"The embedded file pennyweight/published/{TIMES} is damaged: {error}. Install again."
        ) from error


@cache
def published_tree() -> RecordTree:
    """Return the published records; raises UnavailableError when their file is missing or damaged."""
    path = PUBLISHED / RECORDS
    try:
        with tarfile.open(fileobj=BytesIO(gzip.decompress(path.read_bytes()))) as archive:
            texts = {
                PurePosixPath(member.name): content.read().decode()
                for member in archive
                if (content := archive.extractfile(member)) is not None
            }
    except (OSError, EOFError, tarfile.TarError, zlib.error, UnicodeDecodeError) as error:
        raise UnavailableError(
            f"The embedded file pennyweight/published/{RECORDS} is damaged: {error}. Install again."
        ) from error
    return RecordTree(RECORDS, texts)


def published_run_names() -> list[str]:
    """Return the recipes whose weights the package brings, by name."""
    return sorted(path.parent.name for path in PUBLISHED.glob(f"*/{RECORD}"))


def published_run(name: str) -> Path:
    """Return the folder of a recipe's published run; raises UnavailableError for a recipe that has none."""
    known = published_run_names()
    if name not in known:
        raise UnavailableError(
            f"The package brings no weights of '{name}', which 'pennyweight train {name}' trains; it brings those of "
            f"{', '.join(known)}."
        )
    return PUBLISHED / name


def is_published(folder: Path) -> bool:
    """Return whether a run folder is one that the package brings."""
    return folder.parent == PUBLISHED
