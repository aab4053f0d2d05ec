"""Several seeds of one recipe: started, shown and summed up."""

from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from pennyweight.api import recipe
from pennyweight.base.errors import Interrupted, UsageError
from pennyweight.cli.console import same_command
from pennyweight.cli.output import result, result_json, say
from pennyweight.cli.seeds import parse_seeds, train_seeds
from pennyweight.judging.verdict import judge
from pennyweight.reporting.tables import seeds_text, verdict_words
from pennyweight.training.provenance import usable_cores


def train_many(
    target: str,
    settings: Sequence[str],
    passed: Sequence[str],
    *,
    seeds: str,
    jobs: int | None,
    out: Path | None,
    stop: Callable[[], bool],
    as_json: bool,
) -> None:
    """Train every seed in a process of its own and print each verdict, then what the seeds say together."""
    if out is not None:
        raise UsageError("--out names the folder of one run; with --seeds every seed has its own under runs/.")
    recipe(target, settings)
    numbers = parse_seeds(seeds)
    together = min(usable_cores() if jobs is None else jobs, len(numbers))
    if together < 1:
        raise UsageError(f"--jobs is {jobs}; it must be 1 or more.")
    threads = max(1, usable_cores() // together)
    say(f"{target}: {len(numbers)} seeds, {together} at a time with {threads} thread{'s' * (threads > 1)} each")
    arguments = [target, *passed, *(word for setting in settings for word in ("-s", setting))]
    finished = train_seeds(numbers, arguments, together, threads, stop)
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
    if stop() and len(records) < len(numbers):
        raise Interrupted(f"Stopped with {len(records)} of {len(numbers)} seeds complete. Resume: {same_command()}")
    worst = max(one.exit_code for one in finished)
    if worst:
        raise typer.Exit(worst)
