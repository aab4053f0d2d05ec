"""`pennyweight train`: the main job."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pennyweight.base.errors import UsageError
from pennyweight.cli.options import (
    Data,
    DatasetName,
    Json,
    Settings,
    Target,
    Wide,
    complete_device,
    complete_engine,
    count_option,
    require_one_value,
)

if TYPE_CHECKING:
    from pennyweight.runs.request import Request


def train(
    target: Target,
    seed: Annotated[
        int | None, typer.Option(help="Decides initial weights, order, augmentation and dropout; default: 0.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(metavar="LIST", help="Several seeds, as 0-4 or 0,2,5.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Seeds trained at the same time; default: one per core.")] = None,
    epochs: Annotated[int | None, count_option("Epochs instead of the recipe's own.")] = None,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, native or torch.", autocompletion=complete_engine)
    ] = "auto",
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.", autocompletion=complete_device)] = "cpu",
    dataset: DatasetName = "mnist",
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Run folder, taken literally, instead of runs/RECIPE/seed-N; with --seeds, the folder of seed-0, ...",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Move an existing run aside and retrain from scratch.")
    ] = False,
    initial_weights: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Start from the weights of a finished run, or those published of a recipe."),
    ] = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Never look at the test images (for selection).")] = False,
    planned_seeds: Annotated[
        int,
        count_option(
            "How many seeds, from 0 on, will decide on the recipe; fixed before any is trained, it makes the "
            "verdict exact (59 of 59 or 92 of 93 show 95 %).",
        ),
    ] = 0,
    settings: Settings = None,
    report: Annotated[
        bool, typer.Option("--report", help="Keep report.html in the run folder fresh while it trains; see 'report'.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", help="Print which compiler, flags and threads are used.")] = False,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Train a recipe and judge it against its budget.

    Prints one line per epoch; the last line is the run folder, with --seeds the folder of all of them.

    The same command resumes an unfinished run and returns a finished one. Exit 0 whatever the verdict.

    'all' with --seeds is every published recipe, the cheap ones first, with one line per run.

    Examples: pennyweight train progressive-3; pennyweight train progressive-3 --seeds 0-4 --jobs 2;
    pennyweight train skip-3 --epochs 2 -s optimizer.learning_rate=0.01;
    pennyweight train all --seeds 0-9 --jobs 2
    """
    from pennyweight.cli.signals import stop_on_signals

    stop = stop_on_signals()
    from pennyweight.cli.output import require_reader
    from pennyweight.runs.request import Request

    request = Request(
        target=target,
        settings=tuple(settings or ()),
        epochs=epochs,
        seed=seed or 0,
        dataset=dataset,
        data=data,
        engine=engine,
        device=device,
        out=out,
        initial_weights=initial_weights,
        use_test=not no_test,
        planned_seeds=planned_seeds,
        again=again,
    )
    require_one_value(settings)
    _check_options(request, seed=seed, seeds=seeds, jobs=jobs, report=report)
    if seeds is None:
        from pennyweight.cli.train_one import train_one

        train_one(request, stop=stop, as_json=as_json, wide=wide, verbose=verbose, report=report)
    else:
        from pennyweight.cli.seeds import parse_seeds
        from pennyweight.cli.train_all import train_all
        from pennyweight.cli.train_many import train_many

        train_several = train_all if target == "all" else partial(train_many, report=report)
        train_several(request, parse_seeds(seeds), jobs=jobs, stop=stop, as_json=as_json, wide=wide, verbose=verbose)
    require_reader()


def _check_options(request: "Request", *, seed: int | None, seeds: str | None, jobs: int | None, report: bool) -> None:
    """Raise UsageError for the first options that contradict each other; the request knows those of its own."""
    refused = (
        (
            jobs is not None and seeds is None,
            f"--jobs {jobs} says how many seeds are trained at once; name them with --seeds.",
        ),
        (
            request.target == "all" and seeds is None,
            "'all' trains every recipe over seeds; name them, as --seeds 0-9.",
        ),
        (
            report and request.target == "all",
            "--report keeps the page of one recipe; 'pennyweight report NAME' writes one of each after 'all'.",
        ),
        (
            seeds is not None and seed is not None,
            f"--seed {seed} and --seeds {seeds} are both given; use one of them.",
        ),
        (
            seeds is not None and request.out is not None and (request.out / "recipe.toml").exists(),
            f"{request.out} is the folder of one run; with --seeds, --out names a folder that holds one for each.",
        ),
    )
    for contradicts, sentence in refused:
        if contradicts:
            raise UsageError(sentence)
    if report:
        from pennyweight.pages.keeper import require_packages

        require_packages()
    request.check()
