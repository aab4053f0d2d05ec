"""Requests in processes of their own: what they tell, what they come to, and how they end."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import TINY

from pennyweight.api import train
from pennyweight.runs.request import Request
from pennyweight.settings.recipe_text import recipe_to_text
from pennyweight.training import pool
from pennyweight.training.events import Done, EpochDone, Event, Failed, Started
from pennyweight.training.pool import Outcome, run_requests


@dataclass
class Told:
    """What a pool tells, by request."""

    events: list[tuple[Request, Event]] = field(default_factory=list)
    lines: list[tuple[Request, str]] = field(default_factory=list)

    def event(self, request: Request, event: Event) -> None:
        self.events.append((request, event))

    def line(self, request: Request, text: str) -> None:
        self.lines.append((request, text))

    def of(self, request: Request) -> list[Event]:
        return [event for whose, event in self.events if whose == request]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.chdir(tmp_path)
    return Told()


def carry_out(requests: list[Request], told: Told, threads: int = 1) -> list[Outcome]:
    return run_requests(requests, told, jobs=2, threads=threads, stop=lambda: False)


def test_a_child_trains_what_this_process_would_with_as_many_threads_as_it_is_given(told: Told, tmp_path: Path) -> None:
    requests = [Request(target=TINY, seed=seed, dataset="digits", engine="native") for seed in (1, 0)]
    outcomes = carry_out(requests, told, threads=3)
    assert [outcome.request for outcome in outcomes] == requests
    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    for outcome, request in zip(outcomes, requests, strict=True):
        record = outcome.record
        assert record is not None
        assert record.provenance.threads == 3
        assert record.folder == f"runs/tiny+dataset=digits/seed-{request.seed}"
        started, *epochs, done = told.of(request)
        assert started == Started("tiny", "digits", request.seed, 2, record.folder)
        assert epochs == [EpochDone(row, 2) for row in record.epochs]
        assert done == Done(record)
        assert next(line for whose, line in told.lines if whose == request).startswith("tiny on digits: ")
    alone = train(TINY, seed=1, dataset="digits", engine="native", out=tmp_path / "alone")
    assert outcomes[0].record.weights_sha256 == alone.weights_sha256


def test_a_request_that_cannot_be_carried_out_says_why_and_stops_no_other(told: Told) -> None:
    wrong, right = Request(target="tyni.toml"), Request(target=TINY, dataset="digits", epochs=1)
    outcomes = carry_out([wrong, right], told)
    assert [(outcome.exit_code, outcome.record is None) for outcome in outcomes] == [(3, True), (0, False)]
    (failed,) = told.of(wrong)
    assert isinstance(failed, Failed)
    assert (failed.message[:35], failed.exit_code) == ("Cannot read the recipe tyni.toml: N", 3)
    assert [line for whose, line in told.lines if whose == wrong] == []


def test_what_a_recipe_file_prints_is_no_event(told: Told) -> None:
    Path("mine.toml").write_text(recipe_to_text(TINY))
    Path("mine.py").write_text(
        "import os\nimport pennyweight as pw\nprint('a line')\n"
        "os.write(1, b'no end of line, ')\nR = pw.recipe('mine.toml')\n"
    )
    (outcome,) = carry_out([Request(target="mine.py", dataset="digits", epochs=1)], told)
    assert outcome.exit_code == 0
    lines = [line for _, line in told.lines]
    assert "a line" in lines
    assert any(line.startswith("no end of line, ") for line in lines)
    assert [type(event) for _, event in told.events] == [Started, EpochDone, Done]


def test_the_lines_of_a_run_are_whole_whatever_width_our_own_have(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    carry_out([Request(target=TINY, dataset="digits", epochs=1)], told)
    assert any(line.endswith("engine on cpu") and line.startswith("tiny ") for _, line in told.lines)


def test_a_module_that_lies_in_the_folder_is_not_run_by_the_process_of_a_request(told: Told) -> None:
    """Where others can write, as in /tmp, it may be anybody's."""
    for name in ("typer", "json", "numpy"):
        Path(f"{name}.py").write_text("open('sprung', 'w')")
    (outcome,) = carry_out([Request(target="nothing")], told)
    assert (outcome.exit_code, told.lines) == (2, [])
    assert not Path("sprung").exists()


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Have children run a module made up of `lines` instead."""

    def make(*lines: str) -> None:
        folder = tmp_path / "modules"
        folder.mkdir()
        (folder / "made_up_worker.py").write_text("import os, signal, sys\n" + "\n".join(lines))
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        monkeypatch.setattr(pool, "WORKER", "made_up_worker")

    return make


ENDS = [
    ("os.kill(os.getpid(), signal.SIGKILL)", 3, "Its process was killed by SIGKILL; run the same command to resume."),
    ("sys.exit(7)", 7, "Its process ended with exit code 7 before the run was complete."),
    ("sys.exit(130)", 130, "It was interrupted; run the same command to resume."),
    ("pass", 1, "Its process ended with exit code 0 before the run was complete."),
]


@pytest.mark.parametrize(("line", "exit_code", "sentence"), ENDS, ids=[line for line, *_ in ENDS])
def test_a_process_that_ends_without_a_last_event_has_failed(
    line: str, exit_code: int, sentence: str, told: Told, worker
) -> None:
    # a line of an event that is cut off reaches whoever reads, as a line
    worker("print('{\"event\": \"epo', end='', flush=True)", line)
    request = Request(target="any")
    (outcome,) = carry_out([request], told)
    assert outcome == Outcome(request, None, exit_code)
    assert told.events == [(request, Failed(sentence, exit_code))]
    assert told.lines == [(request, '{"event": "epo')]


def test_once_asked_to_stop_children_are_told_and_no_other_is_started(told: Told, worker) -> None:
    worker("signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))", "print('here', file=sys.stderr, flush=True)")
    worker_file = Path("modules/made_up_worker.py")
    worker_file.write_text(worker_file.read_text() + "\nwhile True: signal.pause()")
    requests = [Request(target="any", seed=seed) for seed in range(3)]
    outcomes = run_requests(requests, told, jobs=1, threads=1, stop=lambda: bool(told.lines))
    assert outcomes == [Outcome(request, None, 130) for request in requests]
    assert [request for request, _ in told.lines] == requests[:1]
    assert [request for request, _ in told.events] == requests[:1]


def test_an_observer_that_fails_leaves_no_child_behind(worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    worker("open(f'child-{os.getpid()}', 'w')", "import time", "time.sleep(0 if 'first' in sys.stdin.read() else 600)")

    class Broken(Told):
        def event(self, request: Request, event: Event) -> None:
            if request.target == "first":
                raise ZeroDivisionError

    requests = [Request(target="first"), Request(target="second")]
    with pytest.raises(ZeroDivisionError):
        run_requests(requests, Broken(), jobs=2, threads=1, stop=lambda: False)
    for path in tmp_path.glob("child-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name.partition("-")[2]), 0)


def test_a_child_whose_parent_is_another_process_stops(tmp_path: Path) -> None:
    """As one does whose parent was killed: here the parent it is told of is not its own."""
    request = Request(target=TINY, dataset="digits", epochs=1_000, out=tmp_path / "run")
    command = [sys.executable, "-P", "-m", pool.WORKER, "1"]
    done = subprocess.run(command, input=request.to_json(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 130
    assert "Stopped in epoch 1" in done.stdout.splitlines()[-1]


STOPS_ITSELF = "os.kill(os.getpid(), signal.SIGSTOP)"


def test_a_stopped_child_is_named_and_does_not_keep_its_parent_waiting_when_that_is_asked_to_stop(
    told: Told, worker
) -> None:
    worker(STOPS_ITSELF, "while True: signal.pause()")
    request = Request(target="any")
    outcomes = run_requests([request], told, jobs=1, threads=1, stop=lambda: bool(told.lines))
    assert [outcome.record for outcome in outcomes] == [None]
    ((_, line),) = told.lines
    assert line.startswith("Stopped from outside; kill -CONT ")
    assert told.of(request) == [Failed("Its process was killed by SIGTERM; run the same command to resume.", 3)]


def test_a_child_that_stays_stopped_is_ended_after_a_minute_and_the_others_go_on(
    told: Told, worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pool.STOPPED_SECONDS == 60
    monkeypatch.setattr(pool, "STOPPED_SECONDS", 0.2)
    worker(f"if 'first' in sys.stdin.read(): {STOPS_ITSELF}")
    first, second = Request(target="first"), Request(target="second")
    assert [outcome.exit_code for outcome in carry_out([first, second], told)] == [3, 1]
    words = (
        "Its process was stopped from outside for more than 0.2 seconds and was ended; run the same command to resume."
    )
    assert told.of(first) == [Failed(words, 3)]


def test_a_child_that_goes_on_in_time_is_left_alone(told: Told, worker, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(
        "if not os.fork():\n    import time; time.sleep(0.5); os.kill(os.getppid(), signal.SIGCONT); os._exit(0)",
        STOPS_ITSELF,
        "os.wait(); sys.exit(7)",
    )
    (outcome,) = carry_out([Request(target="any")], told)
    assert outcome.exit_code == 7
    assert len(told.lines) == 1
