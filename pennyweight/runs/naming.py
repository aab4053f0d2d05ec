"""What a run's folder is called, and where a run lies that was named by an earlier version."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pennyweight.runs.fingerprint import holds, identity_in
from pennyweight.runs.folder import default_folder
from pennyweight.runs.run import Run
from pennyweight.settings.recipe_text import as_in_early_versions

DEFAULT_ENGINE = "native"
"""The engine that a name does not mention."""


def folder_for(run: Run, root: Path, changes: Sequence[str]) -> Path:
    """Return the folder of a run in `root`, named by `changes` and by its engine where that is not the native one.

    Version 0.1 told neither layers nor engines apart: a run that it named is found under that name, and where seeds of
    another engine lie under it, they are left alone.
    """
    name, seed = run.recipe.name, run.seed
    engine = [f"engine={run.engine}", *([] if run.device == "cpu" else [f"device={run.device}"])]
    plain = default_folder(root, name, changes, seed)
    beside = (identity_in(one) for one in plain.parent.glob("seed-*"))
    taken = any(identity.get("engine", run.engine) != run.engine for identity in beside)
    folder = default_folder(root, name, [*changes, *engine], seed) if run.engine != DEFAULT_ENGINE or taken else plain
    early = default_folder(root, name, as_in_early_versions(changes), seed)
    return early if not folder.exists() and holds(replace(run, folder=early)) else folder
