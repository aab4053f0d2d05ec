"""Judging finished runs: each against its budget, and all seeds of one recipe together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pennyweight.base.budget import Budget, check, not_judged
from pennyweight.base.errors import PennyweightError, UsageError
from pennyweight.base.records import RunRecord, Verdict
from pennyweight.judging.evidence import JudgesBudget, RunEvidence, budget_of, read_evidence
from pennyweight.judging.resampling import OtherTestSets, other_test_sets
from pennyweight.judging.seeds import MET, SeedsJudgement, judge_seeds
from pennyweight.recipes.catalogue import published
from pennyweight.runs.find import is_seed_of_a_folder, run_key
from pennyweight.settings.keys import BUDGETS_CHANGED
from pennyweight.settings.recipe import Origin, Recipe


@dataclass(frozen=True, repr=False)
class RunJudgement:
    """One run and what its budget says of it, computed anew; `reason` tells why it is not judged, where it is not.

    `budget` is None for a run that is not judged, else the limits it was held against, and `whose` says where they are
    from. `on_trust` says what could not be held against anything. `other_test_sets` is there for a run judged alone.
    """

    source: str
    record: RunRecord
    verdict: Verdict
    budget: Budget | None
    whose: str
    on_trust: str
    other_test_sets: OtherTestSets | None
    reason: str = ""

    def __repr__(self) -> str:
        """Return one line: which run, and its verdict."""
        return f"<RunJudgement of {self.source}: {self.verdict!r}>"


@dataclass(frozen=True)
class Problem:
    """A run that cannot be judged: its files are damaged, missing or do not agree; and the exit code for that."""

    source: str
    message: str
    exit_code: int


@dataclass(frozen=True, repr=False)
class Judgement:
    """Every run, every recipe with its seeds, and every run that could not be read."""

    runs: tuple[RunJudgement, ...]
    groups: tuple[SeedsJudgement, ...]
    problems: tuple[Problem, ...]

    def __repr__(self) -> str:
        """Return one line: how many runs kept their budget, how many could not be judged, and whether all is met."""
        kept = sum(run.verdict.met is True for run in self.runs)
        problems = f", {len(self.problems)} cannot be judged" if self.problems else ""
        words = {True: "met", False: "not met", None: "not judged"}[self.met]
        return f"<Judgement: {kept} of {len(self.runs)} runs kept their budget{problems}; {words}>"

    @property
    def met(self) -> bool | None:
        """Return whether every recipe met its budget, one with a single run by that run; None where none is judged."""
        if self.problems:
            return False
        held = [group.verdict == MET or (len(group.seeds) == 1 and group.share.kept == 1) for group in self.groups]
        return all(held) if held else None


def judge(sources: Sequence[Path | RunEvidence], judges: JudgesBudget | None = None) -> Judgement:
    """Judge runs: run folders, records that lie alone, or evidence; `judges` wins over their own budgets.

    Raises UsageError when one seed would count twice, or for a limit of the judge's that cannot work.
    """
    evidence, problems = list[RunEvidence](), list[Problem]()
    for source in sources:
        try:
            evidence.append(read_evidence(source) if isinstance(source, Path) else source)
        except PennyweightError as error:
            problems.append(Problem(str(source), str(error), error.exit_code))
    return replace(judge_evidence(evidence, judges or JudgesBudget()), problems=tuple(problems))


def judge_evidence(evidence: Sequence[RunEvidence], judges: JudgesBudget) -> Judgement:
    """Judge runs that were read, each alone and those of one recipe together; raises UsageError as `judge` does."""
    judged = [(one, judge_run(one, judges, alone=len(evidence) == 1)) for one in evidence]
    groups: dict[tuple[object, ...], list[tuple[RunEvidence, RunJudgement]]] = {}
    for one, run in judged:
        if run.budget is not None:
            groups.setdefault(_group(one, run.budget), []).append((one, run))
    together = tuple(_judge_group(part) for group in groups.values() for part in _folders_apart(group))
    return Judgement(tuple(run for _, run in judged), together, ())


def _folders_apart(
    group: Sequence[tuple[RunEvidence, RunJudgement]],
) -> list[Sequence[tuple[RunEvidence, RunJudgement]]]:
    """Return runs together; where a seed is there twice, as in two students' folders, folder by folder."""
    seeds = {one.record.seed for one, _ in group}
    if len(seeds) == len(group) or any(one.published for one, _ in group):
        return [group]
    folders: dict[Path, list[tuple[RunEvidence, RunJudgement]]] = {}
    for one, run in group:
        folders.setdefault(Path(one.source).parent, []).append((one, run))
    return list(folders.values())


