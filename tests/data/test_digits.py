import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pennyweight.base.errors import UnavailableError
from pennyweight.data import digits
from pennyweight.data.dataset import load

UCI_COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
FIRST_DIGIT = """
 0  0  5 13  9  1  0  0
 0  0 13 15 10 15  5  0
 0  3 15  2  0 11  8  0
 0  4 12  0  0  8  8  0
 0  5  8  0  0  9  8  0
 0  4 11  0  1 12  7  0
 0  2 14  5 10 12  0  0
 0  0  6 13 10  0  0  0
"""


def test_the_embedded_digits_are_the_1797_of_the_uci_test_file() -> None:
    values, labels = digits._embedded()
    assert values.shape == (1797, 8, 8)
    assert values.dtype == labels.dtype == np.uint8
    assert (values.min(), values.max()) == (0, 16)
    assert np.bincount(labels).tolist() == UCI_COUNTS
    assert values[0].tolist() == [[int(word) for word in row.split()] for row in FIRST_DIGIT.strip().splitlines()]
    assert labels[:20].tolist() == [*range(10), *range(10)]
    assert digits.digest_of(values, labels) == digits.DIGEST


def test_the_split_is_stratified_disjoint_and_always_the_same() -> None:
    dataset = load("digits")
    assert len(dataset.train_labels) == len(dataset.train_images) == 1437
    assert np.bincount(dataset.test_labels).tolist() == [36] * 10
    assert (np.bincount(dataset.train_labels) + 36).tolist() == UCI_COUNTS
    train = {image.tobytes() for image in dataset.train_images}
    assert not train & {image.tobytes() for image in dataset.test_images}
    assert dataset.digest == "5d946e25b9bf7c0f3c4d57909d20adab9d6712ce5b16df7aa38bb9648eb362a6"


def test_scaling_fills_the_central_20x20_box_and_nothing_else() -> None:
    images = digits._scale(np.full((1, 8, 8), 16, dtype=np.uint8))
    assert images.shape == (1, 28, 28)
    assert images.dtype == np.uint8
    assert (images[0, 4:24, 4:24] == 255).all()
    assert int(images.sum()) == 255 * 20 * 20


def test_scaling_equals_bilinear_interpolation_computed_pixel_by_pixel_in_floating_point() -> None:
    values, _ = digits._embedded()
    for number in range(0, 1797, 300):
        scaled = digits._scale(values[number : number + 1])[0]
        for row in range(20):
            for column in range(20):
                expected = interpolated(values[number], (row + 0.5) * 0.4 - 0.5, (column + 0.5) * 0.4 - 0.5)
                assert abs(int(scaled[4 + row, 4 + column]) - expected * 255 / 16) <= 0.5 + 1e-9


def interpolated(image: Any, row: float, column: float) -> float:
    row, column = min(max(row, 0.0), 7.0), min(max(column, 0.0), 7.0)
    top, left = int(row), int(column)
    down, right = min(top + 1, 7), min(left + 1, 7)
    upper = image[top, left] * (1 - (column - left)) + image[top, right] * (column - left)
    lower = image[down, left] * (1 - (column - left)) + image[down, right] * (column - left)
    return float(upper * (1 - (row - top)) + lower * (row - top))


def test_a_damaged_file_is_refused_and_never_silently_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (Path(digits.__file__).parent / digits.FILE_NAME).read_bytes()
    values, labels = digits._embedded()
    monkeypatch.setattr(digits, "files", lambda package: tmp_path)
    with pytest.raises(UnavailableError, match="damaged"):
        digits.load_digits()
    draw = random.Random(7)
    for number in range(150):
        at = draw.randrange(len(content)) if number % 2 else draw.choice([*range(400), *range(-300, 0)])
        mutant = bytearray(content)
        mutant[at] ^= 1 << draw.randrange(8)
        (tmp_path / digits.FILE_NAME).unlink(missing_ok=True)
        (tmp_path / digits.FILE_NAME).write_bytes(mutant if number % 3 else mutant[:at])
        try:
            found = digits._embedded()
        except UnavailableError:
            continue
        assert np.array_equal(found[0], values), "seed 7"
        assert np.array_equal(found[1], labels), "seed 7"
