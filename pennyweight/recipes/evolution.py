"""Document 001, "MNIST CNN Model Training - Evolution Journey": a wide baseline and a network a quarter its size.

Its layer tables fix every row. Its text says "~19K" for version 2, whose own table adds up to 99,746.

    pennyweight train evolution-v2
"""

from pennyweight.base.budget import Budget
from pennyweight.base.claims import (
    Better,
    Channels,
    Contains,
    Convolutions,
    DocumentClaim,
    FirstWith,
    FollowedBy,
    LayerTable,
    Logged,
    NoRegularization,
    ParameterCount,
    ParameterLimit,
    Reached,
    Reduction,
)
from pennyweight.nets.rows import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, Linear, MaxPool, Relu, Row
from pennyweight.training.optimizers import Adam, AdamW
from pennyweight.training.recipe import Claim, Origin, Recipe
from pennyweight.training.schedules import Constant, Cosine

DOCUMENT = "001 MNIST CNN Model Training - Evolution Journey"

BUDGETS = (
    Budget(
        dataset="mnist",
        max_params=19_999,
        max_epochs=20,
        accuracy=99.4,
        hold_epochs=1,
        reason="It aims at 99.4 % with fewer than 20k parameters, trains 20 epochs and reports the final one.",
    ),
)


def _block(channels: int) -> tuple[Row, ...]:
    return Conv(channels, padding=1, bias=True), BatchNorm(), Relu()


V1 = Recipe(
    name="evolution-v1",
    layers=(
        *(*_block(8), *_block(16), MaxPool()),
        *(*_block(32), *_block(64), MaxPool()),
        *(*_block(128), Conv(256, padding=1, bias=True), GlobalAvgPool()),
        *(Linear(100), Relu(), Linear(CLASSES)),
    ),
    epochs=20,
    optimizer=Adam(learning_rate=0.001),
    schedule=Constant(),
    budgets=BUDGETS,
    origin=Origin(
        document=DOCUMENT,
        claim=Claim(accuracy=98.47, split="test", which="final", epoch=20),
        stated=("layers", "epochs", "optimizer", "batch_images"),
        suggested=("schedule", "label_smoothing", "averaging", "augmentation", "validation_images"),
        note="The last convolution has neither BatchNorm nor ReLU, as in the document's table.",
    ),
)

V2 = Recipe(
    name="evolution-v2",
    layers=(
        *(*_block(12), *_block(24), MaxPool()),
        *(*_block(48), *_block(48), MaxPool()),
        *(*_block(64), *_block(64), GlobalAvgPool()),
        *(Dropout(0.1), Linear(CLASSES)),
    ),
    epochs=20,
    optimizer=AdamW(learning_rate=0.001, weight_decay=1e-4),
    schedule=Cosine(),
    budgets=BUDGETS,
    origin=Origin(
        document=DOCUMENT,
        claim=Claim(accuracy=99.55, split="test", which="final", epoch=20),
        stated=("layers", "epochs", "optimizer", "schedule", "batch_images"),
        suggested=("label_smoothing", "averaging", "augmentation", "validation_images"),
    ),
)

RECIPES = (V1, V2)

CLAIMS: tuple[DocumentClaim, ...] = (
    LayerTable(
        "Total params: 420,614",
        "evolution-v1",
        (80, 16, 1_168, 32, 4_640, 64, 18_496, 128, 73_856, 256, 295_168, 25_700, 1_010),
        420_614,
    ),
    Convolutions("6 Convolutional Layers", "evolution-v1", 6),
    FollowedBy("Batch Normalization: Applied after each convolution", "evolution-v1", "BatchNorm", with_last=True),
    Contains("Fully Connected Layers: Final classification layers", "evolution-v1", "Linear"),
    NoRegularization("No regularization", "evolution-v1"),
    Reached("Final Accuracy, training: 99.65%", "evolution-v1", 99.65, "train", "final"),
    Reached("Final Accuracy, testing: 98.47%", "evolution-v1", 98.47, "test", "final"),
    ParameterCount("99,746", "evolution-v2", 99_746),
    LayerTable(
        "Total params: ~19,000",
        "evolution-v2",
        (120, 24, 2_616, 48, 10_416, 96, 20_784, 96, 27_712, 128, 36_928, 128, 650),
        19_000,
    ),
    ParameterCount("~19K parameters", "evolution-v2", 19_000, nearest=1_000),
    ParameterLimit("Target compliance (<20K parameters achieved)", "evolution-v2", 20_000, included=False),
    Reduction("95%+ fewer parameters than V1", "evolution-v1", "evolution-v2", 95.0),
    Channels("Efficient channel progression (1→12→24→48→48→64→64)", "evolution-v2", (12, 24, 48, 48, 64, 64, 10)),
    Contains(
        "Global Average Pooling: Eliminates large fully connected layers", "evolution-v2", "Linear", present=False
    ),
    FirstWith("Large FC layers → Global Average Pooling", "evolution-v2", "GlobalAvgPool", ("evolution-v1",)),
    FollowedBy("Batch Normalization: Applied after each convolution", "evolution-v2", "BatchNorm", with_last=True),
    Reached("Final Accuracy, training: 100.00%", "evolution-v2", 100.0, "train", "final"),
    Reached("Final Accuracy, testing: 99.55%", "evolution-v2", 99.55, "test", "final"),
    Logged("Epochs 18 to 20: 99.55, 99.54, 99.55", (99.55, 99.54, 99.55), 99.4, 0.01),
    Better("98.47% (V1) to 99.55% (V2)", "evolution-v2", ("evolution-v1",), "test"),
)
"""What the document says that can be checked, in its order."""