def judge_run(evidence: RunEvidence, judges: JudgesBudget, alone: bool) -> RunJudgement:
    """Judge one run by the judge's budget, else by its own; where it stands `alone`, on other test sets too."""
    record = evidence.record
    budget, whose = budget_of(evidence, judges)
    reason = _why_not(evidence, budget, judges)
    if budget is None or reason:
        nothing = not_judged(evidence.dataset)
        return RunJudgement(evidence.source, record, nothing, None, "", "", None, reason)
    others = other_test_sets([record], budget) if alone else None
    return RunJudgement(evidence.source, record, check(budget, record), budget, whose, evidence.on_trust, others)


def _why_not(evidence: RunEvidence, budget: Budget | None, judges: JudgesBudget) -> str:
    """Return why a run is not judged; empty where it is."""
    record = evidence.record
    own = published(record.recipe) is None or BUDGETS_CHANGED in evidence.overrides
    if budget is None and evidence.recipe is None and own:
        return (
            f"a record alone does not hold the budget of {record.recipe}; judge its run folder, whose recipe.toml "
            "does, or name one, as --accuracy 99.4"
        )
    if budget is None:
        other = "" if evidence.dataset == record.dataset else f" (the record calls it {record.dataset})"
        asked = "name an accuracy too" if judges.limits else "name one, as --accuracy 99.4"
        return f"{record.recipe} has no budget for {evidence.dataset}{other}; {asked}"
    if budget.split == "test" and not record.evaluated_on("test"):
        return "the test images were not evaluated"
    return ""


def _group(evidence: RunEvidence, budget: Budget) -> tuple[object, ...]:
    """Return what seeds of one recipe agree on: all that decides them but the seed, and whose they are."""
    record = evidence.record
    alike = _without_words(evidence.recipe) if evidence.recipe else run_key(record)
    data = evidence.dataset, record.provenance.dataset_digest
    # a run under a name of its own is somebody's submission, whatever lies beside it
    alone = "" if evidence.published or is_seed_of_a_folder(Path(evidence.source), record.seed) else evidence.source
    return alike, evidence.overrides, record.initial_sha256, record.engine, data, replace(budget, reason=""), alone


def _without_words(recipe: Recipe) -> Recipe:
    """Return the recipe without what it says of itself: where settings are from, and why a budget is what it is."""
    budgets = tuple(replace(budget, reason="") for budget in recipe.budgets)
    return replace(recipe, budgets=budgets, origin=Origin(document=""))


def _judge_group(runs: Sequence[tuple[RunEvidence, RunJudgement]]) -> SeedsJudgement:
    by_seed: dict[int, RunJudgement] = {}
    for _, run in runs:
        other = by_seed.setdefault(run.record.seed, run)
        if other is not run:
            raise UsageError(
                f"{other.source} and {run.source} are runs of one recipe and one seed; a seed counts once, name one."
            )
    first, judged = runs[0]
    assert judged.budget is not None  # only judged runs come here
    records = sorted((run.record for _, run in runs), key=lambda record: record.seed)
    named = [replace(one, changes=first.overrides, dataset=first.dataset) for one in records]
    return judge_seeds(named, judged.budget, judged.whose)
