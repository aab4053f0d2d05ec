"""From what is named to the evidence of a page: published records, runs, and a look into one run of each step."""

import os
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pennyweight.base.errors import PennyweightError, UnavailableError, UsageError
from pennyweight.base.record_text import sealed
from pennyweight.base.records import RunRecord
from pennyweight.data.dataset import Dataset, load
from pennyweight.data.sources import has_command
from pennyweight.documents.check import recipes_of
from pennyweight.documents.claims import CLAIMS
from pennyweight.judging.verdict import Problem
from pennyweight.nets.measure import measure
from pennyweight.pages.evidence import Chapter, Evidence, Inspection, Standing
from pennyweight.pages.found_runs import FoundRun, grouped, runs_below, submission_name
from pennyweight.pages.inspection import inspect_run
from pennyweight.pages.steps import Step, median_record
from pennyweight.pages.targets import Document, Target, find_target
from pennyweight.recipes.catalogue import ABLATIONS, RECIPES, family, published, step_before
from pennyweight.runs.folder import RECIPE
from pennyweight.runs.published import WORDS, published_run, published_run_names, published_times, published_tree
from pennyweight.runs.record_tree import full_runs, readings_tried
from pennyweight.settings.recipe import Recipe

MOST_IN_FULL = 12
"""Chapters that a page shows in full; further ones stand in the table of results alone."""
Datasets = Callable[[str], Dataset]
"""Returns a dataset by name without downloading it; raises UnavailableError where it is not there."""


def gather(words: Sequence[str | Path | Recipe], data: Path | None = None) -> Evidence:
    """Return the evidence of a page on what is named: documents, recipes, run folders, or folders of them.

    `data` is the folder of the datasets; nothing is downloaded. Runs that are refused are named on the page, unless
    they are all there is: then the error is raised that the first one gave.
    """
    if not words:
        raise UsageError("There is nothing to report on; name a document, a recipe, a run folder or a folder of them.")
    targets = [find_target(word) for word in words]
    datasets = _datasets(data)
    chapters, problems = list[Chapter](), list[Problem]()
    top, error = _common_folder(targets), None
    for word, target in zip(words, targets, strict=True):
        try:
            found, refused = _chapters(target, word, datasets, MOST_IN_FULL - len(chapters), top)
        except PennyweightError as raised:
            error = error or raised
            found, refused = [], [Problem(str(target), str(raised), raised.exit_code)]
        chapters += found
        problems += refused
    if error and not chapters:
        raise error
    chapters = _with_labels_that_differ(chapters)
    documents = [target for target in targets if isinstance(target, Document)]
    recipes = [chapter.step.recipe for chapter in chapters if chapter.source == WORDS]
    needed = _needed_runs(documents, recipes)
    return Evidence(
        title=_title(targets, chapters),
        document=documents[0].title if len(documents) == len(targets) == 1 else "",
        chapters=tuple(chapters),
        others=standings(),
        runs=_supporting(recipes, needed),
        readings={
            recipe.name: readings_tried(published_tree(), recipe.name) for recipe in [*recipes, *needed.values()]
        },
        problems=tuple(_named_below(top, one) for one in problems),
    )


def _named_below(top: Path, problem: Problem) -> Problem:
    """Return a problem under the name that its run has below `top`."""
    name = os.path.relpath(problem.source, top)
    if name in (".", ".."):
        return problem
    return replace(problem, source=name, message=problem.message.replace(f"{problem.source}/", ""))


def live_evidence(folder: Path) -> Evidence:
    """Return the evidence of a page on runs that go on: their epochs so far, and nothing that takes long to gather.

    Raises what `found_runs.runs_below` raises, as where no epoch is complete yet.
    """
    runs, problems = runs_below(folder)
    chapters = _with_labels_that_differ(
        [_without_a_look(group, Path(os.path.abspath(folder))) for group in grouped(runs)]
    )
    title = _title([folder], chapters)
    return Evidence(title=title, document="", chapters=tuple(chapters), problems=tuple(problems), live=True)


