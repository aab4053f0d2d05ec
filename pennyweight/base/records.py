"""The frozen records that travel between rooms and into `record.json`; accuracies are percentages."""

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from hashlib import sha256
from typing import Any

from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.values import make

SCHEMA = 1


@dataclass(frozen=True)
class EpochRow:
    """One epoch: running training figures (augmentation and dropout on), then figures of the weights it ended with.

    Where weights are averaged, `val_` and `test_` are of the average, and `raw_` of the weights themselves.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    val_correct: int | None
    test_loss: float | None
    test_accuracy: float | None
    test_correct: int | None
    learning_rate: float
    seconds: float
    raw_val_accuracy: float | None = None
    raw_test_accuracy: float | None = None


@dataclass(frozen=True)
class Misclassified:
    """One test image the final weights get wrong: its index in the test set, its label and the predicted label."""

    index: int
    label: int
    predicted: int


@dataclass(frozen=True)
class Limit:
    """One limit of a budget with the figure it was held against."""

    name: str
    allowed: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Verdict:
    """What a budget says of one run; `met` is None when the dataset has no budget."""

    met: bool | None
    dataset: str
    split: str
    limits: tuple[Limit, ...] = ()
    breaches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where a run's numbers come from: everything that could change them."""

    pennyweight: str
    commit: str
    python: str
    numpy: str
    engine: str
    device: str
    threads: int
    cpu: str
    platform: str
    dataset_digest: str
    started: str


@dataclass(frozen=True)
class RunRecord:
    """One finished run: what was trained on what, every epoch, the verdict, and the final mistakes."""

    recipe: str
    changes: tuple[str, ...]
    seed: int
    engine: str
    dataset: str
    params: int
    train_images: int
    val_images: int
    test_images: int
    epochs: tuple[EpochRow, ...]
    verdict: Verdict
    misclassified: tuple[Misclassified, ...]
    weights_sha256: str
    provenance: Provenance
    folder: str = ""
    schema: int = field(default=SCHEMA)
    sha256: str = ""
    """Digest of all the rest but the folder, written by `sealed`; empty in records of early versions."""


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
    """Return a record as indented JSON; refuses numbers that JSON cannot hold."""
    return json.dumps(asdict(record), indent=1, allow_nan=False) + "\n"


def run_record_from_json(text: str, source: str) -> RunRecord:
    """Read a run's record; raises MismatchError naming `source` and the field that is missing or wrong."""
    try:
        held = json.loads(text)
        if not isinstance(held, dict) or held.get("schema") != SCHEMA:
            found = held.get("schema") if isinstance(held, dict) else type(held).__name__
            raise UsageError(f"its schema is {found!r}, this version reads {SCHEMA}.")
        verdict = _object(held, "verdict")
        parts = {
            **held,
            "changes": tuple(_list(held, "changes")),
            "epochs": tuple(make(EpochRow, row) for row in _list(held, "epochs")),
            "misclassified": tuple(make(Misclassified, row) for row in _list(held, "misclassified")),
            "provenance": make(Provenance, _object(held, "provenance")),
            "verdict": make(
                Verdict, {**verdict, "limits": tuple(make(Limit, row) for row in _list(verdict, "limits"))}
            ),
        }
        record = make(RunRecord, parts)
        _check_counts(record)
        if record.sha256 and record.sha256 != sealed(record).sha256:
            raise UsageError(f"its content has SHA-256 {sealed(record).sha256[:12]}, it states {record.sha256[:12]}.")
        return record
    except (ValueError, RecursionError, UsageError) as error:
        raise MismatchError(f"{source} is not a run's record: {error}") from error


def _check_counts(record: RunRecord) -> None:
    """Raise UsageError when the epochs are not 1, 2, ... or more images are right than there are."""
    if [row.epoch for row in record.epochs] != list(range(1, len(record.epochs) + 1)) or not record.epochs:
        raise UsageError("its epochs are not numbered 1, 2, and so on.")
    for row in record.epochs:
        for split, correct, images in (
            ("test", row.test_correct, record.test_images),
            ("val", row.val_correct, record.val_images),
        ):
            if correct is not None and not 0 <= correct <= images > 0:
                raise UsageError(f"in epoch {row.epoch}, {correct} of {images} {split} images are right.")


def _object(held: dict[str, Any], name: str) -> dict[str, Any]:
    value = held.get(name)
    if not isinstance(value, dict):
        raise UsageError(f"'{name}' is {value!r}, but must be an object.")
    return value


def _list(held: dict[str, Any], name: str) -> list[Any]:
    value = held.get(name)
    if not isinstance(value, list):
        raise UsageError(f"'{name}' is {value!r}, but must be a list.")
    return value
