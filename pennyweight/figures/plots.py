"""`pw.plots`: what Python users draw, each a matplotlib figure of runs, recipes or models, with its words.

>>> figure = pw.plots.curves(pw.records("progressive-3"))
>>> figure.savefig("curves.png", dpi=144)
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pennyweight.base.budget import Budget, budget_for
from pennyweight.base.errors import UsageError
from pennyweight.base.records import RunRecord, name_of
from pennyweight.base.stats import accuracy_summary
from pennyweight.data.dataset import Dataset
from pennyweight.data.sampling import augmented_samples
from pennyweight.figures import arrays, calibration, predictions, samples
from pennyweight.figures import curves as _curves
from pennyweight.figures import frontier as _frontier
from pennyweight.figures import network as _network
from pennyweight.figures import small_curves as _small_curves
from pennyweight.figures import staircase as _staircase
from pennyweight.figures import steps as _steps
from pennyweight.figures.layout import Picture
from pennyweight.figures.plane import Point
from pennyweight.figures.words import Words
from pennyweight.judging.ablation import AblationStep
from pennyweight.judging.seeds import finals_of
from pennyweight.nets.forward import forward
from pennyweight.nets.layers import Conv, Dropout
from pennyweight.recipes.catalogue import published
from pennyweight.runs.model import TrainedModel
from pennyweight.settings.recipe import Recipe

__all__ = [
    "augmented",
    "compare",
    "confusion",
    "curves",
    "feature_maps",
    "frontier",
    "kernels",
    "network",
    "per_class",
    "predicted",
    "reliability",
    "staircase",
    "steps",
    "worst_mistakes",
]

Records = RunRecord | Sequence[RunRecord]


def curves(records: Records, *, budget: Budget | None = None, width: int = 720) -> Figure:
    """Draw accuracy, loss and learning rate of one run, or of several seeds of one recipe as mean and band.

    `budget` is that of the published recipe unless given; `width` is in pixels, below 480 for a phone. Raises
    UsageError without records.
    """
    records = _listed(records)
    budget = budget or _budget(records)
    return _worded(_curves.curves(records, budget=budget, width=width), _curves.curves_words(records, budget=budget))


def compare(groups: Mapping[str, Records], *, budget: Budget | None = None, width: int = 1040) -> Figure:
    """Draw the accuracies of several groups of runs side by side on shared axes, each under its name."""
    listed = {name: _listed(records) for name, records in groups.items()}
    return _worded(
        _small_curves.small_curves(listed, budget=budget, width=width),
        _small_curves.small_curves_words(listed, budget=budget),
    )


def network(of: Recipe | TrainedModel, *, width: int = 1040) -> Figure:
    """Draw the network of a recipe or of a trained model: channels, maps, skips and receptive field."""
    plan = of.plan if isinstance(of, TrainedModel) else of.plan()
    return _worded(_network.network(plan, width=width), _network.network_words(plan))


def confusion(record: RunRecord, *, width: int = 520) -> Figure:
    """Draw which classes the final weights of a run confuse on its test images.

    Raises UsageError for a record without test images, or of an early version, which does not count its classes.
    """
    counts = _counts(record)
    return _worded(
        predictions.confusion(counts, record.classes, width=width), predictions.confusion_words(counts, record.classes)
    )


def per_class(record: RunRecord, *, width: int = 520) -> Figure:
    """Draw the accuracy of each class on the test images of a run; raises UsageError as `confusion` does."""
    counts = _counts(record)
    return _worded(
        predictions.per_class(counts, record.classes, width=width), predictions.per_class_words(counts, record.classes)
    )


def reliability(model: TrainedModel, dataset: Dataset, *, width: int = 520) -> Figure:
    """Draw whether a model's probabilities on the test images of a dataset can be believed."""
    probabilities = model.probabilities(dataset.test_images)
    right = probabilities.argmax(axis=1) == dataset.test_labels
    highest = probabilities.max(axis=1)
    return _worded(calibration.reliability(highest, right, width=width), calibration.reliability_words(highest, right))


def predicted(model: TrainedModel, dataset: Dataset, *, most: int = 20, width: int = 720) -> Figure:
    """Draw the first test images of a dataset with what a model predicts of each."""
    images = dataset.test_images[:most]
    listed = _samples(model, dataset, model.probabilities(images), np.arange(len(images)))
    return _worded(samples.predictions(images, listed, width=width), samples.predictions_words(listed))


