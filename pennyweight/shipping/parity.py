"""Whether an export gives what the network gives: the largest difference, the labels that changed, and the rule.

Two programs that add in another order differ in the last bits of a sum. A float export agrees when every logit is
within `TOLERANCE` times the larger of 1 and its magnitude, and every label is the same but where the original's own two
best logits are closer than `TOLERANCE`: there the order of additions may decide, and each such image is listed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.exports import ChangedLabel
from pennyweight.shipping.subject import Subject

TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Judged:
    """The logits, (n, classes), that the judge got from the written files, and who it was: name and version."""

    logits: NDArray[Any]
    judge: str


@dataclass(frozen=True)
class Agreement:
    """How an export compares with the original on all test images; it agrees when there are no `reasons` against it."""

    images: int
    correct: int
    original_correct: int
    largest_difference: float
    """The largest difference of a logit."""
    changed: tuple[ChangedLabel, ...]
    reasons: tuple[str, ...]
    """Sentences that say what does not agree."""


def compare(logits: NDArray[Any], reference: NDArray[Any], labels: NDArray[Any], allowed_gap: float) -> Agreement:
    """Return how `logits` compare with `reference`, both (n, classes), on images with `labels`.

    A label may differ only where the reference's two largest logits are less than `allowed_gap` apart; the size of the
    differences is judged by the caller.
    """
    reason = _unusable(logits, reference)
    if reason:
        return Agreement(len(labels), 0, _correct(reference, labels), float("inf"), (), (reason,))
    ranked = np.sort(reference, axis=1)
    gaps = ranked[:, -1] - ranked[:, -2]
    original, exported = reference.argmax(axis=1), logits.argmax(axis=1)
    changed = tuple(
        ChangedLabel(int(image), int(labels[image]), int(original[image]), int(exported[image]), float(gaps[image]))
        for image in np.flatnonzero(original != exported)
    )
    clear = [one for one in changed if one.gap >= allowed_gap]
    reasons = []
    if clear:
        first = clear[0]
        reasons.append(
            f"{len(clear):,} of {len(labels):,} labels differ where they may not; test image {first.image} is "
            f"{first.exported} and was {first.original}, whose logit leads by {first.gap:.3g}."
        )
    return Agreement(
        len(labels),
        _correct(logits, labels),
        _correct(reference, labels),
        float(np.abs(logits - reference).max()),
        changed,
        tuple(reasons),
    )


def agree_float(subject: Subject, logits: NDArray[Any]) -> Agreement:
    """Return whether the float `logits` of all test images are those of the network, by the rule of this module."""
    reference = subject.logits
    agreement = compare(logits, reference, subject.images.test_labels, TOLERANCE)
    if np.isinf(agreement.largest_difference):
        return agreement
    far = np.argwhere(~(np.abs(logits - reference) <= TOLERANCE * np.maximum(1, np.abs(reference))))
    if not len(far):
        return agreement
    image, number = map(int, far[0])
    reason = (
        f"{len(far):,} logits are further from the original's than {TOLERANCE:g} times their size; logit {number} of "
        f"test image {image} is {logits[image, number]:.6g} and was {reference[image, number]:.6g}."
    )
    return Agreement(**{**vars(agreement), "reasons": (*agreement.reasons, reason)})


def _correct(logits: NDArray[Any], labels: NDArray[Any]) -> int:
    return int((logits.argmax(axis=1) == labels).sum())


def _unusable(logits: NDArray[Any], reference: NDArray[Any]) -> str:
    if logits.shape != reference.shape:
        return f"It gives logits of shape {logits.shape}, the network {reference.shape}."
    if not np.isfinite(logits).all():
        return f"{int((~np.isfinite(logits)).any(axis=1).sum()):,} of {len(logits):,} images have no finite logits."
    return ""
