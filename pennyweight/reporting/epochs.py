"""One line per epoch, with marks where something happened: the first epoch at target, a drop of the learning rate."""

from collections.abc import Sequence

from pennyweight.base.budget import budget_for
from pennyweight.base.records import EpochRow
from pennyweight.reporting.text import duration
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.schedules import ReduceLROnPlateau, StepLR


def epoch_line(history: Sequence[EpochRow], epochs: int, marks: Sequence[str]) -> str:
    """Return the compact line of the last epoch in `history`."""
    row = history[-1]
    parts = [f"epoch {row.epoch:>{len(str(epochs))}}/{epochs}", f"loss {row.train_loss:.4f}"]
    parts.append(f"train {row.train_accuracy:5.2f} %")
    for split in ("val", "test"):
        score = row.score(split)
        if score.accuracy is not None:
            raw = "" if score.unaveraged_accuracy is None else f" (raw {score.unaveraged_accuracy:5.2f} %)"
            parts.append(f"{split} {score.accuracy:5.2f} %{raw}")
    parts += [f"rate {row.learning_rate:<8.3g}", f"{row.seconds:.1f} s"]
    if row.epoch < epochs:
        parts.append(f"ETA {duration(_seconds_left(history, epochs))}")
    return "  ".join(parts) + "".join(f"  <- {mark}" for mark in marks)


def target_of(recipe: Recipe, dataset: str) -> tuple[float, str] | None:
    """Return the accuracy in percent a run aims at and the split it is measured on; None without a budget."""
    budget = budget_for(recipe.budgets, dataset)
    if budget is None:
        return None
    own = recipe.origin.target if dataset == "mnist" else None
    return own or budget.accuracy, budget.split


def marks(history: Sequence[EpochRow], recipe: Recipe, dataset: str) -> list[str]:
    """Return the marks of the last epoch in `history`: the first at target, and every drop of the learning rate."""
    texts = []
    target = target_of(recipe, dataset)
    if target is not None:
        accuracies = [row.score(target[1]).accuracy for row in history]
        at_target = [accuracy is not None and accuracy >= target[0] for accuracy in accuracies]
        if at_target[-1] and not any(at_target[:-1]):
            texts.append(f"first at target, {target[0]:g} %")
    stepwise = isinstance(recipe.schedule, StepLR | ReduceLROnPlateau)
    if stepwise and len(history) > 1 and history[-1].learning_rate < history[-2].learning_rate:
        texts.append(f"learning rate {history[-2].learning_rate:g} to {history[-1].learning_rate:g}")
    return texts


def _seconds_left(history: Sequence[EpochRow], epochs: int) -> float:
    recent = [row.seconds for row in history[-3:]]
    return (epochs - len(history)) * sum(recent) / len(recent)
