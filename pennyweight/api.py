"""What Python users and the command line both call: one function a verb, built from the rooms below."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pennyweight.base.errors import EnvironmentRefused, PennyweightError, UsageError, unknown
from pennyweight.base.records import EpochRow, RunRecord
from pennyweight.data.dataset import Dataset
from pennyweight.data.dataset import load as load_dataset
from pennyweight.judging.audit import Audit, Rules, rules_of
from pennyweight.judging.audit import audit as audit_recipe
from pennyweight.judging.claims import CheckedClaim, check_claim
from pennyweight.judging.compare import Comparison
from pennyweight.judging.compare import compare as compare_records
from pennyweight.judging.facts import Facts
from pennyweight.judging.verdict import Judgement
from pennyweight.judging.verdict import judge as judge_folders
from pennyweight.judging.verify import Verification
from pennyweight.judging.verify import replay as replay_run
from pennyweight.judging.verify import verify as verify_folder
from pennyweight.recipes.catalogue import DOCUMENTS, RECIPES, find_recipe, published
from pennyweight.training.collect import full_runs, published_records, records_in, run_folders, same_run
from pennyweight.training.engines import choose_engine
from pennyweight.training.folder import default_folder, read_record, set_aside
from pennyweight.training.identity import refuse_foreign_folder
from pennyweight.training.loop import Observer
from pennyweight.training.loop import train as train_run
from pennyweight.training.recipe import Recipe, check_recipe
from pennyweight.training.recipe_text import change, differences
from pennyweight.training.run import Run
from pennyweight.training.trained import Trained, load_trained

RUNS = Path("runs")
DEFAULT_DATASET = "mnist"


class Silent:
    """An observer that says nothing."""

    def message(self, text: str) -> None:
        """Ignore a message."""

    def detail(self, text: str) -> None:
        """Ignore a detail."""

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Ignore progress."""

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Ignore an epoch."""


def published_recipes() -> tuple[Recipe, ...]:
    """Return the published recipes."""
    return RECIPES


def recipe(wanted: str | Recipe, settings: Mapping[str, object] | Sequence[str] = ()) -> Recipe:
    """Return a recipe (a published name, a TOML file, `path.py:NAME`, or a recipe itself) with `settings` changed.

    Settings are `{"optimizer.learning_rate": 0.05}` or `["optimizer.learning_rate=0.05"]`. Raises UsageError for an
    unknown name or setting.
    """
    assignments = [f"{k}={v}" for k, v in settings.items()] if isinstance(settings, Mapping) else list(settings)
    changed = change(find_recipe(wanted) if isinstance(wanted, str) else wanted, assignments)
    check_recipe(changed)
    return changed


def dataset(name: str = DEFAULT_DATASET, data: str | Path | None = None) -> Dataset:
    """Return a dataset by name, from `data`, $PENNYWEIGHT_DATA or the cache; what is missing is downloaded."""
    return load_dataset(name, Path(data) if data else None)


def plan_run(
    wanted: str | Recipe,
    *,
    seed: int = 0,
    settings: Mapping[str, object] | Sequence[str] = (),
    epochs: int | None = None,
    dataset: str = DEFAULT_DATASET,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "cpu",
    out: str | Path | None = None,
    measure_test: bool = True,
) -> Run:
    """Turn what a user asks for into a Run; raises UsageError or EnvironmentRefused before anything is written."""
    base = find_recipe(wanted) if isinstance(wanted, str) else wanted
    recipe_wanted = recipe(base, settings)
    if epochs is not None:
        recipe_wanted = replace(recipe_wanted, epochs=epochs)
    check_recipe(recipe_wanted)
    choice = choose_engine(engine, device)
    if seed < 0:
        raise UsageError(f"The seed is {seed}; it must be 0 or more.")
    changes = differences(published(recipe_wanted.name) or base, recipe_wanted)
    conditions = [f"dataset={dataset}"] * (dataset != DEFAULT_DATASET) + ["no-test"] * (not measure_test)
    return Run(
        recipe=recipe_wanted,
        dataset=load_dataset(dataset, Path(data) if data else None),
        seed=seed,
        folder=Path(out) if out else default_folder(RUNS, recipe_wanted.name, [*changes, *conditions], seed),
        engine=choice.name,
        engine_reason=choice.reason,
        device=device,
        measure_test=measure_test,
        changes=changes,
    )


def train(
    wanted: str | Recipe,
    *,
    seed: int = 0,
    settings: Mapping[str, object] | Sequence[str] = (),
    epochs: int | None = None,
    dataset: str = DEFAULT_DATASET,
    data: str | Path | None = None,
    engine: str = "auto",
    device: str = "cpu",
    out: str | Path | None = None,
    measure_test: bool = True,
    again: bool = False,
    observer: Observer | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> RunRecord:
    """Train a recipe and return its record; an unfinished run goes on, a finished one is returned as it is.

    `again` moves an existing run folder aside first; `measure_test=False` never looks at the test images.
    """
    run = plan_run(
        wanted,
        seed=seed,
        settings=settings,
        epochs=epochs,
        dataset=dataset,
        data=data,
        engine=engine,
        device=device,
        out=out,
        measure_test=measure_test,
    )
    observer = observer or Silent()
    refuse_foreign_folder(run.folder)
    if again and (moved := set_aside(run.folder)):
        observer.message(f"The earlier run was moved to {moved}.")
    return train_run(run, observer, stop)


def load(folder: str | Path) -> Trained:
    """Return the trained network of a finished run's folder."""
    return load_trained(Path(folder))


