"""A look into one finished run: its prediction of every test image, and the arrays behind pictures of its weights."""

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pennyweight.data.dataset import Dataset
from pennyweight.data.sampling import augmented_samples
from pennyweight.nets.forward import forward
from pennyweight.nets.layers import BatchNorm, Conv, Dropout, Relu
from pennyweight.nets.plan import Plan
from pennyweight.pages.evidence import Array, FeatureMap, Inspection
from pennyweight.runs.model import TrainedModel, load_trained
from pennyweight.settings.recipe import Recipe

SAMPLES, WORST, ORIGINALS, TIMES = 10, 12, 4, 4
"""Test images that are shown, mistakes among them, training images that are moved, and how often each is."""
CHANNELS = 8
"""Channels of a feature map that are kept."""


def inspect_run(folder: Path, dataset: Dataset) -> Inspection:
    """Return a look into the finished run in `folder`, whose data `dataset` is.

    Raises what `runs.model.load_trained` raises, and UsageError for images that are not those of the network.
    """
    trained = load_trained(folder)
    images, labels = dataset.test_images, dataset.test_labels
    probabilities = trained.probabilities(images)
    predicted = probabilities.argmax(axis=1)
    in_bytes = np.round(255 * probabilities.max(axis=1)).astype(np.uint8)
    indices = _shown(labels, predicted, in_bytes)
    first_right = int(np.argmax(predicted == labels))
    originals, moved = _augmented(trained.recipe, dataset.train_images, trained.record.seed)
    return Inspection(
        run=f"{trained.record.recipe} seed {trained.record.seed}",
        seed=trained.record.seed,
        weights_sha256=trained.record.weights_sha256,
        labels=np.array(labels),
        predicted=predicted.astype(labels.dtype),
        probability_bytes=in_bytes,
        indices=indices,
        images=np.ascontiguousarray(images[indices]),
        originals=originals,
        moved=moved,
        kernels=_kernels(trained),
        mapped=np.ascontiguousarray(images[first_right]),
        maps=_maps(trained, images[first_right : first_right + 1]),
    )


def worst_first(labels: Array, predicted: Array, in_bytes: Array) -> NDArray[np.int64]:
    """Return the indices of the mistakes, those the network was surest of first, equal ones by index."""
    wrong = np.flatnonzero(labels != predicted)
    ordered: NDArray[np.int64] = wrong[np.argsort(-in_bytes[wrong].astype(np.int64), kind="stable")]
    return ordered


def first_samples(labels: Array, most: int = SAMPLES) -> NDArray[np.int64]:
    """Return the indices of the first test images of each class, in turn, at most `most`."""
    classes = np.unique(labels)[:most]
    places = [np.flatnonzero(labels == one)[: max(1, most // len(classes))] for one in classes]
    return cast(NDArray[np.int64], np.concatenate(places)) if places else np.zeros(0, np.int64)


def _shown(labels: Array, predicted: Array, in_bytes: Array) -> Array:
    worst = worst_first(labels, predicted, in_bytes)[:WORST]
    return np.unique(np.concatenate([first_samples(labels), worst])).astype(np.int32)


def _kernels(trained: TrainedModel) -> Array:
    """Return the weights of the first convolution, (out, in, k, k); empty where there is none."""
    first = next((node for node in trained.plan.nodes if isinstance(node.operation, Conv)), None)
    return np.zeros((0, 0, 0, 0), np.float32) if first is None else trained.weights[first.weights[0].name]


def _maps(trained: TrainedModel, image: NDArray[np.uint8]) -> tuple[FeatureMap, ...]:
    """Return what the blocks of the network make of one image: the maps that the next block reads."""
    values = forward(trained.plan, trained.weights, trained.normalisation.apply(image))
    return tuple(_map(number, values[number][0]) for number in _block_ends(trained.plan))


def _map(number: int, values: Array) -> FeatureMap:
    """Return the first channels of a map (c, h, w), from their lowest value to their highest."""
    kept = values[:CHANNELS]
    low, high = float(kept.min()), float(kept.max())
    scaled = np.round((kept - low) * (255 / (high - low))) if high > low else np.zeros_like(kept)
    return FeatureMap(f"layer {number}", scaled.astype(np.uint8), low, high, len(values))


def _block_ends(plan: Plan) -> list[int]:
    """Return the nodes whose maps are read by something else than what only rescales or clips them."""
    same_map = (BatchNorm, Relu, Dropout)
    read_on = {node.inputs[0] for node in plan.nodes if isinstance(node.operation, same_map)}
    shapes = {node.number: node.output_shape for node in plan.nodes}
    return [number for number, (_, rows, columns) in shapes.items() if rows * columns > 1 and number not in read_on]


def _augmented(recipe: Recipe, images: NDArray[np.uint8], seed: int) -> tuple[Array, Array]:
    """Return the first training images, and each as the first epochs of a run with this seed move it."""
    originals = np.ascontiguousarray(images[:ORIGINALS])
    if not recipe.augmentation.moves_images:
        return originals[:0], originals[:0, None]
    return originals, augmented_samples(originals, recipe.augmentation, seed=seed, times=TIMES)
