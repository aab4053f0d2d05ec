"""The frozen records of exported networks, as `manifest.json` and `--json` state them; accuracies are percentages."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ChangedLabel:
    """A test image whose predicted label an export changes: its index, its label, both predictions.

    `gap` is the difference of the original's two largest logits.
    """

    image: int
    label: int
    original: int
    exported: int
    gap: float


@dataclass(frozen=True)
class ExportedFile:
    """A file beside the manifest."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ExportCheck:
    """What the judge of a format found on all test images of the dataset, beside what the original gives."""

    judge: str
    dataset: str
    dataset_digest: str
    images: int
    correct: int
    accuracy: float
    original_correct: int
    original_accuracy: float
    largest_logit_difference: float
    changed_labels: tuple[ChangedLabel, ...]


@dataclass(frozen=True)
class Export:
    """A network in one format: which one it is, its files, facts of the format, and the check, null if not checked."""

    format: str
    prefix: str
    recipe: str
    changes: tuple[str, ...]
    seed: int
    dataset: str
    record_sha256: str
    weights_sha256: str
    files: tuple[ExportedFile, ...]
    facts: Mapping[str, int | float | str]
    status: str
    """`agrees`, or `not checked`."""
    check: ExportCheck | None
