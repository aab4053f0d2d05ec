"""Judging finished runs: each against its budget, and all seeds of one recipe together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pennyweight.base.budget import budget_for, judge_record
from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.records import RunRecord, Verdict
from pennyweight.judging.seeds import MET, SeedsJudgement, judge_seeds
from pennyweight.nets.measure import measure
from pennyweight.training.recipe import Origin, Recipe
from pennyweight.training.trained import Trained, load_trained


@dataclass(frozen=True)
class RunJudgement:
    """One run and what its budget says of it, computed anew from its record and weights."""

    folder: str
    record: RunRecord
    verdict: Verdict


@dataclass(frozen=True)
class Judgement:
    """Every run, and every group of runs of one recipe; `met` is False when a group's verdict is not `met`."""

    met: bool | None
    runs: tuple[RunJudgement, ...]
    groups: tuple[SeedsJudgement, ...]


def judge(folders: Sequence[Path]) -> Judgement:
    """Judge the runs in `folders`.

    Raises EnvironmentRefused when a folder holds no finished run, MismatchError when its files do not agree, UsageError
    when one seed would count twice.
    """
    runs: list[RunJudgement] = []
    groups: dict[tuple[object, ...], list[tuple[Trained, RunJudgement]]] = {}
    for folder in folders:
        trained = load_trained(folder)
        run = _judge_run(folder, trained)
        runs.append(run)
        if run.verdict.met is not None:
            data = run.record.dataset, run.record.provenance.dataset_digest
            key = (_without_words(trained.recipe), run.record.changes, data)
            groups.setdefault(key, []).append((trained, run))
    together = tuple(_judge_group(group) for group in groups.values())
    return Judgement(all(group.verdict == MET for group in together) if together else None, tuple(runs), together)


def _without_words(recipe: Recipe) -> Recipe:
    """Return the recipe without what it says of itself: where settings are from, and why a budget is what it is."""
    budgets = tuple(replace(budget, reason="") for budget in recipe.budgets)
    return replace(recipe, budgets=budgets, origin=Origin(document=""))


def _judge_run(folder: Path, trained: Trained) -> RunJudgement:
    counted = measure(trained.plan).params
    if counted != trained.record.params:
        raise MismatchError(
            f"{folder}: the record says {trained.record.params:,} parameters, the weights are {counted:,}."
        )
    return RunJudgement(str(folder), trained.record, judge_record(trained.recipe.budgets, trained.record))


def _judge_group(runs: Sequence[tuple[Trained, RunJudgement]]) -> SeedsJudgement:
    by_seed: dict[int, RunJudgement] = {}
    for _, run in runs:
        other = by_seed.setdefault(run.record.seed, run)
        if other is not run:
            raise UsageError(
                f"{other.folder} and {run.folder} are runs of one recipe and one seed; a seed counts once, name one."
            )
    trained, first = runs[0]
    budget = budget_for(trained.recipe.budgets, first.record.dataset)
    assert budget is not None  # only judged runs come here
    return judge_seeds([run.record for _, run in runs], budget)