def standings() -> tuple[Standing, ...]:
    """Return what the published runs of every recipe come to, in the order of the documents."""
    found = []
    for recipe in RECIPES:
        runs = [one for one in _published_runs(recipe) if one.epochs[-1].test_correct is not None]
        if runs:
            found.append(_standing(recipe, runs))
    return tuple(found)


def _standing(recipe: Recipe, runs: Sequence[RunRecord]) -> Standing:
    costs = measure(recipe.plan())
    return Standing(
        name=recipe.name,
        params=costs.params,
        macs=costs.macs,
        seconds=published_times()[recipe.name].seconds,
        images=runs[0].test_images,
        correct=tuple(one.epochs[-1].test_correct or 0 for one in runs),
        sha256=tuple(one.sha256 for one in runs),
    )


def _chapters(
    target: Target, word: str | Path | Recipe, datasets: Datasets, room: int, top: Path
) -> tuple[list[Chapter], list[Problem]]:
    """Return the chapters of one target, a look into the first `room` of them, and what is refused."""
    if isinstance(target, Document):
        return [_of_recipe(recipe, recipe.name, datasets) for recipe in target.recipes], []
    if isinstance(target, Recipe):
        return [_of_recipe(target, "" if isinstance(word, Recipe) else str(word), datasets)], []
    runs, problems = runs_below(target)
    groups = grouped(runs)
    full, further = groups[: max(0, room)], groups[max(0, room) :]
    looked_into = [_of_runs(group, datasets, top) for group in full]
    return [*looked_into, *(_without_a_look(group, top) for group in further)], problems


def _of_recipe(recipe: Recipe, word: str, datasets: Datasets) -> Chapter:
    """Return a chapter on a recipe with its published runs; one that is not published has none."""
    if published(recipe.name) != recipe:
        words = "Nothing of this recipe has been trained yet."
        command = f"train {shlex.quote(word)}" if word else ""
        return Chapter(label=recipe.name, step=Step(recipe=recipe), source="", missing=words, command=command)
    step = Step(recipe=recipe, records=tuple(_published_runs(recipe)), time=published_times()[recipe.name])
    if recipe.name not in published_run_names():
        words = f"The package brings no weights of {recipe.name}; its pictures need a run of your own."
        chapter = Chapter(label=recipe.name, step=step, source=WORDS, missing=words)
        return replace(chapter, command=f"train {recipe.name} && pennyweight report runs/{recipe.name}")
    return _inspected(Chapter(label=recipe.name, step=step, source=WORDS), published_run(recipe.name), datasets)


def _of_runs(group: Sequence[FoundRun], datasets: Datasets, top: Path) -> Chapter:
    """Return a chapter on runs that differ in their seed, and a look into the one nearest to their median."""
    chapter, path = _without_a_look(group, top), group[0].path
    if not chapter.step.records:
        words = "Its weights can be looked into once the run is complete."
        return replace(chapter, missing=words, command=_resuming(chapter.ongoing[0], path))
    middle = median_record(chapter.step)
    run = next(one for one in group if one.record is middle)
    if not run.path.is_dir():
        words = "A record alone holds no weights to look into."
        return replace(chapter, missing=words, command=f"train {run.recipe.name} --seed {run.record.seed}")
    return _inspected(chapter, run.path, datasets)


def _resuming(record: RunRecord, folder: Path) -> str:
    """Return the command that goes on with a run."""
    words = ["train", str(folder / RECIPE), "--dataset", record.dataset, "--seed", str(record.seed)]
    words += ["--engine", record.engine, "--device", record.provenance.device]
    words += [] if record.evaluated_on("test") else ["--no-test"]
    return shlex.join([*words, "--out", str(folder)])


def _without_a_look(group: Sequence[FoundRun], top: Path) -> Chapter:
    """Return a chapter on runs that differ in their seed, complete or not, from their records alone.

    Its label has the name they have below `top` as well, as `anna (skip-3)`, where they have one.
    """
    records = tuple(one.record for one in group if one.finished)
    ongoing = tuple(one.record for one in group if not one.finished)
    step = Step(recipe=group[0].recipe, records=records, ongoing=ongoing[0] if ongoing else None)
    source = str(group[0].path) if len(group) == 1 else str(group[0].path.parent)
    name = submission_name(group, top)
    return Chapter(label=f"{name} ({step.name})" if name else step.name, step=step, source=source, ongoing=ongoing)


