"""A trained network in the hand: layers, weights, record and classes, ready to predict."""

import shlex
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import MismatchError, UnavailableError, UsageError, unknown_name_error
from pennyweight.base.program import command_line_words
from pennyweight.base.reading import read_unlinked
from pennyweight.base.records import RunRecord, Score
from pennyweight.base.values import coerce
from pennyweight.data.dataset import Dataset, hold_out
from pennyweight.data.dataset import load as load_dataset
from pennyweight.data.normalisation import Normalisation
from pennyweight.data.sources import has_command
from pennyweight.engines.evaluation import CHUNK_IMAGES, score
from pennyweight.engines.predict import make_predictor
from pennyweight.engines.protocol import check_images
from pennyweight.nets.forward import softmax
from pennyweight.nets.layers import Layers
from pennyweight.nets.plan import Plan
from pennyweight.nets.weights import check_fit, content_digest, largest_file, read_sealed, shapes_of
from pennyweight.recipes.catalogue import published
from pennyweight.runs.calibration import fit_temperature
from pennyweight.runs.checkpoint_fit import check_epochs, check_mistakes
from pennyweight.runs.folder import RECIPE, RECORD, WEIGHTS, read_record
from pennyweight.runs.published import WORDS, is_published
from pennyweight.runs.request import Request
from pennyweight.settings.recipe import Recipe, check_recipe
from pennyweight.settings.recipe_text import LARGEST_RECIPE_BYTES, recipe_from_text

if TYPE_CHECKING:
    from pennyweight.nets.torch_module import PlanModule


MOST_CLASSES = 1_000
HELD_OUT_OF = 12
"""Of how many training images one is proposed for validation: 5,000 of MNIST's."""
NO_VALIDATION = "was trained without a validation set, so its probabilities are not calibrated"
CLEARLY_ONE_SIDED = 0.2
"""How far the brightness of training images is from its own negative's before a negative can be told."""


