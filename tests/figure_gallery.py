"""Every figure with values from the published records, and with values that are hard on it, by name."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TypeAlias

import numpy as np
from matplotlib.figure import Figure
from support import BUDGET, epoch_row, mnist_plan, run_record

import pennyweight as pw
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import Difference, Summary
from pennyweight.data.sampling import augmented_samples
from pennyweight.figures import arrays, curves, frontier, network, predictions, samples, small_curves, staircase, steps
from pennyweight.figures.plane import Point
from pennyweight.figures.words import Words
from pennyweight.judging.ablation import AblationStep
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, Layers, Relu, Residual

Case: TypeAlias = tuple[Callable[[int], Figure], Words]
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@cache
def published_runs(name: str) -> tuple[RunRecord, ...]:
    """Return the published runs of a recipe on MNIST by the native engine."""
    return tuple(pw.records(name, dataset="mnist", engine="native"))


def stepped_run(rates: list[float], *, seed: int = 0) -> RunRecord:
    """Return a run whose epochs ended with these learning rates, a little better in each."""
    rows = tuple(
        epoch_row(number, test=9_800 + 10 * number, learning_rate=rate) for number, rate in enumerate(rates, start=1)
    )
    return replace(run_record([9_800] * len(rates), seed=seed), epochs=rows)


def nested_layers() -> Layers:
    """Return a network with a residual in a residual, and one beside it."""
    inner = Residual((Conv(8, padding=1), Relu()))
    return (
        Conv(8, padding=1),
        Residual((Conv(8, padding=1), inner, Relu()), (Conv(8, kernel=1),)),
        Residual((Conv(8, padding=1), Relu())),
        Conv(CLASSES),
        GlobalAvgPool(),
    )


def made_up_steps() -> list[AblationStep]:
    """Return an ablation with a gain that is shown, one that is not, a loss, and a single run."""

    def summary(mean: float, n: int = 5) -> Summary:
        half = 0.1 if n > 1 else float("inf")
        return Summary(n, mean, 0.1, mean - half, mean + half)

    return [
        AblationStep("the first", "first", 1_000, summary(98.0), None),
        AblationStep("+ a change with rather many words about it", "second", 1_100, summary(99.0), gain(1.0, 0.5, 1.5)),
        AblationStep("+ dropout", "third", 1_100, summary(99.05), gain(0.05, -0.1, 0.2)),
        AblationStep("- augmentation", "fourth", 1_100, summary(98.6, 1), gain(-0.45, -0.6, -0.3)),
    ]


def gain(mean: float, low: float, high: float) -> Difference:
    """Return a difference with its interval."""
    return Difference(mean, low, high, 0.01)


def crowded_points() -> list[Point]:
    """Return many recipes in one place."""
    return [
        Point(f"a-long-name-{n}", 5_000 + 40 * n, 99.2 + 0.003 * n, 99.15 + 0.003 * n, 99.25 + 0.003 * n, 5)
        for n in range(20)
    ]


def few_points() -> list[Point]:
    """Return four recipes of which three are on the frontier, one with a single seed."""
    return [
        Point("small", 1_674, 96.8, 96.4, 97.2, 10),
        Point("middle", 5_208, 98.8, 98.7, 98.9, 10),
        Point("wasteful", 420_614, 98.5, 98.5, 98.5, 1),
        Point("large", 99_746, 99.56, 99.5, 99.62, 5),
    ]


def counts() -> np.ndarray:
    """Return predictions of ten classes, the last of which is never predicted."""
    generator = np.random.default_rng(3)
    table = generator.integers(0, 12, (10, 10)) * (generator.random((10, 10)) < 0.4) + np.diag([970] * 9 + [0])
    table[:, 9] = 0
    return table


def cases() -> dict[str, Case]:
    """Return every figure by name: how to draw it at a width, and its words."""
    found: dict[str, Case] = {}
    runs = {
        "seeds": published_runs("progressive-3"),
        "one run": published_runs("skip-3")[:1],
        "a validation set": published_runs("compact-minimal"),
        "one epoch": (stepped_run([0.1]),),
        "rate drops": tuple(stepped_run([0.1] * 6 + [0.01] * 6 + [0.001] * 3, seed=seed) for seed in range(3)),
        "stopped early": (stepped_run([0.1] * 9), stepped_run([0.1] * 5, seed=1)),
        "training alone": (run_record([None] * 4),),
    }
    for name, records in runs.items():
        found[f"curves: {name}"] = (
            lambda width, records=records: curves.curves(records, budget=BUDGET, width=width),
            curves.curves_words(records, budget=BUDGET),
        )
    groups = {name: published_runs(name) for name in ("progressive-1", "progressive-2", "progressive-3", "skip-3")}
    found["small curves"] = (
        lambda width: small_curves.small_curves(groups, budget=BUDGET, width=width),
        small_curves.small_curves_words(groups, budget=BUDGET),
    )
    plans = {name: pw.recipe(name).plan() for name in ("pennyweight-8k", "skip-3", "evolution-v1")}
    for name, plan in {**plans, "nested": mnist_plan(nested_layers())}.items():
        found[f"network: {name}"] = (
            lambda width, plan=plan: network.network(plan, width=width),
            network.network_words(plan),
        )
    for name, points in (("few", few_points()), ("crowded", crowded_points())):
        found[f"frontier: {name}"] = (
            lambda width, points=points: frontier.frontier(points, budget=BUDGET, width=width),
            frontier.frontier_words(points, budget=BUDGET),
        )
    found["steps"] = (
        lambda width: steps.steps(few_points(), others=crowded_points(), budget=BUDGET, width=width),
        steps.steps_words(few_points(), others=crowded_points(), budget=BUDGET),
    )
    found["staircase"] = (
        lambda width: staircase.staircase(made_up_steps(), width=width),
        staircase.staircase_words(made_up_steps()),
    )
    return found | _prediction_cases() | _image_cases()


def _prediction_cases() -> dict[str, Case]:
    table, generator = counts(), np.random.default_rng(4)
    probabilities = np.concatenate([generator.random(200), np.full(800, 0.999)])
    right = generator.random(1_000) < probabilities
    found: dict[str, Case] = {}
    for name, classes in (("digits", tuple("0123456789")), ("clothes", CLOTHES)):
        found[f"confusion: {name}"] = (
            lambda width, classes=classes: predictions.confusion(table, classes, width=width),
            predictions.confusion_words(table, classes),
        )
        found[f"per class: {name}"] = (
            lambda width, classes=classes: predictions.per_class(table, classes, width=width),
            predictions.per_class_words(table, classes),
        )
    found["reliability"] = (
        lambda width: predictions.reliability(probabilities, right, width=width),
        predictions.reliability_words(probabilities, right),
    )
    return found


def _image_cases() -> dict[str, Case]:
    digits = pw.dataset("digits")
    images = digits.test_images[:14]
    listed = [
        samples.Sample(str(label), str(label if number % 3 else 8), 0.5 + number / 30)
        for number, label in enumerate(digits.test_labels[:14])
    ]
    clothes = [replace(one, label=CLOTHES[int(one.label)], predicted=CLOTHES[int(one.predicted)]) for one in listed]
    moved = augmented_samples(images[:3], pw.recipe("progressive-3").augmentation, seed=0, times=6)
    weights = np.random.default_rng(5).normal(size=(10, 3, 3, 3)).astype(np.float32)
    maps = [("Conv", np.random.default_rng(6).normal(size=(12, 26, 26))), ("Linear", np.ones((10, 1, 1)))]
    return {
        "predictions": (
            lambda width: samples.predictions(images, listed, width=width),
            samples.predictions_words(listed),
        ),
        "worst mistakes": (
            lambda width: samples.worst_mistakes(images, listed, width=width),
            samples.worst_mistakes_words(listed),
        ),
        "predictions of clothes": (
            lambda width: samples.predictions(images, clothes, width=width),
            samples.predictions_words(clothes),
        ),
        "worst mistakes of clothes": (
            lambda width: samples.worst_mistakes(images, clothes, width=width),
            samples.worst_mistakes_words(clothes),
        ),
        "augmented": (
            lambda width: samples.augmented(images[:3], moved, width=width),
            samples.augmented_words(moved),
        ),
        "kernels": (lambda width: arrays.kernels(weights, width=width), arrays.kernels_words(weights)),
        "feature maps": (
            lambda width: arrays.feature_maps(images[0], maps, width=width),
            arrays.feature_maps_words(maps),
        ),
    }
