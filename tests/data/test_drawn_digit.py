"""A digit in any picture comes out in the form of MNIST, by the specification of docs/predicting.md."""

import json
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mnist_form import GOLDEN, NO_INK, TOO_FINE, TOO_LARGE, embedded_digits, golden_text
from numpy.typing import NDArray
from PIL import Image

from pennyweight.base.errors import MismatchError
from pennyweight.data.dataset import load
from pennyweight.data.drawn_digit import LONGEST_SIDE_PIXELS, _scaled, _triangles, as_mnist

DIGITS = load("digits").test_images
Picture = NDArray[np.uint8]


def as_specified(picture: list[list[int]]) -> list[list[int]]:
    """The specification in fractions, one pixel after the other; nothing here is shared with what it judges."""
    rows, columns = range(len(picture)), range(len(picture[0]))
    ring = [picture[i][j] for i in rows for j in columns if i in (0, len(rows) - 1) or j in (0, len(columns) - 1)]
    ground = sorted(ring)[(len(ring) - 1) // 2]
    sign = -1 if ground > 127 else 1
    ink = [[max(0, sign * (value - ground)) for value in row] for row in picture]
    strongest = max(map(max, ink))
    ink = [[value if value >= Fraction(strongest, 8) else 0 for value in row] for row in ink]
    inked = [i for i in rows if any(ink[i])]
    across = [j for j in columns if any(row[j] for row in ink)]
    ink = [row[across[0] : across[-1] + 1] for row in ink[inked[0] : inked[-1] + 1]]
    h, w = len(ink), len(ink[0])
    new_h, new_w = (max(1, floor(Fraction(20 * side, max(h, w)) + Fraction(1, 2))) for side in (h, w))

    def weight(i: int, j: int, source: int, target: int) -> Fraction:
        distance = (i + Fraction(1, 2)) * Fraction(source, target) - (j + Fraction(1, 2))
        return max(Fraction(0), max(Fraction(source, target), Fraction(1)) - abs(distance))

    box = []
    for y in range(new_h):
        box.append([0] * new_w)
        for x in range(new_w):
            weights = {
                (i, j): weight(y, i, h, new_h) * weight(x, j, w, new_w) for i in range(h) for j in range(w) if ink[i]
            }
            mean = sum(ink[i][j] * one for (i, j), one in weights.items()) / sum(weights.values())
            box[y][x] = floor(mean + Fraction(1, 2))
    most = max(map(max, box))
    box = [[floor(Fraction(255 * value, most) + Fraction(1, 2)) for value in row] for row in box]
    total = sum(map(sum, box))
    middle_y = sum(value * (y + Fraction(1, 2)) for y, row in enumerate(box) for value in row) / total
    middle_x = sum(value * (x + Fraction(1, 2)) for row in box for x, value in enumerate(row)) / total
    top = min(max(floor(14 - middle_y + Fraction(1, 2)), 0), 28 - new_h)
    left = min(max(floor(14 - middle_x + Fraction(1, 2)), 0), 28 - new_w)
    image = [[0] * 28 for _ in range(28)]
    for y, row in enumerate(box):
        for x, value in enumerate(row):
            image[top + y][left + x] = value
    return image


@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12))))
@settings(max_examples=15)
def test_every_pixel_is_as_the_specification_says(picture: Picture) -> None:
    try:
        found = as_mnist(picture).image
    except MismatchError:
        return
    assert found.tolist() == as_specified(picture.tolist())


CASES = json.loads(GOLDEN.read_text())["cases"]
SENTENCES = {NO_INK: "it shows no ink", TOO_FINE: "its ink is too fine", TOO_LARGE: "are scaled"}


@pytest.mark.parametrize("case", CASES, ids=[one["name"] for one in CASES])
def test_every_fixed_picture_becomes_what_the_file_says(case: dict[str, Any]) -> None:
    counts, values = case["runs"][::2], case["runs"][1::2]
    picture = np.repeat(np.array(values, np.uint8), counts).reshape(case["rows"], case["columns"])
    if case["refused"]:
        with pytest.raises(MismatchError, match=SENTENCES[case["refused"]]):
            as_mnist(picture)
        return
    found = as_mnist(picture)
    assert [row.tobytes().hex() for row in found.image] == case["image"]
    assert found.was_dark == case["dark_on_light"]


def test_the_file_is_what_plain_loops_make_of_the_specification() -> None:
    assert golden_text(embedded_digits()) == GOLDEN.read_text()
    assert {one["refused"] for one in CASES} == {"", *SENTENCES}


