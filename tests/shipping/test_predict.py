"""Predicting on files: every kind of file, one command, and what a user is told of each."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import TINY

import pennyweight as pw
from pennyweight.base.errors import UsageError
from pennyweight.base.input import Input
from pennyweight.cli.main import run as run_command
from pennyweight.data.dataset import load
from pennyweight.data.drawn_digit import as_mnist
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool
from pennyweight.shipping.predict import predict

DIGITS = load("digits")
SEVEN = np.zeros((28, 28), np.uint8)
SEVEN[4:7, 6:21] = 255
for row in range(7, 24):
    SEVEN[row, 18 - (row - 7) // 2 : 21 - (row - 7) // 2] = 255


def large(image: np.ndarray) -> np.ndarray:
    return np.pad(np.kron(image, np.ones((4, 4), np.uint8)), 20)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a picture of a seven in several files."""
    monkeypatch.chdir(tmp_path)
    image = SEVEN
    Image.fromarray(large(image)).save("seven.png")
    Image.fromarray(255 - large(image)).convert("RGB").save("seven.jpg", quality=95)
    np.save("sevens.npy", np.stack([image, 255 - image]))
    return tmp_path


def command(*words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["pennyweight", "predict", *words])
    with pytest.raises(SystemExit) as end:
        run_command()
    printed = capsys.readouterr()
    return int(end.value.code or 0), printed.out, printed.err


def test_a_digit_is_recognised_in_every_kind_of_file(place: Path) -> None:
    predictions = pw.predict("pennyweight-8k", "seven.png", "seven.jpg", Path("sevens.npy"))
    assert [(one.file, one.label, one.note) for one in predictions.images] == [
        ("seven.png", "7", ""),
        ("seven.jpg", "7", "dark ink on white, inverted"),
        ("sevens.npy[0]", "7", ""),
        ("sevens.npy[1]", "7", "dark ink on white, inverted"),
    ]
    assert predictions.problems == ()
    assert all(one.probability > one.runner_up_probability > 0 and one.runner_up != "7" for one in predictions.images)


def test_predictions_are_those_of_the_network_on_the_prepared_picture(place: Path) -> None:
    model = pw.load("pennyweight-8k")
    (one,) = pw.predict("pennyweight-8k", "seven.png").images
    (expected,) = model.probabilities(as_mnist(large(SEVEN)).image)
    order = np.argsort(-expected)
    assert (one.label, one.runner_up) == (model.classes[order[0]], model.classes[order[1]])
    assert (one.probability, one.runner_up_probability) == tuple(map(float, expected[order[:2]]))


def test_without_preparation_images_are_taken_as_they_are(place: Path) -> None:
    model = pw.load("pennyweight-8k")
    straight, inverted = pw.predict("pennyweight-8k", "sevens.npy", preprocess="none").images
    image = SEVEN
    assert straight.probability == float(model.probabilities(image).max())
    with pytest.warns(UserWarning, match="inverted"):
        assert inverted.probability == float(model.probabilities(255 - image).max())
    assert (straight.note, inverted.note) == ("", "looks inverted")


def test_a_picture_of_another_size_is_refused_without_preparation(place: Path) -> None:
    predictions = pw.predict("pennyweight-8k", "seven.png", preprocess="none")
    (problem,) = predictions.problems
    assert (predictions.images, problem.exit_code) == ((), 4)
    assert problem.message == (
        "seven.png has 152x152 pixels; 'pennyweight-8k' reads 28x28 pixels; --preprocess mnist takes any size."
    )


