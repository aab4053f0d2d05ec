"""THE MAIN PATH: from a recipe, a dataset and a seed to a record of what happened.

Read it top to bottom. Everything that is not the story lives next door: the folder and its lock (folder.py), the one
file a run resumes from (checkpoint.py), the arithmetic (the engines), the geometry of augmentation (data/augment.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import judge_record, not_judged
from pennyweight.base.errors import Interrupted, NonFiniteError
from pennyweight.base.files import write_atomically
from pennyweight.base.random import permutation
from pennyweight.base.records import EpochRow, Misclassified, RunRecord, sealed
from pennyweight.data.augment import homographies
from pennyweight.data.dataset import Dataset, PixelStatistics, Split, hold_out, pixel_statistics
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan, make_plan
from pennyweight.nets.weights import content_digest, save_weights
from pennyweight.training.averaging import Weights, as_state, average_of, moved, shipped_weights
from pennyweight.training.checkpoint import Checkpoint, newest_checkpoint, write_checkpoint
from pennyweight.training.engine import Engine, Job, State, check_batches, initial_state, steps_of, weights_of
from pennyweight.training.engines import make_engine
from pennyweight.training.evaluation import NOT_MEASURED, Evaluation, evaluate
from pennyweight.training.folder import (
    RECIPE,
    RECORD,
    WEIGHTS,
    locked,
    read_record,
    write_metrics,
    write_record,
)
from pennyweight.training.identity import identity_of, refuse_another_run, refuse_foreign_folder
from pennyweight.training.provenance import provenance
from pennyweight.training.recipe import Recipe, check_recipe
from pennyweight.training.recipe_text import recipe_to_text
from pennyweight.training.run import Run
from pennyweight.training.schedules import Horizon, learning_rates, momenta

SLICE_STEPS = 20
"""Steps handed to the engine at once: how late a signal or a loss that is not finite is noticed."""


class Observer(Protocol):
    """Who is told how a run goes; nothing that is said here changes what is computed."""

    def message(self, text: str) -> None:
        """Take one sentence that the user should read."""

    def detail(self, text: str) -> None:
        """Take one sentence for a user who asked for details."""

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Take note of a finished slice of an epoch."""

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Take note of an epoch whose checkpoint is in place: the last of `history`."""


@dataclass(frozen=True)
class Setup:
    """A run with everything made ready for its first step."""

    run: Run
    plan: Plan
    split: Split
    statistics: PixelStatistics
    engine: Engine
    horizon: Horizon
    observer: Observer
    stop: Callable[[], bool]
    started: datetime


def train(run: Run, observer: Observer, stop: Callable[[], bool] = lambda: False) -> RunRecord:
    """Train `run` to its last epoch, from its newest checkpoint if it has one, and return its record.

    The same run trains to the same bytes however often it is stopped. A complete run is not touched. Raises UsageError
    when the folder holds another run, Interrupted when `stop` says so, NonFiniteError when the loss or a weight is no
    longer a number; all of them leave the last checkpoint as it was.
    """
    check_recipe(run.recipe, run.dataset.classes)
    if run.engine_reason:
        observer.message(run.engine_reason)
    refuse_foreign_folder(run.folder)
    with locked(run.folder):
        newest = newest_checkpoint(run.folder, observer.message)
        refuse_another_run(run, newest)
        if newest and len(newest.history) == run.recipe.epochs and _has_results(run):
            observer.message(f"{run.folder} is already complete; --again trains it anew.")
            return replace(read_record(run.folder), folder=str(run.folder))
        setup = _set_up(run, observer, stop)
        return _finish(setup, _train_epochs(setup, newest))


def _has_results(run: Run) -> bool:
    return (run.folder / RECORD).exists() and (run.folder / WEIGHTS).exists()


def _set_up(run: Run, observer: Observer, stop: Callable[[], bool]) -> Setup:
    plan = make_plan(run.recipe.layers, run.dataset.classes)
    split = hold_out(run.dataset, run.recipe.validation_images)
    check_batches(plan, len(split.train_labels), run.recipe.batch_images)
    statistics = pixel_statistics(split.train_images)
    job = Job(
        plan=plan,
        optimizer=run.recipe.optimizer,
        batch_images=run.recipe.batch_images,
        label_smoothing=run.recipe.label_smoothing,
        fill=run.recipe.augmentation.fill,
        seed=run.seed,
        mean=statistics.mean,
        spread=statistics.spread,
        images=split.train_images,
        labels=split.train_labels,
    )
    engine = make_engine(run.engine, run.device, job, observer.message)
    observer.detail(f"{engine.name} engine, {engine.threads} thread{'s' * (engine.threads > 1)}: {engine.description}")
    horizon = Horizon(steps_of(len(split.train_labels), run.recipe.batch_images), run.recipe.epochs)
    return Setup(
        run,
        plan,
        split,
        statistics,
        engine,
        horizon,
        observer,
        stop,
        datetime.now(UTC),
    )


def _train_epochs(setup: Setup, newest: Checkpoint | None) -> Checkpoint:
    """Train what is left of the run; an epoch counts once its checkpoint is in place."""
    run, engine = setup.run, setup.engine
    identity = identity_of(run, engine)
    if newest is None:
        newest = Checkpoint(identity, (), (), _initial_state(setup))
    refuse_another_run(run, newest, engine)
    engine.start(newest.state, steps_done=len(newest.history) * setup.horizon.epoch_steps)
    write_atomically(run.folder / RECIPE, recipe_to_text(run.recipe).encode())
    for _ in range(len(newest.history), run.recipe.epochs):
        row, mistakes, average = _one_epoch(setup, newest.history, average_of(newest.state, setup.plan))
        state = {**_finite_state(setup, row), **as_state(average)}
        newest = Checkpoint(identity, (*newest.history, row), mistakes, state)
        write_checkpoint(run.folder, newest)
        write_metrics(run.folder, newest.history)
        setup.observer.epoch_done(newest.history)
    return newest


def _initial_state(setup: Setup) -> State:
    recipe = setup.run.recipe
    state = initial_state(setup.plan, recipe.optimizer, setup.run.seed)
    return state | as_state(weights_of(state, setup.plan)) if recipe.averaging.is_kept else state


def _one_epoch(
    setup: Setup, history: Sequence[EpochRow], average: Weights
) -> tuple[EpochRow, tuple[Misclassified, ...], Weights]:
    """Train one epoch, then evaluate the weights it ended with, and their average where there is one."""
    started = perf_counter()
    train_loss, train_correct, rate, average = _train_slices(setup, history, average)
    val, test = raw_val, raw_test = _evaluate_splits(setup, len(history) + 1)
    if average:
        state, steps_done = setup.engine.state(), (len(history) + 1) * setup.horizon.epoch_steps
        setup.engine.start({**state, **average}, steps_done)
        val, test = _evaluate_splits(setup, len(history) + 1)
        setup.engine.start(state, steps_done)
    row = EpochRow(
        epoch=len(history) + 1,
        train_loss=train_loss,
        train_accuracy=100 * train_correct / len(setup.split.train_labels),
        val_loss=val.loss,
        val_accuracy=val.accuracy,
        val_correct=val.correct,
        test_loss=test.loss,
        test_accuracy=test.accuracy,
        test_correct=test.correct,
        learning_rate=rate,
        seconds=perf_counter() - started,
        raw_val_accuracy=raw_val.accuracy if average else None,
        raw_test_accuracy=raw_test.accuracy if average else None,
    )
    return row, _mistakes(setup.run.dataset, test), average


def _train_slices(setup: Setup, history: Sequence[EpochRow], average: Weights) -> tuple[float, int, float, Weights]:
    """Train one epoch slice by slice; return its mean loss, images right, last learning rate, and the average."""
    recipe, seed, epoch_steps = setup.run.recipe, setup.run.seed, setup.horizon.epoch_steps
    epoch, offset = len(history) + 1, len(history) * epoch_steps
    images = len(setup.split.train_labels)
    order = permutation(images, "order", seed, epoch)
    transforms = _transforms(recipe, order, setup.split, seed, epoch)
    # no decision reads test figures: a plateau is looked for in the held-out loss, else in the training loss
    monitored = [row.train_loss if row.val_loss is None else row.val_loss for row in history]
    loss_sum, correct, rate = 0.0, 0, 0.0
    slice_steps = recipe.averaging.every_steps if average else SLICE_STEPS
    for first in range(0, epoch_steps, slice_steps):
        if setup.stop():
            raise Interrupted(f"Stopped in epoch {epoch}, which the resumed run repeats.")
        steps = range(offset + first, offset + min(first + slice_steps, epoch_steps))
        part = slice(first * recipe.batch_images, (first + len(steps)) * recipe.batch_images)
        rates = learning_rates(recipe.schedule, recipe.optimizer.learning_rate, steps, setup.horizon, monitored)
        sums = setup.engine.advance(
            first_step=steps.start,
            order=order[part],
            transforms=None if transforms is None else transforms[part],
            learning_rates=rates,
            momenta=momenta(recipe.schedule, recipe.optimizer, steps, setup.horizon),
        )
        _check_losses(setup, epoch, first, sums.losses)
        counts = np.minimum(recipe.batch_images, images - recipe.batch_images * np.arange(first, first + len(steps)))
        loss_sum, correct, rate = loss_sum + float(sums.losses @ counts), correct + sums.correct, float(rates[-1])
        if average:
            average = moved(average, setup.engine.state(), recipe.averaging, steps.start, steps.stop)
        setup.observer.progress(epoch, first + len(steps), epoch_steps)
    return loss_sum / images, correct, rate, average


def _transforms(
    recipe: Recipe, order: NDArray[np.int64], split: Split, seed: int, epoch: int
) -> NDArray[np.float32] | None:
    """Return the epoch's homographies in the order of training; each belongs to its image, whatever the order."""
    if not recipe.augmentation.moves_images:
        return None
    size = split.train_images.shape[-1]
    return homographies(recipe.augmentation, len(order), size, seed=seed, epoch=epoch)[order]


