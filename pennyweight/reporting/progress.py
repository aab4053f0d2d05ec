"""Recipes and seeds while they are trained: what is complete, what is in training, and how long the rest takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pennyweight.base.errors import Interrupted
from pennyweight.base.records import VERDICT_WORDS, RunRecord
from pennyweight.base.stats import summary
from pennyweight.base.terminal import PIPE_COLUMNS
from pennyweight.reporting.text import WIDTH, duration, plural
from pennyweight.runs.request import Request
from pennyweight.tables.table import Column, right, table
from pennyweight.tables.text import to_text
from pennyweight.training.events import Done, EpochDone, Event, Failed, Stepped


@dataclass
class Progress:
    """What is known of the runs so far; `work` is what one run of each recipe costs, in any unit, in order.

    A run is keyed by its recipe's name and its seed. `started` is the time in seconds by the clock of `now` elsewhere.
    """

    work: Mapping[str, float]
    seeds: int
    started: float
    running: dict[tuple[str, int], EpochDone] = field(default_factory=dict)
    """The last epoch of each run that is in training."""
    records: dict[str, list[RunRecord]] = field(default_factory=dict)
    ended: int = 0
    trained: dict[tuple[str, int], float] = field(default_factory=dict)
    """The share of each run that was trained here; a resumed run brings nothing of what it trained before."""
    unfinished: dict[tuple[str, int], float] = field(default_factory=dict)
    """The share of a run that its unfinished epoch has trained so far."""
    lost: float = 0.0
    """The work of runs that failed, which nobody does any more."""

    @property
    def runs(self) -> int:
        """Return how many runs there are."""
        return len(self.work) * self.seeds

    def take(self, request: Request, event: Event) -> None:
        """Record what happened to the run of `request`."""
        key = request.name, request.seed
        if isinstance(event, Stepped):
            self.unfinished[key] = event.steps_done / event.epoch_steps / event.epochs
        else:
            self.unfinished.pop(key, None)
        if isinstance(event, EpochDone):
            self.running[key] = event
            self.trained[key] = self.trained.get(key, 0.0) + 1 / event.epochs
        if isinstance(event, Failed) and event.exit_code == Interrupted.exit_code:
            return
        if isinstance(event, Done | Failed):
            self.running.pop(key, None)
            self.ended += 1
        if isinstance(event, Done):
            self.records.setdefault(request.name, []).append(event.record)
        if isinstance(event, Failed):
            self.lost += self.work[request.name]

    @property
    def share(self) -> float:
        """Return the share of all work that is done or lost."""
        complete = sum(self.work[name] * len(records) for name, records in self.records.items())
        begun = sum(self.work[key[0]] * last.row.epoch / last.epochs for key, last in self.running.items())
        return (complete + begun + self.lost + self._unfinished_work) / (self.seeds * sum(self.work.values()))

    def seconds_left(self, now: float) -> float:
        """Return how long the rest takes at the pace so far; 0 where nothing was trained yet."""
        spent = sum(self.work[name] * share for (name, _), share in self.trained.items()) + self._unfinished_work
        rest = (1 - self.share) * self.seeds * sum(self.work.values())
        return rest / spent * (now - self.started) if spent else 0.0

    @property
    def _unfinished_work(self) -> float:
        return sum(self.work[name] * share for (name, _), share in self.unfinished.items())


def progress_words(progress: Progress, now: float) -> str:
    """Return how many runs ended and how long the rest takes: `3 of 10 runs, 2 m 05 s left`."""
    left = progress.seconds_left(now) if progress.ended < progress.runs else 0.0
    return f"{progress.ended} of {plural(progress.runs, 'run')}" + (f", {duration(left)} left" if left else "")


def progress_text(progress: Progress, now: float, width: int = WIDTH) -> str:
    """Return one line per recipe: complete runs, their accuracies, how many kept the budget, what is in training."""
    rows = []
    for name in progress.work:
        records = progress.records.get(name, [])
        finals = [accuracy for record in records if (accuracy := final_accuracy(record)[1]) is not None]
        judged = [record.verdict.met for record in records if record.verdict.met is not None]
        training = [
            f"{seed}: {last.row.epoch}/{last.epochs}"
            for (recipe, seed), last in progress.running.items()
            if recipe == name
        ]
        rows.append(
            (
                name,
                f"{len(records)}/{progress.seeds}",
                _mean(finals),
                f"{min(finals):.2f}" if finals else "",
                f"{sum(judged)}/{len(judged)}" if judged else "",
                ", ".join(training),
            )
        )
    datasets = sorted({record.dataset for records in progress.records.values() for record in records})
    head = f"recipe on {', '.join(datasets)}" if datasets else "recipe"
    columns = (
        Column(head),
        *right("runs", "mean ± sd, %", "lowest, %", "budget kept"),
        Column("in training", narrow="wrap"),
    )
    text = to_text(table(columns, rows), width)
    left = progress.seconds_left(now) if progress.running else 0.0
    return text + (f"\nabout {duration(left)} left" if left else "")


def run_line(record: RunRecord, width: int = PIPE_COLUMNS) -> str:
    """Return a complete run as one line: its recipe, dataset and seed, last accuracy, verdict and time.

    Where `width` has no room for all of it, the dataset and then the time are left out.
    """
    split, accuracy = final_accuracy(record)
    verdict = VERDICT_WORDS[record.verdict.met]
    seconds = f" {duration(sum(row.seconds for row in record.epochs)):>9}"
    figure = f"{split} {accuracy:.2f} %" if accuracy is not None else "not measured"
    for dataset, time in ((f" on {record.dataset},", seconds), ("", seconds), ("", "")):
        line = f"{record.recipe:<20}{dataset} seed {record.seed:<3} {figure}  {verdict:<15}{time}".rstrip()
        if len(line) <= width:
            break
    return line


def final_accuracy(record: RunRecord) -> tuple[str, float | None]:
    """Return the split a run is judged on and its last accuracy there in percent, where it was measured."""
    row = record.epochs[-1]
    split = "val" if record.verdict.split == "val" or row.score("test").accuracy is None else "test"
    return split, row.score(split).accuracy


def _mean(finals: Sequence[float]) -> str:
    if len(finals) < 2:
        return f"{finals[0]:.2f}" if finals else ""
    figures = summary(np.array(finals))
    return f"{figures.mean:.3f} ± {figures.std:.3f}"
