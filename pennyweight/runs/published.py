"""What the package brings: the records behind its published figures, and a trained run of every small recipe.

`published/records.tar.gz` is the tree of the checkout's `records/`. `published/NAME/` is the run folder of one seed
without its checkpoints. `tools/pack_published.py` writes both.
"""

import gzip
import tarfile
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path, PurePosixPath

from pennyweight.base.errors import UnavailableError
from pennyweight.base.version import VERSION
from pennyweight.runs.folder import RECIPE, RECORD, WEIGHTS
from pennyweight.runs.record_tree import RecordTree

PUBLISHED = Path(__file__).parents[1] / "published"
RECORDS = "records.tar.gz"
RUN_FILES = (RECIPE, RECORD, WEIGHTS)
"""What it brings of a run."""
WORDS = f"published with pennyweight {VERSION}"
"""Where records and weights are from that the package brings, as nothing of a user's says of itself."""


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