def _check_losses(setup: Setup, epoch: int, first: int, losses: NDArray[np.float64]) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise NonFiniteError(
            f"The loss became {losses[bad[0]]} in epoch {epoch}, step {first + bad[0] + 1} of "
            f"{setup.horizon.epoch_steps}; {_ways_out(setup, epoch)}"
        )


def _evaluate_splits(setup: Setup, epoch: int) -> tuple[Evaluation, Evaluation]:
    """Return what the engine's weights make of the held-out and of the test images, where they may be looked at."""
    split, dataset = setup.split, setup.run.dataset
    val = test = NOT_MEASURED
    if len(split.val_labels):
        val = _evaluate(setup, split.val_images, split.val_labels, epoch)
    if setup.run.measure_test:
        test = _evaluate(setup, dataset.test_images, dataset.test_labels, epoch)
    return val, test


def _evaluate(setup: Setup, images: NDArray[np.uint8], labels: NDArray[np.uint8], epoch: int) -> Evaluation:
    found = evaluate(setup.engine, images, labels, setup.stop)
    if found.loss is None or not isfinite(found.loss):
        raise NonFiniteError(
            f"The loss of the weights is {found.loss} at the end of epoch {epoch}, step {setup.horizon.epoch_steps}; "
            f"{_ways_out(setup, epoch)}"
        )
    return found