def _inspected(chapter: Chapter, folder: Path, datasets: Datasets) -> Chapter:
    """Return the chapter with a look into the run in `folder`, or with the reason why there is none."""
    record = chapter.step.records[0]
    if not record.evaluated_on("test"):
        return replace(chapter, missing="The test images were not evaluated in these runs, so none are shown.")
    try:
        found: Inspection | None = inspect_run(folder, datasets(record.dataset))
    except PennyweightError as error:
        way = f"fetch {record.dataset}" if has_command(record.dataset) else ""
        return replace(chapter, missing=str(error), command=way)
    return replace(chapter, inspection=found)


def _datasets(data: Path | None) -> Datasets:
    held: dict[str, Dataset] = {}

    def dataset(name: str) -> Dataset:
        if name not in held:
            held[name] = load(name, data, report=lambda text: None, download=False)
        return held[name]

    return dataset


def _published_runs(recipe: Recipe) -> list[RunRecord]:
    return full_runs(published_tree(), recipe.name, recipe.epochs)


def _supporting(recipes: Sequence[Recipe], needed: Mapping[str, Recipe]) -> dict[str, tuple[RunRecord, ...]]:
    """Return the published runs of what is needed; whole where a step is held against it, else their epochs alone."""
    before = {one.name for recipe in recipes if (one := step_before(recipe))}
    return {
        name: tuple(one if name in before else epochs_alone(one) for one in _published_runs(recipe))
        for name, recipe in needed.items()
    }


def epochs_alone(record: RunRecord) -> RunRecord:
    """Return a record without the images it misclassifies, with the digest of what it then says."""
    alone = replace(record, misclassified=(), mistakes_by_epoch=())
    return sealed(alone) if record.sha256 else alone  # early records have none


def _needed_runs(documents: Sequence[Document], recipes: Sequence[Recipe]) -> dict[str, Recipe]:
    """Return the published recipes besides `recipes` whose runs their claims, their ablation or their gain speak of."""
    names = {recipe.name for recipe in recipes}
    claims = [claim for said in CLAIMS.values() for claim in said if claim.recipe in names]
    needed = [name for claim in claims for name in recipes_of(claim)]
    needed += [before.name for recipe in recipes if (before := step_before(recipe))]
    for walk in (ABLATIONS.get(family(document.recipes[0]), ()) for document in documents):
        needed += [recipe.name for _, recipe in walk]
    found = {name: published(name) for name in dict.fromkeys(needed) if name not in names}
    return {name: recipe for name, recipe in found.items() if recipe}


def _common_folder(targets: Sequence[Target]) -> Path:
    """Return the folder below which the names of runs tell them apart: a single one, else what all are in."""
    paths = [os.path.abspath(target) for target in targets if isinstance(target, Path)]
    if len(targets) > 1:
        paths = [os.path.dirname(path) for path in paths]
    return Path(os.path.commonpath(paths)) if paths else Path()


def _with_labels_that_differ(chapters: Sequence[Chapter]) -> list[Chapter]:
    """Return the chapters, those of one label with where their runs are, and numbered where that is the same."""
    found = Counter(one.label for one in chapters)
    chapters = [
        replace(one, label=f"{one.label} in {one.source}") if found[one.label] > 1 and one.source != WORDS else one
        for one in chapters
    ]
    found = Counter(one.label for one in chapters)
    counts = Counter[str]()
    numbered = []
    for one in chapters:
        counts[one.label] += 1
        number = f" ({counts[one.label]})" if found[one.label] > 1 else ""
        numbered.append(replace(one, label=one.label + number))
    return numbered


def _title(targets: Sequence[Target], chapters: Sequence[Chapter]) -> str:
    if len(targets) == 1 and isinstance(targets[0], Document):
        return targets[0].title.partition(" ")[2]
    if not chapters:
        raise UnavailableError("None of the runs that were named can be read.")
    shown = [one.label for one in chapters[:3]]
    return ", ".join(shown) + (f" and {len(chapters) - 3} more" if len(chapters) > 3 else "")