@dataclass(frozen=True, eq=False, repr=False)
class TrainedModel:
    """A finished run: the recipe, weights and buffers by name, record, class names and normalisation."""

    recipe: Recipe
    weights: dict[str, NDArray[np.float32]]
    record: RunRecord
    classes: tuple[str, ...]
    normalisation: Normalisation
    source: str
    """The run folder; of a published run its name, its seed and the version of the package that brought it."""
    temperature: float | None = None
    """What logits are divided by before they become probabilities; None where these are not calibrated."""

    def __repr__(self) -> str:
        """Return one line: the recipe, what it reads and tells apart, and the run behind it."""
        reads = f"{self.record.params:,} parameters, reads {self.recipe.input}, {len(self.classes)} classes"
        if self.temperature is not None:
            reads += f", temperature {self.temperature:.3f}"
        return f"<TrainedModel {self.recipe.name}: {reads}; {self.record!r}; from {self.source}>"

    @property
    def layers(self) -> Layers:
        """Return the layers of the network."""
        return self.recipe.layers

    @property
    def plan(self) -> Plan:
        """Return the network's plan."""
        return self.recipe.plan(len(self.classes))

    def predict(self, images: NDArray[np.uint8], engine: str = "auto") -> NDArray[np.int64]:
        """Return the predicted class of each image, shape (n,), as a whole number; see `logits`."""
        predicted: NDArray[np.int64] = self.logits(images, engine).argmax(axis=1)
        return predicted

    def logits(self, images: NDArray[np.uint8], engine: str = "auto") -> NDArray[np.float32]:
        """Return logits, shape (n, classes), of uint8 images shaped as the recipe's input; one image alone is n = 1.

        `engine` is `native`, `torch` or `numpy`; unless given the fastest that this machine has. Raises UsageError for
        other images or engines.
        """
        if isinstance(images, np.ndarray) and images.shape == self.recipe.input.array_shape:
            images = images[None]
        check_images(images, self.plan)
        _warn_of_inverted(images, self.normalisation)
        predictor = make_predictor(engine, self.plan, self.weights, self.normalisation, self.recipe.batch_images)
        starts = range(0, max(len(images), 1), CHUNK_IMAGES)
        return np.concatenate([predictor.logits(images[start : start + CHUNK_IMAGES]) for start in starts])

    def probabilities(self, images: NDArray[np.uint8], engine: str = "auto") -> NDArray[np.float32]:
        """Return the softmax of the logits, shape (n, classes); see `logits`. `calibrated` says how sure to be."""
        return softmax(self.logits(images, engine) / np.float32(self.temperature or 1))

    def calibrated(self, dataset: Dataset | None = None, engine: str = "auto") -> "TrainedModel":
        """Return this network with the temperature that gives its probabilities the least loss on its validation set.

        The set is the one held out of training; `dataset` is what the run was trained on, unless given the one that its
        record names. Labels, logits and `evaluate` stay as they are. Raises UsageError for a run without a validation
        set, with the command that trains one where there is one, for another dataset, and where no temperature fits.
        """
        held_out = self.record.val_images
        if not held_out:
            again = with_validation(self)
            way = (
                f" This trains one that is: {shlex.join([*command_line_words(), 'train', *again.words()])}"
                if again
                else ""
            )
            raise UsageError(f"This run of '{self.recipe.name}' {NO_VALIDATION}.{way}")
        coerce("dataset", dataset, Dataset | None)
        if dataset is None and not has_command(self.record.dataset):
            raise UsageError(
                f"This run of '{self.recipe.name}' was trained on {self.record.dataset!r}, a Dataset of your own: "
                "pw.load(RUN).calibrated(dataset) calibrates with it."
            )
        dataset = load_dataset(self.record.dataset) if dataset is None else dataset
        if dataset.digest != self.record.provenance.dataset_digest:
            raise UsageError(
                f"{self.source} was trained on {self.record.dataset} {self.record.provenance.dataset_digest[:12]}; "
                f"{dataset.name} is {dataset.digest[:12]}."
            )
        split = hold_out(dataset, held_out)
        try:
            temperature = fit_temperature(self.logits(split.val_images, engine), split.val_labels)
        except UsageError as error:
            raise UsageError(f"{self.source} is not calibrated: {error}") from error
        return replace(self, temperature=temperature)

    def top_k(self, images: NDArray[np.uint8], k: int = 5, engine: str = "auto") -> NDArray[np.int64]:
        """Return the `k` most probable classes of each image, the most probable first, shape (n, k); see `logits`."""
        if not 1 <= k <= len(self.classes):
            raise UsageError(f"k is {k}; it must be from 1 to {len(self.classes)}, the number of classes.")
        ranked: NDArray[np.int64] = np.argsort(-self.logits(images, engine), axis=1, kind="stable")[:, :k]
        return ranked

    def evaluate(self, dataset: Dataset, split: str = "test", engine: str = "auto") -> Score:
        """Return mean loss, accuracy in percent and count of correct images on the `test` or the `train` images.

        Raises UsageError for another split, and for images or classes that are not those of the network.
        """
        coerce("dataset", dataset, Dataset)
        parts = {
            "test": (dataset.test_images, dataset.test_labels),
            "train": (dataset.train_images, dataset.train_labels),
        }
        if split not in parts:
            raise unknown_name_error("split", split, parts)
        if dataset.class_names != self.classes:
            raise UsageError(
                f"'{self.recipe.name}' tells apart {', '.join(self.classes)}; {dataset.name} has the classes "
                f"{', '.join(dataset.class_names)}."
            )
        images, labels = parts[split]
        found = score(self.logits(images, engine), labels)
        return Score(found.loss, found.accuracy, found.correct)

    def torch_module(self) -> "PlanModule":
        """Return a `torch.nn.Module` with these weights, to evaluate; it takes what `normalisation.apply` returns."""
        from pennyweight.nets.torch_module import torch_module

        return torch_module(self.plan, self.weights)


def with_validation(model: TrainedModel) -> Request | None:
    """Return the request that trains a network again with one in HELD_OUT_OF of its training images held out.

    None where no command can name the dataset.
    """
    if not has_command(model.record.dataset):
        return None
    is_as_published = published(model.recipe.name) and not model.record.changes
    return Request(
        target=model.recipe.name if is_as_published else str(Path(model.source) / RECIPE),
        settings=(f"validation_images={max(1, model.record.train_images // HELD_OUT_OF)}",),
        seed=model.record.seed,
        dataset=model.record.dataset,
    )


def looks_inverted(images: NDArray[np.uint8], normalisation: Normalisation) -> bool:
    """Return whether images are as bright as the negatives of the training images: dark ink on white."""
    if not images.size:
        return False
    usual, bright = float(np.mean(normalisation.mean)), float(images.mean()) / 255
    return abs(1 - 2 * usual) > CLEARLY_ONE_SIDED and abs(bright - (1 - usual)) < abs(bright - usual)