def worst_mistakes(model: TrainedModel, dataset: Dataset, *, most: int = 12, width: int = 720) -> Figure:
    """Draw the test images that a model gets wrong and is surest of; raises UsageError where it makes no mistake."""
    probabilities = model.probabilities(dataset.test_images)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != dataset.test_labels)
    if not len(wrong):
        raise UsageError(f"{model.record.recipe} makes no mistake on the test images of {dataset.name}.")
    worst = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:most]
    listed = _samples(model, dataset, probabilities[worst], worst)
    images = dataset.test_images[worst]
    return _worded(samples.worst_mistakes(images, listed, width=width), samples.worst_mistakes_words(listed))


def augmented(
    recipe: Recipe, dataset: Dataset, *, images: int = 4, times: int = 6, seed: int = 0, width: int = 720
) -> Figure:
    """Draw the first training images of a dataset and what the first epochs of a run make of them."""
    originals = dataset.train_images[:images]
    moved = augmented_samples(originals, recipe.augmentation, seed=seed, times=times)
    return _worded(samples.augmented(originals, moved, width=width), samples.augmented_words(moved))


def kernels(model: TrainedModel, *, width: int = 520) -> Figure:
    """Draw the kernels of a model's first convolution; raises UsageError for a model without one."""
    first = next((node for node in model.plan.nodes if isinstance(node.operation, Conv)), None)
    if first is None:
        raise UsageError(f"{model.record.recipe} has no convolution.")
    weights = model.weights[first.weights[0].name]
    return _worded(arrays.kernels(weights, width=width), arrays.kernels_words(weights))


def feature_maps(model: TrainedModel, image: NDArray[np.uint8], *, most: int = 16, width: int = 1040) -> Figure:
    """Draw what each layer makes of one image, uint8 and shaped as the recipe's input; `most` channels of each."""
    values = forward(model.plan, model.weights, model.normalisation.apply(image[None]))
    maps = [
        (type(node.operation).__name__, values[node.number][0])
        for node in model.plan.nodes
        if not isinstance(node.operation, Dropout)
    ]
    return _worded(arrays.feature_maps(image, maps, width=width, most=most), arrays.feature_maps_words(maps))


def frontier(records: Sequence[RunRecord], *, budget: Budget | None = None, width: int = 720) -> Figure:
    """Draw recipes by parameters and accuracy, from the records of all their seeds, and which of them none beats."""
    points = _points(records)
    return _worded(
        _frontier.frontier(points, budget=budget, width=width), _frontier.frontier_words(points, budget=budget)
    )


def steps(
    records: Sequence[RunRecord],
    *,
    others: Sequence[RunRecord] = (),
    budget: Budget | None = None,
    width: int = 1040,
) -> Figure:
    """Draw recipes as steps from one to the next, in the order of their records, before `others` as quiet dots."""
    points, quiet = _points(records), _points(others)
    return _worded(
        _steps.steps(points, others=quiet, budget=budget, width=width),
        _steps.steps_words(points, others=quiet, budget=budget),
    )


def staircase(changes: Sequence[AblationStep], *, width: int = 720) -> Figure:
    """Draw what each change of an ablation gains."""
    return _worded(_staircase.staircase(changes, width=width), _staircase.staircase_words(changes))


# ---------------------------------------------------------------------------------------------------- values


def _worded(figure: Figure, words: Words) -> Figure:
    assert isinstance(figure, Picture)  # every figure here is drawn on `layout.canvas`
    figure.words = words
    return figure


def _listed(records: Records) -> Sequence[RunRecord]:
    return [records] if isinstance(records, RunRecord) else records


def _budget(records: Sequence[RunRecord]) -> Budget | None:
    """Return the budget of the published recipe for the data the records saw; None where it has none."""
    recipe = published(records[0].recipe) if records else None
    return budget_for(recipe.budgets, records[0].dataset) if recipe else None


def _counts(record: RunRecord) -> NDArray[np.int64]:
    counts = predictions.counts_of(record)
    if counts is None:
        raise UsageError(
            f"The record of {name_of(record)} does not say how many test images each class has: its test images were "
            "not evaluated, or it is of an early version."
        )
    return counts


def _samples(
    model: TrainedModel, dataset: Dataset, probabilities: NDArray[np.float32], indices: NDArray[np.integer]
) -> list[samples.Sample]:
    names = model.classes
    return [
        samples.Sample(names[int(dataset.test_labels[index])], names[int(one.argmax())], float(one.max()))
        for index, one in zip(indices, probabilities, strict=True)
    ]


def _points(records: Sequence[RunRecord]) -> list[Point]:
    """Return one point for neighbouring records of one name: parameters, and accuracy of the last epoch."""
    points = []
    for name, group in groupby(records, name_of):
        seeds = list(group)
        found = accuracy_summary(finals_of(seeds, "test"))
        low, high = (found.low, found.high) if found.n > 1 else (found.mean, found.mean)
        points.append(Point(name, seeds[0].params, found.mean, low, high, found.n))
    return points
