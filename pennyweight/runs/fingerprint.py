"""Which run a folder holds: the keys that must all agree before one run goes on where another process stopped."""

import os
from collections.abc import Mapping
from pathlib import Path

from pennyweight.base.errors import PennyweightError, UsageError
from pennyweight.base.files import TEMPORARY_SUFFIX, write_error
from pennyweight.engines.protocol import Engine
from pennyweight.nets.text import layers_to_text
from pennyweight.runs.checkpoint import Checkpoint, newest_whole
from pennyweight.runs.folder import LOCK, METRICS, RECIPE, RECORD, WEIGHTS
from pennyweight.runs.run import Run
from pennyweight.settings.keys import added_settings, settings_of
from pennyweight.settings.recipe import Recipe

PLANNED = "planned seeds"
"""A plan counts where it was made before the run began: it is written into the first checkpoint and never later."""
INITIAL = "initial weights"
"""The digest of the weights a run starts from; empty where its seed draws them, as all did before version 0.2."""
SHOWN = 4
"""Differences that are listed; more say no more than that it is another run."""


def fingerprint_of(run: Run, engine: Engine | None) -> dict[str, object]:
    """Return what decides a run's bytes, key by key; without an engine, all but its version and threads."""
    identity = fingerprint_of_record(
        run.recipe,
        dataset=run.dataset.name,
        dataset_digest=run.dataset.digest,
        seed=run.seed,
        engine=run.engine,
        device=run.device,
        use_test=run.use_test,
        initial_sha256=run.initial_sha256,
    )
    if run.planned_seeds:
        identity[PLANNED] = run.planned_seeds
    if engine is not None:
        identity["engine version"] = engine.version
    if engine is not None and engine.bytes_depend_on_threads:
        identity["threads"] = engine.threads
    return identity


def fingerprint_of_record(
    recipe: Recipe,
    *,
    dataset: str,
    dataset_digest: str,
    seed: int,
    engine: str,
    device: str,
    use_test: bool,
    initial_sha256: str,
) -> dict[str, object]:
    """Return what decides a run's bytes as far as its recipe and its record tell."""
    return {
        "recipe": recipe.name,
        "dataset": dataset,
        "dataset digest": dataset_digest,
        "seed": seed,
        "engine": engine,
        "device": device,
        "test measured": use_test,
        INITIAL: initial_sha256,
        "layers": layers_to_text(recipe.layers),
        **settings_of(recipe),
    }


def require_same_run(run: Run, stored: Checkpoint | None, engine: Engine | None = None) -> None:
    """Raise UsageError naming every key in which the run in the folder differs from `run`."""
    if stored is None:
        if (run.folder / RECORD).exists():
            raise UsageError(f"{run.folder} holds a record but no checkpoint to go on from; --again moves it aside.")
        return
    wanted, found = fingerprint_of(run, engine), _with_added(stored.identity, run.recipe)
    changed = [key for key in wanted if found.get(key) != wanted[key]]
    if changed:
        listed = "; ".join(_difference(key, found, wanted) for key in changed[:SHOWN])
        listed += f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        renamed = " Under another name, a changed recipe has a folder of its own." if "layers" in changed else ""
        raise UsageError(
            f"{run.folder} already contains a different run: {listed}. Use another --out, or --again to move it aside."
            + renamed
        )


def identity_in(folder: Path) -> Mapping[str, object]:
    """Return which run a folder holds, key by key; nothing where there is none, or none that can be read."""
    try:
        stored = newest_whole(folder, lambda sentence: None)
    except PennyweightError:
        return {}
    return {} if stored is None else stored.identity


def holds(run: Run) -> bool:
    """Return whether the folder of a run holds that run, by whatever version of its engine."""
    identity = identity_in(run.folder)
    found = _with_added(identity, run.recipe)
    return bool(identity) and all(found.get(key) == value for key, value in fingerprint_of(run, None).items())


def _with_added(identity: Mapping[str, object], recipe: Recipe) -> dict[str, object]:
    """Return an identity with what runs of earlier versions did not write down."""
    return {INITIAL: "", **added_settings(recipe), **identity}


def require_run_folder(folder: Path) -> None:
    """Raise UsageError when `folder` exists and holds something that no run has put there, and no run.

    Raises UnavailableError when the system does not let it be looked at.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise write_error(folder, 0, error) from error
    if RECIPE in names:
        return
    ours = {LOCK, RECORD, METRICS, WEIGHTS}
    foreign = [name for name in names if name not in ours and not _written_by_a_run(name)]
    if foreign:
        raise UsageError(f"{folder} holds '{min(foreign)}' and no run; name a new or an empty folder with --out.")


def _written_by_a_run(name: str) -> bool:
    return name.startswith("checkpoint-") or name.endswith(TEMPORARY_SUFFIX)


def _difference(key: str, stored: Mapping[str, object], expected: Mapping[str, object]) -> str:
    if key in ("layers", "dataset digest"):
        return f"its {key} differ" if key == "layers" else "its dataset digest differs"
    if key == INITIAL:
        return f"{key} was {_digest(stored.get(key))}, now {_digest(expected[key])}"
    way_on = f" (OMP_NUM_THREADS={stored.get(key)} goes on with it)" if key == "threads" else ""
    return f"{key} was {stored.get(key)}, now {expected[key]}{way_on}"


def _digest(value: object) -> str:
    return str(value or "none")[:12]
