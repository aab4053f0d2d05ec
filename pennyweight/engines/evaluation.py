"""Scoring logits: the same arithmetic for every engine and every split."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import Interrupted
from pennyweight.base.stop import Stop, never
from pennyweight.engines.protocol import Engine, State

CHUNK_IMAGES = 2_000
"""Images whose maps are held at once, and between two looks at the stop flag."""


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy in nats, images right, and the predicted class of every image, shape (n,).

    Loss and count are None where nothing was measured.
    """

    loss: float | None
    correct: int | None
    predicted: NDArray[np.int64]

    @property
    def accuracy(self) -> float | None:
        """Return the share of images right, in percent."""
        return None if self.correct is None else 100 * self.correct / len(self.predicted)


NOT_MEASURED = Evaluation(None, None, np.zeros(0, dtype=np.int64))
"""A split without images, or one that must not be looked at."""


def evaluate(
    engine: Engine,
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    stop: Stop,
    weights: State | None = None,
) -> Evaluation:
    """Score the engine's weights, or `weights`, on `images`; raises Interrupted when `stop` says so."""
    return score(logits_of(engine, images, stop, weights), labels)


def logits_of(
    engine: Engine,
    images: NDArray[np.uint8],
    stop: Stop = never,
    weights: State | None = None,
) -> NDArray[np.float32]:
    """Return logits, shape (n, classes), of images (n, rows, columns), computed in chunks."""
    parts = []
    for start in range(0, max(len(images), 1), CHUNK_IMAGES):
        if stop():
            raise Interrupted("Stopped while evaluating; the resumed run repeats the epoch.")
        parts.append(engine.logits(images[start : start + CHUNK_IMAGES], weights))
    return np.concatenate(parts)


def score(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> Evaluation:
    """Score logits (n, classes) against labels (n,) in float64, without label smoothing; ties go to the lower class.

    Logits that are not finite give a loss that is not finite.
    """
    values = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        values -= values.max(axis=1, keepdims=True)
        losses = np.log(np.exp(values).sum(axis=1)) - values[np.arange(len(labels)), labels]
    predicted = values.argmax(axis=1)
    return Evaluation(float(losses.mean()), int((predicted == labels).sum()), predicted)
