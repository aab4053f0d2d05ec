"""A finished run in the hand: it predicts what was trained, and mixed-up files are refused by name."""

import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support import TINY, edit_record, mnist_plan

import pennyweight as pw
from pennyweight.base.errors import MismatchError, UnavailableError, UsageError
from pennyweight.data.dataset import load
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import CLASSES, Linear
from pennyweight.nets.weights import read_sealed, save_weights, seal
from pennyweight.runs.model import load_trained
from pennyweight.settings.recipe_text import recipe_to_text

DIGITS = load("digits")


@pytest.fixture
def folder(digits_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be spoilt."""
    return Path(shutil.copytree(digits_run, tmp_path / "run"))


def test_what_is_loaded_is_what_was_trained(digits_run: Path) -> None:
    model = pw.load(digits_run)
    assert model.recipe == TINY
    assert model.layers == TINY.layers
    assert model.classes == tuple("0123456789")
    assert model.plan == mnist_plan(TINY.layers)
    assert model.record.params == sum(model.weights[tensor.name].size for tensor in model.plan.weights)


def test_predictions_are_those_the_record_reports(digits_run: Path) -> None:
    model = pw.load(str(digits_run))
    predicted = model.predict(DIGITS.test_images)
    wrong = np.flatnonzero(predicted != DIGITS.test_labels)
    assert [(one.index, one.predicted) for one in model.record.misclassified] == [(i, predicted[i]) for i in wrong]


def test_the_torch_module_agrees_with_predict(digits_run: Path) -> None:
    model = pw.load(digits_run)
    pixels = ((DIGITS.test_images / 255 - model.normalisation.mean[0]) / model.normalisation.std[0]).astype(np.float32)
    module = model.torch_module()
    assert not module.training
    with torch.no_grad():
        logits = module(torch.from_numpy(pixels)[:, None]).numpy()
    np.testing.assert_allclose(model.logits(DIGITS.test_images), logits, atol=1e-5)
    assert (model.predict(DIGITS.test_images) == logits.argmax(1)).all()


def test_normalisation_is_that_of_the_training_pixels(digits_run: Path) -> None:
    model = pw.load(digits_run)
    shares = DIGITS.train_images.astype(np.float64) / 255
    assert model.normalisation.mean[0] == pytest.approx(shares.mean(), rel=1e-12)
    assert model.normalisation.std[0] == pytest.approx(shares.std(), rel=1e-12)


def test_any_view_of_images_is_taken_and_none_at_all(digits_run: Path) -> None:
    model = pw.load(digits_run)
    images = DIGITS.test_images[:20]
    expected = model.predict(images)
    assert model.predict(images[::-1])[::-1].tolist() == expected.tolist()
    assert model.predict(np.asfortranarray(images)).tolist() == expected.tolist()
    assert model.predict(images[:0]).shape == (0,)
    turned = model.predict(images[:, :, ::-1])
    assert turned.tolist() == model.predict(np.ascontiguousarray(images[:, :, ::-1])).tolist()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 28, 28)), "float64 with shape (2, 28, 28)"),
        (np.zeros((2, 28, 28), np.int64), "int64"),
        (np.zeros((28, 27), np.uint8), "shape (28, 27); they must be uint8 from 0 to 255 with shape (n, 28, 28)."),
        (np.zeros((2, 1, 28, 28), np.uint8), "shape (2, 1, 28, 28)"),
        (np.zeros((2, 32, 32), np.uint8), "shape (2, 32, 32)"),
        ([[0] * 28] * 28, "Images are a list"),
    ],
)
def test_images_that_cannot_be_meant_are_refused_with_what_is_expected(images, words: str, digits_run: Path) -> None:
    model = pw.load(digits_run)
    for call in (model.predict, model.logits):
        with pytest.raises(UsageError) as refused:
            call(images)
        assert words in str(refused.value)


def test_an_unknown_engine_is_refused_by_name(digits_run: Path) -> None:
    with pytest.raises(UsageError, match="engine 'jax'"):
        pw.load(digits_run).predict(DIGITS.test_images[:1], engine="jax")


def test_a_run_can_be_moved(folder: Path) -> None:
    moved = folder.rename(folder.parent / "elsewhere")
    assert (pw.load(moved).predict(DIGITS.test_images[:5]) >= 0).all()


# ---------------------------------------------------------------------------------------------------- mixed up


def test_the_weights_of_another_recipe_are_refused_by_the_layer(folder: Path) -> None:
    recipe = pw.recipe("progressive-3")
    plan = mnist_plan(recipe.layers)
    facts = {"classes": list("0123456789"), "mean": 0.1, "spread": 0.3}
    save_weights(folder / "weights.safetensors", plan, initial_weights(plan, 0), facts)
    with pytest.raises(MismatchError) as refused:
        pw.load(folder)
    assert str(refused.value) == (
        f"{folder / 'weights.safetensors'} does not fit recipe 'tiny': layer 1 (Conv) holds float32 (8, 1, 3, 3) for "
        "'1.weight', the network needs float32 (4, 1, 3, 3). This writes it again from the checkpoint: "
        f'pw.train("{folder / "recipe.toml"}", dataset="digits", engine="torch", out="{folder}")'
    )


def test_the_command_that_mends_starts_as_the_command_line_was_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "weights.safetensors").unlink()
    monkeypatch.setenv("PATH", "/nowhere")  # where one is on the path, its name is enough
    for program, shown in (
        ("x/pennyweight/__main__.py", f"{shlex.quote(sys.executable)} -m pennyweight"),
        ("/elsewhere/bin/pennyweight", "/elsewhere/bin/pennyweight"),
        ("mine.py", "pennyweight"),
    ):
        monkeypatch.setattr(sys, "argv", [program])
        with pytest.raises(UnavailableError) as refused:
            load_trained(folder)
        assert f" is missing. This writes it again from the checkpoint: {shown} train " in str(refused.value)


def test_the_weights_of_another_seed_are_refused(folder: Path) -> None:
    plan = mnist_plan(TINY.layers)
    _, facts = read_sealed(folder / "weights.safetensors")
    save_weights(folder / "weights.safetensors", plan, initial_weights(plan, 1), facts)
    with pytest.raises(MismatchError, match=r"holds weights [0-9a-f]{12}, the record beside it is of [0-9a-f]{12}\."):
        pw.load(folder)


def test_classes_that_are_not_those_of_the_record_are_refused(folder: Path) -> None:
    tensors, facts = read_sealed(folder / "weights.safetensors")
    facts["classes"] = [*facts["classes"][:-2], "9", "8"]
    (folder / "weights.safetensors").write_bytes(seal(tensors, facts))
    with pytest.raises(MismatchError, match=r"names the classes 0, .*, 7, 9, 8, the record beside it 0, .*, 7, 8, 9\."):
        pw.load(folder)


def test_weights_without_their_normalisation_are_refused(folder: Path) -> None:
    tensors, facts = read_sealed(folder / "weights.safetensors")
    del facts["mean"]
    (folder / "weights.safetensors").write_bytes(seal(tensors, facts))
    with pytest.raises(MismatchError, match="does not say its classes, mean and standard deviation"):
        pw.load(folder)


def test_a_weight_file_of_version_0_1_with_one_mean_and_spread_is_read(folder: Path) -> None:
    now = pw.load(folder)
    tensors, metadata = read_sealed(folder / "weights.safetensors")
    (mean,), (std,) = metadata["mean"], metadata.pop("std")
    (folder / "weights.safetensors").write_bytes(seal(tensors, {**metadata, "mean": mean, "spread": std}))
    assert pw.load(folder).normalisation == now.normalisation


def test_the_recipe_of_another_run_is_refused(folder: Path) -> None:
    text = recipe_to_text(replace(TINY, layers=(Linear(CLASSES),)))
    (folder / "recipe.toml").write_text(text)
    with pytest.raises(MismatchError, match=r"does not fit recipe 'tiny': layer 1 \(Linear\)"):
        pw.load(folder)


DAMAGE = [
    ("a recipe that is no TOML", "recipe.toml", b"name = ", MismatchError, "is not TOML"),
    ("a recipe with an unknown key", "recipe.toml", b"nmae = 1", MismatchError, "Did you mean 'name'?"),
    ("a recipe that is no text", "recipe.toml", b"\xff\xfe\xff", UnavailableError, "recipe.toml"),
    ("a record that is no JSON", "record.json", b"{", MismatchError, "is not a run's record"),
    ("a record of bytes", "record.json", b"\xff\x00", MismatchError, "is not a run's record"),
    ("weights that are empty", "weights.safetensors", b"", MismatchError, "damaged"),
    ("weights that are text", "weights.safetensors", b"weights", MismatchError, "damaged"),
]


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"), [case[1:] for case in DAMAGE], ids=[c[0] for c in DAMAGE]
)
def test_a_damaged_file_is_named(name: str, content: bytes, kind: type, words: str, folder: Path) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(kind) as refused:
        pw.load(folder)
    assert name in str(refused.value)
    assert words in str(refused.value)


def test_a_recipe_that_cannot_run_is_a_mismatch(folder: Path) -> None:
    path = folder / "recipe.toml"
    path.write_text(path.read_text().replace("Conv(4, stride=2)", "Conv(4, kernel=30)"))
    with pytest.raises(MismatchError, match=r"recipe.toml: layer 1 \(Conv\)"):
        pw.load(folder)


@pytest.mark.parametrize("name", ["record.json", "recipe.toml", "weights.safetensors"])
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(UnavailableError, match=name):
        pw.load(folder)


def test_a_folder_that_is_not_there_says_where_runs_are(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="There is no run folder"):
        pw.load(tmp_path / "nothing")


def test_the_record_of_another_run_is_refused(folder: Path) -> None:
    edit_record(folder, lambda held: held.update(weights_sha256="0" * 64))
    with pytest.raises(MismatchError, match="the record beside it is of 000000000000"):
        pw.load(folder)
