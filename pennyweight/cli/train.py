"""`pennyweight train`: the main job."""

from pathlib import Path
from typing import Annotated

import typer

from pennyweight.base.errors import UsageError
from pennyweight.cli.options import Data, Json, Settings, Target, complete_dataset


def train(
    target: Target,
    seed: Annotated[
        int | None, typer.Option(help="Decides initial weights, order, augmentation and dropout; 0 unless given.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(metavar="LIST", help="Several seeds, as 0-4 or 0,2,5.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Seeds trained at the same time; one a core unless given.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs instead of the recipe's own.")] = None,
    engine: Annotated[str, typer.Option(help="auto, native or torch.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    dataset: Annotated[
        str, typer.Option(help="mnist, fashion-mnist or digits.", autocompletion=complete_dataset)
    ] = "mnist",
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder, taken literally, instead of runs/RECIPE/seed-N.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Move an existing run aside and train anew.")] = False,
    no_test: Annotated[bool, typer.Option("--no-test", help="Never look at the test images (for selection).")] = False,
    settings: Settings = None,
    verbose: Annotated[bool, typer.Option("-v", help="Say which compiler, flags and threads are used.")] = False,
    as_json: Json = False,
) -> None:
    """Train a recipe and judge it against its budget.

    Prints one line an epoch; the last line is the run folder, with --seeds the folder of all of them.

    The same command resumes an unfinished run and returns a finished one. Exit 0 whatever the verdict.

    'all' with --seeds is every published recipe, the cheap ones first, with one line a run.

    Examples: pennyweight train progressive-3; pennyweight train progressive-3 --seeds 0-4 --jobs 2;
    pennyweight train skip-3 --epochs 2 -s optimizer.learning_rate=0.01;
    pennyweight train all --seeds 0-9 --jobs 2
    """
    from pennyweight.cli.signals import stop_on_signals

    stop = stop_on_signals()
    if epochs is not None and any(setting.replace(" ", "").startswith("epochs=") for setting in settings or ()):
        raise UsageError(f"--epochs {epochs} and -s epochs=... are both given; use one of them.")
    if jobs is not None and seeds is None:
        raise UsageError(f"--jobs {jobs} says how many seeds are trained at once; name them with --seeds.")
    if target == "all" and seeds is None:
        raise UsageError("'all' trains every recipe over seeds; name them, as --seeds 0-9.")
    if seeds is not None:
        from pennyweight.cli.train_all import train_all
        from pennyweight.cli.train_many import train_many

        if seed is not None:
            raise UsageError(f"--seed {seed} and --seeds {seeds} are both given; use one of them.")
        if out is not None:
            raise UsageError("--out names the folder of one run; with --seeds every seed has its own under runs/.")
        given = {"--dataset": dataset, "--engine": engine, "--device": device, "--epochs": epochs, "--data": data}
        passed = [word for flag, value in given.items() if value is not None for word in (flag, str(value))]
        passed += ["--again"] * again + ["--no-test"] * no_test + ["-v"] * verbose
        if target == "all":
            return train_all(settings or (), passed, seeds=seeds, jobs=jobs, stop=stop, as_json=as_json)
        return train_many(target, settings or (), passed, seeds=seeds, jobs=jobs, stop=stop, as_json=as_json)

    from pennyweight.api import plan_run
    from pennyweight.cli.train_one import train_one

    run = plan_run(
        target,
        seed=seed or 0,
        settings=settings or (),
        epochs=epochs,
        dataset=dataset,
        data=data,
        engine=engine,
        device=device,
        out=out,
        measure_test=not no_test,
    )
    return train_one(run, again=again, stop=stop, as_json=as_json, verbose=verbose)
