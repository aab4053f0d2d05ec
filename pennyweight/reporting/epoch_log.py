"""A run's epochs as the log that courses ask for and the documents show, one line an epoch."""

from pennyweight.base.records import RunRecord
from pennyweight.reporting.epochs import marks
from pennyweight.settings.recipe import Recipe

NAMES = {"train": "Train", "val": "Val", "test": "Test"}


def epoch_log(record: RunRecord, recipe: Recipe) -> str:
    """Return one line per epoch: loss and accuracy of every split that was measured, seconds, and what happened.

    Marked are the first epoch at the target and every drop of the learning rate, as while the run is trained.
    """
    epochs = record.planned_epochs or len(record.epochs)
    lines = []
    for number, row in enumerate(record.epochs, start=1):
        parts = [f"Epoch [{row.epoch:>{len(str(epochs))}}/{epochs}]"]
        for split, name in NAMES.items():
            score = row.score(split)
            if score.loss is not None and score.accuracy is not None:
                parts.append(f"{name} Loss: {score.loss:.4f}, {name} Acc: {score.accuracy:.2f}%")
        parts.append(f"{row.seconds:.1f} s")
        happened = "".join(f" [{mark}]" for mark in marks(record.epochs[:number], recipe, record.dataset))
        lines.append(" - ".join(parts) + happened)
    return "\n".join(lines)
