"""THE MAIN PATH: from a recipe, a dataset and a seed to a record of what happened.

Read it top to bottom. Everything that is not the story lives next door: what is made ready (prepare.py), what stops a
run (guards.py), what it writes at its end (finish.py), the folder and its lock (runs/folder.py), the one file a run
resumes from (runs/checkpoint.py), the arithmetic (engines/), the geometry of augmentation (data/augment.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import Interrupted
from pennyweight.base.files import write_atomically
from pennyweight.base.random import permutation
from pennyweight.base.records import EpochRow, RunRecord
from pennyweight.base.stop import Stop, never
from pennyweight.data.augment import homographies
from pennyweight.engines.averaging import MovingAverage, average_of, with_prefix
from pennyweight.engines.evaluation import Evaluation
from pennyweight.engines.protocol import Engine
from pennyweight.runs.checkpoint import Checkpoint, newest_checkpoint, write_checkpoint
from pennyweight.runs.checkpoint_fit import largest_checkpoint, refuse_misfit
from pennyweight.runs.fingerprint import fingerprint_of, require_run_folder, require_same_run
from pennyweight.runs.folder import RECIPE, RECORD, run_lock, set_aside, write_metrics
from pennyweight.runs.run import Run
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.recipe_text import recipe_to_text
from pennyweight.settings.schedules import RunLength, learning_rates, momenta
from pennyweight.training.finish import epoch_mistakes, finish, finished_record, listed_epochs, misclassified
from pennyweight.training.guards import check_losses, evaluate_splits, finite_state
from pennyweight.training.observer import Observer
from pennyweight.training.pace import Pace
from pennyweight.training.prepare import Setup, check_run, first_state, prepare

SLICE_STEPS = 20
"""Steps after which losses are added up, progress is told, and the loss must be finite."""


def train(run: Run, observer: Observer, stop: Stop = never, *, again: bool = False) -> RunRecord:
    """Train `run` to its last epoch, from its newest checkpoint if it has one, and return its record.

    The same run trains to the same bytes however often it is stopped. A complete run is not touched, but for weights
    that are damaged or missing; `again` moves what the folder holds aside first. Raises UsageError when the folder
    holds another run, MismatchError when its checkpoint does not fit this one, Interrupted when `stop` says so,
    NonFiniteError when the loss or a weight is no longer a number; all leave the last checkpoint as it was. A run that
    cannot begin leaves nothing behind, and the observer is not told that it started.
    """
    check_run(run)
    require_run_folder(run.folder)
    has_begun = (run.folder / RECIPE).exists() and not again
    setup = None if has_begun else prepare(run, observer, stop)
    moved = set_aside(run.folder, stop) if again else None
    with run_lock(run.folder, stop):
        notes = [run.engine_reason] if run.engine_reason else []
        newest = newest_checkpoint(run.folder, notes.append, largest_checkpoint(run))
        require_same_run(run, newest)
        refuse_misfit(run, newest)
        if newest and is_over(run.recipe, newest.history) and (run.folder / RECORD).exists():
            record = finished_record(run, newest, notes.append)
            _tell(observer, run, [*notes, f"{run.folder} is already complete; --again retrains it."])
            return record
        setup = setup or prepare(run, observer, stop)
        require_same_run(run, newest, setup.engine)
        _tell(observer, run, [f"The earlier run was moved to {moved}.", *notes] if moved else notes)
        observer.detail(setup.engine_words)
        return finish(setup, _train_epochs(setup, newest))


def _tell(observer: Observer, run: Run, notes: Sequence[str]) -> None:
    """Say that the run starts, now that nothing refuses it, and what was noticed before."""
    observer.started(run)
    for note in notes:
        observer.message(note)


def monitored_losses(history: Sequence[EpochRow]) -> list[float]:
    """Return the loss per epoch that schedules and stopping look at: of validation, else of training, never of test."""
    return [row.train_loss if row.val_loss is None else row.val_loss for row in history]


def is_over(recipe: Recipe, history: Sequence[EpochRow]) -> bool:
    """Return whether a run has trained its last epoch, or stops early."""
    return len(history) == recipe.epochs or recipe.stopping.is_due(monitored_losses(history))


def _train_epochs(setup: Setup, newest: Checkpoint | None) -> Checkpoint:
    """Train what is left of the run; an epoch counts once its checkpoint is in place."""
    run, engine = setup.run, setup.engine
    if newest is None:
        newest = Checkpoint(fingerprint_of(run, engine), (), (), first_state(setup))
    identity = {**newest.identity, **fingerprint_of(run, engine)}  # a plan made at the start stays in it
    engine.load_state(newest.state, steps_done=len(newest.history) * setup.length.epoch_steps)
    write_atomically(run.folder / RECIPE, recipe_to_text(run.recipe).encode())
    average = MovingAverage(run.recipe.averaging, average_of(newest.state, setup.plan))
    pace = Pace()
    while not is_over(run.recipe, newest.history):
        epoch = len(newest.history) + 1
        done = _train_epoch(setup, newest.history, average if run.recipe.averaging.is_kept else None, pace)
        earlier = [one for one in newest.mistakes_by_epoch if one.epoch > epoch - listed_epochs(run)]
        newest = Checkpoint(
            identity,
            (*newest.history, done.row),
            misclassified(run.dataset, done.test),
            {**finite_state(setup, epoch), **with_prefix(average.weights)},
            (*earlier, *epoch_mistakes(setup, epoch, done.val, done.test)),
        )
        write_checkpoint(run.folder, newest)
        write_metrics(run.folder, newest.history)  # again in `finish`: it is rewritten from the checkpoint, the truth
        setup.observer.epoch_done(newest.history)
    if len(newest.history) < run.recipe.epochs:
        patience = run.recipe.stopping.patience_epochs
        setup.observer.message(f"Stopped early: the monitored loss has not fallen for {patience + 1} epochs.")
    return newest


@dataclass(frozen=True)
class _Epoch:
    """One epoch that was trained: its row, and what its weights make of the two splits."""

    row: EpochRow
    val: Evaluation
    test: Evaluation


class AfterSlice(Protocol):
    """What happens after every slice of an epoch, such as averaging the weights."""

    def after_slice(self, engine: Engine, steps: range) -> None:
        """Do it; `steps` of the run were just trained."""


def _train_epoch(setup: Setup, history: Sequence[EpochRow], average: MovingAverage | None, pace: Pace) -> _Epoch:
    """Train one epoch slice by slice, then evaluate the weights it ends with, and their average where there is one."""
    started, recipe, seed, length = perf_counter(), setup.run.recipe, setup.run.seed, setup.length
    epoch, images = len(history) + 1, len(setup.split.train_labels)
    order = permutation(images, "order", seed, epoch)
    moves = _moves(setup, order, epoch)
    monitored = monitored_losses(history)
    loss_sum, correct, rate = 0.0, 0, 0.0
    after: list[AfterSlice] = [average] if average else []
    slice_steps = recipe.averaging.every_steps if average else SLICE_STEPS
    for first in range(0, length.epoch_steps, slice_steps):
        last = min(first + slice_steps, length.epoch_steps)
        losses: list[NDArray[np.float64]] = []
        while (start := first + sum(map(len, losses))) < last:
            if setup.stop():
                raise Interrupted(f"Stopped in epoch {epoch}; the resumed run will repeat this epoch.")
            began, end = perf_counter(), start + pace.steps(last - start)
            steps = _steps_of_run(length, epoch, start, end)
            part = slice(start * recipe.batch_images, end * recipe.batch_images)
            rates = learning_rates(recipe.schedule, recipe.optimizer.learning_rate, steps, length, monitored)
            result = setup.engine.train_steps(
                first_step=steps.start,
                order=order[part],
                homographies=None if moves is None else moves[part],
                learning_rates=rates,
                momenta=momenta(recipe.schedule, recipe.optimizer, steps, length),
            )
            pace.took(end - start, began)
            check_losses(setup, epoch, start, result.losses)
            losses.append(result.losses)
            correct, rate = correct + result.correct, float(rates[-1])
        # ------------------------------------------------------------------------------ between two slices
        batch_sizes = np.minimum(recipe.batch_images, images - recipe.batch_images * np.arange(first, last))
        loss_sum += float(np.concatenate(losses) @ batch_sizes)
        for each in after:
            each.after_slice(setup.engine, _steps_of_run(length, epoch, first, last))
        setup.observer.progress(epoch, last, length.epoch_steps)
    # -------------------------------------------------------------------------------------- the epoch's end
    val, test = unaveraged_val, unaveraged_test = evaluate_splits(setup, epoch)
    if average:
        val, test = evaluate_splits(setup, epoch, average.weights)
    row = EpochRow(
        epoch=epoch,
        train_loss=loss_sum / images,
        train_accuracy=100 * correct / images,
        val_loss=val.loss,
        val_accuracy=val.accuracy,
        val_correct=val.correct,
        test_loss=test.loss,
        test_accuracy=test.accuracy,
        test_correct=test.correct,
        learning_rate=rate,
        seconds=perf_counter() - started,
        raw_val_accuracy=unaveraged_val.accuracy if average else None,
        raw_test_accuracy=unaveraged_test.accuracy if average else None,
    )
    return _Epoch(row, val, test)


def _steps_of_run(length: RunLength, epoch: int, first: int, last: int) -> range:
    """Return the steps from `first` to `last` of an epoch, counted from the beginning of the run."""
    before = (epoch - 1) * length.epoch_steps
    return range(before + first, before + last)


def _moves(setup: Setup, order: NDArray[np.int64], epoch: int) -> NDArray[np.float32] | None:
    """Return the epoch's homographies in the order of training; each belongs to its image, whatever the order."""
    augmentation = setup.run.recipe.augmentation
    if not augmentation.moves_images:
        return None
    rows, columns = setup.split.train_images.shape[-2:]
    return homographies(augmentation, len(order), rows, columns, seed=setup.run.seed, epoch=epoch)[order]
