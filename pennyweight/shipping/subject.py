"""What is exported: a trained network, and the images that show whether an export agrees with it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.data.dataset import Dataset
from pennyweight.data.sources import has_command
from pennyweight.nets.fold import FoldedNetwork, fold_batchnorm
from pennyweight.nets.forward import predict_logits
from pennyweight.runs.model import TrainedModel


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network, and the dataset it was trained on where that is there; raises UsageError for another one."""

    model: TrainedModel
    dataset: Dataset | None

    def __post_init__(self) -> None:
        """Check that the network reads the images of the dataset and tells apart its classes."""
        model, dataset = self.model, self.dataset
        if dataset is not None and (dataset.class_names, dataset.input) != (model.classes, model.recipe.input):
            raise UsageError(
                f"'{model.recipe.name}' reads {model.recipe.input} and tells apart {', '.join(model.classes)}; "
                f"{dataset.name} has {dataset.input} and {', '.join(dataset.class_names)}."
            )

    @cached_property
    def folded(self) -> FoldedNetwork:
        """The network for inference alone: BatchNorm folded where that is exact, no dropout, float64 weights."""
        return fold_batchnorm(self.model.plan, self.model.weights)

    @property
    def images(self) -> Dataset:
        """The dataset; raises UnavailableError where it is missing."""
        if self.dataset is None:
            name = self.model.record.dataset
            way = f": 'pennyweight fetch {name}' gets them." if has_command(name) else "."
            raise UnavailableError(
                f"The images of {name}, which '{self.model.recipe.name}' was trained on, are not here{way}"
            )
        return self.dataset

    @cached_property
    def logits(self) -> NDArray[np.float32]:
        """The logits of the test images, (n, classes), by the NumPy forward pass of the network as it was trained."""
        normalised = self.model.normalisation.apply(self.images.test_images)
        logits: NDArray[np.float32] = predict_logits(self.model.plan, self.model.weights, normalised)
        return logits
