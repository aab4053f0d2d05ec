"""Mean and standard deviation of pixels, channel by channel."""

import numpy as np
import pytest

from pennyweight.base.errors import UsageError
from pennyweight.data.normalisation import Normalisation, normalisation_of


def test_every_channel_has_its_own_mean_and_std() -> None:
    images = np.random.default_rng(1).integers(0, 256, (5_000, 3, 4, 6), dtype=np.uint8)
    images[:, 1] //= 3
    found = normalisation_of(images)
    assert found.mean == pytest.approx(images.mean(axis=(0, 2, 3)) / 255, rel=1e-12)
    assert found.std == pytest.approx(images.std(axis=(0, 2, 3)) / 255, rel=1e-12)


def test_normalised_training_pixels_have_mean_zero_and_std_one() -> None:
    images = np.random.default_rng(2).integers(0, 256, (100, 3, 8, 5), dtype=np.uint8)
    read = normalisation_of(images).apply(images)
    assert (read.shape, read.dtype) == ((100, 3, 8, 5), np.float32)
    assert read.mean(axis=(0, 2, 3), dtype=np.float64) == pytest.approx(np.zeros(3), abs=1e-6)
    assert read.std(axis=(0, 2, 3), dtype=np.float64) == pytest.approx(np.ones(3), rel=1e-6)


def test_grey_images_get_a_channel() -> None:
    images = np.full((2, 4, 6), 51, np.uint8)
    assert Normalisation((0.1,), (0.5,)).apply(images) == pytest.approx(np.full((2, 1, 4, 6), 0.2))


@pytest.mark.parametrize(
    ("normalisation", "channels", "words"),
    [
        (Normalisation((0.1,), (0.2,)), 3, "There are 1 means and 1 standard deviations for images of 3 channels"),
        (Normalisation((0.1, 0.2), (0.2,)), 2, "There are 2 means and 1 standard deviations"),
        (Normalisation((0.1,), (0.0,)), 1, "mean 0.1 and standard deviation 0.0"),
        (Normalisation((float("nan"),), (0.2,)), 1, "mean nan"),
        (Normalisation((0.1,), (float("inf"),)), 1, "standard deviation inf"),
    ],
)
def test_what_cannot_normalise_is_refused_with_both_values(
    normalisation: Normalisation, channels: int, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        normalisation.check(channels)
