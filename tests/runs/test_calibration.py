"""The temperature is the one of least loss, and probabilities divided by it are as sure as they should be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from support import TINY

import pennyweight as pw
from pennyweight.base.errors import UsageError
from pennyweight.data.dataset import Dataset, hold_out, load
from pennyweight.runs.calibration import fit_temperature

DIGITS = load("digits")
HELD_OUT = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that held images out of its training."""
    folder = tmp_path_factory.mktemp("held-out") / "run"
    pw.train(replace(TINY, validation_images=HELD_OUT), dataset=DIGITS, engine="torch", out=folder)
    return folder


def loss(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    return float(-log_softmax(logits.astype(np.float64) / temperature, axis=1)[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize(("spread", "seed"), [(0.3, 0), (1.0, 1), (4.0, 2), (30.0, 3)])
def test_the_temperature_is_the_one_of_least_loss(spread: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 5, 400)
    logits = (spread * (draw.normal(size=(400, 5)) + np.eye(5)[labels])).astype(np.float32)
    judge = minimize_scalar(lambda power: loss(logits, labels, np.exp(power)), bounds=(-5, 7), method="bounded")
    assert np.log(fit_temperature(logits, labels)) == pytest.approx(judge.x, abs=1e-4)


def test_labels_that_are_drawn_from_the_probabilities_need_no_temperature() -> None:
    draw = np.random.default_rng(4)
    logits = draw.normal(scale=2, size=(20_000, 10)).astype(np.float32)
    labels = (logits + draw.gumbel(size=logits.shape)).argmax(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.03)
    assert fit_temperature(5 * logits, labels) == pytest.approx(5, abs=0.15)


@pytest.mark.parametrize(
    ("logits", "words"),
    [(np.eye(3), "all 3 validation images are classified correctly"), (np.zeros((3, 3)), "no better than by chance")],
)
def test_where_no_temperature_is_best_this_is_said(logits: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fit_temperature(logits.astype(np.float32), np.arange(3))


def test_a_calibrated_network_has_less_loss_on_its_validation_images_and_the_same_labels(folder: Path) -> None:
    model = pw.load(folder)
    calibrated = model.calibrated(DIGITS)
    split = hold_out(DIGITS, HELD_OUT)
    logits = model.logits(split.val_images)
    assert calibrated.temperature is not None
    for other in (1.0, 0.97 * calibrated.temperature, 1.03 * calibrated.temperature):
        assert loss(logits, split.val_labels, calibrated.temperature) < loss(logits, split.val_labels, other)
    assert np.array_equal(model.predict(DIGITS.test_images), calibrated.predict(DIGITS.test_images))
    expected = np.exp(log_softmax(model.logits(DIGITS.test_images) / calibrated.temperature, axis=1))
    np.testing.assert_allclose(calibrated.probabilities(DIGITS.test_images), expected, rtol=1e-4, atol=1e-6)
    assert f"temperature {calibrated.temperature:.3f}" in repr(calibrated)


def test_the_dataset_is_the_one_the_record_names_and_no_other(folder: Path) -> None:
    model = pw.load(folder)
    assert model.calibrated().temperature == model.calibrated(DIGITS).temperature
    cut = (DIGITS.train_images[1:], DIGITS.train_labels[1:], DIGITS.test_images, DIGITS.test_labels)
    with pytest.raises(UsageError, match=r"was trained on digits .*; fewer is "):
        model.calibrated(Dataset("fewer", DIGITS.class_names, *cut))


def test_a_run_without_a_validation_set_says_how_to_train_one(digits_run: Path) -> None:
    with pytest.raises(UsageError) as refused:
        pw.load(digits_run).calibrated()
    assert "was trained without a validation set" in str(refused.value)
    words = f"pennyweight train --dataset=digits -s validation_images=119 -- {digits_run / 'recipe.toml'}"
    assert str(refused.value).endswith(words)
    with pytest.raises(UsageError, match=r"train -s validation_images=5000 -- progressive-3$"):
        pw.load("progressive-3").calibrated()


def test_that_command_trains_a_run_that_can_be_calibrated(digits_run: Path, tmp_path: Path) -> None:
    settings = ["validation_images=119"]
    pw.train(str(digits_run / "recipe.toml"), dataset="digits", settings=settings, out=tmp_path / "run", engine="torch")
    assert pw.load(tmp_path / "run").calibrated().temperature is not None
