"""What a Python user meets: short reprs, progress, our own sentences for wrong types, datasets as values, warnings."""

import io
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_recipes import TINY

import pennyweight as pw
from pennyweight.data.dataset import load
from pennyweight.runs.request import Request

DIGITS = load("digits")


def test_a_model_a_record_and_a_dataset_print_as_one_line(digits_run: Path) -> None:
    model = pw.load(digits_run)
    for value in (model, model.record, DIGITS):
        assert "\n" not in repr(value)
        assert len(repr(value)) < 250
    assert repr(DIGITS) == "<Dataset digits: 1,437 training and 360 test images, 28x28 pixels, 10 classes>"
    assert repr(model.record).startswith("<RunRecord of tiny on digits: seed 0, 404 parameters, 2 epochs, test ")
    assert repr(model).startswith("<TrainedModel tiny: 404 parameters, reads 28x28 pixels, 10 classes; <RunRecord")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pw.train(123), "The recipe is 123, but must be text or Recipe."),
        (lambda: pw.train("progressive-3", seed="0"), "seed is '0', but must be a whole number."),
        (lambda: pw.train("progressive-3", dataset=7), "dataset is 7, but must be text or Dataset."),
        (
            lambda: pw.audit("progressive-3", {"max_params": 1}),
            "rules is {'max_params': 1}, but must be Rules or none.",
        ),
        (lambda: pw.load(3), "A run folder is 3, but must be text or Path."),
        (lambda: pw.judge(None), "A run folder is None, but must be text or Path."),
        (lambda: pw.recipe(None), "The recipe is None, but must be text or Recipe."),
        (lambda: pw.dataset(5), "The name of a dataset is 5, but must be text."),
    ],
    ids=["recipe", "seed", "dataset", "rules", "folder", "runs", "no recipe", "name of a dataset"],
)
def test_a_wrong_type_ends_in_our_own_sentence(call, words: str) -> None:
    with pytest.raises(pw.UsageError) as refused:
        call()
    assert words in str(refused.value)


def test_a_dataset_may_be_passed_as_a_value_but_not_to_another_process(tmp_path: Path) -> None:
    named = pw.train(TINY, dataset="digits", epochs=1, out=tmp_path / "named")
    passed = pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "passed")
    assert passed.weights_sha256 == named.weights_sha256
    for write in (lambda request: request.to_json(), lambda request: request.words()):
        with pytest.raises(pw.UsageError, match="'digits' is a value, which another process cannot be told"):
            write(Request(target="skip-3", dataset=DIGITS))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("progress", "shown"), [(None, True), (True, True), (False, False)])
def test_progress_is_shown_in_a_terminal_unless_it_is_silenced(
    progress: bool | None, shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "run", progress=progress)
    assert ("epoch 1/1" in sys.stderr.getvalue()) == shown


def test_nothing_is_printed_where_nobody_looks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pw.train(TINY, dataset=DIGITS, epochs=1, out=tmp_path / "run")
    assert capfd.readouterr().err == ""


def test_probabilities_add_up_and_the_best_classes_come_first(digits_run: Path) -> None:
    model = pw.load(digits_run)
    images = DIGITS.test_images[:30]
    shares, best = model.probabilities(images), model.top_k(images, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert (best[:, 0] == model.predict(images)).all()
    ranked = np.take_along_axis(shares, best, axis=1)
    assert (np.diff(ranked, axis=1) <= 0).all()
    with pytest.raises(pw.UsageError, match="k is 11; it must be from 1 to 10"):
        model.top_k(images, 11)


def test_inverted_images_are_warned_of_and_others_are_not(digits_run: Path) -> None:
    model = pw.load(digits_run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(DIGITS.test_images)
        model.predict(DIGITS.test_images[:0])
    with pytest.warns(UserWarning, match="they look inverted"):
        model.predict(255 - DIGITS.test_images)


def test_a_recipe_is_built_from_the_front_door_alone() -> None:
    layers = (pw.Conv(8), pw.BatchNorm(), pw.Relu(), pw.GlobalAvgPool(), pw.Linear(pw.CLASSES))
    recipe = pw.Recipe("mine", layers, epochs=2, optimizer=pw.Adam(), schedule=pw.OneCycle())
    assert pw.audit(recipe, pw.Rules(max_params=8_000, require=("batchnorm",))).met
    assert pw.recipe(replace(recipe, input=pw.Input(3, 32, 32))).plan(7).nodes[0].weights[0].shape == (8, 3, 3, 3)
    assert pw.__version__.count(".") >= 1
