"""Events are lines of JSON that read back to equal events."""

import io
import json
from pathlib import Path

import pytest
from support import TINY, epoch_row, run_record, with_folder

from pennyweight.api import plan_run, train
from pennyweight.base.errors import MismatchError
from pennyweight.training.events import (
    EVENT_NAMES,
    Done,
    EpochDone,
    Event,
    EventWriter,
    Failed,
    Started,
    Stepped,
    event_from_line,
    event_to_line,
)
from pennyweight.training.observer import Silent

EVENTS: list[Event] = [
    Started("tiny", "digits", 3, 2, "runs/tiny"),
    Stepped(1, 20, 23, 2),
    EpochDone(epoch_row(1, test=100), 2),
    Done(with_folder(run_record([9_000, 9_100]), "runs/tiny")),
    Failed("two\nlines, \N{SNOWMAN}", 3),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_line_that_reads_back(event: Event) -> None:
    line = event_to_line(event)
    assert line.isascii()
    assert "\n" not in line
    assert event_from_line(line) == event


def test_every_kind_of_event_is_tried() -> None:
    assert {type(event) for event in EVENTS} == set(EVENT_NAMES.values())


NO_EVENTS = ["", "epoch 1/2  loss 0.5", "[]", "{}", '{"event": "ended"}', '{"event": "failed", "message": "x"}']
NO_EVENTS += [event_to_line(event)[:-20] for event in EVENTS]


@pytest.mark.parametrize("line", NO_EVENTS)
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(MismatchError, match="is no event of a run"):
        event_from_line(line)


class Calls(Silent):
    """The calls an observer got, by name, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getattribute__(self, name: str) -> object:
        if name in ("started", "message", "detail", "progress", "epoch_done"):
            self.names.append(name)
        return super().__getattribute__(name)


def test_started_is_the_first_call_and_the_writer_passes_every_call_on(tmp_path: Path) -> None:
    stream, calls = io.StringIO(), Calls()
    record = train(TINY, dataset="digits", engine="torch", out=tmp_path / "run", observer=EventWriter(stream, calls))
    assert calls.names[0] == "started"
    assert calls.names.count("epoch_done") == 2
    assert {"detail", "progress"} <= set(calls.names)
    events = [event_from_line(line) for line in stream.getvalue().splitlines()]
    assert events == [
        Started("tiny", "digits", 0, 2, str(tmp_path / "run")),
        *(EpochDone(row, 2) for row in record.epochs),
    ]
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["started", "epoch", "epoch"]


def test_a_run_moved_aside_is_told_after_the_start(tmp_path: Path) -> None:
    train(TINY, dataset="digits", engine="torch", out=tmp_path / "run", epochs=1)
    calls = Calls()
    train(TINY, dataset="digits", engine="torch", out=tmp_path / "run", epochs=1, again=True, observer=calls)
    assert calls.names[:2] == ["started", "message"]
    assert plan_run(TINY, dataset="digits", out=tmp_path / "old-1-run").folder.exists()