def judge(*folders: str | Path) -> Judgement:
    """Judge finished runs against their budgets: run folders, or folders of them."""
    return judge_folders([run for folder in folders for run in run_folders(Path(folder))])


def compare(first: str | Path, second: str | Path) -> Comparison:
    """Compare two run folders, or folders of runs, by the accuracy of their last epoch."""
    return compare_records(records_in(Path(first)), records_in(Path(second)))


def claims(document: str | None = None, *, records: str | Path | None = None) -> dict[str, tuple[CheckedClaim, ...]]:
    """Check what the source documents claim, by document; `document` is its number, as 000.

    Raises UsageError for an unknown document, EnvironmentRefused when there is no folder `records`.
    """
    wanted = {title: said for title, said in DOCUMENTS.items() if document is None or title.split()[0] == document}
    if not wanted:
        raise unknown("document", str(document), [title.split()[0] for title in DOCUMENTS])
    folder = Path(records) if records else published_records()
    if records and not folder.is_dir():
        raise EnvironmentRefused(f"There is no folder {folder}; --records names one like the records/ of the checkout.")
    by_name = {one.name: one for one in RECIPES}
    facts = Facts(by_name, lambda name: full_runs(folder, name, by_name[name].epochs))
    return {title: tuple(check_claim(one, facts) for one in said) for title, said in wanted.items()}


def verify(folder: str | Path, *, data: str | Path | None = None, replay: bool = False) -> Verification:
    """Recompute what the record of a finished run states; `replay` trains it again as well.

    Seeds of the same recipe beside the folder are what a replay under other conditions is held against.
    """
    folder = Path(folder)
    record = read_record(folder)
    data_set = load_dataset(record.dataset, Path(data) if data else None)
    found = verify_folder(folder, data_set)
    if not replay:
        return found
    again = replay_run(folder, data_set, lambda run: train_run(run, Silent()), _other_seeds(folder, record))
    return Verification(found.folder, (*found.checks, again))


def _other_seeds(folder: Path, record: RunRecord) -> list[RunRecord]:
    """Return runs beside `folder` that differ in their seed alone; none when what lies there cannot be read."""
    try:
        beside = records_in(folder.resolve().parent)
    except PennyweightError:
        return []
    alike = same_run(record)
    return [one for one in beside if one.seed != record.seed and same_run(one) == alike]


def audit(wanted: str | Recipe, rules: Rules | None = None) -> Audit:
    """Check a recipe against `rules`; without rules, against the caps of its own budget."""
    recipe_wanted = find_recipe(wanted) if isinstance(wanted, str) else wanted
    return audit_recipe(recipe_wanted, rules or rules_of(recipe_wanted))
