"""Candidates for our own recipe, and for settings no document states; docs/CHOICES.md says which were chosen.

Every group is a tuple of recipes; each trains on 50,000 images and is validated on the other 10,000.
"""

from dataclasses import replace
from typing import Any

from pennyweight.data.augment import Augmentation
from pennyweight.nets.layers import (
    CLASSES,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.optimizers import Adam, AdamW
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.schedules import Constant, OneCycle, ReduceLROnPlateau

EPOCHS, VALIDATION_IMAGES = 15, 10_000
STEP_1, STEP_2, STEP_3, SKIP_3 = (
    replace(published, validation_images=VALIDATION_IMAGES)
    for published in map(find_recipe, ("progressive-1", "progressive-2", "progressive-3", "skip-3"))
)


def block(channels: int, padding: int = 0, kernel: int = 3) -> tuple[Layer, ...]:
    """Return a convolution, its BatchNorm and a ReLU."""
    return Conv(channels, kernel=kernel, padding=padding), BatchNorm(), Relu()


def separable(channels: int, padding: int = 1) -> tuple[Layer, ...]:
    """Return a depthwise 3x3 convolution and a pointwise one, each with BatchNorm."""
    return Depthwise(3, padding=padding), BatchNorm(), *block(channels, kernel=1)


HEAD = (GlobalAvgPool(), Linear(CLASSES))


def wide(first: int, second: int, third: int, fourth: int, last: int, padding: int = 0) -> tuple[Layer, ...]:
    """Return two convolutions on the whole image, two on a half, one on a quarter."""
    return (
        *(*block(first, padding), *block(second, padding), MaxPool()),
        *(*block(third, padding), *block(fourth, padding), MaxPool()),
        *(*block(last, padding), *HEAD),
    )


def mixed(first: int, second: int, half: tuple[int, ...], quarter: tuple[int, ...], padding: int) -> tuple[Layer, ...]:
    """Return two convolutions on the whole image, separable ones on a half with `padding`, padded ones on a quarter."""
    return (
        *(*block(first), *block(second), MaxPool()),
        *(*(layer for channels in half for layer in separable(channels, padding)), MaxPool()),
        *(*(layer for channels in quarter for layer in separable(channels)), *HEAD),
    )


NARROW_START = wide(8, 10, 16, 16, 18)
THREE_AT_HALF = (
    *(*block(8), *block(10), MaxPool()),
    *(*block(12), *block(12), *block(12), MaxPool()),
    *(*block(20, 1), *HEAD),
)
FLAT_HEAD = (*NARROW_START[:-5], *block(14), Linear(CLASSES))
RESIDUAL = (
    *(*block(8), *block(12), MaxPool()),
    *(Residual((*block(12, 1), *block(12, 1))), *block(16), MaxPool()),
    *(*block(14), *HEAD),
)
THREE_AT_HALF_WIDE = (
    *(*block(8), *block(10), MaxPool()),
    *(*block(12), *block(12), *block(14), MaxPool()),
    *(*block(20, 1), *HEAD),
)
MOVED = Augmentation(rotation_degrees=5.0, shift_fraction=0.05, scale_low=0.95, scale_high=1.05)
MOVED_MORE = Augmentation(rotation_degrees=9.0, shift_fraction=0.08, scale_low=0.9, scale_high=1.1, shear_degrees=5.0)
BASE = Recipe(
    name="narrow-start",
    layers=NARROW_START,
    epochs=EPOCHS,
    optimizer=AdamW(learning_rate=0.02, weight_decay=1e-4),
    schedule=OneCycle(warmup_fraction=0.2),
    augmentation=MOVED,
    averaging=Averaging(decay=0.998),
    validation_images=VALIDATION_IMAGES,
)
DECAYED = replace(BASE, optimizer=AdamW(learning_rate=0.02, weight_decay=0.05))
SMOOTHED = replace(
    BASE,
    name="decay-0.02-smoothed",
    optimizer=AdamW(learning_rate=0.02, weight_decay=0.02),
    label_smoothing=0.05,
)
SMALL_BATCHES = replace(BASE, batch_images=64, optimizer=AdamW(learning_rate=0.015, weight_decay=1e-4))
OURS = (
    BASE,
    replace(BASE, name="even", layers=wide(10, 12, 14, 16, 18)),
    replace(BASE, name="even-padded", layers=wide(10, 12, 14, 16, 18, padding=1)),
    replace(BASE, name="wide-end", layers=wide(8, 10, 14, 18, 20)),
    replace(BASE, name="three-at-half", layers=THREE_AT_HALF),
    replace(BASE, name="flat-head", layers=FLAT_HEAD),
    replace(BASE, name="residual", layers=RESIDUAL),
    replace(BASE, name="separable", layers=mixed(10, 14, (24, 32), (36, 36), padding=1)),
    replace(BASE, name="no-average", averaging=Averaging()),
    replace(BASE, name="dropout", layers=(*NARROW_START[:-1], Dropout(0.05), NARROW_START[-1])),
    replace(BASE, name="smoothed", label_smoothing=0.05),
    replace(BASE, name="moved-more", augmentation=MOVED_MORE),
    replace(BASE, name="rate-0.01", optimizer=AdamW(learning_rate=0.01, weight_decay=1e-4)),
    replace(BASE, name="decay-0.02", optimizer=AdamW(learning_rate=0.02, weight_decay=0.02)),
    replace(SMALL_BATCHES, name="batch-64"),
    replace(DECAYED, name="decay-0.05"),
    replace(BASE, name="decay-0.1", optimizer=AdamW(learning_rate=0.02, weight_decay=0.1)),
    replace(DECAYED, name="decay-0.05-smoothed", label_smoothing=0.05),
    replace(DECAYED, name="decay-0.05-moved-more", augmentation=MOVED_MORE),
    replace(DECAYED, name="decay-0.05-wide-end", layers=wide(8, 10, 14, 18, 20)),
    replace(DECAYED, name="decay-0.05-separable", layers=mixed(10, 14, (28, 36), (40, 40), padding=1)),
    replace(DECAYED, name="decay-0.05-separable-valid", layers=mixed(8, 12, (24, 36), (40, 40), padding=0)),
    replace(BASE, name="three-at-half-wide", layers=THREE_AT_HALF_WIDE),
    SMOOTHED,
    replace(SMOOTHED, name="decay-0.02-smoothed-moved-more", augmentation=MOVED_MORE),
    replace(SMOOTHED, name="decay-0.02-smoothed-wide-end", layers=wide(8, 10, 14, 18, 20)),
    replace(SMOOTHED, name="decay-0.02-wide-end", layers=wide(8, 10, 14, 18, 20), label_smoothing=0.0),
    STEP_3,
)


def faster(recipe: Recipe) -> tuple[Recipe, ...]:
    """Return variants of a recipe whose document states no rate, batch or schedule: rates, smaller batches, a cycle."""
    first = replace(
        recipe, optimizer=Adam(learning_rate=0.001, weight_decay=1e-4), schedule=Constant(), batch_images=128
    )

    def changed(words: str, rate: float = 0.001, **settings: Any) -> Recipe:
        adam = Adam(learning_rate=rate, weight_decay=1e-4)
        return replace(first, name=f"{recipe.name}-{words}", optimizer=adam, **settings)

    return (
        first,
        changed("rate-0.003", 0.003),
        changed("rate-0.01", 0.01),
        changed("batch-32", batch_images=32),
        changed("batch-32-rate-0.003", 0.003, batch_images=32),
        changed("cycle-0.01", 0.01, schedule=OneCycle(warmup_fraction=0.2)),
    )


MOVED_LESS = replace(
    SKIP_3.augmentation, shift_fraction=0.05, scale_low=0.95, scale_high=1.05, perspective_distortion=0.1
)
PATIENT = replace(SKIP_3, schedule=ReduceLROnPlateau(factor=0.5, patience_epochs=1))
EAGER = ReduceLROnPlateau(factor=0.5, patience_epochs=1, threshold=0.1)
GROUPS: dict[str, tuple[Recipe, ...]] = {
    "pennyweight-8k": OURS,
    "progressive-1": faster(STEP_1),
    "progressive-2": faster(STEP_2),
    "skip-3": (
        PATIENT,
        replace(PATIENT, name="skip-3-moved-less", augmentation=MOVED_LESS),
        replace(SKIP_3, name="skip-3-eager", schedule=EAGER),
        replace(SKIP_3, name="skip-3-eager-moved-less", schedule=EAGER, augmentation=MOVED_LESS),
    ),
}
