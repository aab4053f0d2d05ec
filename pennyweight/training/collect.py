"""Finding finished runs: a run folder, a folder of them, or published records."""

from pathlib import Path

from pennyweight.base.errors import EnvironmentRefused
from pennyweight.base.records import RunRecord, run_record_from_json
from pennyweight.training.folder import RECORD, read_record


def records_in(path: Path) -> list[RunRecord]:
    """Return the records at `path` by seed: of a run folder, a record file, or a folder of `seed-*` of either kind.

    Raises EnvironmentRefused when there is none, MismatchError when one is damaged.
    """
    if path.is_file():
        return [_read_file(path)]
    if (path / RECORD).exists():
        return [read_record(path)]
    folders = [read_record(found.parent) for found in path.glob(f"seed-*/{RECORD}")]
    files = [_read_file(found) for found in path.glob("seed-*.json")]
    if not folders + files:
        raise EnvironmentRefused(
            f"{path} holds no finished run. Name a run folder, as runs/NAME/seed-0, or a folder of them."
        )
    return sorted(folders + files, key=lambda record: record.seed)


def run_folders(path: Path) -> list[Path]:
    """Return the run folder at `path`, or the finished ones `seed-*` in it by seed."""
    inside = [found.parent for found in path.glob(f"seed-*/{RECORD}")]
    return sorted(inside, key=lambda folder: (len(folder.name), folder.name)) or [path]


def _read_file(path: Path) -> RunRecord:
    try:
        return run_record_from_json(path.read_text(encoding="utf-8", errors="replace"), str(path))
    except OSError as error:
        raise EnvironmentRefused(f"Cannot read {path}: {error.strerror}.") from error


def published_records() -> Path:
    """Return where this checkout keeps the records behind its published figures; an installed package has none."""
    return Path(__file__).parents[2] / "records"


def same_run(record: RunRecord) -> tuple[object, ...]:
    """Return what runs agree on that differ in their seed alone, as far as a record tells."""
    return record.recipe, record.changes, record.dataset, record.params, len(record.epochs), record.val_images


def full_runs(records: Path, name: str, epochs: int, dataset: str = "mnist") -> list[RunRecord]:
    """Return the published runs of a recipe as it is, of the engine with the most seeds; none is an empty list."""
    engines = [folder / name for folder in sorted(records.glob(f"{dataset}/*")) if (folder / name).is_dir()]
    runs = [[one for one in records_in(folder) if _is_full(one, name, epochs)] for folder in engines]
    return max(runs, key=len, default=[])


def _is_full(record: RunRecord, name: str, epochs: int) -> bool:
    return record.recipe == name and not record.changes and len(record.epochs) == epochs
