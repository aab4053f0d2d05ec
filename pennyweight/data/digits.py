"""The 1,797 handwritten digits of the UCI repository, embedded so that something real runs without a download.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49 (the file `optdigits.tes`), licence CC BY 4.0. Embedded unchanged: 8x8 values from
0 to 16, each the number of inked pixels in a 4x4 block of the scanned bitmap. Scaled when loaded: see `_scale`.
The split is by image and not by writer, so a figure on its test part says little about hands it has never seen.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.base.random import permutation

FILE_NAME = "digits.npz"
DIGEST = "e09b4f70a94b10ec4a0c94145692f5214db005da1e49c506ddc4197321d5f6b5"
CLASS_NAMES = tuple("0123456789")
TEST_IMAGES_PER_CLASS = 36
_MOST_INK = 16
_SMALL_PIXELS, _BOX_PIXELS, _IMAGE_PIXELS = 8, 20, 28


@dataclass(frozen=True, eq=False)
class Digits:
    """The scaled digits, split: images `(n, 28, 28)` uint8 from 0 to 255, labels `(n,)` uint8 from 0 to 9."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def load_digits() -> Digits:
    """Return the embedded digits at 28x28, the same split every time; raises UnavailableError when damaged."""
    values, labels = _embedded()
    images = _scale(values)
    is_test = _chosen_for_test(labels)
    return Digits(images[~is_test], labels[~is_test], images[is_test], labels[is_test])


def digest_of(values: NDArray[np.uint8], labels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 over types, shapes and bytes of the 8x8 values and the labels, in hexadecimal."""
    kinds = f"{values.dtype} {values.shape} {labels.dtype} {labels.shape} "
    return sha256(kinds.encode() + values.tobytes() + labels.tobytes()).hexdigest()


def _embedded() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the values `(1797, 8, 8)` from 0 to 16 and the labels `(1797,)`, once their digest is as recorded."""
    try:
        content = files("pennyweight.data").joinpath(FILE_NAME).read_bytes()
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            values, labels = archive["values"], archive["labels"]
        found = digest_of(values, labels)
    except Exception as error:  # What damaged bytes make zip, zlib and NumPy raise is no finite list.
        raise _damaged(f"it cannot be read ({error})") from error
    if found != DIGEST:
        raise _damaged(f"the SHA-256 of its arrays begins with {found[:12]} instead of {DIGEST[:12]}")
    return values, labels


def _damaged(fact: str) -> UnavailableError:
    return UnavailableError(f"The embedded file pennyweight/data/{FILE_NAME} is damaged: {fact}. Install again.")


def _scale(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `(n, 28, 28)`: each 8x8 image scaled bilinearly into the central 20x20 box, ink 16 becoming 255.

    In whole numbers throughout, so that every machine rounds alike (halves go up).
    """
    weights = _bilinear_tenths()
    hundredths = weights @ values.astype(np.int64) @ weights.T
    whole = 100 * _MOST_INK
    images = np.zeros((len(values), _IMAGE_PIXELS, _IMAGE_PIXELS), dtype=np.uint8)
    edge = (_IMAGE_PIXELS - _BOX_PIXELS) // 2
    box = slice(edge, edge + _BOX_PIXELS)
    images[:, box, box] = (hundredths * 255 + whole // 2) // whole
    return images


def _bilinear_tenths() -> NDArray[np.int64]:
    """Return the weights `(20, 8)` of one axis in tenths; every row sums to ten.

    Pixels are squares with their value at the centre, so pixel i of 20 lies at (i + 1/2) 8/20 - 1/2 = (4 i - 3) / 10
    of the small image; what would lie beyond the outermost centres takes the outermost value.
    """
    positions = np.clip(4 * np.arange(_BOX_PIXELS) - 3, 0, 10 * (_SMALL_PIXELS - 1))
    distances = np.abs(positions[:, None] - 10 * np.arange(_SMALL_PIXELS)[None, :])
    weights: NDArray[np.int64] = np.maximum(10 - distances, 0).astype(np.int64)
    return weights


def _chosen_for_test(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which images are for testing, `(n,)`: of each class the first of one fixed random order."""
    order = permutation(len(labels), "digits", "test")
    is_test = np.zeros(len(labels), dtype=np.bool_)
    for label in range(len(CLASS_NAMES)):
        is_test[order[labels[order] == label][:TEST_IMAGES_PER_CLASS]] = True
    return is_test
