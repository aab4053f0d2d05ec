"""The files of a run folder held against each other, without the data: recipe, record, weights, checkpoint."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from pennyweight.base.budget import in_present_words, judge_record
from pennyweight.base.errors import MismatchError
from pennyweight.base.reading import read_unlinked
from pennyweight.base.records import SPLITS, RunRecord, Verdict
from pennyweight.engines.averaging import evaluated_weights
from pennyweight.nets.measure import measure
from pennyweight.nets.weights import largest_file
from pennyweight.recipes.catalogue import published
from pennyweight.runs.checkpoint import Checkpoint, checkpoint_path, newest_whole
from pennyweight.runs.checkpoint_fit import check_history, check_state, state_shapes
from pennyweight.runs.fingerprint import PLANNED, fingerprint_of_record
from pennyweight.runs.folder import METRICS, RECIPE, metrics_agree
from pennyweight.runs.model import TrainedModel
from pennyweight.runs.published import is_published
from pennyweight.settings.keys import BUDGETS_CHANGED, LAYERS_CHANGED, as_in_early_versions, differences
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.recipe_text import LARGEST_RECIPE_BYTES

SHOWN = 16
"""Characters of a digest that are printed; all of them are compared."""


@dataclass(frozen=True)
class Check:
    """One thing that was recomputed: what is written, what was found, and whether they agree; None shows neither."""

    name: str
    written: str
    found: str
    agrees: bool | None


def check(name: str, stated: str, recomputed: str) -> Check:
    """Return the check of two texts that must be equal."""
    return Check(name, stated, recomputed, stated == recomputed)


def file_checks(folder: Path, trained: TrainedModel) -> tuple[Check, ...]:
    """Hold the files of a run folder against each other; a published run has no checkpoint to be held against.

    Raises MismatchError when another run has none, or when all are damaged.
    """
    alone = tuple(_record(folder, trained))
    if is_published(folder):
        return alone
    newest = newest_whole(folder, lambda text: None, largest_file(state_shapes(trained.plan, trained.recipe)))
    if newest is None:
        raise MismatchError(
            f"{folder} holds a record but no checkpoint, so its epochs cannot be held against anything."
        )
    check_state(newest, trained.plan, trained.recipe, checkpoint_path(folder, len(newest.history)))
    return (*alone, *_origin(trained, newest), *_history(folder, trained, newest))


def overrides_of(record: RunRecord, recipe: Recipe) -> tuple[str, ...]:
    """Return what a run changes of the published recipe it names; what its record says where there is none."""
    base = published(recipe.name)
    return record.changes if base is None else differences(base, recipe)


def _record(folder: Path, trained: TrainedModel) -> Iterator[Check]:
    """Yield whether the record is whole, of the recipe beside it, and consistent in itself."""
    record, recipe = trained.record, trained.recipe
    early = "none, as in records of early versions"
    yield Check("digest of the record", "there" if record.sha256 else early, "recomputed", bool(record.sha256) or None)
    found = sha256(read_unlinked(folder / RECIPE, LARGEST_RECIPE_BYTES)).hexdigest()  # which was read just now
    written = record.recipe_sha256
    yield Check("digest of recipe.toml", written[:SHOWN] or early, found[:SHOWN], written == found if written else None)
    yield _changes(record, recipe)
    yield check("recipe", record.recipe, recipe.name)
    yield check("parameters", f"{record.params:,}", f"{measure(trained.plan).params:,}")
    wrong = [str(row.epoch) for row in record.epochs if not _consistent(record, row.epoch - 1)]
    yield Check("accuracies are their counts", "yes", f"not in {', '.join(wrong)}" if wrong else "yes", not wrong)
    verdict = judge_record(recipe.budgets, record)
    yield check("budget kept", str(record.verdict.met), str(verdict.met))
    if verdict.met == record.verdict.met:
        yield _limits(record.verdict, verdict)


def _limits(written: Verdict, found: Verdict) -> Check:
    """Return whether a verdict is the one that its recipe gives, naming what only one of the two says."""
    written = in_present_words(written)
    stated, given = _statements(written), _statements(found)
    only_stated = "; ".join(one for one in stated if one not in given)
    only_given = "; ".join(one for one in given if one not in stated)
    whole = "as judged" if written == found else "no other"
    return Check("limits of the budget", only_stated or "as judged", only_given or whole, written == found)


def _statements(verdict: Verdict) -> list[str]:
    limits = [
        f"{one.name} {one.allowed}: {one.measured}, {'kept' if one.met else 'not kept'}" for one in verdict.limits
    ]
    return [*limits, f"on the {verdict.split} images of {verdict.dataset}", *verdict.breaches]


def _origin(trained: TrainedModel, newest: Checkpoint) -> Iterator[Check]:
    """Yield whether the checkpoint is of the run that its record and recipe tell of, and its weights are the run's."""
    record, recipe = trained.record, trained.recipe
    wanted = fingerprint_of_record(
        recipe,
        dataset=record.dataset,
        dataset_digest=record.provenance.dataset_digest,
        seed=record.seed,
        engine=record.engine,
        device=record.provenance.device,
        use_test=record.evaluated_on("test"),
        initial_sha256=record.initial_sha256,
    )
    differing = [key for key, value in wanted.items() if newest.identity.get(key, value) != value]
    yield Check("checkpoint is of this run", "the same run", ", ".join(differing) or "the same run", not differing)
    yield check("planned seeds", str(record.planned_seeds), str(newest.identity.get(PLANNED, 0)))
    yield check("engine", record.provenance.engine, f"{record.engine} {newest.identity.get('engine version')}")
    averaged = evaluated_weights(newest.state, trained.plan)
    same = all(np.array_equal(averaged[name], weight) for name, weight in trained.weights.items())
    yield Check("weights", "those of the last checkpoint", "the same" if same else "others", same)


