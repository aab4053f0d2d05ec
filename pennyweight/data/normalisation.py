"""Mean and standard deviation of the training pixels, channel by channel: what every engine normalises images by."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError

_BRIGHTEST = 255
_CHUNK_IMAGES = 4096


@dataclass(frozen=True)
class Normalisation:
    """Mean and population standard deviation of every channel, as fractions of 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def check(self, channels: int) -> None:
        """Raise UsageError unless there are as many figures as channels, finite, each standard deviation above 0."""
        if not len(self.mean) == len(self.std) == channels:
            raise UsageError(
                f"There are {len(self.mean)} means and {len(self.std)} standard deviations for images of {channels} "
                "channels; each channel needs one of both."
            )
        for mean, std in zip(self.mean, self.std, strict=True):
            if not (isfinite(mean) and isfinite(std) and std > 0):
                raise UsageError(f"Pixels have mean {mean} and standard deviation {std}; both must be finite, std > 0.")

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what a network reads, (n, c, rows, columns): (pixel / 255 - mean) / std, channel by channel."""
        planes = images[:, None] if images.ndim == 3 else images
        mean, std = (np.array(figures, np.float32)[:, None, None] for figures in (self.mean, self.std))
        normalised: NDArray[np.float32] = (planes.astype(np.float32) / np.float32(255) - mean) / std
        return normalised


def normalisation_of(images: NDArray[np.uint8]) -> Normalisation:
    """Return mean and standard deviation of every channel of `images`, (n, rows, columns) or (n, c, rows, columns).

    Exact up to the last division and root, in whole numbers from a histogram: the variance is
    (n sum(v^2) - sum(v)^2) / n^2. Raises UsageError without pixels.
    """
    if images.size == 0:
        raise UsageError("There are no images to take pixel statistics of.")
    planes = [images] if images.ndim == 3 else [images[:, channel] for channel in range(images.shape[1])]
    figures = [_mean_and_std(_histogram(plane)) for plane in planes]
    return Normalisation(tuple(mean for mean, _ in figures), tuple(std for _, std in figures))


def _mean_and_std(histogram: Sequence[int]) -> tuple[float, float]:
    count = sum(histogram)
    total = sum(value * pixels for value, pixels in enumerate(histogram))
    squares = sum(value * value * pixels for value, pixels in enumerate(histogram))
    whole = _BRIGHTEST * count
    return total / whole, sqrt(count * squares - total * total) / whole


def _histogram(plane: NDArray[np.uint8]) -> list[int]:
    """Return how many pixels have each of the 256 values, in pieces, because bincount widens its input to 64 bits."""
    histogram = np.zeros(_BRIGHTEST + 1, dtype=np.int64)
    for start in range(0, len(plane), _CHUNK_IMAGES):
        histogram += np.bincount(plane[start : start + _CHUNK_IMAGES].ravel(), minlength=_BRIGHTEST + 1)
    return histogram.tolist()
