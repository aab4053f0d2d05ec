"""Whether a run, or a page, is what it states."""

from dataclasses import replace
from pathlib import Path

from pennyweight.api.datasets import dataset_of
from pennyweight.api.published import records
from pennyweight.api.targets import run_folder, run_path
from pennyweight.base.errors import PennyweightError, UsageError
from pennyweight.base.records import RunRecord
from pennyweight.data.dataset import Dataset
from pennyweight.judging.verify import Verification
from pennyweight.judging.verify import replay as replay_run
from pennyweight.judging.verify import verify as verify_folder
from pennyweight.pages.keeper import require_packages
from pennyweight.runs.find import records_in, run_key
from pennyweight.runs.folder import read_record
from pennyweight.runs.published import is_published
from pennyweight.training.loop import train as train_run
from pennyweight.training.observer import Silent

PAGE_SUFFIXES = (".html", ".htm")


def verify(
    folder: str | Path,
    *,
    dataset: str | Dataset | None = None,
    data: str | Path | None = None,
    replay: bool = False,
    run: str | Path | None = None,
) -> Verification:
    """Recompute what the record of a finished run states; `replay` retrains it as well.

    `folder` is a run folder, or a recipe's name for its published run. `dataset` is what the run was trained on, unless
    given the one that its record names, from the folder `data`. A replay under other conditions is compared with the
    seeds of the same recipe that lie beside the folder, or are published.

    A page that `report` wrote is rendered again from the evidence it carries; the pictures that need a run are computed
    again where `run` names its folder.

    >>> record = pw.train("progressive-1", dataset="digits", epochs=1)
    >>> pw.verify(record.folder, dataset=pw.dataset("digits")).agrees
    True
    """
    if is_page(folder):
        return _verify_page(Path(folder), run, dataset, data, replay)
    if run_path(folder).suffix == ".md":
        raise UsageError(f"{folder} is Markdown, which carries no evidence; verify the page beside it, an HTML file.")
    if run is not None:
        raise UsageError(f"{folder} is no page, and 'run' is what the pictures of a page are from.")
    folder = run_folder(folder)
    record = read_record(folder)
    images = dataset_of(record, dataset, data, "verify")
    verification = verify_folder(folder, images)
    if not replay:
        return verification
    check = replay_run(folder, images, lambda run: train_run(run, Silent()), _other_seeds(folder, record))
    return replace(verification, checks=(*verification.checks, check))


def is_page(target: str | Path) -> bool:
    """Return whether a path is that of a page, not of a run."""
    path = run_path(target)
    return path.suffix.lower() in PAGE_SUFFIXES and not path.is_dir()


def _verify_page(
    page: Path, run: str | Path | None, dataset: str | Dataset | None, data: str | Path | None, replay: bool
) -> Verification:
    require_packages()
    from pennyweight.pages.check import check_page, check_pictures  # which load matplotlib

    if replay:
        raise UsageError(f"{page} holds no weights to train again from; --replay takes the folder of a run.")
    verification = check_page(page)
    if run is None:
        return verification
    folder = run_folder(run)
    pictures = check_pictures(page, folder, dataset_of(read_record(folder), dataset, data, "verify"))
    return replace(verification, checks=(*verification.checks, *pictures))


def _other_seeds(folder: Path, record: RunRecord) -> list[RunRecord]:
    """Return runs beside `folder` that differ in their seed alone; none when what lies there cannot be read.

    Of a published run they are the published records.
    """
    try:
        if is_published(folder):
            beside = records(record.recipe, dataset=record.dataset, engine=record.engine)
        else:
            beside = records_in(folder.resolve().parent)
    except PennyweightError:
        return []
    alike = run_key(records_in(folder)[0])
    return [one for one in beside if one.seed != record.seed and run_key(one) == alike]
