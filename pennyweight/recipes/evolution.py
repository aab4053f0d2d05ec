"""Document 001, "MNIST CNN Model Training - Evolution Journey": a wide baseline and a network a quarter its size.

Its layer tables fix every row. Its text says "~19K" for version 2, whose own table adds up to 99,746.

    pennyweight train evolution-v2
"""

from pennyweight.base.budget import Budget
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
