"""The torch engine reads augmented pixels where scipy reads them."""

import numpy as np
import torch
from scipy.ndimage import map_coordinates

from pennyweight.data.augment import Augmentation, homographies
from pennyweight.training.torch_engine import sample


def expected(image: np.ndarray, matrix: np.ndarray, fill: int) -> np.ndarray:
    y, x = np.mgrid[0:28, 0:28]
    mapped = matrix.astype(np.float64) @ np.stack([x.ravel(), y.ravel(), np.ones(784)])
    places = (mapped[:2] / mapped[2])[::-1]
    # a rim of `fill` wide enough that bilinear blending at the border sees it, as grid_sample's zero padding does
    rim = 60
    padded = np.pad(image.astype(np.float64), rim, constant_values=fill)
    return map_coordinates(padded, places + rim, order=1, mode="nearest").reshape(28, 28)


def test_sampled_pixels_agree_with_scipy_for_every_kind_of_movement() -> None:
    generator = np.random.default_rng(5)
    images = generator.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    for fill in (0, 255):
        augmentation = Augmentation(20, 0.2, 0.8, 1.2, 10, 0.4, 0.5, fill=fill)
        matrices = homographies(augmentation, 40, 28, seed=1, epoch=1)
        found = sample(torch.tensor(images).float()[:, None], torch.from_numpy(matrices), fill)[:, 0].numpy()
        for image, matrix, ours in zip(images, matrices, found, strict=True):
            assert np.abs(ours - expected(image, matrix, fill)).max() < 0.02  # of 255


def test_the_identity_leaves_every_pixel_as_it_is() -> None:
    images = torch.arange(256, dtype=torch.float32)[:, None, None, None].expand(256, 1, 28, 28)
    same = sample(images, torch.eye(3).expand(256, 3, 3), 0)
    assert (same - images).abs().max() < 1e-3
