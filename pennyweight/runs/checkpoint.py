"""Checkpoints: one sealed file an epoch holds everything a run needs to go on; the newest two are kept.

A checkpoint is complete or absent, and damage shows: it is written in one step and carries a digest of its content.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pennyweight.base.errors import MismatchError, PennyweightError, UnavailableError, UsageError
from pennyweight.base.files import remove_temporaries, write_atomically, write_error
from pennyweight.base.records import EpochMistakes, EpochRow, Misclassified
from pennyweight.base.values import make
from pennyweight.engines.protocol import State
from pennyweight.nets.weights import LARGEST_FILE_BYTES, read_sealed, seal

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
    mistakes_by_epoch: tuple[EpochMistakes, ...] = ()
    """What the last epochs misclassify, by split; see RunRecord."""


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Put the checkpoint in place, then delete all but the newest two.

    Raises UnavailableError when the system refuses: a full disk, or an old checkpoint that cannot be deleted.
    """
    facts = {
        "format": FORMAT,
        "schema": SCHEMA,
        "identity": dict(checkpoint.identity),
        "history": [asdict(row) for row in checkpoint.history],
        "misclassified": [[one.index, one.label, one.predicted] for one in checkpoint.misclassified],
        "mistakes_by_epoch": [asdict(one) for one in checkpoint.mistakes_by_epoch],
    }
    write_atomically(checkpoint_path(folder, len(checkpoint.history)), seal(checkpoint.state, facts))
    for old in _newest_first(folder)[KEPT:]:
        try:
            old.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(old, 0, error) from error


def newest_checkpoint(
    folder: Path, say: Callable[[str], None], largest_bytes: int = LARGEST_FILE_BYTES
) -> Checkpoint | None:
    """Return the newest checkpoint that is whole, and remove what a killed process left half written; see below."""
    remove_temporaries(folder)
    return newest_whole(folder, say, largest_bytes)


def newest_whole(
    folder: Path, say: Callable[[str], None], largest_bytes: int = LARGEST_FILE_BYTES
) -> Checkpoint | None:
    """Return the newest checkpoint that is whole, or None when there is none; nothing in the folder is changed.

    One that is damaged, larger than `largest_bytes` or cannot be opened is passed over, and `say` tells so. Raises
    MismatchError or UnavailableError, as the newest would, when all are.
    """
    refused: list[PennyweightError] = []
    for path in _newest_first(folder):
        try:
            checkpoint = _read(path, largest_bytes)
        except (MismatchError, UnavailableError) as error:
            refused.append(error)
            continue
        for one in refused:
            say(f"{one} The previous one is used: {path.name}.")
        return checkpoint
    if refused:
        words = f"{refused[0]} No other checkpoint is left; --again moves {folder} aside and starts again."
        raise type(refused[0])(words)
    return None


def _read(path: Path, largest_bytes: int) -> Checkpoint:
    tensors, facts = read_sealed(path, largest_bytes)
    if facts.get("format") != FORMAT or facts.get("schema") != SCHEMA:
        held = f"{facts.get('format')} {facts.get('schema')}"
        raise MismatchError(f"{path} holds {held}, this version of pennyweight reads {FORMAT} {SCHEMA}.")
    try:
        history = tuple(make(EpochRow, row) for row in facts["history"])
        mistakes = tuple(_mistake(one) for one in facts["misclassified"])
        by_epoch = tuple(make(EpochMistakes, one) for one in facts.get("mistakes_by_epoch", ()))
        checkpoint = Checkpoint(dict(facts["identity"].items()), history, mistakes, tensors, by_epoch)
    except (KeyError, TypeError, AttributeError, UsageError) as error:
        raise MismatchError(f"{path} is not a checkpoint of this version: {str(error).rstrip('.')}.") from error
    if path != checkpoint_path(path.parent, len(history)):
        raise MismatchError(f"{path} was renamed: it holds the state after epoch {len(history)}.")
    return checkpoint


def _mistake(row: object) -> Misclassified:
    if not isinstance(row, list) or len(row) != 3 or any(type(number) is not int for number in row):
        raise UsageError(f"{row!r:.80} stands where index, label and predicted label of a mistake are expected.")
    return Misclassified(*row)


def checkpoint_path(folder: Path, epoch: int) -> Path:
    """Return where the checkpoint after `epoch` epochs lies."""
    return folder / f"checkpoint-{epoch:04d}.safetensors"


def _newest_first(folder: Path) -> list[Path]:
    """Return the checkpoints by epoch; a copy under another name is nobody's newest and is left alone."""
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: (len(path.name), path.name), reverse=True)
