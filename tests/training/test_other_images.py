"""Networks of other images end to end: colour rectangles of many classes, trained, loaded, predicted and verified."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pennyweight import api
from pennyweight.base.errors import UsageError
from pennyweight.base.input import Input
from pennyweight.data.augment import Augmentation
from pennyweight.data.dataset import Dataset, arrays_digest, load
from pennyweight.engines.protocol import label_dtype
from pennyweight.judging.verify import verify
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.runs.model import load_trained
from pennyweight.runs.run import Run
from pennyweight.settings.optimizers import SGD
from pennyweight.settings.recipe import Recipe, check_dataset
from pennyweight.settings.recipe_text import recipe_from_text, recipe_to_text
from pennyweight.training.loop import train
from pennyweight.training.observer import Silent

RECIPE = Recipe(
    name="colour",
    layers=(
        *(Conv(8, padding=1), BatchNorm(), Relu(), MaxPool(2)),
        *(Conv(16), BatchNorm(), Relu(), GlobalAvgPool(), Linear(CLASSES)),
    ),
    epochs=4,
    optimizer=SGD(learning_rate=0.1, momentum=0.9),
    input=Input(channels=3, rows=20, columns=28),
    batch_images=64,
    augmentation=Augmentation(shift_fraction=0.05, rotation_degrees=5),
    validation_images=7 * 12,
)


def colours(classes: int, images: int, of_input: Input, name: str = "colours") -> Dataset:
    """Images of noise about one colour per class, with a bright corner: a few epochs tell the classes apart."""
    generator = np.random.default_rng(0)
    means = generator.integers(30, 226, (classes, of_input.channels))
    arrays = []
    for count in (images, images // 4):
        labels = np.arange(count).astype(label_dtype(classes)) % classes
        pixels = generator.normal(means[labels][:, :, None, None], 40, (count, *of_input.shape))
        pixels[:, :, :4, :4] = 255
        arrays += [np.clip(pixels, 0, 255).astype(np.uint8).reshape(count, *of_input.array_shape), labels]
    names = tuple(f"colour {number}" for number in range(classes))
    return Dataset(name, names, *arrays, arrays_digest(*arrays))


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_a_colour_network_is_trained_loaded_and_verified(engine: str, tmp_path: Path) -> None:
    dataset = colours(7, 7 * 80, RECIPE.input)
    record = train(Run(recipe=RECIPE, dataset=dataset, seed=1, folder=tmp_path / "run", engine=engine), Silent())
    last = record.epochs[-1]
    assert last.test_accuracy is not None
    assert last.test_accuracy > 60  # chance is 14.3 %
    trained = load_trained(tmp_path / "run")
    predicted = trained.predict(dataset.test_images)
    assert (predicted == dataset.test_labels).sum() == last.test_correct
    assert trained.recipe.input == RECIPE.input
    assert len(trained.normalisation.mean) == 3
    checks = verify(tmp_path / "run", dataset).checks
    assert [check.name for check in checks if check.agrees is False] == []


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_three_hundred_classes_of_grey_rectangles_are_trained(engine: str, tmp_path: Path) -> None:
    images = Input(channels=1, rows=9, columns=14)
    dataset = colours(300, 1200, images)
    recipe = replace(RECIPE, input=images, epochs=1, validation_images=0)
    record = train(Run(recipe=recipe, dataset=dataset, seed=0, folder=tmp_path / "run", engine=engine), Silent())
    assert record.epochs[0].test_correct is not None
    assert max(mistake.label for mistake in record.misclassified) > 255
    trained = load_trained(tmp_path / "run")
    assert (trained.predict(dataset.test_images) == dataset.test_labels).sum() == record.epochs[0].test_correct


def test_images_of_another_shape_are_refused_with_the_settings_that_fit() -> None:
    dataset = colours(10, 40, Input(3, 20, 28))
    with pytest.raises(UsageError) as refused:
        check_dataset(api.find_recipe("progressive-3"), dataset)
    assert str(refused.value) == (
        "'progressive-3' reads images of 28x28 pixels, and those of colours have 3 channels of 20x28 pixels; "
        "change the recipe: -s input.channels=3 -s input.rows=20 -s input.columns=28."
    )


def test_the_input_is_part_of_a_recipe_in_text_and_settings() -> None:
    assert recipe_from_text(recipe_to_text(RECIPE), "colour.toml") == RECIPE
    wider = api.find_recipe("progressive-3", {"input.channels": 3, "input.rows": 32, "input.columns": 36})
    assert wider.input == Input(3, 32, 36)
    assert wider.plan(7).nodes[0].output_shape == (8, 30, 34)
    assert wider.origin.says("input.rows") == "changed"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("input.channels=0", "input.channels is 0; it must be from 1 to 64."),
        ("input.rows=5000", "input.rows is 5000; it must be from 1 to 4,096."),
        ("input.rows=4", "layer 4 (Conv): a 3x3 kernel with padding 0 does not fit"),
    ],
)
def test_an_input_that_cannot_work_is_refused_by_its_key_or_its_layer(key: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("(", r"\(").replace(")", r"\)")):
        api.find_recipe("progressive-3", [key])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["native", "torch"])
def test_a_fifth_of_fashion_mnist_is_trained_and_verified(engine: str, tmp_path: Path, mnist_folder: Path) -> None:
    whole = load("fashion-mnist", mnist_folder, report=pytest.fail)
    images, labels = whole.train_images[:12_000], whole.train_labels[:12_000]
    dataset = replace(whole, name="a fifth of fashion", train_images=images, train_labels=labels)
    recipe = replace(RECIPE, input=Input(channels=1, rows=28, columns=28), epochs=2, validation_images=0)
    record = train(Run(recipe=recipe, dataset=dataset, seed=0, folder=tmp_path / "run", engine=engine), Silent())
    assert (record.classes[9], record.test_images) == ("Ankle boot", 10_000)
    last = record.epochs[-1]
    assert last.test_accuracy is not None
    assert last.test_accuracy > 60  # chance is 10 %
    predicted = load_trained(tmp_path / "run").predict(dataset.test_images)
    assert (predicted == dataset.test_labels).sum() == last.test_correct
    checks = verify(tmp_path / "run", dataset).checks
    assert [check.name for check in checks if check.agrees is False] == []
