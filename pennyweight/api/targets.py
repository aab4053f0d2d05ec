"""What a target names: a folder of runs, or a recipe whose published runs are meant."""

from contextlib import suppress
from pathlib import Path

from pennyweight.base.errors import UnavailableError, did_you_mean
from pennyweight.base.records import RunRecord
from pennyweight.base.values import coerce
from pennyweight.recipes import catalogue
from pennyweight.runs.find import find_runs, records_in, refuse_unfinished
from pennyweight.runs.folder import RECORD
from pennyweight.runs.published import published_run, published_tree
from pennyweight.runs.record_tree import full_runs
from pennyweight.settings.recipe import Recipe


def run_path(target: str | Path) -> Path:
    """Return a path; raises UsageError for what is none."""
    coerce("A run folder", target, str | Path)
    return Path(target)


def published_recipe(target: str | Path) -> Recipe | None:
    """Return the published recipe that `target` names; None for a path that exists, which comes first, and others.

    Raises UnavailableError for what is neither.
    """
    path, named = run_path(target), catalogue.published(str(target))
    if path.exists():
        return None
    if named is None:
        near = did_you_mean(path.name, catalogue.RECIPE_NAMES) if len(path.parts) == 1 else ""
        raise UnavailableError(f"There is no run folder {path}.{near} 'pennyweight train' prints where a run is kept.")
    return named


def run_folder(target: str | Path) -> Path:
    """Return a finished run's folder, or for a published recipe's name that of the run the package brings."""
    recipe = published_recipe(target)
    folder = published_run(recipe.name) if recipe else Path(target)
    if folder.is_dir() and not (folder / RECORD).exists():
        runs = list[Path]()
        with suppress(UnavailableError):
            runs = find_runs(folder)
        if runs:
            raise UnavailableError(f"{folder} holds runs and is none itself; name one of them, as {runs[0]}.")
        refuse_unfinished(folder)
    return folder


def records_at(target: str | Path) -> list[RunRecord]:
    """Return the records of a run folder or a folder of them, or the published ones of a recipe's name."""
    recipe = published_recipe(target)
    return published_records(recipe) if recipe else records_in(run_path(target))


def published_records(recipe: Recipe) -> list[RunRecord]:
    """Return the full runs of a recipe among the published records; raises UnavailableError where there is none."""
    runs = full_runs(published_tree(), recipe.name, recipe.epochs)
    if not runs:
        raise UnavailableError(
            f"There are no published records of {recipe.name}, and no path of that name; name a folder of runs."
        )
    return runs
