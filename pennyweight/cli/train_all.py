"""Every published recipe over several seeds: what is complete is kept, the cheap ones come first."""

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from time import perf_counter

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pennyweight.api import recipe
from pennyweight.base.records import RunRecord
from pennyweight.cli.output import result, result_json, say
from pennyweight.cli.seeds import parse_seeds, share_cores
from pennyweight.cli.workers import Finished, Task, end_unless_complete, run_tasks
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import make_plan
from pennyweight.recipes.catalogue import NAMES
from pennyweight.reporting.matrix import Progress, final_accuracy, matrix_text
from pennyweight.reporting.tables import duration
from pennyweight.training.folder import read_record


def train_all(
    settings: Sequence[str],
    passed: Sequence[str],
    *,
    seeds: str,
    jobs: int | None,
    stop: Callable[[], bool],
    as_json: bool,
) -> None:
    """Train every recipe and seed in a process of its own; the same command goes on after a kill."""
    numbers = parse_seeds(seeds)
    names = sorted(NAMES, key=lambda name: _work(name, settings))
    words = (*passed, *(word for setting in settings for word in ("-s", setting)))
    tasks = [Task(f"{name} seed {n}", (name, *words, "--seed", str(n))) for name in names for n in numbers]
    together, threads = share_cores(jobs, len(tasks))
    progress = Progress(names, len(numbers), perf_counter(), [_work(name, settings) for name in names])
    live = Live(console=Console(stderr=True), auto_refresh=False) if sys.stderr.isatty() else None
    lock = Lock()  # every run is listened to by a thread of its own

    def hear(task: Task, line: str) -> None:
        with lock:
            progress.hear(task.label, line)
            show()
        if not live and (line.startswith("Error") or "killed by" in line):
            say(f"{task.label} | {line}")

    def show() -> None:
        if live:
            live.update(Text(matrix_text(progress, perf_counter())), refresh=True)

    def done(finished: Finished) -> None:
        record = read_record(Path(finished.record["folder"])) if finished.record else None
        with lock:
            progress.end(finished.task.label, record)
            show()
        if record and not live:
            left = progress.seconds_left(perf_counter())
            ending = f", {duration(left)} left" if left else ""
            say(f"{_run_line(record)}  {progress.ended} of {len(tasks)} runs{ending}")

    say(f"{len(names)} recipes x {len(numbers)} seeds, {together} at a time")
    with live or nullcontext():
        finished = run_tasks(tasks, jobs=together, threads=threads, stop=stop, hear=hear, done=done)
    if as_json:
        result_json([one.record for one in finished if one.record])
    else:
        result(matrix_text(progress, perf_counter()))
    end_unless_complete(finished, stop())


def _work(name: str, settings: Sequence[str]) -> float:
    """Return what a run costs in multiply-accumulates an image, times epochs."""
    wanted = recipe(name, settings)
    return float(measure(make_plan(wanted.layers)).macs * wanted.epochs)


def _run_line(record: RunRecord) -> str:
    split, accuracy = final_accuracy(record)
    held = {True: "budget met", False: "budget not met", None: "not judged"}[record.verdict.met]
    seconds = duration(sum(row.seconds for row in record.epochs))
    figure = f"{split} {accuracy:.2f} %" if accuracy is not None else "not measured"
    return f"{record.recipe:<20} seed {record.seed:<3} {figure}  {held:<15} {seconds:>9}"
