"""One line per epoch, with marks where something happened: the first epoch at target, a drop of the learning rate."""

from collections.abc import Sequence

from pennyweight.base.budget import budget_for
from pennyweight.base.records import EpochRow
from pennyweight.base.terminal import PIPE_COLUMNS
from pennyweight.reporting.text import duration
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.schedules import ReduceLROnPlateau, StepLR

UNAVERAGED = (
    "Accuracies are those of the averaged weights; those of the unaveraged ones stand in brackets, where they fit."
)
"""What a run says once whose weights are averaged, before its first epoch."""
PARTS = ("epoch", "test", "val", "train", "loss", "unaveraged test", "unaveraged val", "ETA", "seconds", "rate")
"""The parts of an epoch's line by how much they are missed."""


def epoch_line(history: Sequence[EpochRow], epochs: int, marks: Sequence[str], width: int = PIPE_COLUMNS) -> str:
    """Return the compact line of the last epoch in `history`: the parts that fit `width`, the same in every epoch.

    Marks that do not fit stand below.
    """
    row = history[-1]
    parts = {"epoch": f"epoch {row.epoch:>{len(str(epochs))}}/{epochs}", "loss": f"loss {row.train_loss:.4f}"}
    parts["train"] = f"train {row.train_accuracy:5.2f} %"
    for split in ("val", "test"):
        score = row.score(split)
        if score.accuracy is not None:
            parts[split] = f"{split} {score.accuracy:5.2f} %"
        if score.unaveraged_accuracy is not None:
            parts[f"unaveraged {split}"] = f"(unaveraged {score.unaveraged_accuracy:5.2f} %)"
    parts |= {"rate": f"rate {row.learning_rate:<8.3g}", "seconds": f"{row.seconds:.1f} s"}
    parts["ETA"] = f"ETA {duration(_seconds_left(history, epochs))}" if row.epoch < epochs else ""
    kept, room = set[str](), width + GAP
    for part in PARTS:
        length = GAP + max(len(parts.get(part, "")), SHORTEST.get(part, 0))
        if part in parts and length <= room:
            kept.add(part)
            room -= length
    line = "  ".join(text for part, text in parts.items() if part in kept and text).replace("  (", " (")
    for mark in marks:
        line += f"  <- {mark}" if len(line) + 5 + len(mark) <= width else f"\n  <- {mark}"
    return line


GAP = 2
SHORTEST = {
    "ETA": len("ETA 59 m 59 s"),
    "seconds": len("10.0 s"),
    "train": len("train 100.00 %"),
    "test": len("test 100.00 %"),
}
"""What is left free for a part whose length changes from epoch to epoch."""


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
