"""Judging finished runs: each against its budget, and all seeds of one recipe together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pennyweight.base.budget import correct_of, images_of, judge_record
from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.records import RunRecord, Verdict
from pennyweight.base.stats import Summary, summary, wilson_interval
from pennyweight.nets.measure import measure
from pennyweight.training.trained import Trained, load_trained


@dataclass(frozen=True)
class RunJudgement:
    """One run and what its budget says of it, computed anew from its record and weights."""

    folder: str
    record: RunRecord
    verdict: Verdict


@dataclass(frozen=True)
class SeedsJudgement:
    """All judged runs that differ in their seed alone: final accuracy in percent, and how many kept the budget.

    `final` is of the runs that measured the split, None when none did. `met_low` and `met_high` bound the share of
    seeds that keep it (Wilson, 95 %).
    """

    recipe: str
    dataset: str
    split: str
    seeds: tuple[int, ...]
    final: Summary | None
    met: int
    met_low: float
    met_high: float


@dataclass(frozen=True)
class Judgement:
    """Every run, and every group of runs of one recipe; `met` is False when any judged run broke its budget."""

    met: bool | None
    runs: tuple[RunJudgement, ...]
    groups: tuple[SeedsJudgement, ...]


def judge(folders: Sequence[Path]) -> Judgement:
    """Judge the runs in `folders`.

    Raises EnvironmentRefused when a folder holds no finished run, MismatchError when its files do not agree, UsageError
    when one seed would count twice.
    """
    runs: list[RunJudgement] = []
    groups: dict[tuple[object, ...], list[RunJudgement]] = {}
    for folder in folders:
        trained = load_trained(folder)
        run = _judge_run(folder, trained)
        runs.append(run)
        if run.verdict.met is not None:
            key = (trained.recipe, run.record.changes, run.record.dataset, run.record.provenance.dataset_digest)
            groups.setdefault(key, []).append(run)
    verdicts = [run.verdict.met for run in runs if run.verdict.met is not None]
    together = tuple(_judge_seeds(group) for group in groups.values())
    return Judgement(all(verdicts) if verdicts else None, tuple(runs), together)


def _judge_run(folder: Path, trained: Trained) -> RunJudgement:
    counted = measure(trained.plan).params
    if counted != trained.record.params:
        raise MismatchError(
            f"{folder}: the record says {trained.record.params:,} parameters, the weights are {counted:,}."
        )
    return RunJudgement(str(folder), trained.record, judge_record(trained.recipe.budgets, trained.record))


def _judge_seeds(runs: Sequence[RunJudgement]) -> SeedsJudgement:
    first = runs[0]
    by_seed: dict[int, RunJudgement] = {}
    for run in runs:
        other = by_seed.setdefault(run.record.seed, run)
        if other is not run:
            raise UsageError(
                f"{other.folder} and {run.folder} are runs of one recipe and one seed; a seed counts once, name one."
            )
    split = first.verdict.split
    finals = [accuracy for run in runs for accuracy in _final_accuracy(run.record, split)]
    met = sum(run.verdict.met is True for run in runs)
    low, high = wilson_interval(met, len(runs))
    return SeedsJudgement(
        recipe="+".join([first.record.recipe, *first.record.changes]),
        dataset=first.record.dataset,
        split=split,
        seeds=tuple(run.record.seed for run in runs),
        final=summary(np.array(finals)) if finals else None,
        met=met,
        met_low=low,
        met_high=high,
    )


def _final_accuracy(record: RunRecord, split: str) -> list[float]:
    """Return the accuracy after the last epoch in percent; nothing, not zero, when the split was not measured."""
    correct = correct_of(record.epochs[-1], split) if record.epochs else None
    return [] if correct is None else [100 * correct / images_of(record, split)]
