"""A run: planned, trained, loaded, and asked what pictures show."""

from dataclasses import replace
from pathlib import Path
from typing import Unpack

from pennyweight.api.datasets import load_dataset
from pennyweight.api.recipes import base_recipe, find_recipe
from pennyweight.api.targets import run_folder
from pennyweight.base.errors import UsageError
from pennyweight.base.notebook import in_notebook
from pennyweight.base.records import RunRecord
from pennyweight.base.stop import Stop, never
from pennyweight.base.terminal import is_watched
from pennyweight.base.values import coerce
from pennyweight.data.dataset import Dataset
from pennyweight.engines.choose import choose_engine
from pennyweight.engines.protocol import State
from pennyweight.nets.weights import check_fit
from pennyweight.pages.notebook_console import NotebookConsole
from pennyweight.recipes import catalogue
from pennyweight.recipes.origins import settled
from pennyweight.reporting.python_words import PythonConsole
from pennyweight.runs.model import TrainedModel, load_trained
from pennyweight.runs.naming import RUNS, conditions, folder_for
from pennyweight.runs.request import Request, RequestOptions, as_request
from pennyweight.runs.run import Run
from pennyweight.settings.keys import differences, kept_by_kinds
from pennyweight.settings.recipe import Recipe, check_dataset
from pennyweight.shipping.predict import Predictions
from pennyweight.shipping.predict import predict as predict_files
from pennyweight.training.loop import train as train_run
from pennyweight.training.observer import Observer, Silent
from pennyweight.training.prepare import check_run


def plan_run(target: str | Recipe | Request, *, stop: Stop = never, **options: Unpack[RequestOptions]) -> Run:
    """Look up what a request names and check that it goes together, as far as no engine is needed to tell.

    Raises UsageError, UnavailableError, or Interrupted when `stop` says so, before any run folder is touched.
    """
    request = as_request(target, options)
    request.check()
    base = base_recipe(request.target)
    recipe = find_recipe(base, request.assignments)
    choice = choose_engine(request.engine, request.device)
    changes = differences(catalogue.published(recipe.name) or base, recipe)
    dataset = load_dataset(request.dataset, request.data, stop=stop)
    initial = _initial_weights(request.initial_weights, recipe, dataset) if request.initial_weights else None
    run = Run(
        recipe=recipe,
        dataset=dataset,
        seed=request.seed,
        folder=request.out or RUNS,
        engine=choice.name,
        engine_reason=choice.reason,
        device=request.device,
        use_test=request.use_test,
        changes=changes,
        kept=kept_by_kinds(base, recipe),
        initial=initial,
        planned_seeds=request.planned_seeds,
    )
    check_run(run)
    named = conditions(dataset.name, request.use_test, run.initial_sha256)
    return run if request.out else replace(run, folder=folder_for(run, RUNS, [*changes, *named]))


def _initial_weights(folder: Path, recipe: Recipe, dataset: Dataset) -> State:
    """Return the weights of a finished run; raises MismatchError where they are not those of the recipe's network."""
    check_dataset(recipe, dataset)
    folder = run_folder(folder)
    weights = load_trained(folder).weights
    check_fit(weights, recipe.plan(dataset.classes), folder, f"recipe '{recipe.name}'")
    return weights


def train(
    target: str | Recipe | Request,
    *,
    progress: bool | None = None,
    observer: Observer | None = None,
    stop: Stop = never,
    **options: Unpack[RequestOptions],
) -> RunRecord:
    """Train a recipe and return its record; an unfinished run is resumed, a finished one is returned as it is.

    Progress is printed to stderr, one line per epoch, in a terminal and in a notebook, which shows the curves too where
    matplotlib is installed, or as `progress` says; an `observer` of your own takes its place.
    `target` is a recipe, its name or file, or a whole Request. Options are the fields of a Request: `seed`, `settings`,
    `epochs`, `dataset` (a name, or a Dataset), `data`, `engine`, `device`, `out` (the run folder), `initial_weights` (a
    finished run to start from), `use_test` (False never looks at the test images), `planned_seeds` (how many seeds,
    from 0 on, will decide on the recipe; fixed before any is trained) and `again` (move an existing run folder aside
    first). Raises what `training.loop.train` raises, and UsageError or UnavailableError for a request that cannot be
    carried out.

    >>> record = pw.train("progressive-1", dataset="digits", epochs=1, progress=False)
    >>> record.folder
    'runs/progressive-1+epochs=1+dataset=digits/seed-0'
    """
    request = as_request(target, options)
    if observer is None and (is_watched() if progress is None else progress):
        console = NotebookConsole() if in_notebook() else PythonConsole()
        try:
            return train_run(plan_run(request, stop=stop), console, stop, again=request.again)
        finally:
            console.close()
    return train_run(plan_run(request, stop=stop), observer or Silent(), stop, again=request.again)


def load(folder: str | Path) -> TrainedModel:
    """Return the trained network of a finished run's folder, or the published one of a recipe's name.

    A folder of that name is taken first; `model.source` says where the weights are from. Raises UnavailableError where
    there is neither, and for a recipe whose weights the package does not bring; MismatchError for a damaged run.

    >>> record = pw.train("progressive-1", dataset="digits", epochs=1)
    >>> model, digits = pw.load(record.folder), pw.dataset("digits")
    >>> model.evaluate(digits).correct == record.epochs[-1].test_correct
    True
    >>> published = pw.load("pennyweight-8k")
    >>> published.predict(digits.test_images[:3]).shape, published.probabilities(digits.test_images[0]).shape
    ((3,), (1, 10))
    """
    trained = load_trained(run_folder(folder))
    return replace(trained, recipe=settled(trained.recipe))


def predict(
    run: str | Path, *files: str | Path, preprocess: str | None = None, data: str | Path | None = None
) -> Predictions:
    """Return what a finished run, or a published recipe's name, predicts on PNG, JPEG and NPY files and their folders.

    `preprocess` is `mnist`, the usual one of networks trained on its digits, or `none`: docs/predicting.md. A run with
    a validation set is calibrated where its dataset is in `data`. A file that holds no picture is one of `problems`.

    >>> import numpy as np
    >>> np.save("digit.npy", pw.dataset("digits").test_images[0])
    >>> pw.predict("pennyweight-8k", "digit.npy")
    <Predictions of pennyweight-8k, pictures: 1, problems: 0>
    """
    if not files:
        raise UsageError("There is nothing to predict on; name PNG, JPEG or NPY files, or folders that hold them.")
    for file in files:
        coerce("A file", file, str | Path)
    return predict_files(load(run), list(map(Path, files)), preprocess, Path(data) if data else None)
