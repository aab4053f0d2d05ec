"""Several runs at once: one process per run, as many at a time as there are cores, each with threads of its own.

A child gets its request as JSON on stdin. It writes events as JSON lines to stdout, and what a person reads to stderr.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Lock, Thread
from time import monotonic, sleep
from typing import IO, Protocol

from pennyweight.base.errors import Interrupted, MismatchError, UnavailableError, UsageError
from pennyweight.base.machine import asked_threads, usable_cores
from pennyweight.base.records import RunRecord
from pennyweight.runs.request import Request
from pennyweight.training.events import Done, Event, Failed, event_from_line

POLL_SECONDS = 0.05
STOPPED_SECONDS = 60.0
"""How long a process may be stopped, by SIGSTOP as a rule, before the others no longer wait for it."""
WORKER = "pennyweight.cli.worker"
"""The module that a child runs; it stands above this room, as all that trains by request does."""


class PoolObserver(Protocol):
    """Who is told how several runs go, one call at a time."""

    def event(self, request: Request, event: Event) -> None:
        """Take what happened to a run; its last event is Done or Failed."""

    def line(self, request: Request, text: str) -> None:
        """Take a line that a run wrote for a person."""


@dataclass(frozen=True)
class Outcome:
    """How a request ended; `record` is None where its run is not complete."""

    request: Request
    record: RunRecord | None
    exit_code: int


def share_cores(jobs: int | None, runs: int) -> tuple[int, int]:
    """Return how many of `runs` are trained at a time and the threads of each, by default one run per core.

    $OMP_NUM_THREADS is the threads of each, and by default as many runs as have cores for them are trained at a time.
    """
    asked = asked_threads()
    together = min(max(1, usable_cores() // (asked or 1)) if jobs is None else jobs, runs)
    if together < 1:
        raise UsageError(f"--jobs is {jobs}; it must be 1 or more.")
    return together, asked or max(1, usable_cores() // together)


def run_requests(
    requests: Sequence[Request],
    observer: PoolObserver,
    *,
    jobs: int,
    threads: int,
    stop: Callable[[], bool],
    verbose: bool = False,
    columns: int | None = None,
    steps: bool = False,
) -> list[Outcome]:
    """Carry out every request in a process of its own, `jobs` at a time with `threads` threads each.

    `columns` is the room for a line of a run, None where lines may be of any length; `steps` are told of as well.

    Outcomes are in the order of the requests. Once `stop` returns true, no further process is started and the running
    ones are asked to stop; a request that was never started ends with 130, as an interrupted one does.
    """
    outcomes = [Outcome(request, None, Interrupted.exit_code) for request in requests]
    waiting, running = list(enumerate(requests)), list[_Child]()
    lock, stopping = Lock(), False
    try:
        while running or (waiting and not stop()):
            while waiting and len(running) < jobs and not stop():
                running.append(_Child(*waiting.pop(0), observer, lock, threads, verbose, columns, steps))
            if stop() and not stopping:
                stopping = True
                _stop(running)
            sleep(POLL_SECONDS)
            for child in running:
                child.end_if_stopped()
            for child in [child for child in running if child.process.poll() is not None]:
                running.remove(child)
                outcomes[child.number] = child.finish()
    finally:
        # a second signal, or an error of ours: no child outlives this call
        _stop(running)
        for child in running:
            outcomes[child.number] = child.finish()
    return outcomes


class _Child:
    """One process that carries out a request, and the two threads that read what it writes."""

    def __init__(
        self,
        number: int,
        request: Request,
        observer: PoolObserver,
        lock: Lock,
        threads: int,
        verbose: bool,
        columns: int | None,
        steps: bool,
    ) -> None:
        """Start the process in a session of its own, so that a terminal's Ctrl-C reaches it through us, and once."""
        self.number, self._request, self._observer, self._lock = number, request, observer, lock
        self._last: Done | Failed | None = None
        self._stopped_since: float | None = None
        # -P: a `numpy.py` that somebody left in this folder is not ours to run
        flags = [*(["-v"] if verbose else []), *(["-p"] if steps else [])]
        command = [sys.executable, "-P", "-m", WORKER, str(os.getpid()), *flags]
        # a $COLUMNS of ours leaves no room for what stands before a child's lines: those are wrapped here
        surroundings = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
        room = {"COLUMNS": str(columns)} if columns else {}
        with TemporaryFile("w+", encoding="utf-8") as stdin:  # not a pipe: a child that fails at once reads nothing
            stdin.write(request.to_json())
            stdin.seek(0)
            self.process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env={**surroundings, "OMP_NUM_THREADS": str(threads), **room},
                start_new_session=True,
            )
        self._readers = [
            Thread(target=self._read, args=(stream, take), daemon=True)
            for stream, take in ((self.process.stdout, self._take_event), (self.process.stderr, self._take_line))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], take: Callable[[str], None]) -> None:
        for line in stream:
            # where nobody reads what we print any more, lines are still taken, or the child would wait for ever
            try:
                take(line.rstrip("\n"))
            except BrokenPipeError:
                continue

    def _take_event(self, line: str) -> None:
        try:
            event = event_from_line(line)
        except MismatchError:  # cut off, because the child was killed while it wrote
            self._take_line(line)
            return
        if isinstance(event, Done | Failed):
            self._last = event  # told by `finish`, after every line of the child
        else:
            self._tell(event)

    def _take_line(self, line: str) -> None:
        with self._lock:
            self._observer.line(self._request, line)

    def _tell(self, event: Event) -> None:
        with self._lock:
            self._observer.event(self._request, event)

    def end_if_stopped(self) -> None:
        """Say where the process is stopped, once, and kill it where it does not go on in time."""
        if not _is_stopped(self.process):
            self._stopped_since = None
        elif self._stopped_since is None:
            self._stopped_since = monotonic()
            self._take_line(f"Stopped from outside; kill -CONT {self.process.pid} lets it go on.")
        elif monotonic() - self._stopped_since > STOPPED_SECONDS:
            words = f"Its process was stopped from outside for more than {STOPPED_SECONDS:g} seconds and was ended"
            failed = Failed(f"{words}; run the same command to resume.", UnavailableError.exit_code)
            self._last = self._last or failed
            self.process.kill()

    def finish(self) -> Outcome:
        """Wait for the end of the process and return what it came to."""
        code = self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        last = self._last or _end_without_event(code)
        self._tell(last)
        if isinstance(last, Done):
            return Outcome(self._request, last.record, 0)
        return Outcome(self._request, None, last.exit_code)


def _end_without_event(code: int) -> Failed:
    if code < 0:
        name = signal.Signals(-code).name
        return Failed(f"Its process was killed by {name}; run the same command to resume.", UnavailableError.exit_code)
    if code == Interrupted.exit_code:
        return Failed("It was interrupted; run the same command to resume.", code)
    return Failed(f"Its process ended with exit code {code} before the run was complete.", code or 1)


def _is_stopped(process: subprocess.Popen[str]) -> bool:
    """Return whether a process is stopped; False where the system cannot tell, as macOS before Python 3.13."""
    if process.poll() is not None or not hasattr(os, "waitid"):
        return False
    return os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None


def _stop(running: Sequence[_Child]) -> None:
    for child in running:
        # not SIGINT: while Python itself starts up that prints a traceback, and a shell's background job ignores it
        child.process.send_signal(signal.SIGTERM)
        child.process.send_signal(signal.SIGCONT)  # a stopped process hears nothing else
