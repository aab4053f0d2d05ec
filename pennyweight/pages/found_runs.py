"""The runs below a folder, finished or not, with their recipes; those of one recipe are brought together."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pennyweight.base.errors import PennyweightError, UnavailableError, UsageError
from pennyweight.base.records import RunRecord, name_of
from pennyweight.judging.verdict import Problem
from pennyweight.pages.ongoing import read_ongoing
from pennyweight.recipes.catalogue import published
from pennyweight.recipes.origins import settled
from pennyweight.runs.find import find_runs, is_seed_of_a_folder, records_in, run_key, unfinished_below
from pennyweight.runs.model import read_recipe
from pennyweight.settings.keys import change
from pennyweight.settings.recipe import Recipe


@dataclass(frozen=True, eq=False)
class FoundRun:
    """A run in a folder, or a record that lies alone: its record and its recipe."""

    path: Path
    record: RunRecord
    recipe: Recipe
    finished: bool = True


def runs_below(path: Path) -> tuple[list[FoundRun], list[Problem]]:
    """Return every run at or below `path`, complete or not, and why others cannot be read.

    Raises UnavailableError where there is none, and the error of the only one that there is.
    """
    runs, problems = list[FoundRun](), list[Problem]()
    ongoing = unfinished_below(path)
    for one in [*_finished_below(path, bool(ongoing)), *ongoing]:
        try:
            runs.append(_ongoing(one) if one in ongoing else _read(one))
        except PennyweightError as error:
            if one == path:
                raise
            problems.append(Problem(str(one), str(error), error.exit_code))
    if not runs:
        raise UnavailableError(f"None of the {len(problems)} runs below {path} can be read. {problems[0].message}")
    return runs, problems


def _finished_below(path: Path, others: bool) -> list[Path]:
    """Return the complete runs at or below `path`; where there are `others`, none is no mistake."""
    try:
        return find_runs(path)
    except UnavailableError:
        if others:
            return []
        raise


def _ongoing(path: Path) -> FoundRun:
    record, recipe = read_ongoing(path)
    return FoundRun(path, record, recipe, finished=False)


def grouped(runs: Sequence[FoundRun]) -> list[list[FoundRun]]:
    """Return runs `seed-0`, `seed-1` and so on of one folder that differ in their seed alone together, by their seed.

    A run under another name is somebody's submission and stands alone, whatever lies beside it.
    """
    groups: dict[object, list[FoundRun]] = {}
    for one in runs:
        groups.setdefault((run_key(one.record), one.recipe.layers, _home(one)), []).append(one)
    return [sorted(group, key=lambda one: one.record.seed) for group in groups.values()]


def submission_name(group: Sequence[FoundRun], top: Path) -> str:
    """Return by what name below `top` runs of one group are told from others; empty where the recipe alone says it."""
    first, home = group[0], Path(os.path.abspath(_home(group[0])))
    parts = home.relative_to(top).parts if home.is_relative_to(top) else ()
    return "/".join(part for part in parts if part not in (first.recipe.name, name_of(first.record)))


def _home(one: FoundRun) -> Path:
    """Return the folder that a run is known by: that of its seeds, and of a submission its own."""
    return one.path.parent if is_seed_of_a_folder(one.path, one.record.seed) else one.path


def _read(path: Path) -> FoundRun:
    (record,) = records_in(path)
    return FoundRun(path, record, settled(read_recipe(path)) if path.is_dir() else _recipe_of(record, path))


def _recipe_of(record: RunRecord, path: Path) -> Recipe:
    """Return the recipe of a record that lies alone; raises UsageError where it does not tell."""
    base = published(record.recipe)
    if base is None or any(text.startswith(("layers=", "budgets=")) for text in record.changes):
        raise UsageError(f"{path} is the record of '{record.recipe}' alone, without its recipe; name its run folder.")
    return settled(change(base, record.changes), base)
