"""What a run puts before its judge: its record, the recipe beside it, and whether its files agree with each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pennyweight.base.budget import Budget, budget_for, check_budget
from pennyweight.base.errors import MismatchError
from pennyweight.base.records import RunRecord
from pennyweight.data.sources import content_name
from pennyweight.judging.checks import Check, file_checks, overrides_of
from pennyweight.recipes.catalogue import published
from pennyweight.runs.find import read_record_file
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import WORDS
from pennyweight.settings.keys import BUDGETS_CHANGED
from pennyweight.settings.recipe import Recipe


@dataclass(frozen=True)
class RunEvidence:
    """One run before its judge; a record that lies alone has no recipe beside it, and nothing to hold it against.

    `dataset` is what the data are called by their digest, whatever the record calls them. `overrides` are the changes
    of the published recipe, computed from the recipe where it is there.
    """

    source: str
    record: RunRecord
    recipe: Recipe | None
    dataset: str
    overrides: tuple[str, ...]
    published: bool = False
    """Whether the record came with the package."""

    @property
    def on_trust(self) -> str:
        """Return what cannot be held against anything here, as words; empty where all of it can."""
        if self.recipe is None:
            alone = f"the record alone, {WORDS}" if self.published else "the record alone"
            return f"{alone}: nothing beside it to hold it against"
        if not self.record.recipe_sha256 and published(self.recipe.name) is None:
            return "an early record: it does not say which budget the run had"
        return ""


def read_evidence(path: Path) -> RunEvidence:
    """Read a run folder, or a record file that lies alone.

    Raises UnavailableError when something is missing, MismatchError when a file is damaged or the files of a run do
    not agree with each other.
    """
    if not path.is_dir():
        record = read_record_file(path)
        return RunEvidence(str(path), record, None, _dataset(record), record.changes)
    trained = load_trained(path)
    if broken := [check for check in file_checks(path, trained) if check.agrees is False]:
        raise MismatchError(f"The files of {path} do not agree: {_words(broken)}.")
    record = trained.record
    overrides = overrides_of(record, trained.recipe)
    return RunEvidence(str(path), record, trained.recipe, _dataset(record), overrides)


def published_evidence(record: RunRecord) -> RunEvidence:
    """Return a record that came with the package as evidence: it lies alone."""
    source = f"published {'+'.join([record.recipe, *record.changes])} seed {record.seed}"
    return RunEvidence(source, record, None, _dataset(record), record.changes, published=True)


def _dataset(record: RunRecord) -> str:
    return content_name(record.dataset, record.provenance.dataset_digest)


def _words(checks: Sequence[Check]) -> str:
    shown = [f"{one.name}: {one.written} is written, {one.found} found" for one in checks[:3]]
    return "; ".join(shown) + (f"; and {len(checks) - 3} more" if len(checks) > 3 else "")


@dataclass(frozen=True)
class JudgesBudget:
    """What whoever judges asks for, which wins over a run's own budget: a whole budget, single limits, or both."""

    whole: Budget | None = None
    max_params: int | None = None
    max_epochs: int | None = None
    accuracy: float | None = None
    hold_epochs: int | None = None

    @property
    def limits(self) -> dict[str, float]:
        """Return the single limits that were given, by the field of Budget they are."""
        named = ("max_params", "max_epochs", "accuracy", "hold_epochs")
        return {name: value for name in named if (value := getattr(self, name)) is not None}

    def over(self, own: Budget | None, dataset: str) -> Budget | None:
        """Return the budget `own` becomes; without one, that of the judge alone, None unless it holds an accuracy.

        Raises UsageError for a limit that cannot work.
        """
        base = self.whole or own
        if base is None and self.accuracy is not None:
            base = Budget(dataset, None, None, self.accuracy)
        if base is None:
            return None
        budget = replace(base, dataset=dataset, **self.limits)  # type: ignore[arg-type]
        check_budget(budget)
        return budget


def budget_of(evidence: RunEvidence, judges: JudgesBudget) -> tuple[Budget | None, str]:
    """Return the budget a run is judged by, None where there is none, and whose it is."""
    own, whose = _own_budget(evidence)
    if judges == JudgesBudget():
        return own, whose
    budget = judges.over(own, evidence.dataset)
    partly = own is not None and judges.whole is None
    return budget, f"the judge's, over {whose}" if partly else "the judge's"


def _own_budget(evidence: RunEvidence) -> tuple[Budget | None, str]:
    base, own = published(evidence.record.recipe), evidence.recipe.budgets if evidence.recipe else ()
    if base is None:
        return budget_for(own, evidence.dataset), "the run's own"
    if BUDGETS_CHANGED not in evidence.overrides:
        return budget_for(base.budgets, evidence.dataset), f"that of {base.name}"
    changed = budget_for(own, evidence.dataset)
    if changed and changed.reason in {one.reason for one in base.budgets}:  # which is no reason for another budget
        changed = replace(changed, reason="")
    return changed, f"the run's own, not that of {base.name}"
