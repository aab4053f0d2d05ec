"""Files for elsewhere: pages and exports."""

from collections.abc import Sequence
from pathlib import Path

from pennyweight.api.datasets import dataset_of
from pennyweight.api.targets import run_folder
from pennyweight.base.errors import unknown_name_error
from pennyweight.base.values import coerce
from pennyweight.data.dataset import Dataset
from pennyweight.pages.keeper import require_packages
from pennyweight.pages.written import WrittenPage
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import is_published
from pennyweight.settings.recipe import Recipe
from pennyweight.shipping.c_text import c_name, check_prefix
from pennyweight.shipping.export import ALL as ALL_FORMATS
from pennyweight.shipping.export import Exported, chosen_formats
from pennyweight.shipping.export import export as write_exports
from pennyweight.shipping.formats import FORMATS
from pennyweight.shipping.subject import Subject

FIGURE_KINDS = ("png", "svg")


def report(
    *targets: str | Path | Recipe,
    out: str | Path | None = None,
    data: str | Path | None = None,
    figures: str | None = None,
) -> WrittenPage:
    """Write a page of documents, recipes, run folders or folders of runs, side by side, and say where.

    A document is its number or family, as `000` or `progressive`. Without `out` the page is `report.html` in the run
    folder, or in `runs/NAME`; beside it stands the same as Markdown, `STEP.md`, with its `figures` as `png` or `svg`
    files. Pictures of test images need the dataset, from `data`, $PENNYWEIGHT_DATA or the cache; nothing is downloaded.
    Raises UsageError or UnavailableError for what names nothing, and UnavailableError without matplotlib.

    >>> pw.report("progressive-3", out="page.html").markdown
    'page.md'
    """
    require_packages()
    from pennyweight.pages.write import write_page  # which loads matplotlib

    for target in targets:
        coerce("A target", target, str | Path | Recipe)
    if figures not in (None, *FIGURE_KINDS):
        raise unknown_name_error("kind of figure", str(figures), FIGURE_KINDS)
    return write_page(targets, None if out is None else Path(out), None if data is None else Path(data), figures)


def export_formats() -> list[dict[str, str]]:
    """Return the formats of `export`: name, what is written, what runs it, and what judges it."""
    return [{"name": one.name, "content": one.content, "needs": one.needs, "judge": one.judge} for one in FORMATS]


def export(
    run: str | Path,
    *,
    to: str | Sequence[str] = ALL_FORMATS,
    out: str | Path | None = None,
    prefix: str | None = None,
    checked: bool = True,
    dataset: str | Dataset | None = None,
    data: str | Path | None = None,
) -> Exported:
    """Write a trained network in the formats `to` into a folder, each once it agrees with the original.

    `run` is a run folder, or a recipe's name for its published run; `out` is by default `export` in that folder, of a
    published run `export/NAME`. Every format is compared on all test images of `dataset`, by default the one of the
    run's record. Raises MismatchError where one does not agree, UnavailableError where what judges it or the dataset is
    missing, UsageError where a file would replace one that is not its own; then nothing is written. `checked=False`
    goes without a judge, and in float without the dataset.

    >>> exported = pw.export("progressive-1", to="c", checked=False)
    >>> [file.name for file in exported.exports[0].files], exported.exports[0].status
    (['progressive_1.h', 'progressive_1.c'], 'not checked')
    """
    formats = chosen_formats([to] if isinstance(to, str) else to)
    folder = run_folder(run)
    model = load_trained(folder)
    home = Path("export") / model.record.recipe if is_published(folder) else folder / "export"
    is_needed = checked or dataset is not None or any(one.reads_images for one in formats)
    images = dataset_of(model.record, dataset, data, "export") if is_needed else None
    name = c_name(model.record.recipe) if prefix is None else prefix
    check_prefix(name)
    subject = Subject(model, images)
    target = Path(out) if out else home
    return Exported(target, write_exports(subject, formats, target, name, checked=checked))
