"""A budget and the one question it answers: did this run keep it?"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.base.records import SPLITS, Limit, RunRecord, Verdict


@dataclass(frozen=True)
class Budget:
    """Hard limits for one dataset: parameters, epochs, and an accuracy (percent) held over the last epochs.

    `hold_rate` is the share of seeds that must hold it when many are judged together. A `max_` of None is no cap.

    >>> pw.Budget("mnist", max_params=8_000, max_epochs=15, accuracy=99.4, hold_epochs=5).correct_needed(10_000)
    9940
    """

    dataset: str
    max_params: int | None
    max_epochs: int | None
    accuracy: float
    hold_epochs: int = 1
    hold_rate: float = 0.95
    split: str = "test"
    reason: str = ""
    """Where the limits come from, in one sentence."""

    def correct_needed(self, images: int) -> int:
        """Return how many of `images` must be right: exact arithmetic on the decimal the budget states."""
        return ceil(Fraction(str(self.accuracy)) * images / 100)


def check_budget(budget: Budget) -> None:
    """Raise UsageError naming the first limit that cannot work."""
    ranges: dict[str, tuple[float, float]] = {
        "max_params": (1, 10**12),
        "max_epochs": (1, 100_000),
        "accuracy": (0, 100),
        "hold_epochs": (1, budget.max_epochs or 100_000),
        "hold_rate": (0, 1),
    }
    for name, (low, high) in ranges.items():
        value = getattr(budget, name)
        if value is not None and not low <= value <= high:
            raise UsageError(f"budget.{name} is {value}; it must be from {low} to {high}.")
    if budget.split not in SPLITS:
        raise unknown_name_error("split", budget.split, SPLITS)


def check(budget: Budget, record: RunRecord) -> Verdict:
    """Judge one run on integer counts, never on rounded percentages.

    Breaches are named: too_many_params, too_many_epochs, too_short, not_measured, accuracy_not_held.
    """
    checks = [
        *_cap("parameters", record.params, budget.max_params, "too_many_params"),
        *_cap("epochs", len(record.epochs), budget.max_epochs, "too_many_epochs"),
        *_accuracy(budget, record),
    ]
    breaches = tuple(breach for limit, breach in checks if not limit.met)
    return Verdict(not breaches, budget.dataset, budget.split, tuple(limit for limit, _ in checks), breaches)


def judge_record(budgets: tuple[Budget, ...], record: RunRecord) -> Verdict:
    """Judge one run by the budget of its dataset; not judged without one, or without test figures."""
    budget = budget_for(budgets, record.dataset)
    if budget is None or (budget.split == "test" and not record.evaluated_on("test")):
        return not_judged(record.dataset)
    return check(budget, record)


def not_judged(dataset: str) -> Verdict:
    """Return the verdict of a run that nothing can be held against."""
    return Verdict(None, dataset, "test")


def budget_for(budgets: tuple[Budget, ...], dataset: str) -> Budget | None:
    """Return the budget that belongs to `dataset`, or None."""
    return next((budget for budget in budgets if budget.dataset == dataset), None)


def hold_words(epochs: int) -> str:
    """Return the epochs that an accuracy has to hold in as words."""
    return "the last epoch" if epochs == 1 else f"each of the last {epochs} epochs"


_EARLY_WORDS = {
    "in each of the last 1 epochs": f"in {hold_words(1)}",
    "measured in 0 of the last 1 epochs": "not measured in the last epoch",
}


def in_present_words(verdict: Verdict) -> Verdict:
    """Return a verdict as `check` words it now; records of early versions say `in each of the last 1 epochs`."""
    return replace(verdict, limits=tuple(map(_in_present_words, verdict.limits)))


def _in_present_words(limit: Limit) -> Limit:
    allowed, measured = limit.allowed, limit.measured
    for early, present in _EARLY_WORDS.items():
        allowed, measured = allowed.replace(early, present), measured.replace(early, present)
    return replace(limit, allowed=allowed, measured=measured)


def _cap(name: str, measured: int, cap: int | None, breach: str) -> list[tuple[Limit, str]]:
    if cap is None:
        return []
    return [(Limit(name, f"at most {cap:,}", f"{measured:,}", measured <= cap), breach)]


def _accuracy(budget: Budget, record: RunRecord) -> list[tuple[Limit, str]]:
    images = record.images(budget.split)
    last = [row.score(budget.split).correct for row in record.epochs[-budget.hold_epochs :]]
    measured = [correct for correct in last if correct is not None]
    needed = budget.correct_needed(images)
    held = bool(measured) and min(measured) >= needed
    name = f"{budget.split} accuracy"
    allowed = f"at least {budget.accuracy:g} % ({needed:,} of {images:,}) in {hold_words(budget.hold_epochs)}"
    figure = f"lowest {100 * min(measured) / images:.2f} % ({min(measured):,} of {images:,})" if measured else "none"
    rows = []
    if len(record.epochs) < budget.hold_epochs:
        run_length = Limit("epochs run", f"at least {budget.hold_epochs}", str(len(record.epochs)), False)
        rows.append((run_length, "too_short"))
    if len(measured) < len(last) or not measured:
        counted = f"measured in {len(measured)} of the last {len(last)} epochs"
        unmeasured = "not measured in the last epoch" if len(last) == 1 else counted
        return [*rows, (Limit(name, allowed, unmeasured, False), "not_measured")]
    return [*rows, (Limit(name, allowed, figure, held), "accuracy_not_held")]
