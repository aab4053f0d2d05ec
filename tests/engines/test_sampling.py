"""The torch engine reads augmented pixels where scipy reads them."""

from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import map_coordinates

from pennyweight.data.augment import Augmentation, homographies
from pennyweight.engines.torch import sample

EVERYTHING = Augmentation(
    rotation_degrees=20,
    shift_fraction=0.2,
    scale_low=0.8,
    scale_high=1.2,
    shear_degrees=10,
    perspective_distortion=0.4,
    perspective_probability=0.5,
)


def expected(image: np.ndarray, matrix: np.ndarray, fill: int) -> np.ndarray:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    mapped = matrix.astype(np.float64) @ np.stack([x.ravel(), y.ravel(), np.ones(image.size)])
    places = (mapped[:2] / mapped[2])[::-1]
    # a rim of `fill` wide enough that bilinear blending at the border sees it, as grid_sample's zero padding does
    rim = 60
    padded = np.pad(image.astype(np.float64), rim, constant_values=fill)
    return map_coordinates(padded, places + rim, order=1, mode="nearest").reshape(image.shape)


def test_sampled_pixels_agree_with_scipy_for_every_kind_of_movement() -> None:
    generator = np.random.default_rng(5)
    images = generator.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    for fill in (0, 255):
        augmentation = replace(EVERYTHING, fill=fill)
        matrices = homographies(augmentation, 40, 28, 28, seed=1, epoch=1)
        found = sample(torch.tensor(images).float()[:, None], torch.from_numpy(matrices), fill)[:, 0].numpy()
        for image, matrix, ours in zip(images, matrices, found, strict=True):
            assert np.abs(ours - expected(image, matrix, fill)).max() < 0.02  # of 255


def test_every_channel_of_a_rectangular_image_is_moved_alike() -> None:
    images = np.random.default_rng(6).integers(0, 256, (40, 3, 20, 36), dtype=np.uint8)
    matrices = homographies(EVERYTHING, 40, 20, 36, seed=1, epoch=1)
    found = sample(torch.tensor(images).float(), torch.from_numpy(matrices), 0).numpy()
    for image, matrix, ours in zip(images, matrices, found, strict=True):
        for plane, moved in zip(image, ours, strict=True):
            assert np.abs(moved - expected(plane, matrix, 0)).max() < 0.02  # of 255


def test_the_identity_leaves_every_pixel_as_it_is() -> None:
    images = torch.arange(256, dtype=torch.float32)[:, None, None, None].expand(256, 1, 28, 28)
    same = sample(images, torch.eye(3).expand(256, 3, 3), 0)
    assert (same - images).abs().max() < 1e-3