def _finite_state(setup: Setup, row: EpochRow) -> State:
    """Return the engine's state; raises NonFiniteError, before anything is written, when it cannot be trusted."""
    state = setup.engine.state()
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise NonFiniteError(
                f"'{name}' holds a number that is not finite at the end of epoch {row.epoch}, "
                f"step {setup.horizon.epoch_steps}; {_ways_out(setup, row.epoch)}"
            )
    return state


def _ways_out(setup: Setup, epoch: int) -> str:
    rate = setup.run.recipe.optimizer.learning_rate
    kept = f"The checkpoint of epoch {epoch - 1} is untouched. " if epoch > 1 else ""
    return f"training stopped. {kept}A lower rate may help: -s optimizer.learning_rate={rate / 10:g}."


def _mistakes(dataset: Dataset, test: Evaluation) -> tuple[Misclassified, ...]:
    if test.correct is None:
        return ()
    wrong = np.flatnonzero(test.predicted != dataset.test_labels)
    return tuple(Misclassified(int(i), int(dataset.test_labels[i]), int(test.predicted[i])) for i in wrong)


def _finish(setup: Setup, last: Checkpoint) -> RunRecord:
    """Write weights and record; both follow from the last checkpoint."""
    run, split = setup.run, setup.split
    weights = shipped_weights(last.state, setup.plan)
    facts = {
        "recipe": run.recipe.name,
        "classes": list(run.dataset.class_names),
        "mean": setup.statistics.mean,
        "spread": setup.statistics.spread,
    }
    write_metrics(run.folder, last.history)
    save_weights(run.folder / WEIGHTS, setup.plan, weights, facts)
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
    )
    record = replace(record, verdict=judge_record(run.recipe.budgets, record))
    record = sealed(record)
    write_record(run.folder, replace(record, folder=""))
    return record
