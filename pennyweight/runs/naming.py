"""What a run's folder is called, and where a run lies that was named by an earlier version."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pennyweight.base.records import RunRecord
from pennyweight.runs.fingerprint import holds, identity_in
from pennyweight.runs.folder import default_folder
from pennyweight.runs.request import DEFAULT_DATASET
from pennyweight.runs.run import Run
from pennyweight.settings.keys import as_in_early_versions

RUNS = Path("runs")
"""Where runs are kept, below the current folder."""
DEFAULT_ENGINE = "native"
"""The engine that a name does not mention."""


def conditions(dataset: str, use_test: bool, initial_sha256: str) -> list[str]:
    """Return what a folder's name says of a run beside the changes of its recipe and its engine."""
    named = [] if dataset == DEFAULT_DATASET else [f"dataset={dataset}"]
    named += [] if use_test else ["no-test"]
    return named + ([f"from={initial_sha256[:12]}"] if initial_sha256 else [])


def usual_folder(record: RunRecord, root: Path = RUNS) -> Path:
    """Return the folder in which such a run is kept unless another is asked for."""
    named = conditions(record.dataset, record.evaluated_on("test"), record.initial_sha256)
    engine = [] if record.engine == DEFAULT_ENGINE else _engine_words(record.engine, record.provenance.device)
    return default_folder(root, record.recipe, [*record.changes, *named, *engine], record.seed)


def _engine_words(engine: str, device: str) -> list[str]:
    return [f"engine={engine}", *([] if device == "cpu" else [f"device={device}"])]


def folder_for(run: Run, root: Path, changes: Sequence[str]) -> Path:
    """Return the folder of a run in `root`, named by `changes` and by its engine where that is not the native one.

    Version 0.1 told neither layers nor engines apart: a run that it named is found under that name, and where seeds of
    another engine lie under it, they are left alone.
    """
    name, seed = run.recipe.name, run.seed
    engine = _engine_words(run.engine, run.device)
    plain = default_folder(root, name, changes, seed)
    beside = (identity_in(one) for one in plain.parent.glob("seed-*"))
    taken = any(identity.get("engine", run.engine) != run.engine for identity in beside)
    folder = default_folder(root, name, [*changes, *engine], seed) if run.engine != DEFAULT_ENGINE or taken else plain
    early = default_folder(root, name, as_in_early_versions(changes), seed)
    return early if not folder.exists() and holds(replace(run, folder=early)) else folder
