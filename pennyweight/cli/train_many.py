"""Several seeds of one recipe: started, shown and summed up."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pennyweight.api import recipe
from pennyweight.cli.output import result, result_json, say
from pennyweight.cli.seeds import parse_seeds, share_cores
from pennyweight.cli.workers import Task, end_unless_complete, run_tasks
from pennyweight.judging.verdict import judge
from pennyweight.reporting.tables import plural, seeds_text, verdict_words


def train_many(
    target: str,
    settings: Sequence[str],
    passed: Sequence[str],
    *,
    seeds: str,
    jobs: int | None,
    stop: Callable[[], bool],
    as_json: bool,
) -> None:
    """Train every seed in a process of its own and print each verdict, then what the seeds say together."""
    recipe(target, settings)
    numbers = parse_seeds(seeds)
    together, threads = share_cores(jobs, len(numbers))
    say(f"{target}: {plural(len(numbers), 'seed')}, {together} at a time with {plural(threads, 'thread')} each")
    words = (target, *passed, *(word for setting in settings for word in ("-s", setting)))
    tasks = [Task(f"seed {number}", (*words, "--seed", str(number))) for number in numbers]
    finished = run_tasks(tasks, jobs=together, threads=threads, stop=stop, hear=_repeat)
    records = [one.record for one in finished if one.record is not None]
    if as_json:
        result_json(records)
    elif records:
        judgement = judge([Path(record["folder"]) for record in records])
        for run in judgement.runs:
            result(f"{run.folder}: {verdict_words(run.verdict)}")
        for group in judgement.groups:
            result(seeds_text(group))
        result(str(Path(records[0]["folder"]).parent))
    end_unless_complete(finished, stop())


def _repeat(task: Task, line: str) -> None:
    say(f"{task.label} | {line}")
