"""The average of the weights: its arithmetic, what it is judged by, and that training does not notice it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_recipes import TINY

from pennyweight.base.records import RunRecord
from pennyweight.data.dataset import load
from pennyweight.engines.averaging import PREFIX, update_average
from pennyweight.nets.weights import read_sealed
from pennyweight.reporting.epochs import epoch_line
from pennyweight.reporting.verdicts import verdict_text
from pennyweight.runs.model import load_trained
from pennyweight.runs.run import Run
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.keys import change
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.recipe_text import recipe_from_text, recipe_to_text
from pennyweight.training.loop import train
from pennyweight.training.observer import Silent

ENGINES = pytest.mark.parametrize("engine", ["torch", "native"])
PLAIN = replace(TINY, averaging=Averaging())
DIGITS = load("digits")


def run(recipe: Recipe, folder: Path, engine: str) -> RunRecord:
    return train(Run(recipe=recipe, dataset=DIGITS, seed=0, folder=folder, engine=engine), Silent())


def test_the_average_follows_its_formula_step_by_step() -> None:
    generator = np.random.default_rng(0)
    averaging = Averaging(decay=0.9, every_steps=1)
    weights = [{"w": generator.normal(size=(3, 4)).astype(np.float32)} for _ in range(60)]
    average, expected = weights[0], weights[0]["w"].astype(np.float64)
    for done in range(1, 60):
        average = update_average(average, weights[done], averaging, done - 1, done)
        decay = min(0.9, (1 + done) / (10 + done))
        expected = decay * expected + (1 - decay) * weights[done]["w"].astype(np.float64)
    np.testing.assert_allclose(average["w"], expected, rtol=1e-5)


def test_many_steps_at_once_leave_as_much_of_the_average_as_one_after_the_other() -> None:
    zero, one = {"w": np.zeros(1, np.float32)}, {"w": np.ones(1, np.float32)}
    at_once = update_average(one, zero, Averaging(0.99), 10_000, 10_020)
    np.testing.assert_allclose(at_once["w"], 0.99**20, rtol=1e-6)


@ENGINES
def test_an_average_taken_once_an_epoch_is_that_of_the_checkpoints_of_the_plain_run(
    tmp_path: Path, engine: str
) -> None:
    steps = -(-(1_437 - TINY.validation_images) // TINY.batch_images)
    plain = replace(PLAIN, epochs=1)
    averaged = replace(plain, averaging=Averaging(decay=0.98, every_steps=100))
    run(plain, tmp_path / "plain", engine)
    run(averaged, tmp_path / "averaged", engine)
    from pennyweight.nets.initial import initial_weights

    before = initial_weights(load_trained(tmp_path / "plain").plan, 0)
    after, shipped = load_trained(tmp_path / "plain").weights, load_trained(tmp_path / "averaged").weights
    decay = min(0.98, (1 + steps) / (10 + steps)) ** steps
    for name, found in shipped.items():
        np.testing.assert_allclose(found, decay * before[name] + (1 - decay) * after[name], rtol=1e-4, atol=1e-6)


@ENGINES
def test_training_does_not_notice_the_average_and_both_accuracies_are_told(tmp_path: Path, engine: str) -> None:
    plain = run(PLAIN, tmp_path / "plain", engine)
    averaged = run(replace(TINY, averaging=Averaging(0.97, 1)), tmp_path / "averaged", engine)
    assert [row.train_loss for row in averaged.epochs] == [row.train_loss for row in plain.epochs]
    assert [row.raw_test_accuracy for row in averaged.epochs] == [row.test_accuracy for row in plain.epochs]
    assert [row.raw_val_accuracy for row in averaged.epochs] == [row.val_accuracy for row in plain.epochs]
    assert [row.test_loss for row in averaged.epochs] != [row.test_loss for row in plain.epochs]
    assert {row.raw_test_accuracy for row in plain.epochs} == {None}
    last = averaged.epochs[-1]
    assert f"test {last.test_accuracy:5.2f} % (unaveraged {last.raw_test_accuracy:5.2f} %)" in epoch_line(
        averaged.epochs, 3, []
    )
    words = f"of the averaged weights, the unaveraged weights end at {last.raw_test_accuracy:.2f} %"
    assert words in " ".join(verdict_text(averaged).split())
    assert "averaged" not in verdict_text(plain) + epoch_line(plain.epochs, 3, [])


@ENGINES
def test_what_is_shipped_and_counted_is_the_average(tmp_path: Path, engine: str) -> None:
    record = run(replace(TINY, averaging=Averaging(0.97, 1)), tmp_path, engine)
    trained = load_trained(tmp_path)
    state, _ = read_sealed(sorted(tmp_path.glob("checkpoint-*"))[-1])
    for name, weight in trained.weights.items():
        np.testing.assert_array_equal(weight, state[PREFIX + name])
        assert not np.array_equal(weight, state[name])
    predicted = trained.predict(DIGITS.test_images, engine=engine)
    assert int((predicted == DIGITS.test_labels).sum()) == record.epochs[-1].test_correct


def test_a_recipe_says_its_averaging_in_text_and_reads_it_back() -> None:
    recipe = change(PLAIN, ["averaging.decay=0.995", "averaging.every_steps=4"])
    assert recipe.averaging == Averaging(0.995, 4)
    assert recipe_from_text(recipe_to_text(recipe), "here") == recipe
