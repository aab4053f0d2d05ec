"""Several runs at once: one process a run, as many as there are cores, each with cores of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Thread
from time import sleep
from typing import IO, Any

import typer

from pennyweight.base.errors import EnvironmentRefused, Interrupted
from pennyweight.cli.console import same_command
from pennyweight.cli.output import say
from pennyweight.cli.signals import PARENT
from pennyweight.reporting.tables import plural

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Task:
    """One run: what it is called here, and the words after `pennyweight train`."""

    label: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Finished:
    """How the process of one task ended; `record` is None unless it printed one."""

    task: Task
    exit_code: int
    record: dict[str, Any] | None


def run_tasks(
    tasks: Sequence[Task],
    *,
    jobs: int,
    threads: int,
    stop: Callable[[], bool],
    hear: Callable[[Task, str], None],
    done: Callable[[Finished], None] = lambda finished: None,
) -> list[Finished]:
    """Run `pennyweight train WORDS --json` for every task, `jobs` at a time with `threads` threads each, in order.

    `hear` takes every line a run says, `done` every run that ended. Once `stop` says so no further process is started
    and those that run are asked to stop; tasks that never started end with 130.
    """
    waiting, running, finished = list(tasks), list[_Child](), list[Finished]()
    asked = False
    try:
        while running or (waiting and not stop()):
            while waiting and len(running) < jobs and not stop():
                running.append(_start(waiting.pop(0), threads, hear))
            if stop() and not asked:
                asked = True
                _signal(running)
            sleep(POLL_SECONDS)
            for child in [child for child in running if child.process.poll() is not None]:
                running.remove(child)
                finished.append(_finish(child, hear))
                done(finished[-1])
    finally:
        # a second signal, or an error of ours: nothing that we started goes on without us
        _signal(running)
        finished += [_finish(child, hear) for child in running]
    finished += [Finished(task, 130, None) for task in waiting]
    return sorted(finished, key=lambda one: tasks.index(one.task))


@dataclass(frozen=True)
class _Child:
    task: Task
    process: subprocess.Popen[str]
    output: IO[str]
    speaker: Thread


def _start(task: Task, threads: int, hear: Callable[[Task, str], None]) -> _Child:
    """Start one run in a session of its own, so that a terminal's Ctrl-C reaches it through us, and once."""
    command = [sys.executable, "-m", "pennyweight", "train", *task.words, "--json"]
    output = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (closed when the run is finished)
    process = subprocess.Popen(
        command,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "OMP_NUM_THREADS": str(threads), PARENT: str(os.getpid())},
        start_new_session=True,
    )
    speaker = Thread(target=_speak, args=(task, process.stderr, hear), daemon=True)
    speaker.start()
    return _Child(task, process, output, speaker)


def _speak(task: Task, lines: Iterable[str], hear: Callable[[Task, str], None]) -> None:
    for line in lines:
        # where nobody listens to us any more the lines are still taken, or the run would wait for ever
        try:
            hear(task, line.rstrip())
        except BrokenPipeError:
            continue


def _signal(running: Sequence[_Child]) -> None:
    for child in running:
        # not SIGINT: while Python itself starts up that prints a traceback, and a shell's background job ignores it
        child.process.send_signal(signal.SIGTERM)


def _finish(child: _Child, hear: Callable[[Task, str], None]) -> Finished:
    child.process.wait()
    child.speaker.join()
    child.output.seek(0)
    try:
        record = json.loads(child.output.read())
    except ValueError:
        record = None
    child.output.close()
    if child.process.stderr:
        child.process.stderr.close()
    exit_code = child.process.returncode
    if exit_code < 0:
        hear(child.task, f"killed by {signal.Signals(-exit_code).name}; the same command goes on with it")
        exit_code = EnvironmentRefused.exit_code
    return Finished(child.task, exit_code, record)


def end_unless_complete(finished: Sequence[Finished], stopped: bool) -> None:
    """End the command with Interrupted, or with the worst exit code, where a run did not finish."""
    complete, asked = sum(one.record is not None for one in finished), len(finished)
    if stopped and complete < asked:
        raise Interrupted(f"Stopped with {complete} of {asked} runs complete. Resume: {same_command()}")
    if worst := max(one.exit_code for one in finished):
        say(f"{plural(asked - complete, 'run')} did not finish; the same command goes on with them.")
        raise typer.Exit(worst)
