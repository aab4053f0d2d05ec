"""Integer C against the reference in whole numbers: every bit of every logit."""

from pathlib import Path

import numpy as np
import pytest

from pennyweight.data.dataset import Dataset, load
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import published_run, published_run_names
from pennyweight.shipping import c_int8
from pennyweight.shipping.integer import integer_logits
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.subject import Subject

STEM = "network_int8"


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.mark.parametrize("name", published_run_names())
def test_c_of_every_published_run_is_the_reference_in_every_bit(name: str, digits: Dataset, tmp_path: Path) -> None:
    """Ranges are calibrated on other images than MNIST here, which changes no rule of the arithmetic."""
    subject = Subject(load_trained(published_run(name)), digits)
    for file, content in c_int8.write(subject, STEM).files.items():
        (tmp_path / file).write_bytes(content)
    images = digits.test_images[:20]
    judged = c_int8.run(subject, STEM, tmp_path, images)
    np.testing.assert_array_equal(judged.logits, integer_logits(quantised(subject), images))