def _changes(record: RunRecord, recipe: Recipe) -> Check:
    """Return whether the record says what its recipe changes of the published one of that name.

    An early record may speak of a recipe that has other settings now; its budget may not be another one unsaid.
    """
    changes = overrides_of(record, recipe)
    named = as_in_early_versions(changes) if LAYERS_CHANGED in record.changes else changes
    written, found = ", ".join(record.changes) or "none", ", ".join(named) or "none"
    if published(recipe.name) is None:
        return Check("changes of the published recipe", written, "no recipe of that name is published", None)
    unsaid = (BUDGETS_CHANGED in written) != (BUDGETS_CHANGED in found)
    agrees = written == found or (False if record.recipe_sha256 or unsaid else None)
    return Check("changes of the published recipe", written, found, agrees)


def _history(folder: Path, trained: TrainedModel, newest: Checkpoint) -> Iterator[Check]:
    """Yield whether every epoch of the record is the one its checkpoint holds, and consistent in itself."""
    record = trained.record
    yield _in_itself(folder, trained, newest)
    yield check("epochs", str(len(record.epochs)), str(len(newest.history)))
    pairs = zip(record.epochs, newest.history, strict=False)
    edited = [str(mine.epoch) for mine, theirs in pairs if mine != theirs]
    yield Check("every epoch is the checkpoint's", "yes", f"not {', '.join(edited)}" if edited else "yes", not edited)
    same = (record.misclassified, record.mistakes_by_epoch) == (newest.misclassified, newest.mistakes_by_epoch)
    yield Check("mistakes are the checkpoint's", "yes", "yes" if same else "no", same)
    same = metrics_agree(folder, newest.history)
    yield Check(METRICS, "the checkpoint's epochs", "the same" if same else "others", same)


def _in_itself(folder: Path, trained: TrainedModel, newest: Checkpoint) -> Check:
    """Return whether the checkpoint's epochs and mistakes contradict neither each other nor the record's images."""
    record, found = trained.record, "yes"
    images = {"val": record.val_images, "test": record.test_images if record.evaluated_on("test") else 0}
    path = checkpoint_path(folder, len(newest.history))
    try:
        check_history(newest, trained.recipe, images, len(trained.classes), path)
    except MismatchError as error:
        found = str(error)
    return check("checkpoint is consistent", "yes", found)


def _consistent(record: RunRecord, number: int) -> bool:
    scores = {split: record.epochs[number].score(split) for split in SPLITS}
    return all(
        score.accuracy == (None if score.correct is None else 100 * score.correct / record.images(split))
        for split, score in scores.items()
    )
