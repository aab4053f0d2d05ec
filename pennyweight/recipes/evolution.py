"""Document 001, "MNIST CNN Model Training - Evolution Journey": a wide baseline and a network a quarter its size.

Its layer tables fix every layer. Its text says "~19K" for version 2, whose own table adds up to 99,746.

    pennyweight train evolution-v2
"""

from pennyweight.base.budget import Budget
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, Layer, Linear, MaxPool, Relu
from pennyweight.recipes import pytorch_defaults
from pennyweight.settings.optimizers import Adam, AdamW
from pennyweight.settings.recipe import Origin, PublishedResult, Recipe, with_unstated
from pennyweight.settings.schedules import Constant, Cosine

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


def _block(channels: int) -> tuple[Layer, ...]:
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
    origin=with_unstated(
        Origin(
            document=DOCUMENT,
            claim=PublishedResult(accuracy=98.47, split="test", which="final", epoch=20),
            recipe="evolution-v1",
            stated=("layers", "epochs", "optimizer", "schedule", "batch_images", "augmentation"),
            defaults=(*pytorch_defaults.PLAIN, *pytorch_defaults.ADAM, "optimizer.weight_decay", "validation_images"),
            note=(
                "The last convolution has neither BatchNorm nor ReLU, as in the document's table. Its transforms are "
                "listed in full, and a learning-rate schedule and augmentation are future work, so there is neither."
            ),
        )
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
    origin=with_unstated(
        Origin(
            document=DOCUMENT,
            claim=PublishedResult(accuracy=99.55, split="test", which="final", epoch=20),
            recipe="evolution-v2",
            stated=("layers", "epochs", "optimizer", "schedule", "batch_images", "augmentation"),
            defaults=(
                *pytorch_defaults.PLAIN,
                *pytorch_defaults.ADAM,
                "schedule.final_learning_rate",
                "validation_images",
            ),
            note="Its transforms are listed in full, and augmentation is future work, so there is none.",
        )
    ),
)

RECIPES = (V1, V2)
