"""What counts as agreement: logits within a tolerance, labels equal but where the original leaves them open."""

import numpy as np
import pytest
from export_cases import KEPT_BATCHNORM, subject_of

from pennyweight.shipping.parity import TOLERANCE, agree_float, compare

REFERENCE = np.array([[3.0, 1.0, -2.0], [0.5, 0.5 - 5e-5, 0.0], [-7.0, 2000.0, 1.0]])
LABELS = np.array([0, 1, 1])


def changed(image: int, number: int, by: float) -> np.ndarray:
    logits = REFERENCE.copy()
    logits[image, number] += by
    return logits


def test_the_same_logits_agree() -> None:
    agreement = compare(REFERENCE, REFERENCE, LABELS, TOLERANCE)
    assert (agreement.images, agreement.correct, agreement.original_correct) == (3, 2, 2)
    assert (agreement.largest_difference, agreement.changed, agreement.reasons) == (0, (), ())


def test_a_label_may_change_where_the_two_best_are_close_and_is_listed() -> None:
    agreement = compare(changed(1, 1, 6e-5), REFERENCE, LABELS, TOLERANCE)
    (one,) = agreement.changed
    assert (one.image, one.label, one.original, one.exported) == (1, 1, 0, 1)
    assert one.gap == pytest.approx(5e-5)
    assert (agreement.correct, agreement.original_correct, agreement.reasons) == (3, 2, ())


def test_a_label_may_not_change_where_one_leads() -> None:
    agreement = compare(changed(0, 1, 2.1), REFERENCE, LABELS, TOLERANCE)
    assert agreement.reasons == (
        "1 of 3 labels differ where they may not; test image 0 is 1 and was 0, whose logit leads by 2.",
    )


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_not_finite_does_not_agree(wrong: float) -> None:
    agreement = compare(changed(2, 0, wrong), REFERENCE, LABELS, TOLERANCE)
    assert agreement.reasons == ("1 of 3 images have no finite logits.",)


def test_logits_of_another_shape_do_not_agree() -> None:
    agreement = compare(REFERENCE[:, :2], REFERENCE, LABELS, TOLERANCE)
    assert agreement.reasons == ("It gives logits of shape (3, 2), the network (3, 3).",)


@pytest.mark.parametrize(("size", "agrees"), [(0.9, True), (1.1, False)])
def test_a_float_logit_may_be_off_by_the_tolerance_times_its_size(size: float, agrees: bool) -> None:
    subject = subject_of(KEPT_BATCHNORM)
    logits = subject.logits.astype(np.float64)
    image, number = np.unravel_index(np.abs(logits).argmax(), logits.shape)
    logits[image, number] += np.sign(logits[image, number]) * size * TOLERANCE * max(1, abs(logits[image, number]))
    agreement = agree_float(subject, logits)
    assert (agreement.reasons == ()) is agrees
    if not agrees:
        assert f"logit {number} of test image {image}" in agreement.reasons[0]
        assert agreement.reasons[0].startswith("1 logits are further")


def test_every_reason_is_a_sentence() -> None:
    subject = subject_of(KEPT_BATCHNORM)
    for logits in (-subject.logits, subject.logits[:, :1], subject.logits * np.nan):
        reasons = agree_float(subject, logits).reasons
        assert reasons
        assert all(reason.endswith(".") and (reason[0].isupper() or reason[0].isdigit()) for reason in reasons)
