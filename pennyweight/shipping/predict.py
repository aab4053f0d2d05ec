"""Predicting on files: pictures as they come, put into the form that a network reads, each with what was done to it."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import MismatchError, PennyweightError, UnavailableError, UsageError, unknown_name_error
from pennyweight.base.input import Input
from pennyweight.data.dataset import load
from pennyweight.data.drawn_digit import SIDE_PIXELS, as_mnist
from pennyweight.data.pictures import picture_files, read_pictures
from pennyweight.data.sources import EMBEDDED, MNIST, has_command
from pennyweight.runs.model import NO_VALIDATION, TrainedModel, looks_inverted
from pennyweight.tables.table import Column, Table, right, table

PREPROCESSES = ("mnist", "none")
DARK = "dark ink on white, inverted"
PERHAPS_DARK = "looks inverted"


@dataclass(frozen=True)
class Prediction:
    """One picture: the two most probable classes with their probabilities from 0 to 1, and what is odd about it.

    `file` is where it is from, with its index where a file holds several: `digits.npy[3]`.
    """

    file: str
    label: str
    probability: float
    runner_up: str
    runner_up_probability: float
    note: str


@dataclass(frozen=True)
class FileProblem:
    """A file that holds no picture to predict on, and the exit code for that."""

    file: str
    message: str
    exit_code: int


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """What a network predicts on files, in their order, and the files that it cannot read.

    `model` is calibrated where that can be done with what is on this machine; else `not_calibrated` says why it is not.
    """

    model: TrainedModel
    preprocess: str
    not_calibrated: str
    images: tuple[Prediction, ...]
    problems: tuple[FileProblem, ...]

    def __repr__(self) -> str:
        """Return one line: how many pictures were predicted on, by what, and how many could not be."""
        counts = f"pictures: {len(self.images)}, problems: {len(self.problems)}"
        return f"<Predictions of {self.model.recipe.name}, {counts}>"


def predict(
    model: TrainedModel, paths: Sequence[Path], preprocess: str | None = None, data: Path | None = None
) -> Predictions:
    """Predict on the pictures in files and folders; docs/predicting.md says how they are read and prepared.

    `preprocess` is `mnist`, by default of networks trained on its digits, or `none`. `data` holds the dataset that the
    network is calibrated with. Raises UsageError for another `preprocess` or one that the network does not read.
    """
    preprocess = _usual(model) if preprocess is None else preprocess
    _check_preprocess(preprocess, model)
    prepared, problems = list[tuple[str, NDArray[np.uint8], str]](), list[FileProblem]()
    for path in paths:
        try:
            for file in picture_files([path]):
                try:
                    prepared += _prepared(file, preprocess, model)
                except PennyweightError as error:
                    problems.append(FileProblem(str(file), str(error), error.exit_code))
        except PennyweightError as error:
            problems.append(FileProblem(str(path), str(error), error.exit_code))
    model, why_not = _calibrated(model, data)
    return Predictions(model, preprocess, why_not, _predicted(model, prepared), tuple(problems))


def _usual(model: TrainedModel) -> str:
    return "mnist" if model.record.dataset in (MNIST.name, EMBEDDED) and _reads_mnist(model) else "none"


def _reads_mnist(model: TrainedModel) -> bool:
    return model.recipe.input == Input(1, SIDE_PIXELS, SIDE_PIXELS)


def _check_preprocess(preprocess: str, model: TrainedModel) -> None:
    if preprocess not in PREPROCESSES:
        raise unknown_name_error("preprocess", preprocess, PREPROCESSES)
    if preprocess == "mnist" and not _reads_mnist(model):
        raise UsageError(
            f"--preprocess mnist makes images of {SIDE_PIXELS}x{SIDE_PIXELS} pixels in one channel; "
            f"'{model.recipe.name}' reads {model.recipe.input}. --preprocess none takes pictures of that size as they "
            "are."
        )


def _prepared(file: Path, preprocess: str, model: TrainedModel) -> list[tuple[str, NDArray[np.uint8], str]]:
    """Return name, image and note of every picture in a file."""
    found = list[str]()
    pictures = read_pictures(file, model.recipe.input.channels, found.append)
    names = [str(file)] if len(pictures) == 1 else [f"{file}[{index}]" for index in range(len(pictures))]
    if preprocess == "none":
        _check_size(file, pictures, model)
        notes = [_note(found, looks_inverted(one, model.normalisation), PERHAPS_DARK) for one in pictures]
        return list(zip(names, pictures, notes, strict=True))
    rows = []
    for name, picture in zip(names, pictures, strict=True):
        try:
            digit = as_mnist(picture)
        except MismatchError as error:
            raise MismatchError(f"{name} cannot be prepared: {error}") from error
        rows.append((name, digit.image, _note(found, digit.was_dark, DARK)))
    return rows


def _note(found: Sequence[str], is_dark: bool, dark: str) -> str:
    return "; ".join([*found, *([dark] if is_dark else [])])


def _check_size(file: Path, pictures: NDArray[np.uint8], model: TrainedModel) -> None:
    needed = model.recipe.input
    if pictures.shape[1:] != needed.array_shape:
        rows, columns = pictures.shape[-2:]
        other = "; --preprocess mnist takes any size" if _reads_mnist(model) else ""
        raise MismatchError(f"{file} has {rows:,}x{columns:,} pixels; '{model.recipe.name}' reads {needed}{other}.")


def _calibrated(model: TrainedModel, data: Path | None) -> tuple[TrainedModel, str]:
    """Return the model with its temperature and nothing, or as it is and why; nothing is downloaded for that."""
    if not model.record.val_images:
        return model, f"This run of '{model.recipe.name}' {NO_VALIDATION}."
    if not has_command(model.record.dataset):
        return model, (
            f"Not calibrated: {model.record.dataset!r}, a Dataset of your own, holds its validation set. In Python: "
            "pw.load(RUN).calibrated(dataset)."
        )
    try:
        dataset = load(model.record.dataset, data, report=lambda _: None, download=False)
        return model.calibrated(dataset), ""
    except (UsageError, UnavailableError) as error:
        return model, str(error)


def _predicted(model: TrainedModel, prepared: list[tuple[str, NDArray[np.uint8], str]]) -> tuple[Prediction, ...]:
    if not prepared:
        return ()
    names, images, notes = zip(*prepared, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of inverted images, each of which has its note
        probabilities = model.probabilities(np.stack(images))
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    return tuple(
        Prediction(
            file=name,
            label=model.classes[first],
            probability=float(row[first]),
            runner_up=model.classes[second],
            runner_up_probability=float(row[second]),
            note=note,
        )
        for name, row, (first, second), note in zip(names, probabilities, best, notes, strict=True)
    )


def predictions_table(predictions: Predictions) -> Table:
    """Return one row per picture: its label, the runner-up, their probabilities in percent, and what is odd."""
    columns = (
        Column("file", narrow="wrap"),
        *(Column("label"), *right("%")),
        *(Column("runner-up"), *right("%")),
        Column("note", narrow="wrap"),
    )
    return table(
        columns,
        (
            (
                *(one.file, one.label, f"{100 * one.probability:.2f}"),
                *(one.runner_up, f"{100 * one.runner_up_probability:.2f}", one.note),
            )
            for one in predictions.images
        ),
    )
