"""Images read through homographies in NumPy: augmentation to be looked at; engines have their own."""

import numpy as np
from numpy.typing import NDArray

from pennyweight.data.augment import Augmentation, homographies


def sampled(images: NDArray[np.uint8], matrices: NDArray[np.floating], fill: int) -> NDArray[np.uint8]:
    """Return images (n, ..., rows, columns) read bilinearly where homographies (n, 3, 3) map each pixel.

    Outside of the image is `fill`; values are rounded to the nearest.
    """
    rows, columns = images.shape[-2:]
    y, x = np.mgrid[:rows, :columns]
    pixels = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    found = np.empty_like(images)
    for place, image, matrix in zip(found, images, matrices, strict=True):
        mapped = matrix.astype(np.float64) @ pixels
        moved = _read(image.reshape(-1, rows, columns), mapped[0] / mapped[2], mapped[1] / mapped[2], fill)
        place[...] = moved.reshape(image.shape)
    return found


def augmented_samples(
    images: NDArray[np.uint8], augmentation: Augmentation, *, seed: int, times: int
) -> NDArray[np.uint8]:
    """Return each image as an augmentation shows it in the first `times` epochs, shape (n, times, ...).

    The draws are those of a training set that begins with these images, so the first images of a dataset are shown as
    a run of that seed saw them. Raises UsageError for images one pixel wide or high.
    """
    rows, columns = images.shape[-2:]
    epochs = [
        sampled(
            images,
            homographies(augmentation, len(images), rows, columns, seed=seed, epoch=epoch),
            augmentation.fill,
        )
        for epoch in range(1, times + 1)
    ]
    return np.stack(epochs, axis=1)


def _read(planes: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64], fill: int) -> NDArray[np.uint8]:
    """Return the values of (c, rows, columns) at places (x, y), shape (c, places): a rim of `fill` lies about them."""
    rows, columns = planes.shape[1:]
    padded = np.pad(planes.astype(np.float64), ((0, 0), (2, 2), (2, 2)), constant_values=fill)
    x, y = np.clip(x, -2, columns) + 2, np.clip(y, -2, rows) + 2
    left, top = np.minimum(x.astype(int), columns + 2), np.minimum(y.astype(int), rows + 2)
    right_share, lower_share = x - left, y - top
    upper = padded[:, top, left] * (1 - right_share) + padded[:, top, left + 1] * right_share
    lower = padded[:, top + 1, left] * (1 - right_share) + padded[:, top + 1, left + 1] * right_share
    values: NDArray[np.uint8] = np.rint(upper * (1 - lower_share) + lower * lower_share).astype(np.uint8)
    return values
