"""Checkpoints: one sealed file an epoch holds everything a run needs to go on; the newest two are kept.

A checkpoint is complete or absent, and damage shows: it is written in one step and carries a digest of its content.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.files import refusal, remove_temporaries, write_atomically
from pennyweight.base.records import EpochRow, Misclassified
from pennyweight.base.values import make
from pennyweight.nets.weights import read_sealed, seal
from pennyweight.training.engine import State

FORMAT = "pennyweight-checkpoint"
SCHEMA = 1
KEPT = 2
_NAME = re.compile(r"checkpoint-(\d{4,})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """A run after `len(history)` epochs; `identity` says which run it is, key by key."""

    identity: Mapping[str, object]
    history: tuple[EpochRow, ...]
    misclassified: tuple[Misclassified, ...]
    state: State


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Put the checkpoint in place, then delete all but the newest two.

    Raises EnvironmentRefused when the system refuses: a full disk, or an old checkpoint that cannot be deleted.
    """
    facts = {
        "format": FORMAT,
        "schema": SCHEMA,
        "identity": dict(checkpoint.identity),
        "history": [asdict(row) for row in checkpoint.history],
        "misclassified": [[one.index, one.label, one.predicted] for one in checkpoint.misclassified],
    }
    write_atomically(_path(folder, len(checkpoint.history)), seal(checkpoint.state, facts))
    for old in _newest_first(folder)[KEPT:]:
        try:
            old.unlink(missing_ok=True)
        except OSError as error:
            raise refusal(old, 0, error) from error


def newest_checkpoint(folder: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest checkpoint that is whole, and remove what a killed process left half written; see below."""
    remove_temporaries(folder)
    return newest_whole(folder, say)


def newest_whole(folder: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest checkpoint that is whole, or None when there is none; nothing in the folder is changed.

    A damaged one is passed over, and `say` tells so. Raises MismatchError when all are damaged.
    """
    damaged: list[MismatchError] = []
    for path in _newest_first(folder):
        try:
            checkpoint = _read(path)
        except MismatchError as error:
            damaged.append(error)
            continue
        for damage in damaged:
            say(f"{damage} The previous one is used: {path.name}.")
        return checkpoint
    if damaged:
        raise MismatchError(f"{damaged[0]} No other checkpoint is left; --again moves {folder} aside and starts anew.")
    return None


def _read(path: Path) -> Checkpoint:
    tensors, facts = read_sealed(path)
    if facts.get("format") != FORMAT or facts.get("schema") != SCHEMA:
        held = f"{facts.get('format')} {facts.get('schema')}"
        raise MismatchError(f"{path} holds {held}, this version of pennyweight reads {FORMAT} {SCHEMA}.")
    try:
        history = tuple(make(EpochRow, row) for row in facts["history"])
        mistakes = tuple(Misclassified(*one) for one in facts["misclassified"])
        checkpoint = Checkpoint(facts["identity"], history, mistakes, tensors)
    except (KeyError, TypeError, UsageError) as error:
        raise MismatchError(f"{path} is not a checkpoint of this version: {error}.") from error
    if path != _path(path.parent, len(history)):
        raise MismatchError(f"{path} was renamed: it holds the state after epoch {len(history)}.")
    return checkpoint


def _path(folder: Path, epoch: int) -> Path:
    return folder / f"checkpoint-{epoch:04d}.safetensors"


def _newest_first(folder: Path) -> list[Path]:
    """Return the checkpoints by epoch; a copy under another name is nobody's newest and is left alone."""
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: (len(path.name), path.name), reverse=True)
