"""Document 003, "MNIST CNN - 99.4% Accuracy with <20k Parameters": one shape, with and without regularisation.

The only document that leaves the test set alone: it holds out 10,000 training images and stops at the first epoch
that reaches 99.40 % on them. Paddings are not stated; 1 everywhere is the usual reading of its sizes.

    pennyweight train compact-minimal
"""

from pennyweight.base.budget import Budget
from pennyweight.data.augment import Augmentation
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, Layer, MaxPool, Relu
from pennyweight.recipes import pytorch_defaults
from pennyweight.settings.optimizers import SGD
from pennyweight.settings.recipe import Origin, PublishedResult, Recipe, with_unstated
from pennyweight.settings.schedules import StepLR

DOCUMENT = "003 MNIST CNN - 99.4% Accuracy with <20k Parameters"

BUDGETS = (
    Budget(
        dataset="mnist",
        max_params=19_999,
        max_epochs=19,
        accuracy=99.4,
        hold_epochs=1,
        split="val",
        reason="The document asks for 99.4 % on its hold-out with fewer than 20k parameters in fewer than 20 epochs.",
    ),
)

_STATED = ("layers", "epochs", "optimizer", "schedule", "batch_images", "validation_images")
_SUGGESTED = ("layers.padding",)
_DEFAULTS = (*pytorch_defaults.PLAIN, *pytorch_defaults.SGD)
_NOTE = (
    "Paddings are our choice. The drop at epoch 7 is a step of 6 epochs; ours is a stratified hold-out. "
    "Both of its runs stop at the first epoch at 99.40 %, and the test set is not used."
)


def _block(channels: int) -> tuple[Layer, ...]:
    return Conv(channels, padding=1, bias=True), BatchNorm(), Relu()


_HEAD: tuple[Layer, ...] = (Conv(CLASSES, padding=1, bias=True), GlobalAvgPool())

REGULARIZED = Recipe(
    name="compact-regularized",
    layers=(
        *(*_block(8), *_block(14), MaxPool(), Dropout(0.05)),
        *(*_block(16), *_block(20), MaxPool(), Dropout(0.05)),
        *(*_block(24), *_block(28), *_HEAD),
    ),
    epochs=12,
    optimizer=SGD(learning_rate=0.1, momentum=0.9, weight_decay=1e-4),
    schedule=StepLR(step_epochs=6, factor=0.1),
    augmentation=Augmentation(rotation_degrees=5.0),
    validation_images=10_000,
    budgets=BUDGETS,
    origin=with_unstated(
        Origin(
            document=DOCUMENT,
            claim=PublishedResult(accuracy=99.40, split="val", which="final", epoch=12),
            recipe="compact-regularized",
            stated=(*_STATED, "augmentation.rotation_degrees"),
            suggested=_SUGGESTED,
            defaults=(*_DEFAULTS, "augmentation"),
            note=_NOTE,
        )
    ),
)

MINIMAL = Recipe(
    name="compact-minimal",
    layers=(
        *(*_block(8), *_block(12), MaxPool()),
        *(*_block(14), *_block(16), MaxPool()),
        *(*_block(20), *_block(24), *_HEAD),
    ),
    epochs=8,
    optimizer=SGD(learning_rate=0.1, momentum=0.9, weight_decay=1e-4),
    schedule=StepLR(step_epochs=6, factor=0.1),
    validation_images=10_000,
    budgets=BUDGETS,
    origin=with_unstated(
        Origin(
            document=DOCUMENT,
            claim=PublishedResult(accuracy=99.41, split="val", which="final", epoch=8),
            recipe="compact-minimal",
            stated=(*_STATED, "augmentation"),
            suggested=_SUGGESTED,
            defaults=_DEFAULTS,
            note=_NOTE,
        )
    ),
)

RECIPES = (REGULARIZED, MINIMAL)
