"""Which run a folder holds: the keys that must all agree before one run goes on where another process stopped."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from pennyweight.base.errors import UsageError
from pennyweight.base.files import TEMPORARY_SUFFIX
from pennyweight.nets.text import rows_to_text
from pennyweight.training.averaging import Averaging
from pennyweight.training.checkpoint import Checkpoint
from pennyweight.training.engine import Engine
from pennyweight.training.folder import LOCK, METRICS, RECIPE, RECORD, WEIGHTS
from pennyweight.training.recipe_text import settings_of
from pennyweight.training.run import Run

ADDED_LATER = {f"averaging.{field.name}": field.default for field in fields(Averaging)}
"""Keys that earlier versions did not write, with what they stood for."""
SHOWN = 4
"""Differences that are listed; more say no more than that it is another run."""


def identity_of(run: Run, engine: Engine | None) -> dict[str, object]:
    """Return what decides a run's bytes, key by key; without an engine, all but its version and threads."""
    identity: dict[str, object] = {
        "recipe": run.recipe.name,
        "dataset": run.dataset.name,
        "dataset digest": run.dataset.digest,
        "seed": run.seed,
        "engine": run.engine,
        "device": run.device,
        "test measured": run.measure_test,
        "layers": rows_to_text(run.recipe.layers),
        **settings_of(run.recipe),
    }
    if engine is not None:
        identity["engine version"] = engine.version
    if engine is not None and engine.bytes_depend_on_threads:
        identity["threads"] = engine.threads
    return identity


def refuse_another_run(run: Run, held: Checkpoint | None, engine: Engine | None = None) -> None:
    """Raise UsageError naming every key in which the run in the folder differs from `run`."""
    if held is None:
        if (run.folder / RECORD).exists():
            raise UsageError(f"{run.folder} holds a record but no checkpoint to go on from; --again moves it aside.")
        return
    wanted, found = identity_of(run, engine), {**ADDED_LATER, **held.identity}
    changed = [key for key in wanted if found.get(key) != wanted[key]]
    if changed:
        listed = "; ".join(_difference(key, found, wanted) for key in changed[:SHOWN])
        listed += f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise UsageError(f"{run.folder} holds another run: {listed}. Use another --out, or --again to move it aside.")


def refuse_foreign_folder(folder: Path) -> None:
    """Raise UsageError when `folder` exists and holds something that no run has put there, and no run."""
    if not folder.is_dir() or (folder / RECIPE).exists():
        return
    ours = {LOCK, RECORD, METRICS, WEIGHTS}
    foreign = [entry.name for entry in folder.iterdir() if entry.name not in ours and not _written_by_a_run(entry.name)]
    if foreign:
        raise UsageError(f"{folder} holds '{min(foreign)}' and no run; name a new or an empty folder with --out.")


def _written_by_a_run(name: str) -> bool:
    return name.startswith("checkpoint-") or name.endswith(TEMPORARY_SUFFIX)


def _difference(key: str, held: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    if key in ("layers", "dataset digest"):
        return f"its {key} differ" if key == "layers" else "its dataset digest differs"
    way_on = f" (OMP_NUM_THREADS={held.get(key)} goes on with it)" if key == "threads" else ""
    return f"{key} was {held.get(key)}, now {wanted[key]}{way_on}"
