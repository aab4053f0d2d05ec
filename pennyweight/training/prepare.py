"""Everything a run needs before its first step: the plan, the split, the engine; no run folder is touched."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pennyweight.data.dataset import Split, hold_out
from pennyweight.data.normalisation import Normalisation, normalisation_of
from pennyweight.engines.averaging import with_prefix
from pennyweight.engines.choose import make_engine
from pennyweight.engines.protocol import Engine, State, TrainingJob, check_batches, initial_state, steps_of, weights_of
from pennyweight.nets.plan import Plan
from pennyweight.runs.run import Run
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
    stop: Callable[[], bool]
    started: datetime


def prepare(run: Run, observer: Observer, stop: Callable[[], bool]) -> Setup:
    """Return `run` ready to train; raises UsageError for what cannot work, UnavailableError for a missing engine."""
    plan = run.recipe.plan(run.dataset.classes)
    split = hold_out(run.dataset, run.recipe.validation_images)
    check_batches(plan, len(split.train_labels), run.recipe.batch_images)
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
    engine = make_engine(run.engine, run.device, job, observer.message)
    threads = "1 thread" if engine.threads == 1 else f"{engine.threads} threads"
    observer.detail(f"{engine.name} engine, {threads}: {engine.description}")
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
