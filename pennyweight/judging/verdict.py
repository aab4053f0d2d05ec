"""Judging finished runs: each against its budget, and all seeds of one recipe together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pennyweight.base.budget import Budget, budget_for, check, correct_of, images_of, not_judged
from pennyweight.base.errors import MismatchError
from pennyweight.base.records import RunRecord, Verdict
from pennyweight.base.stats import Summary, summary, wilson_interval
from pennyweight.nets.measure import measure
from pennyweight.training.trained import load_trained


@dataclass(frozen=True)
class RunJudgement:
    """One run and what its budget says of it, computed anew from its record and weights."""

    folder: str
    record: RunRecord
    verdict: Verdict


@dataclass(frozen=True)
class SeedsJudgement:
    """All judged runs that differ in their seed alone: final accuracy in percent, and how many kept the budget.

    `met_low` and `met_high` bound the share of seeds that keep it (Wilson, 95 %).
    """

    recipe: str
    dataset: str
    split: str
    seeds: tuple[int, ...]
    final: Summary
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

    Raises EnvironmentRefused when a folder holds no finished run, MismatchError when its files do not agree.
    """
    runs = tuple(_judge_run(folder) for folder in folders)
    verdicts = [run.verdict.met for run in runs if run.verdict.met is not None]
    groups: dict[tuple[object, ...], list[RunJudgement]] = {}
    for run in runs:
        if run.verdict.met is not None:
            groups.setdefault((run.record.recipe, run.record.changes, run.record.dataset), []).append(run)
    return Judgement(all(verdicts) if verdicts else None, runs, tuple(_judge_seeds(group) for group in groups.values()))


def _judge_run(folder: Path) -> RunJudgement:
    trained = load_trained(folder)
    counted = measure(trained.plan).params
    if counted != trained.record.params:
        raise MismatchError(
            f"{folder}: the record says {trained.record.params:,} parameters, the weights are {counted:,}."
        )
    budget: Budget | None = budget_for(trained.recipe.budgets, trained.record.dataset)
    verdict = check(budget, trained.record) if budget else not_judged(trained.record.dataset)
    return RunJudgement(str(folder), trained.record, verdict)


def _judge_seeds(runs: Sequence[RunJudgement]) -> SeedsJudgement:
    first = runs[0]
    split = first.verdict.split
    finals = [100 * (correct_of(run.record.epochs[-1], split) or 0) / images_of(run.record, split) for run in runs]
    met = sum(run.verdict.met is True for run in runs)
    low, high = wilson_interval(met, len(runs))
    return SeedsJudgement(
        recipe="+".join([first.record.recipe, *first.record.changes]),
        dataset=first.record.dataset,
        split=split,
        seeds=tuple(run.record.seed for run in runs),
        final=summary(np.array(finals)),
        met=met,
        met_low=low,
        met_high=high,
    )
