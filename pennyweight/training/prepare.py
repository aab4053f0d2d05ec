"""Everything a run needs before its first step: the plan, the split, the engine; no run folder is touched."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pennyweight.base.stop import Stop
from pennyweight.data.dataset import Split, hold_out
from pennyweight.data.normalisation import Normalisation, normalisation_of
from pennyweight.data.stratified import held_out
from pennyweight.engines.averaging import with_prefix
from pennyweight.engines.choose import make_engine
from pennyweight.engines.protocol import Engine, State, TrainingJob, check_batches, initial_state, steps_of, weights_of
from pennyweight.nets.plan import Plan
from pennyweight.runs.run import Run
from pennyweight.settings.recipe import check_dataset
from pennyweight.settings.schedules import RunLength
from pennyweight.training.observer import Observer


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A run with everything made ready for its first step; `length` is in steps."""

    run: Run
    plan: Plan
    split: Split
    normalisation: Normalisation
    engine: Engine
    length: RunLength
    observer: Observer
    stop: Stop
    started: datetime

    @property
    def engine_words(self) -> str:
        """Return what the run is trained with, for a user who asked for details."""
        threads = "1 thread" if self.engine.threads == 1 else f"{self.engine.threads} threads"
        return f"{self.engine.name} engine, {threads}: {self.engine.description}"


def check_run(run: Run) -> None:
    """Raise UsageError where recipe, dataset and hold-out cannot work together, as far as that needs no engine."""
    check_dataset(run.recipe, run.dataset)
    is_val = held_out(run.dataset.train_labels, run.dataset.class_names, run.recipe.validation_images)
    check_batches(run.recipe.plan(run.dataset.classes), int((~is_val).sum()), run.recipe.batch_images)


def prepare(run: Run, observer: Observer, stop: Stop) -> Setup:
    """Return a run that was checked ready to train; the observer hears of what takes time, and nothing else.

    Raises UsageError for what its engine cannot run, UnavailableError for a missing engine, compiler or memory,
    Interrupted when `stop` says so.
    """
    plan = run.recipe.plan(run.dataset.classes)
    split = hold_out(run.dataset, run.recipe.validation_images)
    normalisation = normalisation_of(split.train_images)
    job = TrainingJob(
        plan=plan,
        optimizer=run.recipe.optimizer,
        batch_images=run.recipe.batch_images,
        label_smoothing=run.recipe.label_smoothing,
        fill=run.recipe.augmentation.fill,
        seed=run.seed,
        normalisation=normalisation,
        images=split.train_images,
        labels=split.train_labels,
    )
    engine = make_engine(run.engine, run.device, job, lambda text: observer.message(text), stop)
    return Setup(
        run=run,
        plan=plan,
        split=split,
        normalisation=normalisation,
        engine=engine,
        length=RunLength(steps_of(len(split.train_labels), run.recipe.batch_images), run.recipe.epochs),
        observer=observer,
        stop=stop,
        started=datetime.now(UTC),
    )


def first_state(setup: Setup) -> State:
    """Return what the run starts from: initial weights, zeros in the optimizer slots, and the average if it has one."""
    recipe = setup.run.recipe
    state = {**initial_state(setup.plan, recipe.optimizer, setup.run.seed), **(setup.run.initial or {})}
    return {**state, **with_prefix(weights_of(state, setup.plan))} if recipe.averaging.is_kept else state
