"""What a process that trains tells the one that started it: events, one line of JSON each."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import IO

from pennyweight.base.errors import MismatchError, PennyweightError
from pennyweight.base.record_text import run_record_from_json
from pennyweight.base.records import EpochRow, RunRecord
from pennyweight.base.values import make
from pennyweight.runs.run import Run
from pennyweight.training.observer import Observer


@dataclass(frozen=True)
class Started:
    """The run was planned, and is now trained or resumed."""

    recipe: str
    dataset: str
    seed: int
    epochs: int
    folder: str


@dataclass(frozen=True)
class Stepped:
    """Steps of an epoch were trained; told a few times a second, and only to a parent that shows it."""

    epoch: int
    steps_done: int
    epoch_steps: int
    epochs: int


@dataclass(frozen=True)
class EpochDone:
    """An epoch of `epochs` was trained and its checkpoint is in place."""

    row: EpochRow
    epochs: int


@dataclass(frozen=True)
class Done:
    """The run is complete."""

    record: RunRecord


@dataclass(frozen=True)
class Failed:
    """The run did not complete: why, as one sentence, and the exit code that this ends in."""

    message: str
    exit_code: int


Event = Started | Stepped | EpochDone | Done | Failed
EVENT_NAMES: dict[str, type[Event]] = {
    "started": Started,
    "steps": Stepped,
    "epoch": EpochDone,
    "done": Done,
    "failed": Failed,
}
STEPPED_SECONDS = 0.2
"""The time between two Stepped events."""


def event_to_line(event: Event) -> str:
    """Return the event as JSON on one line: `{"event": "failed", "message": "...", "exit_code": 3}`."""
    name = next(name for name, kind in EVENT_NAMES.items() if isinstance(event, kind))
    return json.dumps({"event": name, **asdict(event)}, allow_nan=False)


def event_from_line(line: str) -> Event:
    """Read an event; raises MismatchError for a line that is none."""
    try:
        values = json.loads(line)
        kind = EVENT_NAMES[values.pop("event")]
        if kind is EpochDone:
            values["row"] = make(EpochRow, values["row"])
        if kind is Done:
            values["record"] = run_record_from_json(json.dumps(values["record"]), "the event")
        return make(kind, values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, PennyweightError) as error:
        raise MismatchError(f"'{line[:80]}' is no event of a run: {error}") from error


class EventWriter:
    """An observer that writes events to `stream`, and passes every call on to the observer `shown` as well."""

    def __init__(self, stream: IO[str], shown: Observer, steps: bool = False) -> None:
        """Write to `stream` and tell `shown`; `steps` of an epoch are written too where they are asked for."""
        self._stream = stream
        self._shown = shown
        self._steps = steps
        self._epochs = 0
        self._written = 0.0

    def write(self, event: Event) -> None:
        """Write one event, at once."""
        print(event_to_line(event), file=self._stream, flush=True)

    def started(self, run: Run) -> None:
        """Write that the run started."""
        self._epochs = run.recipe.epochs
        self.write(Started(run.recipe.name, run.dataset.name, run.seed, run.recipe.epochs, str(run.folder)))
        self._shown.started(run)

    def message(self, text: str) -> None:
        """Pass the sentence on."""
        self._shown.message(text)

    def detail(self, text: str) -> None:
        """Pass the sentence on."""
        self._shown.detail(text)

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Pass the progress on, and write it now and then."""
        if self._steps and monotonic() - self._written > STEPPED_SECONDS:
            self._written = monotonic()
            self.write(Stepped(epoch, steps_done, epoch_steps, self._epochs))
        self._shown.progress(epoch, steps_done, epoch_steps)

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Write the last epoch of `history`."""
        self.write(EpochDone(history[-1], self._epochs))
        self._shown.epoch_done(history)
