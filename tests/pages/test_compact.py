"""Drawings that were made shorter show the same pixels."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pennyweight.pages.compact import compacted

GENERATOR = np.random.default_rng(7)
PICTURES = {
    "grey": np.repeat(GENERATOR.integers(0, 256, (28, 28, 1)), 3, axis=2),
    "few colours": GENERATOR.integers(0, 256, (12, 3))[GENERATOR.integers(0, 12, (5, 9))],
    "many colours": GENERATOR.integers(0, 256, (40, 40, 3)),
    "one pixel": np.array([[[1, 2, 3]]]),
}


def drawing(pixels: NDArray[np.integer], alpha: int = 255) -> str:
    file = BytesIO()
    whole = np.dstack([pixels, np.full(pixels.shape[:2], alpha)]).astype(np.uint8)
    Image.fromarray(whole).save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    return f'<svg class="figure"><image href="data:image/png;base64,{png}"/></svg>'


def pixels_of(page: str) -> NDArray[np.uint8]:
    found = re.search('base64,([^"]*)"', page)
    assert found
    return np.asarray(Image.open(BytesIO(base64.b64decode(found[1]))).convert("RGBA"))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_keeps_every_pixel(name: str) -> None:
    before = drawing(PICTURES[name])
    after, _ = compacted(before)
    assert (pixels_of(after) == pixels_of(before)).all()
    assert len(after) <= len(before)
    assert compacted(before) == compacted(before)


def test_a_picture_one_can_see_through_is_left_as_it_is() -> None:
    page = drawing(PICTURES["grey"], alpha=128)
    assert compacted(page)[0] == page
