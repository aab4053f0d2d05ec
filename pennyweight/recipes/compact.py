"""Document 003, "MNIST CNN - 99.4% Accuracy with <20k Parameters": one shape, with and without regularisation.

The only document that leaves the test set alone: it holds out 10,000 training images and stops at the first epoch
that reaches 99.40 % on them. Paddings are not stated; 1 everywhere is the usual reading of its sizes.

    pennyweight train compact-minimal
"""

from pennyweight.base.budget import Budget
from pennyweight.base.claims import (
    Better,
    Contains,
    DocumentClaim,
    FollowedBy,
    Logged,
    NoRegularization,
    ParameterCount,
    ParameterLimit,
    Reached,
    ReceptiveField,
    SavedByPooling,
    ShareOfLimit,
    TargetEpoch,
)
from pennyweight.data.augment import Augmentation
from pennyweight.nets.rows import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, MaxPool, Relu, Row
from pennyweight.training.optimizers import SGD
from pennyweight.training.recipe import Claim, Origin, Recipe
from pennyweight.training.schedules import StepLR

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

_STATED = ("epochs", "optimizer", "schedule", "batch_images", "augmentation", "validation_images")


def _block(channels: int) -> tuple[Row, ...]:
    return Conv(channels, padding=1, bias=True), BatchNorm(), Relu()


_HEAD: tuple[Row, ...] = (Conv(CLASSES, padding=1, bias=True), GlobalAvgPool())

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
    origin=Origin(
        document=DOCUMENT,
        claim=Claim(accuracy=99.40, split="val", which="final", epoch=12),
        stated=_STATED,
        suggested=("layers", "label_smoothing", "averaging"),
        note="Paddings are our choice. The drop at epoch 7 is a step of 6 epochs; ours is a stratified hold-out.",
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
    origin=Origin(
        document=DOCUMENT,
        claim=Claim(accuracy=99.41, split="val", which="final", epoch=8),
        stated=_STATED,
        suggested=("layers", "label_smoothing", "averaging"),
        note="Paddings are our choice. The drop at epoch 7 is a step of 6 epochs; ours is a stratified hold-out.",
    ),
)

RECIPES = (REGULARIZED, MINIMAL)

CLAIMS: tuple[DocumentClaim, ...] = (
    ParameterCount("Regularized Model (19,204 parameters)", "compact-regularized", 19_204),
    ParameterCount("Minimal Model (14,116 parameters)", "compact-minimal", 14_116),
    ParameterLimit("Both variants under 20k parameters", "compact-regularized", 20_000, included=False),
    ParameterLimit("Both variants under 20k parameters", "compact-minimal", 20_000, included=False),
    ShareOfLimit("70.6%", "compact-minimal", 20_000, 70.6),
    ShareOfLimit("96.0%", "compact-regularized", 20_000, 96.0),
    FollowedBy(
        "BatchNorm2d applied after every convolution layer except the final output layer",
        "compact-regularized",
        "BatchNorm",
        with_last=False,
    ),
    Contains("Dropout implemented in regularized model", "compact-regularized", "Dropout"),
    NoRegularization("Minimal Model: No regularization", "compact-minimal"),
    Contains("Eliminates fully connected layers", "compact-regularized", "Linear", present=False),
    ReceptiveField("Complete Receptive Field: 28x28 coverage by final convolution", "compact-regularized", 28),
    SavedByPooling("Eliminated ~2,400 FC parameters", "compact-minimal", 2_400),
    Reached("Epoch 12: Train=99.74%", "compact-regularized", 99.74, "train", "final"),
    Reached("99.40% validation accuracy in 12 epochs", "compact-regularized", 99.40, "val", "final"),
    Reached("Epoch 8: Train=99.85%", "compact-minimal", 99.85, "train", "final"),
    Reached("99.41% validation accuracy in 8 epochs", "compact-minimal", 99.41, "val", "final"),
    TargetEpoch("Epochs to 99.4%: 12", "compact-regularized", 99.4, "val", 12),
    TargetEpoch("Epochs to 99.4%: 8", "compact-minimal", 99.4, "val", 8),
    Logged("Epoch 12: Train=99.74%, Val=99.40% TARGET ACHIEVED", (99.40,), 99.4, 0.01),
    Logged("Epoch 8: Train=99.85%, Val=99.41% TARGET ACHIEVED", (99.41,), 99.4, 0.01),
    Better("Generalization: Better (regularized)", "compact-regularized", ("compact-minimal",), "val"),
)
"""What the document says that can be checked, in its order."""
