"""Augmentation as geometry: for an epoch one homography an image, the same for every engine, order and thread count.

A homography here maps a pixel of the output image to the place in the input image it is read from, in pixel
coordinates (x to the right, y down, the centre of the first pixel is 0). Engines sample it bilinearly and read `fill`
outside of the image. Draws come from a counter-based generator keyed by (seed, epoch, sample).
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.base.random import uniforms

Matrices: TypeAlias = NDArray[np.float64]

DRAWS_PER_IMAGE = 16
"""Numbers reserved for every image, so that a new kind of augmentation does not shift the draws of the others."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far training images may be moved; at its defaults they are not touched.

    `shift_fraction` is a share of the image's width and of its height, as in torchvision's RandomAffine; perspective
    follows its RandomPerspective: with `perspective_probability` each corner moves inwards by up to half of
    `perspective_distortion` of width and height. `fill` is a grey value from 0 to 255.

    >>> pw.Augmentation(rotation_degrees=7).moves_images
    True
    """

    rotation_degrees: float = 0.0
    shift_fraction: float = 0.0
    scale_low: float = 1.0
    scale_high: float = 1.0
    shear_degrees: float = 0.0
    perspective_distortion: float = 0.0
    perspective_probability: float = 0.0
    fill: int = 0

    def check(self) -> None:
        """Raise UsageError naming the first field outside of its range."""
        ranges = {
            "rotation_degrees": (0, 180),
            "shift_fraction": (0, 1),
            "scale_high": (0.1, 10),
            "scale_low": (0.1, self.scale_high),
            "shear_degrees": (0, 80),
            "perspective_distortion": (0, 0.9),
            "perspective_probability": (0, 1),
            "fill": (0, 255),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"augmentation.{name} is {getattr(self, name)}; it must be from {low} to {high}.")

    @property
    def moves_images(self) -> bool:
        """Return whether any image is changed at all."""
        moves = replace(self, fill=0)
        if not self.changes_perspective:
            moves = replace(moves, perspective_distortion=0.0, perspective_probability=0.0)
        return moves != Augmentation()

    @property
    def changes_perspective(self) -> bool:
        """Return whether any image is seen from another side."""
        return self.perspective_distortion > 0 and self.perspective_probability > 0


def homographies(
    augmentation: Augmentation, images: int, rows: int, columns: int, *, seed: int, epoch: int
) -> NDArray[np.float32]:
    """Return one output-to-input homography for every image of an epoch, shape (images, 3, 3), for pixels (x, y, 1).

    An image of `rows` x `columns` pixels turns about its centre, ((columns - 1) / 2, (rows - 1) / 2). Raises UsageError
    for images one pixel wide or high, which have no corners to move.
    """
    if min(rows, columns) < 2:
        raise UsageError(f"Images of {rows}x{columns} pixels cannot be moved; augmentation needs at least 2x2.")
    draws = uniforms(images * DRAWS_PER_IMAGE, "augment", seed, epoch).reshape(images, DRAWS_PER_IMAGE)
    matrices = _affine(augmentation, draws, rows, columns)
    if augmentation.changes_perspective:
        chosen = np.flatnonzero(draws[:, 5] < augmentation.perspective_probability)
        matrices[chosen] = matrices[chosen] @ _perspective(augmentation, draws[chosen, 6:14], rows, columns)
    return matrices.astype(np.float32)


def _affine(augmentation: Augmentation, draws: NDArray[np.float64], rows: int, columns: int) -> Matrices:
    """Invert "scale, shear, turn about the centre, then shift": the order of torchvision's affine."""
    centred = 2 * draws - 1
    angle = np.deg2rad(augmentation.rotation_degrees * centred[:, 0])
    shift = augmentation.shift_fraction * np.array([columns, rows]) * centred[:, 1:3]
    scale = augmentation.scale_low + (augmentation.scale_high - augmentation.scale_low) * draws[:, 3]
    shear = np.tan(np.deg2rad(augmentation.shear_degrees * centred[:, 4]))
    cosine, sine = np.cos(angle), np.sin(angle)
    # inverse of [turn][shear along x][scale], written out
    a, b = (cosine + shear * sine) / scale, (sine - shear * cosine) / scale
    d, e = -sine / scale, cosine / scale
    centre_x, centre_y = (columns - 1) / 2, (rows - 1) / 2
    x, y = centre_x + shift[:, 0], centre_y + shift[:, 1]
    one, zero = np.ones(len(draws)), np.zeros(len(draws))
    entries = [a, b, centre_x - a * x - b * y, d, e, centre_y - d * x - e * y, zero, zero, one]
    return np.stack(entries, axis=1).reshape(-1, 3, 3)


def _perspective(augmentation: Augmentation, draws: NDArray[np.float64], rows: int, columns: int) -> Matrices:
    """Return homographies from the moved corners back to the image's corners, for draws of shape (n, 8)."""
    right, bottom = columns - 1.0, rows - 1.0
    inwards = draws.reshape(-1, 4, 2) * augmentation.perspective_distortion * np.array([columns, rows]) / 2
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]])
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    to_corners = _square_to_quadrilateral(corners + signs * inwards)
    return np.diag([right, bottom, 1.0]) @ _adjugate(to_corners)


def _square_to_quadrilateral(corners: NDArray[np.float64]) -> Matrices:
    """Return the maps of the unit square onto quadrilaterals (n, 4, 2) (Heckbert, 1989, section 2.2.3)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners.transpose(1, 2, 0)
    sum_x, sum_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    dx1, dx2, dy1, dy2 = x1 - x2, x3 - x2, y1 - y2, y3 - y2
    below = dx1 * dy2 - dx2 * dy1
    g = (sum_x * dy2 - dx2 * sum_y) / below
    h = (dx1 * sum_y - sum_x * dy1) / below
    entries = [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, np.ones_like(g)]
    return np.stack(entries, axis=1).reshape(-1, 3, 3)


def _adjugate(matrices: Matrices) -> Matrices:
    """Return the inverses up to a factor, which a homography does not notice; without LAPACK, so never threaded."""
    first, second, third = matrices[:, 0], matrices[:, 1], matrices[:, 2]
    columns = [np.cross(second, third), np.cross(third, first), np.cross(first, second)]
    return np.stack(columns, axis=2)
