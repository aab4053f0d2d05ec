"""ONNX of the quantised network against the integer reference, and the rules by which integer exports agree."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from network_cases import CASES
from numpy.typing import NDArray
from scipy.stats import binomtest

from pennyweight.data.dataset import Dataset, load
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import published_run, published_run_names
from pennyweight.shipping import onnx_int8
from pennyweight.shipping.integer import integer_logits
from pennyweight.shipping.integer_agreement import (
    agree_exactly,
    agree_nearly,
    reference_logits,
    too_great_a_loss,
)
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.subject import Subject

NETWORKS = {**CASES, "BatchNorm that stays": KEPT_BATCHNORM}


def written(subject: Subject, folder: Path) -> Path:
    ((name, content),) = onnx_int8.write(subject, "net").files.items()
    (folder / name).write_bytes(content)
    return folder / name


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_of_any_network_is_near_the_integer_reference(name: str, tmp_path: Path) -> None:
    """A value may be rounded to the next step at a tie; a wrong scale, zero point or padding would be far off."""
    subject = subject_of(NETWORKS[name])
    images = subject.images.test_images
    written(subject, tmp_path)
    network = quantised(subject)
    reference = integer_logits(network, images) * network.logit_scale
    logits = onnx_int8.run(subject, "net", tmp_path, images).logits
    assert np.abs(logits - reference).max() < 0.03 * np.ptp(reference)


def without_optimisation(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits by the operators as they are written, in float."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    pixels = images[:, None].astype(np.float32) / np.float32(255)
    logits: NDArray[np.float32] = session.run(["logits"], {"image": pixels})[0]
    return logits


@pytest.mark.parametrize("name", published_run_names())
def test_published_networks_give_the_labels_of_the_reference_in_float_and_in_integer_kernels(
    name: str, digits: Dataset, tmp_path: Path
) -> None:
    subject = Subject(load_trained(published_run(name)), digits)
    path = written(subject, tmp_path)
    labels = reference_logits(subject).argmax(axis=1)
    judged = onnx_int8.run(subject, "net", tmp_path, digits.test_images).logits
    assert [reason for reason in agree_nearly(subject, judged).reasons if "Quantisation loses" not in reason] == []
    assert (judged.argmax(axis=1) == labels).mean() > 0.99
    assert (without_optimisation(path, digits.test_images).argmax(axis=1) == labels).mean() > 0.99


def test_every_operator_stands_between_pairs_and_weights_are_unsigned(digits: Dataset, tmp_path: Path) -> None:
    model = onnx.load(written(Subject(load_trained(published_run("progressive-3")), digits), tmp_path))
    makers = {output: node for node in model.graph.node for output in node.output}
    constants = {one.name: one for one in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 6
    for node in convolutions:
        assert [makers[name].op_type for name in node.input] == ["DequantizeLinear"] * 3
        weights, _, zero = (constants[name] for name in makers[node.input[1]].input)
        assert weights.data_type == zero.data_type == onnx.TensorProto.UINT8
        assert set(onnx.numpy_helper.to_array(zero).tolist()) == {128}


def test_the_same_network_gives_the_same_bytes(digits: Dataset) -> None:
    model = load_trained(published_run("skip-3"))
    first, second = (onnx_int8.write(Subject(model, digits), "net").files for _ in range(2))
    assert first == second


def test_one_bit_that_differs_is_named(digits: Dataset) -> None:
    subject = Subject(load_trained(published_run("progressive-1")), digits)
    logits = reference_logits(subject).copy()
    assert agree_exactly(subject, logits).reasons == ()
    logits[7, 3] ^= 1
    (reason,) = agree_exactly(subject, logits).reasons
    assert reason.startswith("1 logits are not the integer reference's; logit 3 of test image 7 is ")


def test_a_quantisation_that_loses_too_much_does_not_agree(digits: Dataset) -> None:
    """Calibrated on black images alone, every range is that of a network that sees nothing."""
    model = load_trained(published_run("progressive-3"))
    black = Dataset(
        "black",
        digits.class_names,
        np.zeros_like(digits.train_images),
        digits.train_labels,
        digits.test_images,
        digits.test_labels,
    )
    subject = Subject(model, black)
    (reason,) = agree_exactly(subject, reference_logits(subject)).reasons
    assert "percentage points" in reason


LOSSES = [
    (297, 1, 0, False),  # one image is 0.34 points
    (360, 4, 0, False),
    (360, 5, 0, True),  # one half to the power of five
    (360, 5, 1, False),
    (360, 7, 1, True),
    (1_797, 5, 0, False),  # 0.28 points
    (10_000, 30, 0, False),
    (10_000, 31, 0, True),
    (10_000, 160, 130, False),
    (10_000, 160, 129, True),
    (10_000, 3_031, 3_000, False),  # of labels that hardly follow their image, so many are lost by chance
]


@pytest.mark.parametrize(("images", "lost", "won", "refused"), LOSSES)
def test_a_loss_is_refused_that_is_over_the_limit_and_beyond_chance(
    images: int, lost: int, won: int, refused: bool
) -> None:
    was_right = np.arange(images) >= won
    is_right = was_right.copy()
    is_right[:won], is_right[images - lost :] = True, False
    chance = binomtest(lost, lost + won, alternative="greater").pvalue
    assert bool(100 * (lost - won) / images > 0.3 and chance < 0.05) is refused
    said = too_great_a_loss(was_right, is_right)
    assert len(said) == refused
    assert all(f"{lost:,} became wrong and {won:,} right" in sentence for sentence in said)


def test_labels_that_differ_where_the_reference_is_sure_do_not_agree(digits: Dataset) -> None:
    subject = Subject(load_trained(published_run("progressive-3")), digits)
    logits = reference_logits(subject) * quantised(subject).logit_scale
    assert agree_nearly(subject, logits).reasons == ()
    planted = logits.copy()
    planted[5] = planted[5][::-1]
    reasons = agree_nearly(subject, planted).reasons
    assert "1 of 360 labels differ" in reasons[0]
    assert "away from the integer reference's" in reasons[1]
