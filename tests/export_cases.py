"""Networks to export that nobody trained: any layers, random weights, and random images of any shape."""

import numpy as np
from network_cases import Network, random_weights
from support import run_record

from pennyweight.base.input import Input
from pennyweight.data.dataset import Dataset
from pennyweight.data.normalisation import Normalisation
from pennyweight.nets.layers import CLASSES, AvgPool, BatchNorm, Conv, Depthwise, Linear, MaxPool, Relu
from pennyweight.runs.model import TrainedModel
from pennyweight.settings.optimizers import SGD
from pennyweight.settings.recipe import Recipe
from pennyweight.shipping.subject import Subject

KEPT_BATCHNORM = Network(
    (
        *(Conv(4, 3, 1), Relu(), BatchNorm(), Conv(5, 3, padding=1), Relu(), BatchNorm(), MaxPool()),
        *(Relu(), BatchNorm(), Depthwise(3, 1), BatchNorm(), Relu(), BatchNorm(), AvgPool(2), Linear(CLASSES)),
    ),
    (1, 12, 14),
    5,
)
"""ReLU before BatchNorm, and a padded border behind it: to fold it into the next layer would be wrong."""


def subject_of(network: Network, images: int = 20, seed: int = 1) -> Subject:
    """Return a network with random weights, float32, and random images: all 0, all 255, and noise."""
    channels, rows, columns = network.image_shape
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 256, (images, channels, rows, columns), dtype=np.uint8)
    pixels[0], pixels[1] = 0, 255
    if channels == 1:
        pixels = pixels[:, 0]
    labels = draw.integers(0, network.classes, images).astype(np.uint8)
    names = tuple(f"class {number}" for number in range(network.classes))
    recipe = Recipe(
        name="made-up",
        layers=network.layers,
        epochs=1,
        optimizer=SGD(learning_rate=0.1),
        input=Input(channels, rows, columns),
    )
    weights = {name: array.astype(np.float32) for name, array in random_weights(network.plan, seed).items()}
    figures = draw.uniform(0.1, 0.5, (2, channels))
    normalisation = Normalisation(*(tuple(map(float, one)) for one in figures))
    model = TrainedModel(recipe, weights, run_record([images]), names, normalisation, "made up")
    return Subject(model, Dataset("noise", names, pixels, labels, pixels, labels))
