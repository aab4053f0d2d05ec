"""Records as a tree: DATASET/ENGINE/RECIPE+changes/seed-N.json, in a folder or in the one file the package brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import median

from pennyweight.base.errors import UnavailableError
from pennyweight.base.reading import read_regular
from pennyweight.base.record_text import run_record_from_json
from pennyweight.base.records import RunRecord
from pennyweight.data.sources import content_name
from pennyweight.runs.folder import LARGEST_RECORD_BYTES

CHOICES = "choices"
"""The branch of candidates tried on held-out images: CHOICES/RECIPE/CANDIDATE/seed-N.json."""


@dataclass(frozen=True)
class RecordTree:
    """The texts of records by where they lie below `root`; a text is read into a record when it is asked for."""

    root: str
    texts: Mapping[PurePosixPath, str]

    def folders(self) -> list[PurePosixPath]:
        """Return the folders that hold runs, DATASET/ENGINE/RECIPE+changes, by name; candidates of choices are none."""
        return sorted({path.parent for path in self.texts if path.parts[0] != CHOICES})

    def records(self, folder: PurePosixPath) -> list[RunRecord]:
        """Return the records in a folder, by seed; raises MismatchError when one is damaged."""
        found = [
            run_record_from_json(text, f"{self.root}/{path}")
            for path, text in self.texts.items()
            if path.parent == folder
        ]
        return sorted(found, key=lambda record: record.seed)


def read_tree(root: Path) -> RecordTree:
    """Read every record of a tree in a folder; raises UnavailableError without it, or when a file cannot be read."""
    if not root.is_dir():
        raise UnavailableError(f"There is no folder {root}; --records names one like the records/ of the checkout.")
    texts = dict[PurePosixPath, str]()
    for path in sorted(root.glob("*/*/*/seed-*.json")):
        try:
            text = read_regular(path, LARGEST_RECORD_BYTES).decode(errors="replace")
        except OSError as error:
            raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
        texts[PurePosixPath(path.relative_to(root).as_posix())] = text
    return RecordTree(str(root), texts)


def full_runs(tree: RecordTree, name: str, epochs: int, dataset: str = "mnist") -> list[RunRecord]:
    """Return the published runs of a recipe as it is, of the engine with the most seeds; none is an empty list.

    A run on other content than the published `dataset` is none of them, whatever its record calls it.
    """
    folders = [folder for folder in tree.folders() if (folder.parts[0], folder.name) == (dataset, name)]
    runs = [[one for one in tree.records(folder) if _is_full(one, name, epochs, dataset)] for folder in folders]
    return max(runs, key=len, default=[])


def core_seconds(records: Sequence[RunRecord]) -> float:
    """Return how long one core is busy with one run, as the median of such runs: seconds times threads."""
    return median(one.provenance.threads * sum(row.seconds for row in one.epochs) for one in records)


def readings_tried(tree: RecordTree, name: str) -> int:
    """Return how many readings of what a recipe's document leaves open were trained: its own, or all candidates."""
    tried = {path.parent for path in tree.texts if path.parts[:2] == (CHOICES, name)}
    return max(1, len(tried))


def select(
    tree: RecordTree, *, recipe: str | None = None, dataset: str | None = None, engine: str | None = None
) -> list[RunRecord]:
    """Return the records of a tree in the order of their folders and seeds; `recipe` is a name with its changes."""
    wanted = dataset, engine, recipe
    return [record for folder in tree.folders() if _matches(folder.parts, wanted) for record in tree.records(folder)]


def _matches(parts: Sequence[str], wanted: Sequence[str | None]) -> bool:
    return all(word is None or word == part for part, word in zip(parts, wanted, strict=True))


def _is_full(record: RunRecord, name: str, epochs: int, dataset: str) -> bool:
    content = content_name(record.dataset, record.provenance.dataset_digest)
    plain = record.changes == () and not record.initial_sha256
    return plain and (record.recipe, len(record.epochs), content) == (name, epochs, dataset)
