"""`pennyweight ablate`: what each change between two recipes gains."""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.base.errors import unknown
from pennyweight.cli.options import Data, Json, complete_dataset
from pennyweight.cli.output import result, result_json, say


def ablate(
    walk: Annotated[str, typer.Argument(metavar="WALK", help="progressive: from its first step to its third.")],
    seeds: Annotated[str, typer.Option(metavar="LIST", help="Seeds, as 0-4 or 0,2,5.")] = "0-4",
    jobs: Annotated[int | None, typer.Option(help="Runs at the same time; one a core unless given.")] = None,
    dataset: Annotated[
        str, typer.Option(help="mnist, fashion-mnist or digits.", autocompletion=complete_dataset)
    ] = "mnist",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Walk from one recipe to another by one change at a time, over seeds.

    Runs that are complete are not trained again; the same command goes on after a kill.

    Example: pennyweight ablate progressive --seeds 0-4
    """
    from pennyweight.cli.seeds import parse_seeds, share_cores
    from pennyweight.cli.signals import stop_on_signals
    from pennyweight.cli.workers import Task, end_unless_complete, run_tasks
    from pennyweight.judging.ablate import changes
    from pennyweight.recipes.catalogue import WALKS
    from pennyweight.reporting.tables import walk_text
    from pennyweight.training.folder import read_record

    if walk not in WALKS:
        raise unknown("walk", walk, WALKS)
    stop = stop_on_signals()
    passed = ("--dataset", dataset, *(("--data", str(data)) if data else ()))
    labels = {(one.name, n): f"{one.name} seed {n}" for _, one in WALKS[walk] for n in parse_seeds(seeds)}
    tasks = [Task(label, (name, *passed, "--seed", str(n))) for (name, n), label in labels.items()]
    together, threads = share_cores(jobs, len(tasks))
    finished = run_tasks(
        tasks, jobs=together, threads=threads, stop=stop, hear=lambda task, line: say(f"{task.label} | {line}")
    )
    end_unless_complete(finished, stop())
    folders = {one.task.label: Path(one.record["folder"]) for one in finished if one.record}
    groups = [
        (words, [read_record(folders[label]) for (name, _), label in labels.items() if name == one.name])
        for words, one in WALKS[walk]
    ]
    found = changes(groups)
    return result_json(found) if as_json else result(walk_text(found))
