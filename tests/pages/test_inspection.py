"""A look into a run: predictions, probabilities in 8 bits, and arrays behind pictures, against the run itself."""

from pathlib import Path

import numpy as np
from support import TINY

import pennyweight as pw
from pennyweight.data.augment import Augmentation
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, Relu
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.inspection import first_samples, inspect_run, worst_first


def test_predictions_are_those_of_the_run(runs: Path) -> None:
    model, digits = pw.load(runs / "seed-1"), pw.dataset("digits")
    found = inspect_run(runs / "seed-1", digits)
    assert (found.seed, found.weights_sha256) == (1, model.record.weights_sha256)
    assert found.labels.tolist() == digits.test_labels.tolist()
    wrong = [one.index for one in model.record.misclassified]
    assert np.flatnonzero(found.labels != found.predicted).tolist() == wrong
    probabilities = model.probabilities(digits.test_images).max(axis=1)
    assert np.abs(found.probabilities - probabilities).max() <= 0.5 / 255 + 1e-6


def test_images_that_are_shown_are_those_of_the_test_set(runs: Path) -> None:
    digits = pw.dataset("digits")
    found = inspect_run(runs / "seed-0", digits)
    for index in found.indices:
        assert np.array_equal(found.shown(int(index)), digits.test_images[index])
    worst = worst_first(found.labels, found.predicted, found.probability_bytes)
    assert {*worst[:12].tolist(), *first_samples(found.labels).tolist()} == {*found.indices.tolist()}


def test_worst_mistakes_are_those_the_network_was_surest_of() -> None:
    labels, predicted = np.array([0, 1, 2, 3, 4]), np.array([0, 2, 2, 1, 0])
    sure = np.array([255, 10, 254, 200, 200], dtype=np.uint8)
    assert worst_first(labels, predicted, sure).tolist() == [3, 4, 1]


def test_every_class_is_among_the_samples() -> None:
    labels = np.array([3, 3, 3, 0, 0, 1])
    assert first_samples(labels, 3).tolist() == [3, 5, 0]
    assert first_samples(labels, 6).tolist() == [3, 4, 5, 0, 1]
    assert len(first_samples(np.arange(100), 20)) == 20
    assert first_samples(labels[:0]).tolist() == []


def test_kernels_and_maps_are_those_of_the_network(runs: Path) -> None:
    from pennyweight.nets.forward import forward

    model, digits = pw.load(runs / "seed-0"), pw.dataset("digits")
    found = inspect_run(runs / "seed-0", digits)
    assert found.kernels.shape == (4, 1, 3, 3)
    assert any(np.array_equal(found.kernels, array) for array in model.weights.values() if array.shape == (4, 1, 3, 3))
    values = forward(model.plan, model.weights, model.normalisation.apply(found.mapped[None]))
    assert [one.layer for one in found.maps] == ["layer 3", "layer 5", "layer 6"]  # ReLU, dropout, convolution
    for one in found.maps:
        true = values[int(one.layer.split()[1])][0][:8]
        assert one.array.shape == values[int(one.layer.split()[1])][0].shape
        assert np.abs(one.array[:8] - true).max() <= (one.high - one.low) / 510 + 1e-5


def test_no_image_is_moved_where_the_recipe_moves_none(evidence: Evidence) -> None:
    one = evidence.chapters[0].inspection
    assert one is not None
    assert len(one.originals) == 0


def test_a_recipe_that_moves_images_shows_them(tmp_path: Path) -> None:
    layers = (Conv(4, stride=4), Relu(), Conv(CLASSES), GlobalAvgPool())
    recipe = pw.Recipe("moving", layers, epochs=1, optimizer=pw.SGD(), augmentation=Augmentation(rotation_degrees=30))
    record = pw.train(recipe, dataset="digits", out=tmp_path / "run", progress=False)
    digits = pw.dataset("digits")
    found = inspect_run(Path(record.folder), digits)
    assert np.array_equal(found.originals, digits.train_images[:4])
    assert found.moved.shape == (4, 4, 28, 28)
    assert all(not np.array_equal(found.originals, found.moved[:, time]) for time in range(4))


def test_the_tiny_recipe_has_what_these_tests_are_about() -> None:
    assert not TINY.augmentation.moves_images