def _warn_of_inverted(images: NDArray[np.uint8], normalisation: Normalisation) -> None:
    if looks_inverted(images, normalisation):
        usual, bright = float(np.mean(normalisation.mean)), float(images.mean()) / 255
        warnings.warn(
            f"These images have a mean brightness of {bright:.2f}, those of training had {usual:.2f}: they look "
            "inverted. The network reads bright ink on black; 255 - images turns them round.",
            stacklevel=4,
        )


def load_trained(folder: Path) -> TrainedModel:
    """Read a finished run's folder.

    Raises UnavailableError when a file is missing, MismatchError when one is damaged or the weights are not those of
    the recipe and the record beside them; where a checkpoint can mend that, with the command that does.
    """
    if not folder.is_dir():
        raise UnavailableError(f"There is no run folder {folder}; 'pennyweight train' prints where a run is kept.")
    record = read_record(folder)
    check_epochs(record.epochs, record.val_images, record.test_images, folder / RECORD)
    recipe = read_recipe(folder)
    try:
        weights, classes, normalisation = read_weights(folder, recipe, record)
    except (MismatchError, UnavailableError) as error:
        raise type(error)(f"{error}{_way_back(folder, record)}") from error
    if record.classes and record.classes != classes:
        raise MismatchError(
            f"{folder / WEIGHTS} names the classes {', '.join(classes)}, the record beside it "
            f"{', '.join(record.classes)}."
        )
    check_mistakes(record.misclassified, record.test_images, len(classes), folder / RECORD)
    source = f"{record.recipe} seed {record.seed}, {WORDS}" if is_published(folder) else str(folder)
    return TrainedModel(recipe, weights, record, classes, normalisation, source)


def read_weights(
    folder: Path, recipe: Recipe, record: RunRecord
) -> tuple[dict[str, NDArray[np.float32]], tuple[str, ...], Normalisation]:
    """Return the weights of a finished run by name, its classes and its normalisation; raises as load_trained does."""
    try:
        largest = largest_file(shapes_of(recipe.plan(MOST_CLASSES)))
        tensors, facts = read_sealed(folder / WEIGHTS, largest)
        classes, normalisation = _classes_and_normalisation(facts, folder / WEIGHTS)
        check_recipe(recipe, len(classes))
        normalisation.check(recipe.plan(len(classes)).image_shape[0])
    except UsageError as error:
        raise MismatchError(f"{folder / RECIPE}: {error}") from error
    check_fit(tensors, recipe.plan(len(classes)), folder / WEIGHTS, f"recipe '{recipe.name}'")
    found = content_digest(tensors, {})
    if found != record.weights_sha256:
        raise MismatchError(
            f"{folder / WEIGHTS} holds weights {found[:12]}, the record beside it is of {record.weights_sha256[:12]}."
        )
    return tensors, classes, normalisation


def _way_back(folder: Path, record: RunRecord) -> str:
    """Return the sentence with the command that writes the weights again; nothing where there is no checkpoint."""
    has_no_command = record.initial_sha256 or not has_command(record.dataset)
    if has_no_command or not any(folder.glob("checkpoint-*.safetensors")):
        return ""
    same = Request(
        target=str(folder / RECIPE),
        seed=record.seed,
        dataset=record.dataset,
        engine=record.engine,
        device=record.provenance.device,
        use_test=record.evaluated_on("test"),
        out=folder,
    )
    return f" This writes it again from the checkpoint: {shlex.join([*command_line_words(), 'train', *same.words()])}"


def read_recipe(folder: Path) -> Recipe:
    """Return the recipe of a run's folder; raises UnavailableError when it is missing, MismatchError when damaged."""
    path = folder / RECIPE
    try:
        text = read_unlinked(path, LARGEST_RECIPE_BYTES).decode()
    except OSError as error:
        raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnavailableError(f"Cannot read {path}: {error}.") from error
    try:
        return recipe_from_text(text, str(path))
    except UsageError as error:
        raise MismatchError(str(error)) from error


def _classes_and_normalisation(metadata: dict[str, Any], path: Path) -> tuple[tuple[str, ...], Normalisation]:
    """Return what a weight file says of its classes and pixels; version 0.1 wrote one `mean` and `spread`."""
    try:
        classes = tuple(str(name) for name in metadata["classes"])
        if "spread" in metadata:
            return classes, Normalisation((float(metadata["mean"]),), (float(metadata["spread"]),))
        mean, std = (tuple(float(value) for value in metadata[key]) for key in ("mean", "std"))
    except (KeyError, TypeError, ValueError) as error:
        raise MismatchError(
            f"{path} does not say its classes, mean and standard deviation; it was not written by a run."
        ) from error
    return classes, Normalisation(mean, std)