def test_the_largest_sums_are_exact() -> None:
    """Where float64 would round, a grey area would not stay one grey."""
    side = LONGEST_SIDE_PIXELS
    for value in (255, 254, 33):
        assert (_scaled(np.full((side, 1), value, np.int16)) == value).all()
    weights = _triangles(side, 20)
    assert 255 * int(weights.sum(axis=1).max()) ** 2 < 2**53


@pytest.mark.parametrize("size", [(37, 22), (20, 31), (9, 14), (200, 130), (20, 20)])
def test_scaling_is_the_antialiased_one_of_pillow(size: tuple[int, int]) -> None:
    ink = np.random.default_rng(sum(size)).integers(0, 256, size)
    found = _scaled(ink)
    rows, columns = found.shape
    judge = Image.fromarray(ink.astype(np.float32)).resize((columns, rows), Image.Resampling.BILINEAR)
    assert max(rows, columns) == 20
    assert np.abs(found - np.asarray(judge)).max() <= 0.5 + 1e-3


def drawn(image: Picture, side: int, top: int, left: int) -> Picture:
    """Return a picture of `side` x `side` black pixels with an image three times as large somewhere in it."""
    picture = np.zeros((side, side), np.uint8)
    large = np.kron(image, np.ones((3, 3), np.uint8))
    picture[top : top + len(large), left : left + len(large)] = large
    return picture


@pytest.mark.parametrize("index", range(0, 360, 40))
def test_place_size_and_colour_of_the_ground_do_not_matter(index: int) -> None:
    reference = as_mnist(drawn(DIGITS[index], 100, 3, 5))
    elsewhere = drawn(DIGITS[index], 180, 90, 7)
    assert not reference.was_dark
    for picture in (elsewhere, np.repeat(elsewhere, 2, axis=0).repeat(2, axis=1), 255 - elsewhere):
        found = as_mnist(picture)
        assert np.abs(found.image.astype(int) - reference.image).max() <= 8
        assert found.was_dark == (picture[0, 0] == 255)
    assert np.array_equal(as_mnist(255 - elsewhere).image, as_mnist(elsewhere).image)


@pytest.mark.parametrize("index", range(0, 360, 40))
def test_paper_that_is_grey_and_noisy_is_cleaned(index: int) -> None:
    clean = drawn(DIGITS[index], 100, 6, 6)
    noise = np.random.default_rng(index).integers(-6, 7, clean.shape)
    photograph = (200 + noise - clean * (150 / 255)).clip(0, 255).astype(np.uint8)
    found = as_mnist(photograph)
    assert found.was_dark
    assert np.abs(found.image.astype(int) - as_mnist(clean).image).mean() < 6
    assert (found.image[[0, -1]] == 0).all()


def test_the_longer_side_fills_twenty_pixels_and_the_mass_is_in_the_middle() -> None:
    places = np.arange(28) + 0.5
    for image in DIGITS:
        found = as_mnist(drawn(image, 90, 2, 3)).image
        rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        middles = [(found.sum(axis=1 - axis) * places).sum() / found.sum() for axis in (0, 1)]
        assert max(abs(middle - 14) for middle in middles) <= 0.5 + 1e-9


REFUSED = [
    (np.zeros((28, 28), np.uint8), "differs most from its ground does by 0 of 255"),
    (np.full((5, 5), 255, np.uint8), "by 0 of 255"),
    (np.pad(np.full((3, 3), 31, np.uint8), 5), "by 31 of 255, and ink by at least 32"),
    (np.pad(np.full((1, LONGEST_SIDE_PIXELS + 1), 255, np.uint8), 1), "its ink takes 1x7,501 pixels"),
]


@pytest.mark.parametrize(("picture", "words"), REFUSED)
def test_a_picture_without_ink_is_refused(picture: Picture, words: str) -> None:
    with pytest.raises(MismatchError) as refused:
        as_mnist(picture)
    assert words in str(refused.value)


def test_specks_too_far_apart_are_refused() -> None:
    picture = np.zeros((4000, 4000), np.uint8)
    picture[1, 1] = picture[-2, -2] = 255
    with pytest.raises(MismatchError, match="its ink is too fine to be seen at 20x20 pixels"):
        as_mnist(picture)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["test_images", "train_images"])
def test_images_of_mnist_stay_as_they_are(split: str, mnist_folder: Path) -> None:
    images = getattr(load("mnist", mnist_folder), split)
    assert [index for index, image in enumerate(images) if as_mnist(image).image is not image] == []


def test_what_has_the_form_keeps_it() -> None:
    """Once brought into the form, a digit is not changed again."""
    for index in range(0, 360, 9):
        once = as_mnist(drawn(DIGITS[index], 100, 3, 5)).image
        assert np.array_equal(as_mnist(once).image, once)
