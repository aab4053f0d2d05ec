"""The table of recipes and seeds while they are trained."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import summary
from pennyweight.reporting.tables import duration, table

EPOCH = re.compile(r"epoch\s+(\d+)/(\d+)")


@dataclass
class Progress:
    """What is known of the runs so far; `work` is what one run of each recipe costs, in any unit."""

    names: Sequence[str]
    seeds: int
    started: float
    work: Sequence[float]
    running: dict[str, str] = field(default_factory=dict)
    records: dict[str, list[RunRecord]] = field(default_factory=dict)
    ended: int = 0
    trained: dict[str, float] = field(default_factory=dict)

    def hear(self, label: str, line: str) -> None:
        """Take note of what a run says."""
        if found := EPOCH.match(line):
            self.running[label] = f"{found[1]}/{found[2]}"
            self.trained[label] = self.trained.get(label, 0.0) + 1 / int(found[2])

    def end(self, label: str, record: RunRecord | None) -> None:
        """Take note that a run ended, with its record when it is complete."""
        self.running.pop(label, None)
        self.ended += 1
        if record:
            self.records.setdefault(record.recipe, []).append(record)

    def seconds_left(self, now: float) -> float:
        """Return how long the rest takes at the pace so far; 0 where nothing was trained yet."""
        cost = dict(zip(self.names, self.work, strict=True))
        spent = sum(cost[label.split()[0]] * share for label, share in self.trained.items())
        whole = self.seeds * sum(self.work)
        complete = sum(cost[name] * len(records) for name, records in self.records.items())
        begun = sum(cost[label.split()[0]] * self.trained.get(label, 0.0) for label in self.running)
        return (whole - complete - begun) / spent * (now - self.started) if spent else 0.0


def matrix_text(progress: Progress, now: float) -> str:
    """Return one line a recipe: runs complete, their accuracies, how many kept the budget, and what is in training."""
    rows = []
    for name in progress.names:
        records = progress.records.get(name, [])
        finals = [accuracy for record in records if (accuracy := final_accuracy(record)[1]) is not None]
        judged = [record.verdict.met for record in records if record.verdict.met is not None]
        trained = [f"{label.split()[-1]}: {at}" for label, at in progress.running.items() if label.split()[0] == name]
        rows.append(
            (
                name,
                f"{len(records)}/{progress.seeds}",
                _mean(finals),
                f"{min(finals):.2f}" if finals else "",
                f"{sum(judged)}/{len(judged)}" if judged else "",
                ", ".join(trained),
            )
        )
    text = table(("recipe", "runs", "mean ± sd, %", "lowest, %", "kept", "in training"), rows, right=" rrrr")
    left = progress.seconds_left(now) if progress.running else 0.0
    return text + (f"\nabout {duration(left)} left" if left else "")


def final_accuracy(record: RunRecord) -> tuple[str, float | None]:
    """Return the split a run is judged on and its last accuracy there in percent, where it was measured."""
    row = record.epochs[-1]
    if record.verdict.split == "val" or row.test_accuracy is None:
        return "val", row.val_accuracy
    return "test", row.test_accuracy


def _mean(finals: Sequence[float]) -> str:
    if len(finals) < 2:
        return f"{finals[0]:.2f}" if finals else ""
    found = summary(np.array(finals))
    return f"{found.mean:.3f} ± {found.deviation:.3f}"
