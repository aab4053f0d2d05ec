"""What Python users and the command line both call: one function per command, built from the rooms below."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Unpack

from pennyweight.base.budget import Budget
from pennyweight.base.errors import PennyweightError, UnavailableError, UsageError, did_you_mean, unknown_name_error
from pennyweight.base.notebook import in_notebook
from pennyweight.base.reading import read_regular
from pennyweight.base.records import RunRecord
from pennyweight.base.stop import Stop, never
from pennyweight.base.streaming import StreamedCost
from pennyweight.base.terminal import is_watched
from pennyweight.base.values import check_types, coerce
from pennyweight.data.dataset import Dataset
from pennyweight.data.dataset import load as read_dataset
from pennyweight.documents.check import CheckedClaims, check_claim, count_figures
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.evidence import Evidence
from pennyweight.engines.choose import choose_engine
from pennyweight.engines.protocol import State
from pennyweight.judging.audit import Audit, Rules, rules_of
from pennyweight.judging.audit import audit as audit_recipe
from pennyweight.judging.compare import Comparison, Ranking, rank
from pennyweight.judging.compare import compare as compare_records
from pennyweight.judging.evidence import JudgesBudget, RunEvidence, published_evidence
from pennyweight.judging.verdict import Judgement
from pennyweight.judging.verdict import judge as judge_folders
from pennyweight.judging.verify import Verification
from pennyweight.judging.verify import replay as replay_run
from pennyweight.judging.verify import verify as verify_folder
from pennyweight.nets.weights import check_fit
from pennyweight.pages.keeper import require_packages
from pennyweight.pages.notebook_console import NotebookConsole
from pennyweight.pages.written import WrittenPage
from pennyweight.recipes import catalogue
from pennyweight.recipes.origins import settled
from pennyweight.reporting.python_words import PythonConsole
from pennyweight.runs.find import find_runs, records_in, run_key
from pennyweight.runs.folder import RECORD, read_record
from pennyweight.runs.model import TrainedModel, load_trained
from pennyweight.runs.naming import RUNS, conditions, folder_for
from pennyweight.runs.published import is_published, published_run, published_tree
from pennyweight.runs.record_tree import full_runs, read_tree, readings_tried, select
from pennyweight.runs.request import DEFAULT_DATASET, Request, RequestOptions, as_request, assignments_of
from pennyweight.runs.run import Run
from pennyweight.settings.keys import change, differences, kept_by_kinds
from pennyweight.settings.recipe import Recipe, check_dataset, check_recipe
from pennyweight.settings.recipe_text import LARGEST_RECIPE_BYTES, budget_from_text
from pennyweight.shipping.c_text import c_name, check_prefix
from pennyweight.shipping.cost import STREAMED_FORMAT, streamed_cost
from pennyweight.shipping.export import ALL as ALL_FORMATS
from pennyweight.shipping.export import Exported, chosen_formats
from pennyweight.shipping.export import export as write_exports
from pennyweight.shipping.formats import FORMATS
from pennyweight.shipping.predict import Predictions
from pennyweight.shipping.predict import predict as predict_files
from pennyweight.shipping.subject import Subject
from pennyweight.training.loop import train as train_run
from pennyweight.training.observer import Observer, Silent
from pennyweight.training.prepare import check_run

PAGE_SUFFIXES = (".html", ".htm")
FIGURE_KINDS = ("png", "svg")


def published_recipes() -> tuple[Recipe, ...]:
    """Return the published recipes.

    >>> len(pw.published_recipes())
    14
    """
    return catalogue.RECIPES


def find_recipe(target: str | Recipe, settings: Mapping[str, object] | Sequence[str] = ()) -> Recipe:
    """Return a recipe (a published name, a TOML file, `path.py:NAME`, or a recipe itself) with `settings` changed.

    A Python file is executed; one that holds a single recipe needs no NAME. Settings are
    `{"optimizer.learning_rate": 0.05}` or `["optimizer.learning_rate=0.05"]`. What differs from the recipe it was made
    from, by them or by `dataclasses.replace`, loses that recipe's document and claim. Raises UsageError for an unknown
    name or setting.

    >>> pw.recipe("skip-3", {"optimizer.learning_rate": 0.05}).optimizer.learning_rate
    0.05
    """
    base = _base_recipe(target)
    changed = change(base, assignments_of(settings))
    check_recipe(changed)
    return settled(changed, base)


def _base_recipe(target: str | Recipe) -> Recipe:
    coerce("The recipe", target, str | Recipe)
    return catalogue.find_recipe(target) if isinstance(target, str) else target


def load_dataset(
    name: str | Dataset = DEFAULT_DATASET, data: str | Path | None = None, *, stop: Stop = never
) -> Dataset:
    """Return a dataset by name, from `data`, $PENNYWEIGHT_DATA or the cache; what is missing is downloaded.

    A Dataset itself is returned as it is.

    Other content than the published one is called `other-NAME`, and a sentence on stderr says so.

    >>> pw.dataset("digits")
    <Dataset digits: 1,437 training and 360 test images, 28x28 pixels, 10 classes>
    """
    if isinstance(name, Dataset):
        return name
    coerce("The name of a dataset", name, str)
    coerce("data", data, str | Path | None)
    return read_dataset(name, Path(data) if data else None, stop=stop)


def plan_run(target: str | Recipe | Request, *, stop: Stop = never, **options: Unpack[RequestOptions]) -> Run:
    """Look up what a request names and check that it goes together, as far as no engine is needed to tell.

    Raises UsageError, UnavailableError, or Interrupted when `stop` says so, before any run folder is touched.
    """
    request = as_request(target, options)
    request.check()
    base = _base_recipe(request.target)
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
    folder = _run_folder(folder)
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
    trained = load_trained(_run_folder(folder))
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


def judge(
    *runs: str | Path,
    budget: Budget | None = None,
    max_params: int | None = None,
    max_epochs: int | None = None,
    accuracy: float | None = None,
    hold_epochs: int | None = None,
) -> Judgement:
    """Judge finished runs: folders of runs at any depth, record files, or names of published recipes.

    `budget` or single limits are the judge's own and win over those of the runs. Raises UnavailableError where there
    is no finished run, UsageError where one seed would count twice.

    >>> pw.judge("progressive-3")
    <Judgement: 2 of 10 runs kept their budget; not met>
    """
    if not runs:
        raise UsageError("There is nothing to judge; name a run folder, a folder of them, or a published recipe.")
    check_types(budget)
    judges = JudgesBudget(budget, max_params, max_epochs, accuracy, hold_epochs)
    sources: list[Path | RunEvidence] = []
    for target in runs:
        recipe = _published_recipe(target)
        sources += map(published_evidence, _published_runs(recipe)) if recipe else find_runs(_path(target))
    return judge_folders(sources, judges)


def read_budget(path: str | Path) -> Budget:
    """Return the budget in a TOML file; its dataset is that of each run, a cap that is not named is none.

    Raises UnavailableError when the file cannot be read, UsageError for what is wrong in it.

    >>> from pathlib import Path
    >>> _ = Path("budget.toml").write_text("accuracy = 99.4")
    >>> pw.read_budget("budget.toml").accuracy
    99.4
    """
    coerce("The file of a budget", path, str | Path)
    try:
        text = read_regular(Path(path), LARGEST_RECIPE_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(
            f"Cannot read the budget {path}: {getattr(error, 'strerror', None) or error}."
        ) from error
    return budget_from_text(text, str(path))


def compare(*sides: str | Path) -> Comparison | Ranking:
    """Compare runs by the accuracy of their last epoch: folders of runs, or names of published recipes.

    Two give a Comparison, three and more a Ranking. Raises UsageError for what cannot be compared.

    >>> pw.compare("progressive-3", "skip-3").better
    'first'
    """
    if len(sides) < 2:
        got = f"got {sides[0]} alone" if sides else "got none"
        raise UsageError(f"compare takes two or more sides and {got}; name what to compare it with.")
    if len(sides) == 2:
        return compare_records(*map(_records_at, sides))
    groups = {str(side): _records_at(side) for side in sides}
    if len(groups) < len(sides):
        raise UsageError("One side is named twice; name different ones.")
    return rank(groups)


def _path(target: str | Path) -> Path:
    """Return a path; raises UsageError for what is none."""
    coerce("A run folder", target, str | Path)
    return Path(target)


def _published_recipe(target: str | Path) -> Recipe | None:
    """Return the published recipe that `target` names; None for a path that exists, which comes first, and others.

    Raises UnavailableError for what is neither.
    """
    path, named = _path(target), catalogue.published(str(target))
    if path.exists():
        return None
    if named is None:
        near = did_you_mean(path.name, catalogue.RECIPE_NAMES) if len(path.parts) == 1 else ""
        raise UnavailableError(f"There is no run folder {path}.{near} 'pennyweight train' prints where a run is kept.")
    return named


def _run_folder(target: str | Path) -> Path:
    """Return a finished run's folder, or for a published recipe's name that of the run the package brings."""
    recipe = _published_recipe(target)
    folder = published_run(recipe.name) if recipe else Path(target)
    if folder.is_dir() and not (folder / RECORD).exists():
        runs = list[Path]()
        with suppress(UnavailableError):
            runs = find_runs(folder)
        if runs:
            raise UnavailableError(f"{folder} holds runs and is none itself; name one of them, as {runs[0]}.")
    return folder


def _records_at(target: str | Path) -> list[RunRecord]:
    recipe = _published_recipe(target)
    return _published_runs(recipe) if recipe else records_in(_path(target))


def _published_runs(recipe: Recipe) -> list[RunRecord]:
    """Return the full runs of a recipe among the published records; raises UnavailableError where there is none."""
    runs = full_runs(published_tree(), recipe.name, recipe.epochs)
    if not runs:
        raise UnavailableError(
            f"There are no published records of {recipe.name}, and no path of that name; name a folder of runs."
        )
    return runs


def records(recipe: str | None = None, *, dataset: str | None = None, engine: str | None = None) -> list[RunRecord]:
    """Return the published records, those behind every published figure, by dataset, engine, recipe and seed.

    `recipe` is a name with its changes, as `progressive-3` or `skip-1+epochs=2`. They come with the package, and are
    read offline. Raises UsageError for a recipe, dataset or engine that no published record is of.

    >>> [record.epochs[-1].test_correct for record in pw.records("progressive-3", dataset="mnist")][:3]
    [9947, 9950, 9951]
    """
    tree = published_tree()
    kinds = zip(*(folder.parts for folder in tree.folders()), strict=True)
    for kind, word, known in zip(("dataset", "engine", "recipe"), (dataset, engine, recipe), kinds, strict=True):
        if word is not None and word not in known:
            raise unknown_name_error(f"published record of the {kind}", word, sorted(set(known)))
    return select(tree, recipe=recipe, dataset=dataset, engine=engine)


def claims(document: str | None = None, *, records: str | Path | None = None) -> CheckedClaims:
    """Check what the source documents claim, by document; `document` is its number, as 000.

    `records` is a folder of records, by default the published ones, which come with the package. Raises UsageError for
    an unknown document, UnavailableError when there is no folder `records`.

    >>> [claim.verdict for claim in pw.claims("003")["003 MNIST CNN - 99.4% Accuracy with <20k Parameters"]][:2]
    ['true', 'true']
    """
    coerce("document", document, str | None)
    if document is not None and document not in CLAIMS:
        raise unknown_name_error("document", document, list(CLAIMS))
    tree = read_tree(Path(records)) if records else published_tree()
    by_name = {recipe.name: recipe for recipe in catalogue.RECIPES}
    evidence = Evidence(
        recipes=by_name,
        records=cache(lambda name: full_runs(tree, name, by_name[name].epochs)),
        readings=lambda name: readings_tried(tree, name),
        figures=count_figures(tuple(CLAIMS.values())),
    )
    titles = {title.split()[0]: title for title in catalogue.DOCUMENTS}
    chosen = CLAIMS if document is None else {document: CLAIMS[document]}
    return CheckedClaims(
        (titles[number], tuple(check_claim(claim, evidence) for claim in group)) for number, group in chosen.items()
    )


def verify(
    folder: str | Path,
    *,
    dataset: str | Dataset | None = None,
    data: str | Path | None = None,
    replay: bool = False,
    run: str | Path | None = None,
) -> Verification:
    """Recompute what the record of a finished run states; `replay` retrains it as well.

    `folder` is a run folder, or a recipe's name for its published run. `dataset` is what the run was trained on, unless
    given the one that its record names, from the folder `data`. A replay under other conditions is compared with the
    seeds of the same recipe that lie beside the folder, or are published.

    A page that `report` wrote is rendered again from the evidence it carries; the pictures that need a run are computed
    again where `run` names its folder.

    >>> record = pw.train("progressive-1", dataset="digits", epochs=1)
    >>> pw.verify(record.folder, dataset=pw.dataset("digits")).agrees
    True
    """
    if is_page(folder):
        return _verify_page(Path(folder), run, data, replay)
    if run is not None:
        raise UsageError(f"{folder} is no page, and 'run' is what the pictures of a page are from.")
    folder = _run_folder(folder)
    record = read_record(folder)
    images = load_dataset(record.dataset if dataset is None else dataset, data)
    verification = verify_folder(folder, images)
    if not replay:
        return verification
    check = replay_run(folder, images, lambda run: train_run(run, Silent()), _other_seeds(folder, record))
    return replace(verification, checks=(*verification.checks, check))


def is_page(target: str | Path) -> bool:
    """Return whether a path is that of a page, not of a run."""
    path = _path(target)
    return path.suffix.lower() in PAGE_SUFFIXES and not path.is_dir()


def _verify_page(page: Path, run: str | Path | None, data: str | Path | None, replay: bool) -> Verification:
    require_packages()
    from pennyweight.pages.check import check_page, check_pictures  # which load matplotlib

    if replay:
        raise UsageError(f"{page} holds no weights to train again from; --replay takes the folder of a run.")
    verification = check_page(page)
    if run is None:
        return verification
    folder = _run_folder(run)
    pictures = check_pictures(page, folder, load_dataset(read_record(folder).dataset, data))
    return replace(verification, checks=(*verification.checks, *pictures))


def report(
    *targets: str | Path | Recipe,
    out: str | Path | None = None,
    data: str | Path | None = None,
    figures: str | None = None,
) -> WrittenPage:
    """Write a page of documents, recipes, run folders or folders of runs, side by side, and say where.

    A document is its number or family, as `000` or `progressive`. Without `out` the page is `report.html` in the run
    folder, or in `runs/NAME`; beside it stands the same as Markdown, `STEP.md`, with its `figures` as `png` or `svg`
    files. Pictures of test images need the dataset, from `data`, $PENNYWEIGHT_DATA or the cache; nothing is downloaded.
    Raises UsageError or UnavailableError for what names nothing, and UnavailableError without matplotlib.

    >>> pw.report("progressive-3", out="page.html").markdown
    'page.md'
    """
    require_packages()
    from pennyweight.pages.write import write_page  # which loads matplotlib

    for target in targets:
        coerce("A target", target, str | Path | Recipe)
    if figures not in (None, *FIGURE_KINDS):
        raise unknown_name_error("kind of figure", str(figures), FIGURE_KINDS)
    return write_page(targets, None if out is None else Path(out), None if data is None else Path(data), figures)


def _other_seeds(folder: Path, record: RunRecord) -> list[RunRecord]:
    """Return runs beside `folder` that differ in their seed alone; none when what lies there cannot be read.

    Of a published run they are the published records.
    """
    try:
        if is_published(folder):
            beside = records(record.recipe, dataset=record.dataset, engine=record.engine)
        else:
            beside = records_in(folder.resolve().parent)
    except PennyweightError:
        return []
    alike = run_key(records_in(folder)[0])
    return [one for one in beside if one.seed != record.seed and run_key(one) == alike]


def audit(target: str | Recipe, rules: Rules | None = None) -> Audit:
    """Check a recipe against `rules`; without rules, against the caps of its own budget.

    >>> pw.audit("progressive-3")
    <Audit of progressive-3: every one of 2 rules holds>
    """
    recipe = _base_recipe(target)
    coerce("rules", rules, Rules | None)
    check_types(rules)
    return audit_recipe(recipe, rules or rules_of(recipe))


def cost_of(
    target: str | Recipe, settings: Mapping[str, object] | Sequence[str] = (), purpose: str = "c-int8"
) -> tuple[str, StreamedCost]:
    """Return the name of a recipe, or of a run folder's, and what its layers cost in the format `purpose`.

    Only `c-int8` has such costs. Raises UsageError for another format, and what `find_recipe` and `load_trained` raise.
    """
    if purpose != STREAMED_FORMAT:
        raise unknown_name_error("format with costs by layer", purpose, [STREAMED_FORMAT])
    if isinstance(target, str) and Path(target).is_dir():
        if assignments_of(settings):
            raise UsageError(f"{target} is a run, whose settings are made; leave -s out, or name its recipe.")
        model = load_trained(Path(target))
        return model.recipe.name, streamed_cost(model.plan)
    recipe = find_recipe(target, settings)
    return recipe.name, streamed_cost(recipe.plan())


def export_formats() -> list[dict[str, str]]:
    """Return the formats of `export`: name, what is written, what runs it, and what judges it."""
    return [{"name": one.name, "content": one.content, "needs": one.needs, "judge": one.judge} for one in FORMATS]


def export(
    run: str | Path,
    *,
    to: str | Sequence[str] = ALL_FORMATS,
    out: str | Path | None = None,
    prefix: str | None = None,
    checked: bool = True,
    dataset: str | Dataset | None = None,
    data: str | Path | None = None,
) -> Exported:
    """Write a trained network in the formats `to` into a folder, each once it agrees with the original.

    `run` is a run folder, or a recipe's name for its published run; `out` is by default `export` in that folder, of a
    published run `export/NAME`. Every format is compared on all test images of `dataset`, by default the one of the
    run's record. Raises MismatchError where one does not agree, UnavailableError where what judges it or the dataset is
    missing, which `checked=False` goes without; then nothing is written.

    >>> exported = pw.export("progressive-1", to="c", checked=False)
    >>> [file.name for file in exported.exports[0].files], exported.exports[0].status
    (['progressive_1.h', 'progressive_1.c'], 'not checked')
    """
    formats = chosen_formats([to] if isinstance(to, str) else to)
    folder = _run_folder(run)
    model = load_trained(folder)
    home = Path("export") / model.record.recipe if is_published(folder) else folder / "export"
    try:
        images = load_dataset(model.record.dataset if dataset is None else dataset, data)
    except UnavailableError:
        if checked:
            raise
        images = None
    name = c_name(model.record.recipe) if prefix is None else prefix
    check_prefix(name)
    subject = Subject(model, images)
    target = Path(out) if out else home
    return Exported(target, write_exports(subject, formats, target, name, checked=checked))
