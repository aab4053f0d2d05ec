"""Runs that are not complete: their epochs so far, from the newest checkpoint, and nothing of theirs is changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from pennyweight.base.budget import not_judged
from pennyweight.base.errors import UnavailableError
from pennyweight.base.record_text import sealed
from pennyweight.base.records import EpochRow, Provenance, RunRecord
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import published
from pennyweight.recipes.origins import settled
from pennyweight.runs.checkpoint import Checkpoint, newest_whole
from pennyweight.runs.fingerprint import INITIAL
from pennyweight.runs.model import read_recipe
from pennyweight.settings.keys import differences
from pennyweight.settings.recipe import Recipe


def read_ongoing(folder: Path) -> tuple[RunRecord, Recipe]:
    """Return the epochs so far of a run as a record without verdict, and its recipe.

    Raises UnavailableError where no epoch is complete yet, MismatchError for a checkpoint or recipe that is damaged.
    """
    recipe = settled(read_recipe(folder))
    checkpoint = newest_whole(folder, lambda text: None)
    if checkpoint is None or not checkpoint.history:
        raise UnavailableError(f"No epoch of the run in {folder} is complete yet; a page shows it once the first is.")
    return sealed(_record(checkpoint, recipe)), recipe


def so_far(record: RunRecord) -> str:
    """Return how far a run is that is not complete, and what it has reached."""
    split = "test" if record.evaluated_on("test") else "val"
    accuracy = record.epochs[-1].score(split).accuracy
    reached = "" if accuracy is None else f", {accuracy:.2f} % {split} accuracy"
    return f"seed {record.seed} has trained {len(record.epochs)} of {record.planned_epochs} epochs{reached}"


def _record(checkpoint: Checkpoint, recipe: Recipe) -> RunRecord:
    held, history = checkpoint.identity, checkpoint.history
    base, dataset = published(recipe.name), str(held["dataset"])
    weights = checkpoint.state[recipe.plan().weights[-1].name]
    return RunRecord(
        recipe=recipe.name,
        changes=differences(base, recipe) if base else (),
        seed=cast(int, held["seed"]),
        engine=str(held["engine"]),
        dataset=dataset,
        params=measure(recipe.plan(len(weights))).params,
        train_images=0,
        val_images=_images(history, "val"),
        test_images=_images(history, "test"),
        epochs=history,
        verdict=not_judged(dataset),
        misclassified=checkpoint.misclassified,
        weights_sha256="",
        provenance=_provenance(checkpoint),
        mistakes_by_epoch=checkpoint.mistakes_by_epoch,
        classes=tuple(str(number) for number in range(len(weights))),
        planned_epochs=recipe.epochs,
        initial_sha256=str(held.get(INITIAL) or ""),
    )


def _images(history: Sequence[EpochRow], split: str) -> int:
    """Return how many images a split has, of which an epoch gives both the count and the share that are right."""
    for row in history:
        score = row.score(split)
        if score.correct and score.accuracy:
            return round(100 * score.correct / score.accuracy)
    return 0


def _provenance(checkpoint: Checkpoint) -> Provenance:
    """Return what a checkpoint says of where it is from."""
    held = checkpoint.identity
    return Provenance(
        pennyweight="",
        commit="",
        python="",
        numpy="",
        engine=f"{held['engine']} {held.get('engine version', '')}".strip(),
        device=str(held["device"]),
        threads=cast(int, held.get("threads", 0)),
        cpu="",
        platform="",
        dataset_digest=str(held["dataset digest"]),
        started="",
    )