def test_a_network_of_colour_reads_colour_and_is_not_prepared(digits_run: Path, place: Path) -> None:
    layers = (Conv(CLASSES, kernel=3), GlobalAvgPool())
    recipe = replace(TINY, layers=layers, input=Input(3, 8, 6))
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("colour.png")
    weights = {
        tensor.name: draw.normal(size=tensor.shape).astype(np.float32)
        for tensor in recipe.plan(10).weights + recipe.plan(10).buffers
    }
    trained = pw.load(digits_run)
    normalisation = replace(trained.normalisation, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    model = replace(trained, recipe=recipe, weights=weights, normalisation=normalisation)
    predictions = predict(model, [Path("colour.png")])
    assert predictions.preprocess == "none"
    assert predictions.images[0].label == model.classes[model.predict(pixels.transpose(2, 0, 1).copy())[0]]
    with pytest.raises(UsageError, match="'tiny' reads 3 channels of 8x6 pixels"):
        predict(model, [Path("colour.png")], "mnist")


def test_the_command_prints_a_table_and_how_to_calibrate(place: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = command("pennyweight-8k", ".", capsys=capsys, monkeypatch=monkeypatch)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["file", "label", "%", "runner-up", "%", "note"]
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["seven.jpg", "7"],
        ["seven.png", "7"],
        ["sevens.npy[0]", "7"],
        ["sevens.npy[1]", "7"],
    ]
    assert "trained without a validation set" in " ".join(out.split())
    assert lines[-1].strip() == "pennyweight train pennyweight-8k -s validation_images=5000"


def test_a_run_with_a_validation_set_is_calibrated(place: Path, capsys, monkeypatch) -> None:
    recipe = replace(TINY, validation_images=200)
    pw.train(recipe, dataset=DIGITS, engine="torch", out="run")
    code, out, _ = command("run", "seven.png", "--json", capsys=capsys, monkeypatch=monkeypatch)
    found = json.loads(out)
    model = pw.load("run").calibrated()
    assert (code, found["not_calibrated"], found["temperature"]) == (0, "", model.temperature)
    expected = float(model.probabilities(as_mnist(large(SEVEN)).image).max())
    assert found["images"][0]["probability"] == expected
    code, out, _ = command("run", "seven.png", capsys=capsys, monkeypatch=monkeypatch)
    assert "Probabilities are calibrated on the validation set." in out


def test_a_run_whose_dataset_is_not_here_is_not_calibrated_and_nothing_is_downloaded(place: Path) -> None:
    (place / "data").mkdir()
    predictions = pw.predict("compact-minimal", "seven.png", data="data")
    assert predictions.model.temperature is None
    assert "mnist lacks train-images" in predictions.not_calibrated
    assert predictions.images[0].label == "7"


def test_an_image_that_has_the_form_of_mnist_is_predicted_on_as_it_is(place: Path) -> None:
    """What the network was measured on: preparing it once more would make of it another."""
    image = as_mnist(large(SEVEN)).image
    image[8, 9] = 3  # too faint for ink
    np.save("image.npy", image)
    (by_default,), (as_it_is,) = (
        pw.predict("pennyweight-8k", "image.npy", preprocess=preprocess).images for preprocess in (None, "none")
    )
    assert by_default == as_it_is


def test_damaged_exif_data_are_in_the_note(place: Path) -> None:
    Image.fromarray(255 - large(SEVEN)).save("odd.jpg", exif=b"Exif\0\0" + b"\xff" * 30)
    (one,) = pw.predict("pennyweight-8k", "odd.jpg").images
    assert (one.label, one.note) == ("7", "EXIF data damaged, not turned; dark ink on white, inverted")


PROBLEMS = [
    ("nothing.png", 3, "Cannot read nothing.png: No such file or directory."),
    ("notes.txt", 4, "notes.txt is no picture that can be read; those are PNG, JPEG and NPY files."),
    ("empty", 3, "There is no PNG, JPEG or NPY file in empty."),
    ("white.png", 4, "white.png cannot be prepared: it shows no ink: "),
]


@pytest.mark.parametrize(("name", "code", "words"), PROBLEMS)
def test_a_file_that_cannot_be_read_stops_no_other(name: str, code: int, words: str, place: Path, capsys, monkeypatch):
    (place / "notes.txt").touch()
    (place / "empty").mkdir()
    Image.new("L", (30, 30), 255).save("white.png")
    files = ("seven.png", name, "seven.jpg")
    ended, out, err = command("pennyweight-8k", *files, capsys=capsys, monkeypatch=monkeypatch)
    assert ended == code
    assert err.startswith(f"Error: {words}")
    assert err.count("\n") == 1
    assert [line.split()[0] for line in out.splitlines()[1:3]] == ["seven.png", "seven.jpg"]
    ended, out, err = command("pennyweight-8k", *files, "--json", capsys=capsys, monkeypatch=monkeypatch)
    assert (ended, err) == (code, "")
    (problem,) = json.loads(out)["problems"]
    assert (problem["file"], problem["exit_code"]) == (name, code)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("no-such-run", "seven.png"), 3, "There is no run folder no-such-run"),
        (("pennyweight-8k", "seven.png", "--preprocess", "mnsit"), 2, "There is no preprocess 'mnsit'. Did you mean"),
    ],
)
def test_what_is_asked_wrongly_is_refused(words, code: int, sentence: str, place: Path, capsys, monkeypatch) -> None:
    ended, out, err = command(*words, capsys=capsys, monkeypatch=monkeypatch)
    assert (ended, out) == (code, "")
    assert err.startswith(f"Error: {sentence}")


def test_predicting_on_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="There is nothing to predict on"):
        pw.predict("pennyweight-8k")
