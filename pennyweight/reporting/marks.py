"""What is worth marking in a run's table of epochs."""

from collections.abc import Sequence

from pennyweight.base.budget import budget_for
from pennyweight.base.records import EpochRow
from pennyweight.training.recipe import Recipe
from pennyweight.training.schedules import ReduceLROnPlateau, StepLR


def target_of(recipe: Recipe, dataset: str) -> tuple[float, str] | None:
    """Return the accuracy in percent a run aims at and the split it is measured on; None without a budget."""
    budget = budget_for(recipe.budgets, dataset)
    if budget is None:
        return None
    own = recipe.origin.target if dataset == "mnist" else None
    return own or budget.accuracy, budget.split


def marks(history: Sequence[EpochRow], recipe: Recipe, dataset: str) -> list[str]:
    """Return the marks of the last epoch in `history`: the first at target, and every drop of the learning rate."""
    found = []
    target = target_of(recipe, dataset)
    if target is not None:
        at_target = [_accuracy(row, target[1]) >= target[0] for row in history]
        if at_target[-1] and not any(at_target[:-1]):
            found.append(f"first at target, {target[0]:g} %")
    stepwise = isinstance(recipe.schedule, StepLR | ReduceLROnPlateau)
    if stepwise and len(history) > 1 and history[-1].learning_rate < history[-2].learning_rate:
        found.append(f"learning rate {history[-2].learning_rate:g} to {history[-1].learning_rate:g}")
    return found


def _accuracy(row: EpochRow, split: str) -> float:
    found = row.val_accuracy if split == "val" else row.test_accuracy
    return -1.0 if found is None else found
