"""Integer C against the reference in whole numbers: every bit of every logit, of any network."""

from pathlib import Path

import numpy as np
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from hypothesis import HealthCheck, given, settings
from network_cases import CASES, Network, random_networks
from numpy.typing import NDArray

from pennyweight.data.dataset import Dataset, load
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, Linear, MaxPool, Relu, Residual
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import published_run, published_run_names
from pennyweight.shipping import c_int8
from pennyweight.shipping.c_judge import run_c
from pennyweight.shipping.integer import integer_logits
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.subject import Subject

STEM = "net"
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Werror")
NETWORKS = {
    **CASES,
    "BatchNorm that stays": KEPT_BATCHNORM,
    "a shortcut that is later than the body": Network(
        (Residual((Conv(4, 3, 1), Relu()), (Conv(4, 5, 2),)), Relu(), Conv(CLASSES, 2), GlobalAvgPool()), (1, 11, 9), 3
    ),
    "a padded shortcut that reads a colour image": Network(
        (Residual((), (Conv(2, 3, 1, bias=True),)), Linear(CLASSES)), (2, 3, 3), 2
    ),
    "both maps of a sum are one": Network((Conv(3, 3), Relu(), Residual(()), Linear(CLASSES)), (2, 7, 8), 4),
    "pools that drop pixels for one of two readers": Network(
        (Conv(4, 2), Residual((MaxPool(2),), (Conv(4, 3, 0, 2),)), Linear(CLASSES)), (1, 8, 8), 3
    ),
}


def written(subject: Subject, folder: Path) -> Path:
    for name, content in c_int8.write(subject, STEM).files.items():
        (folder / name).write_bytes(content)
    return folder


def from_c(subject: Subject, folder: Path, images: NDArray[np.uint8], **options) -> NDArray[np.integer]:
    classes = len(subject.model.classes)
    return run_c(written(subject, folder), STEM, images, classes, output="int32_t", **options).logits


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.mark.parametrize("name", published_run_names())
def test_c_of_every_published_run_is_the_reference_in_every_bit(name: str, digits: Dataset, tmp_path: Path) -> None:
    """Ranges are calibrated on other images than MNIST here, which changes no rule of the arithmetic."""
    subject = Subject(load_trained(published_run(name)), digits)
    images = digits.test_images[:20]
    np.testing.assert_array_equal(from_c(subject, tmp_path, images), integer_logits(quantised(subject), images))


@pytest.mark.parametrize("name", NETWORKS)
def test_c_of_any_network_is_the_reference_in_every_bit_and_sanitizers_find_nothing(name: str, tmp_path: Path) -> None:
    """On black, on white and on noise."""
    subject = subject_of(NETWORKS[name])
    images = subject.images.test_images
    logits = from_c(subject, tmp_path, images, compiler=("gcc",), flags=SANITIZED)
    np.testing.assert_array_equal(logits, integer_logits(quantised(subject), images))


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=random_networks())
def test_c_of_random_networks_is_the_reference_in_every_bit(network: Network, tmp_path: Path) -> None:
    subject = subject_of(network, images=4)
    images = subject.images.test_images
    np.testing.assert_array_equal(from_c(subject, tmp_path, images), integer_logits(quantised(subject), images))
