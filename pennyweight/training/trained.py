"""A trained network in the hand: rows, weights, record and classes, ready to predict."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import EnvironmentRefused, MismatchError, UsageError
from pennyweight.base.records import RunRecord
from pennyweight.nets.plan import Plan, make_plan
from pennyweight.nets.rows import Rows
from pennyweight.nets.weights import check_fit, content_digest, read_sealed
from pennyweight.training.engine import Engine, Job
from pennyweight.training.engines import make_engine
from pennyweight.training.evaluation import logits_of
from pennyweight.training.folder import RECIPE, WEIGHTS, read_record
from pennyweight.training.optimizers import SGD
from pennyweight.training.recipe import Recipe, check_recipe
from pennyweight.training.recipe_text import recipe_from_text

if TYPE_CHECKING:
    from pennyweight.nets.torch_module import PlanModule


@dataclass(frozen=True, eq=False)
class Trained:
    """What a finished run leaves: the recipe, weights and buffers by name, record, class names and normalisation.

    `mean` and `spread` are those of the training pixels, as fractions of 255.
    """

    recipe: Recipe
    weights: dict[str, NDArray[np.float32]]
    record: RunRecord
    classes: tuple[str, ...]
    mean: float
    spread: float

    @property
    def rows(self) -> Rows:
        """Return the network's rows."""
        return self.recipe.layers

    @property
    def plan(self) -> Plan:
        """Return the network's plan."""
        return make_plan(self.rows, len(self.classes))

    def predict(self, images: NDArray[np.uint8], engine: str = "auto") -> NDArray[np.int64]:
        """Return the predicted class of each image, shape (n,); images are uint8, shape (n, 28, 28), ink bright."""
        predicted: NDArray[np.int64] = self.logits(images, engine).argmax(axis=1)
        return predicted

    def logits(self, images: NDArray[np.uint8], engine: str = "auto") -> NDArray[np.float32]:
        """Return logits, shape (n, classes), of uint8 images (n, 28, 28); raises UsageError for anything else."""
        _check_images(images, self.plan)
        return logits_of(self._engine(engine), images)

    def torch_module(self) -> "PlanModule":
        """Return a `torch.nn.Module` with these weights, to evaluate; it takes (pixels / 255 - mean) / spread."""
        from pennyweight.nets.torch_module import torch_module

        return torch_module(self.plan, self.weights)

    def _engine(self, name: str) -> Engine:
        nothing = np.zeros((0, 28, 28), dtype=np.uint8)
        job = Job(
            plan=self.plan,
            optimizer=SGD(),
            batch_images=1,
            label_smoothing=0.0,
            fill=0,
            seed=0,
            mean=self.mean,
            spread=self.spread,
            images=nothing,
            labels=nothing[:, 0, 0],
        )
        engine = make_engine(name, "cpu", job)
        engine.start(self.weights, steps_done=0)
        return engine


def load_trained(folder: Path) -> Trained:
    """Read a finished run's folder.

    Raises EnvironmentRefused when a file is missing, MismatchError when one is damaged or the weights are not those of
    the recipe and the record beside them.
    """
    if not folder.is_dir():
        raise EnvironmentRefused(f"There is no run folder {folder}; 'pennyweight train' prints where a run is kept.")
    record = read_record(folder)
    recipe = _read_recipe(folder)
    tensors, facts = read_sealed(folder / WEIGHTS)
    classes, mean, spread = _facts(facts, folder / WEIGHTS)
    try:
        check_recipe(recipe, len(classes))
    except UsageError as error:
        raise MismatchError(f"{folder / RECIPE}: {error}") from error
    check_fit(tensors, make_plan(recipe.layers, len(classes)), folder / WEIGHTS, f"recipe '{recipe.name}'")
    found = content_digest(tensors, {})
    if found != record.weights_sha256:
        raise MismatchError(
            f"{folder / WEIGHTS} holds weights {found[:12]}, the record beside it is of {record.weights_sha256[:12]}."
        )
    return Trained(recipe, tensors, record, classes, mean, spread)


def _read_recipe(folder: Path) -> Recipe:
    path = folder / RECIPE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentRefused(f"Cannot read {path}: {error}.") from error
    try:
        return recipe_from_text(text, str(path))
    except UsageError as error:
        raise MismatchError(str(error)) from error


def _facts(facts: dict[str, Any], path: Path) -> tuple[tuple[str, ...], float, float]:
    try:
        return tuple(str(name) for name in facts["classes"]), float(facts["mean"]), float(facts["spread"])
    except (KeyError, TypeError, ValueError) as error:
        raise MismatchError(
            f"{path} does not say its classes, mean and spread; it was not written by a run."
        ) from error


def _check_images(images: NDArray[np.uint8], plan: Plan) -> None:
    shape = plan.image_shape[1:]
    if not isinstance(images, np.ndarray):
        raise UsageError(f"Images are a {type(images).__name__}; they must be a NumPy array of uint8.")
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != shape:
        raise UsageError(
            f"Images are {images.dtype} with shape {images.shape}; they must be uint8 from 0 to 255 with shape "
            f"(n, {shape[0]}, {shape[1]})."
        )
