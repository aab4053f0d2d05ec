"""What a run writes at its end, and what its checkpoints say of mistakes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import cast

import numpy as np

from pennyweight.base.budget import budget_for, judge_record, not_judged
from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.base.files import write_atomically
from pennyweight.base.reading import read_unlinked
from pennyweight.base.record_text import sealed
from pennyweight.base.records import EpochMistakes, Misclassified, RunRecord
from pennyweight.data.dataset import Dataset, hold_out
from pennyweight.data.normalisation import Normalisation, normalisation_of
from pennyweight.engines.averaging import evaluated_weights
from pennyweight.engines.evaluation import Evaluation
from pennyweight.engines.protocol import State
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan
from pennyweight.nets.weights import content_digest, save_weights
from pennyweight.runs.checkpoint import Checkpoint
from pennyweight.runs.fingerprint import PLANNED
from pennyweight.runs.folder import METRICS, RECIPE, WEIGHTS, metrics_agree, read_record, write_metrics, write_record
from pennyweight.runs.model import read_weights
from pennyweight.runs.provenance import provenance
from pennyweight.runs.run import Run
from pennyweight.settings.recipe_text import LARGEST_RECIPE_BYTES, recipe_to_text
from pennyweight.training.guards import evaluate_finite
from pennyweight.training.prepare import Setup

FEWEST_LISTED = 5
"""Last epochs whose mistakes are listed, where no budget holds more."""


def listed_epochs(run: Run) -> int:
    """Return how many last epochs have their mistakes listed: those the budget holds, and a few at least."""
    budget = budget_for(run.recipe.budgets, run.dataset.name)
    return max(FEWEST_LISTED, budget.hold_epochs if budget else 0)


def epoch_mistakes(setup: Setup, epoch: int, val: Evaluation, test: Evaluation) -> Iterator[EpochMistakes]:
    """Yield what the weights of an epoch misclassify of each split that was measured."""
    if val.correct is not None:
        wrong = np.flatnonzero(val.predicted != setup.split.val_labels)
        yield EpochMistakes(epoch, "val", tuple(wrong.tolist()))
    if test.correct is not None:  # else nothing of the test images is looked at, their labels neither
        wrong = np.flatnonzero(test.predicted != setup.run.dataset.test_labels)
        yield EpochMistakes(epoch, "test", tuple(wrong.tolist()))


def misclassified(dataset: Dataset, test: Evaluation) -> tuple[Misclassified, ...]:
    """Return the test images that were predicted wrongly; none where the test images were not evaluated."""
    if test.correct is None:
        return ()
    wrong = np.flatnonzero(test.predicted != dataset.test_labels)
    return tuple(Misclassified(int(i), int(dataset.test_labels[i]), int(test.predicted[i])) for i in wrong)


def finish(setup: Setup, last: Checkpoint) -> RunRecord:
    """Write weights and record, and return the record: all of them from the last checkpoint but the provenance."""
    run, split = setup.run, setup.split
    weights = evaluated_weights(last.state, setup.plan)
    clean = evaluate_finite(setup, split.train_images, split.train_labels, len(last.history), weights)
    write_metrics(run.folder, last.history)
    _write_weights(run, setup.plan, weights, setup.normalisation)
    record = RunRecord(
        recipe=run.recipe.name,
        changes=run.changes,
        seed=run.seed,
        engine=setup.engine.name,
        dataset=run.dataset.name,
        params=measure(setup.plan).params,
        train_images=len(split.train_labels),
        val_images=len(split.val_labels),
        test_images=len(run.dataset.test_labels),
        epochs=last.history,
        verdict=not_judged(run.dataset.name),
        misclassified=last.misclassified,
        weights_sha256=content_digest(weights, {}),
        provenance=provenance(setup.engine, run.dataset.digest, setup.started),
        folder=str(run.folder),
        recipe_sha256=sha256(recipe_to_text(run.recipe).encode()).hexdigest(),
        planned_seeds=cast(int, last.identity.get(PLANNED, 0)),
        final_train_correct=clean.correct,
        mistakes_by_epoch=last.mistakes_by_epoch,
        classes=run.dataset.class_names,
        test_class_images=tuple(_class_images(run.dataset)) if run.use_test else (),
        planned_epochs=run.recipe.epochs,
        initial_sha256=run.initial_sha256,
    )
    record = replace(record, verdict=judge_record(run.recipe.budgets, record))
    record = sealed(record)
    write_record(run.folder, replace(record, folder=""))
    return record


def _write_weights(run: Run, plan: Plan, weights: State, normalisation: Normalisation) -> None:
    metadata = {
        "recipe": run.recipe.name,
        "classes": list(run.dataset.class_names),
        "mean": normalisation.mean,
        "std": normalisation.std,
    }
    save_weights(run.folder / WEIGHTS, plan, weights, metadata)


def finished_record(run: Run, last: Checkpoint, say: Callable[[str], None]) -> RunRecord:
    """Return the record of a complete run; what else is damaged or missing is written again from its checkpoint.

    Raises UnavailableError or MismatchError where the record cannot be read, or the checkpoint has other weights.
    """
    record = read_record(run.folder)
    try:
        read_weights(run.folder, run.recipe, record)
    except (MismatchError, UnavailableError) as error:
        plan = run.recipe.plan(run.dataset.classes)
        weights = evaluated_weights(last.state, plan)
        found = content_digest(weights, {})
        if found != record.weights_sha256:
            raise MismatchError(
                f"{error} The checkpoint cannot mend that: it holds weights {found[:12]}, the record is of "
                f"{record.weights_sha256[:12]}; --again retrains the run."
            ) from error
        split = hold_out(run.dataset, run.recipe.validation_images)
        _write_weights(run, plan, weights, normalisation_of(split.train_images))
        say(f"{error} It was written again from the checkpoint.")
    _mend_texts(run, record, last, say)
    return replace(record, folder=str(run.folder))


def _mend_texts(run: Run, record: RunRecord, last: Checkpoint, say: Callable[[str], None]) -> None:
    """Write the recipe and the table of epochs again where they are missing or others, if they are the record's."""
    text = recipe_to_text(run.recipe).encode()
    try:
        is_whole = read_unlinked(run.folder / RECIPE, LARGEST_RECIPE_BYTES) == text
    except OSError:
        is_whole = False
    if not is_whole and sha256(text).hexdigest() == record.recipe_sha256:
        write_atomically(run.folder / RECIPE, text)
        say(f"{run.folder / RECIPE} was missing or changed. It was written again.")
    try:
        is_whole = metrics_agree(run.folder, last.history)
    except UnavailableError:
        is_whole = False
    if not is_whole and last.history == record.epochs:
        write_metrics(run.folder, last.history)
        say(f"{run.folder / METRICS} was missing or changed. It was written again from the checkpoint.")


def _class_images(dataset: Dataset) -> list[int]:
    return [int(count) for count in np.bincount(dataset.test_labels, minlength=dataset.classes)]
