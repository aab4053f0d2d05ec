"""Several seeds at once: one process a seed, as many as there are cores, each with cores of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Thread
from time import sleep
from typing import IO, Any

from pennyweight.base.errors import EnvironmentRefused, UsageError
from pennyweight.cli.output import say

MOST_SEEDS = 10_000
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Finished:
    """How the process of one seed ended; `record` is None unless it printed one."""

    seed: int
    exit_code: int
    record: dict[str, Any] | None


def parse_seeds(text: str) -> list[int]:
    """Read `0-4`, `0,2,5` or a mix as sorted seeds; raises UsageError for anything else."""
    seeds: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"--seeds is '{text}'; write it as 0-4, or 0,2,5.")
        end = int(last or first)
        if end < int(first) or end - int(first) >= MOST_SEEDS:
            raise UsageError(f"--seeds holds '{part}'; a range goes upwards and holds at most {MOST_SEEDS:,} seeds.")
        seeds.update(range(int(first), end + 1))
    return sorted(seeds)


def train_seeds(
    seeds: Sequence[int], arguments: Sequence[str], jobs: int, threads: int, stop: Callable[[], bool]
) -> list[Finished]:
    """Run `pennyweight train ARGUMENTS --seed N --json` for every seed, `jobs` at a time with `threads` threads each.

    Their lines appear on stderr with the seed in front. Once `stop` says so no further process is started and those
    that run are asked to stop; seeds that never started end with 130.
    """
    waiting, running, finished = list(seeds), list[_Child](), list[Finished]()
    asked = False
    try:
        while running or (waiting and not stop()):
            while waiting and len(running) < jobs and not stop():
                running.append(_start(waiting.pop(0), arguments, threads))
            if stop() and not asked:
                asked = True
                _signal(running)
            sleep(POLL_SECONDS)
            for child in [child for child in running if child.process.poll() is not None]:
                running.remove(child)
                finished.append(_finish(child))
    finally:
        # a second signal, or an error of ours: nothing that we started goes on without us
        _signal(running)
        finished += [_finish(child) for child in running]
    return sorted(finished + [Finished(seed, 130, None) for seed in waiting], key=lambda one: one.seed)


@dataclass(frozen=True)
class _Child:
    seed: int
    process: subprocess.Popen[str]
    output: IO[str]
    speaker: Thread


def _start(seed: int, arguments: Sequence[str], threads: int) -> _Child:
    """Start one seed in a session of its own, so that a terminal's Ctrl-C reaches it through us, and once."""
    command = [sys.executable, "-m", "pennyweight", "train", *arguments, "--seed", str(seed), "--json"]
    output = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (closed when the seed is finished)
    process = subprocess.Popen(
        command,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        start_new_session=True,
    )
    speaker = Thread(target=_speak, args=(seed, process.stderr), daemon=True)
    speaker.start()
    return _Child(seed, process, output, speaker)


def _speak(seed: int, lines: Iterable[str]) -> None:
    for line in lines:
        # where nobody listens to us any more the lines are still taken, or the seed would wait for ever
        with suppress(BrokenPipeError):
            say(f"seed {seed} | {line.rstrip()}")


def _signal(running: Sequence[_Child]) -> None:
    for child in running:
        # not SIGINT: while Python itself starts up that prints a traceback, and a shell's background job ignores it
        child.process.send_signal(signal.SIGTERM)


def _finish(child: _Child) -> Finished:
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
        say(f"seed {child.seed} | killed by {signal.Signals(-exit_code).name}; the same command goes on with it")
        exit_code = EnvironmentRefused.exit_code
    return Finished(child.seed, exit_code, record)
