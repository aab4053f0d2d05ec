"""A temperature for the probabilities of a trained network, fitted on images it was not trained on."""

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError

_BISECTIONS = 60
_LARGEST = 1_000.0


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    """Return the temperature T for which softmax(logits / T), (n, classes), gives `labels` (n,) the least loss.

    It is the loss that training minimises, cross-entropy, convex in 1 / T; and T changes no label (Guo et al., "On
    Calibration of Modern Neural Networks", 2017, section 4.2). Raises UsageError where the least loss is at no finite
    T: when every label is right, or the logits say no more than chance.
    """
    values = logits.astype(np.float64)
    own = values[np.arange(len(labels)), labels]
    if _slope(values, own, 0.0) >= 0:
        raise UsageError(f"the {len(labels):,} validation images are told apart no better than by chance.")
    if not (values.max(axis=1) > own).any():
        raise UsageError(f"all {len(labels):,} validation images are classified correctly; none says how sure to be.")
    low, high = 1 / _LARGEST, _LARGEST
    for _ in range(_BISECTIONS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if _slope(values, own, middle) < 0 else (low, middle)
    return float(1 / np.sqrt(low * high))


def _slope(values: NDArray[np.float64], own: NDArray[np.float64], inverse: float) -> float:
    """Return the derivative of the loss by 1 / T: the mean over images of the expected logit less that of the label."""
    scaled = inverse * values
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    expected = (powers * values).sum(axis=1) / powers.sum(axis=1)
    return float((expected - own).mean())
