"""Images moved to be looked at are read as the geometry says: against a reading in Python alone, pixel by pixel."""

from math import floor

import numpy as np
import pytest
from numpy.typing import NDArray

from pennyweight.data.augment import Augmentation, homographies
from pennyweight.data.dataset import load
from pennyweight.data.sampling import augmented_samples, sampled


def bilinear(image: NDArray[np.uint8], matrix: NDArray[np.float32], fill: int) -> NDArray[np.float64]:
    """Read one image pixel by pixel, in Python alone."""
    rows, columns = image.shape

    def grey(row: int, column: int) -> float:
        return float(image[row, column]) if 0 <= row < rows and 0 <= column < columns else float(fill)

    result = np.zeros(image.shape)
    for y in range(rows):
        for x in range(columns):
            u, v, w = (sum(float(matrix[i, j]) * (x, y, 1)[j] for j in range(3)) for i in range(3))
            left, top = floor(u / w), floor(v / w)
            right, down = u / w - left, v / w - top
            result[y, x] = (
                (1 - down) * ((1 - right) * grey(top, left) + right * grey(top, left + 1))
                + down * ((1 - right) * grey(top + 1, left) + right * grey(top + 1, left + 1))
            )  # fmt: skip
    return result


@pytest.mark.parametrize("fill", [0, 90])
def test_moved_images_are_read_as_the_geometry_says(fill: int) -> None:
    moves = Augmentation(rotation_degrees=40, shift_fraction=0.4, scale_low=0.6, scale_high=1.5, shear_degrees=20)
    images = load("digits").train_images[:6]
    matrices = homographies(moves, 6, 28, 28, seed=5, epoch=1)
    found = sampled(images, matrices, fill)
    for image, matrix, one in zip(images, matrices, found, strict=True):
        assert np.abs(bilinear(image, matrix, fill) - one).max() <= 0.5 + 1e-6


def test_images_in_colour_are_moved_channel_by_channel() -> None:
    grey = load("digits").train_images[:3]
    colours = np.stack([grey, 255 - grey, grey // 2], axis=1)
    matrices = homographies(Augmentation(rotation_degrees=30), 3, 28, 28, seed=1, epoch=2)
    found = sampled(colours, matrices, 7)
    for channel in range(3):
        assert np.array_equal(found[:, channel], sampled(colours[:, channel], matrices, 7))


def test_samples_are_what_the_first_epochs_of_a_run_see() -> None:
    images, moves = load("digits").train_images[:5], Augmentation(rotation_degrees=20, perspective_distortion=0.4)
    found = augmented_samples(images, moves, seed=3, times=2)
    assert found.shape == (5, 2, 28, 28)
    matrices = homographies(moves, 60, 28, 28, seed=3, epoch=2)  # those of a training set of any size
    assert np.array_equal(found[:, 1], sampled(images, matrices[:5], 0))
