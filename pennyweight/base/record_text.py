"""Records as JSON and back: sealed by a digest of what they say, and refused where that contradicts itself."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.records import (
    SCHEMA,
    SPLITS,
    EpochMistakes,
    EpochRow,
    Limit,
    Misclassified,
    Provenance,
    RunRecord,
    Verdict,
)
from pennyweight.base.values import make

SINCE_DIGESTS = (
    *("recipe_sha256", "planned_seeds", "final_train_correct", "mistakes_by_epoch", "classes", "test_class_images"),
    *("planned_epochs", "initial_sha256"),
)
"""Fields that came with the digest or after it: records of early versions have neither."""
DEFAULTS = {field.name: field.default for field in fields(RunRecord)}
_NUMBERS = re.compile(r"\[\s+\d+(,\s+\d+)*\s+\]")


def sealed(record: RunRecord) -> RunRecord:
    """Return the record with the digest of what it says; where it lies is left out, so that it can be moved."""
    return replace(record, sha256=_digest(replace(record, folder="", sha256="")))


def _digest(record: RunRecord) -> str:
    text = json.dumps(_stated(record), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


def _stated(value: Any) -> Any:
    """Return a value for a digest, without fields at their default: a field added later changes no old digest."""
    if is_dataclass(value):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        defaults = {field.name: field.default for field in fields(value)}
        return {name: _stated(one) for name, one in held.items() if one != defaults[name]}
    return [_stated(one) for one in value] if isinstance(value, tuple) else value


def to_json(record: Any) -> str:
    """Return a record as indented JSON, lists of whole numbers on one line; refuses numbers that JSON cannot hold."""
    text = json.dumps(asdict(record), indent=1, allow_nan=False)
    return _NUMBERS.sub(lambda numbers: f"[{' '.join(numbers[0][1:-1].split())}]", text) + "\n"


def run_record_from_json(text: str, source: str) -> RunRecord:
    """Read a run's record; raises MismatchError naming `source` and the field that is missing or wrong."""
    try:
        held = json.loads(text)
        if not isinstance(held, dict) or held.get("schema") != SCHEMA:
            found = held.get("schema") if isinstance(held, dict) else type(held).__name__
            raise UsageError(f"its schema is {found!r}, this version reads {SCHEMA}.")
        record = _unsealed(held)
        _check_counts(record)
        _check_digest(record)
        return record
    except (ValueError, RecursionError, UsageError) as error:
        raise MismatchError(f"{source} is not a run's record: {error}") from error


def _unsealed(held: dict[str, Any]) -> RunRecord:
    """Return a record of the right types, whatever it says of its digest; raises UsageError for others."""
    verdict = _object(held, "verdict")
    parts = {
        **held,
        "changes": tuple(_list(held, "changes")),
        "epochs": tuple(make(EpochRow, row) for row in _list(held, "epochs")),
        "misclassified": tuple(make(Misclassified, row) for row in _list(held, "misclassified")),
        "mistakes_by_epoch": tuple(
            make(EpochMistakes, row) for row in _list({"mistakes_by_epoch": [], **held}, "mistakes_by_epoch")
        ),
        "provenance": make(Provenance, _object(held, "provenance")),
        "verdict": make(Verdict, {**verdict, "limits": tuple(make(Limit, row) for row in _list(verdict, "limits"))}),
    }
    return make(RunRecord, parts)


def _check_digest(record: RunRecord) -> None:
    """Raise UsageError where the record is not what its digest was made of, or has none though its like have one."""
    if not record.sha256:
        later = [name for name in SINCE_DIGESTS if getattr(record, name) != DEFAULTS[name]]
        if later:
            raise UsageError(f"it has no 'sha256', which every record with '{later[0]}' has; it was edited.")
    elif (found := sealed(record).sha256) != record.sha256:
        raise UsageError(f"its content has SHA-256 {found[:12]}, it states {record.sha256[:12]}.")


def _check_counts(record: RunRecord) -> None:
    """Raise UsageError when the epochs are not 1, 2, ... or more images are right than there are."""
    if [row.epoch for row in record.epochs] != list(range(1, len(record.epochs) + 1)) or not record.epochs:
        raise UsageError("its epochs are not numbered 1, 2, and so on.")
    for row in record.epochs:
        for split in SPLITS:
            correct, images = row.score(split).correct, record.images(split)
            if correct is not None and not 0 <= correct <= images > 0:
                raise UsageError(f"in epoch {row.epoch}, {correct} of {images} {split} images are right.")
    if record.final_train_correct is not None and not 0 <= record.final_train_correct <= record.train_images:
        raise UsageError(f"{record.final_train_correct} of {record.train_images} training images are right.")
    counts = record.test_class_images
    if counts and (len(counts) != len(record.classes) or min(counts) < 0 or sum(counts) != record.test_images):
        raise UsageError(
            f"it counts {sum(counts)} test images in {len(counts)} classes, but has {record.test_images} in "
            f"{len(record.classes)}."
        )
    for mistakes in record.mistakes_by_epoch:
        check_epoch_mistakes(mistakes, record.epochs, {"val": record.val_images, "test": record.test_images})


def check_epoch_mistakes(mistakes: EpochMistakes, epochs: Sequence[EpochRow], split_images: Mapping[str, int]) -> None:
    """Raise UsageError when an epoch lists other mistakes than it counts, or images that the split does not have."""
    if not 1 <= mistakes.epoch <= len(epochs):
        raise UsageError(f"it lists mistakes of epoch {mistakes.epoch}, but has {len(epochs)} epochs.")
    row = epochs[mistakes.epoch - 1]
    correct = row.score(mistakes.split).correct if mistakes.split in SPLITS else None
    images, listed = split_images.get(mistakes.split, 0), mistakes.images
    ascending = all(low < high for low, high in pairwise((-1, *listed, images)))
    if correct is None or not ascending or len(listed) != images - correct:
        raise UsageError(
            f"in epoch {mistakes.epoch}, {correct} of {images} {mistakes.split} images are right, "
            f"but {len(listed)} are listed as wrong, or not by ascending index."
        )


def _object(fields_read: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields_read.get(name)
    if not isinstance(value, dict):
        raise UsageError(f"'{name}' is {value!r}, but must be an object.")
    return value


def _list(fields_read: dict[str, Any], name: str) -> list[Any]:
    value = fields_read.get(name)
    if not isinstance(value, list):
        raise UsageError(f"'{name}' is {value!r}, but must be a list.")
    return value
