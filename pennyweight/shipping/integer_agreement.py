"""Whether an integer export agrees: every bit with the reference in whole numbers, and little lost to quantisation."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.exports import ChangedLabel
from pennyweight.base.stats import mcnemar
from pennyweight.shipping.integer import integer_logits
from pennyweight.shipping.parity import Agreement, compare
from pennyweight.shipping.quantise import LARGEST_VALUE, quantised
from pennyweight.shipping.subject import Subject

MOST_LOST_POINTS = 0.3
"""Most that quantisation may take off the accuracy, in percentage points."""
CHANCE = 0.05
"""A loss that comes about by chance with at least this probability is not held against an export."""


@cache
def reference_logits(subject: Subject) -> NDArray[np.int32]:
    """Return the logits of the test images by the integer reference."""
    return integer_logits(quantised(subject), subject.images.test_images)


def agree_exactly(subject: Subject, logits: NDArray[np.integer]) -> Agreement:
    """Return whether the logits of all test images are the integer reference's in every bit, and how good those are.

    `changed` are the images whose label quantisation changed.
    """
    reference = reference_logits(subject)
    reasons = []
    if logits.shape != reference.shape:
        reasons.append(f"It gives logits of shape {logits.shape}, the reference {reference.shape}.")
    elif (different := np.argwhere(logits != reference)).size:
        image, number = map(int, different[0])
        reasons.append(
            f"{len(different):,} logits are not the integer reference's; logit {number} of test image {image} is "
            f"{logits[image, number]:,} and must be {reference[image, number]:,}."
        )
    return against_original(subject, reference * quantised(subject).logit_scale, reasons)


def agree_nearly(subject: Subject, logits: NDArray[np.floating]) -> Agreement:
    """Return whether logits of the same quantised network, rounded otherwise at ties, are the integer reference's.

    A step is the range of the reference's logits by 255, as if they had 8 bits. Logits may be two steps away, and
    labels differ where the reference's two best logits are less than a step apart; `changed` has those images too.
    """
    reference = reference_logits(subject) * quantised(subject).logit_scale
    step = float(reference.max() - reference.min()) / LARGEST_VALUE
    comparison = compare(logits, reference, subject.images.test_labels, step)
    reasons = list(comparison.reasons)
    if np.isinf(comparison.largest_difference):
        return comparison
    if comparison.largest_difference > 2 * step:
        reasons.append(
            f"A logit is {comparison.largest_difference:.3g} away from the integer reference's; at most {2 * step:.3g} "
            "is allowed, two of 255 steps of their range."
        )
    return against_original(subject, logits, reasons)


def against_original(subject: Subject, logits: NDArray[np.floating], reasons: list[str]) -> Agreement:
    """Return how logits, in the original's units, compare with the original; too great a loss is one more reason."""
    original, labels = subject.logits, subject.images.test_labels
    before, after = original.argmax(axis=1), logits.argmax(axis=1)
    differs = (after != before) | (after != reference_logits(subject).argmax(axis=1))
    was_right, is_right = before == labels, after == labels
    ranked = np.sort(original, axis=1)
    gaps = ranked[:, -1] - ranked[:, -2]
    changed = tuple(
        ChangedLabel(int(image), int(labels[image]), int(before[image]), int(after[image]), float(gaps[image]))
        for image in np.flatnonzero(differs)
    )
    return Agreement(
        len(labels),
        int(is_right.sum()),
        int(was_right.sum()),
        float(np.abs(logits - original).max()),
        changed,
        (*reasons, *too_great_a_loss(was_right, is_right)),
    )


def too_great_a_loss(was_right: NDArray[np.bool_], is_right: NDArray[np.bool_]) -> list[str]:
    """Return a sentence where quantisation took too many right answers, no sentence where it did not; shapes (n,).

    Too many is more than MOST_LOST_POINTS, and more than chance explains: of the images that became right or wrong, so
    many became wrong, or more, with a probability below CHANCE were either as likely. On a test set of a few hundred
    images one image is more than the points.
    """
    lost, won = int((was_right & ~is_right).sum()), int((~was_right & is_right).sum())
    points = 100 * (lost - won) / len(was_right)
    # McNemar's exact p-value is two-sided: half of it is that of as many losses, or more
    if points <= MOST_LOST_POINTS or mcnemar(lost, won) / 2 >= CHANCE:
        return []
    return [
        f"Quantisation loses {points:.2f} percentage points: {int(is_right.sum()):,} of {len(was_right):,} test images "
        f"are right, of the original's {int(was_right.sum()):,}; {lost:,} became wrong and {won:,} right. At most "
        f"{MOST_LOST_POINTS} are allowed beyond what chance explains."
    ]
