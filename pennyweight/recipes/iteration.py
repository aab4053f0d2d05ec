"""Document 004, "MNIST Classification : Model development using advanced CNN's": three iterations under 8,000.

Its layer tables fix every row, ReLU before BatchNorm throughout. Dropout rates, batch sizes and the third
optimizer are not in the document; where its author's public scripts name them, those values are suggested.

    pennyweight train iteration-3
"""

from pennyweight.base.budget import Budget
from pennyweight.base.claims import (
    Channels,
    DocumentClaim,
    FirstWith,
    FollowedBy,
    Held,
    LastKernel,
    LayerTable,
    Logged,
    ParameterLimit,
    Reached,
)
from pennyweight.data.augment import Augmentation
from pennyweight.nets.rows import CLASSES, AvgPool, BatchNorm, Conv, Dropout, GlobalAvgPool, MaxPool, Relu, Row
from pennyweight.training.optimizers import SGD, Adagrad, Adam
from pennyweight.training.recipe import Claim, Origin, Recipe
from pennyweight.training.schedules import Constant, OneCycle

DOCUMENT = "004 MNIST Classification : Model development using advanced CNN's"

BUDGETS = (
    Budget(
        dataset="mnist",
        max_params=7_999,
        max_epochs=15,
        accuracy=99.4,
        hold_epochs=3,
        reason="The document asks for 99.4 % with fewer than 8000 parameters, evident in the last 3 of 15 epochs.",
    ),
)


def _block(channels: int, padding: int = 0, bias: bool = True) -> tuple[Row, ...]:
    return Conv(channels, padding=padding, bias=bias), Relu(), BatchNorm()


ITERATION_1 = Recipe(
    name="iteration-1",
    layers=(
        *(*_block(10), *_block(8), *_block(10), MaxPool(), Dropout(0.25)),
        *(*_block(8), Conv(10, bias=True)),
        Conv(CLASSES, kernel=7, bias=True),
    ),
    epochs=15,
    optimizer=Adam(learning_rate=1e-4),
    schedule=Constant(),
    batch_images=16,
    budgets=BUDGETS,
    origin=Origin(
        document=DOCUMENT,
        claim=Claim(accuracy=98.8, split="test", which="final", epoch=15),
        stated=("layers", "epochs", "optimizer"),
        suggested=("schedule", "batch_images", "label_smoothing", "averaging", "augmentation", "validation_images"),
        note="The table shows a dropout without its rate; 0.25 and batches of 16 are from the author's public script.",
    ),
)

ITERATION_2 = Recipe(
    name="iteration-2",
    layers=(
        *(*_block(20), Dropout(0.1), *_block(10), Dropout(0.1), *_block(20), MaxPool()),
        *(*_block(10), Dropout(0.1), *_block(10), Dropout(0.1), *_block(12, padding=1), Dropout(0.1)),
        *(AvgPool(7), Conv(CLASSES, kernel=1, bias=True)),
    ),
    epochs=15,
    optimizer=SGD(learning_rate=0.01, momentum=0.1),
    schedule=Constant(),
    batch_images=16,
    budgets=BUDGETS,
    origin=Origin(
        document=DOCUMENT,
        claim=Claim(accuracy=98.9, split="test", which="final", epoch=15),
        stated=("layers", "epochs", "optimizer"),
        suggested=(
            *(
                "optimizer.nesterov",
                "optimizer.weight_decay",
                "schedule",
                "batch_images",
                "label_smoothing",
                "averaging",
            ),
            *("augmentation", "validation_images"),
        ),
        note=(
            "Follows the document's SGD with momentum 0.1; its author's public script trains with Adam 1e-4 instead: "
            "-s optimizer=Adam -s optimizer.learning_rate=0.0001."
        ),
    ),
)

ITERATION_3 = Recipe(
    name="iteration-3",
    layers=(
        *(*_block(6, bias=False), *_block(12, bias=False), MaxPool()),
        *(*_block(12, bias=False), *_block(12, bias=False), MaxPool()),
        *(*_block(12, bias=False), Conv(CLASSES, kernel=2), GlobalAvgPool()),
    ),
    epochs=15,
    optimizer=Adagrad(learning_rate=0.75),
    schedule=OneCycle(warmup_fraction=0.3, start_divisor=7.5, final_divisor=7.5, cycle_momentum=False),
    augmentation=Augmentation(rotation_degrees=15.0, shift_fraction=2 / 28, fill=255),
    budgets=BUDGETS,
    origin=Origin(
        document=DOCUMENT,
        claim=Claim(accuracy=99.4, split="test", which="final", epoch=15),
        stated=("layers", "epochs", "schedule"),
        suggested=(
            *("optimizer", "schedule.warmup_fraction", "schedule.start_divisor", "schedule.final_divisor"),
            *("schedule.cycle_momentum", "schedule.momentum_low", "schedule.momentum_high"),
            *("batch_images", "label_smoothing", "averaging", "augmentation", "validation_images"),
        ),
        note="OneCycle and image augmentation are stated without values; the values are from the author's script.",
    ),
)

RECIPES = (ITERATION_1, ITERATION_2, ITERATION_3)

CLAIMS: tuple[DocumentClaim, ...] = (
    LayerTable("Total params: 7,998", "iteration-1", (100, 20, 728, 16, 730, 20, 728, 16, 730, 4_910), 7_998),
    LastKernel("Using 1 * 1 on last layer", "iteration-1", 1),
    Channels("started with CNN : 10 -> 8 -> 10", "iteration-1", (10, 8, 10)),
    FollowedBy("Batch normalization & relu after each convolution", "iteration-1", "BatchNorm", with_last=True),
    FollowedBy("Batch normalization & relu after each convolution", "iteration-1", "Relu", with_last=True),
    Reached("Final Train accuracy: 98.8", "iteration-1", 98.8, "train", "final"),
    Reached("Final Test accuracy: 98.8", "iteration-1", 98.8, "test", "final"),
    LayerTable(
        "Total params: 7,936",
        "iteration-2",
        (200, 40, 1_810, 20, 1_820, 40, 1_810, 20, 910, 20, 1_092, 24, 130),
        7_936,
    ),
    FirstWith("Add new features ... Use dropout to prevent overfitting", "iteration-2", "Dropout", ("iteration-1",)),
    FollowedBy("Dropout added after each layer of convolution", "iteration-2", "Dropout", with_last=True),
    FirstWith("Average pooling introduced", "iteration-2", "AvgPool", ("iteration-1",)),
    Channels("20 -> 10 -> 20 -> 12 -> 10", "iteration-2", (20, 10, 20, 12, 10)),
    Reached("Final Train accuracy: 97.9", "iteration-2", 97.9, "train", "final"),
    Reached("Final Test accuracy: 98.9", "iteration-2", 98.9, "test", "final"),
    LayerTable(
        "Total params: 5,178",
        "iteration-3",
        (54, 12, 648, 24, 1_296, 24, 1_296, 24, 1_296, 24, 480),
        5_178,
    ),
    ParameterLimit("Parameters < 8000", "iteration-3", 8_000, included=False),
    Channels("6→12→12→10 progression", "iteration-3", (6, 12, 12, 10)),
    Reached("Final Train accuracy: 98.8", "iteration-3", 98.8, "train", "final"),
    Reached("Final Test accuracy: 99.4", "iteration-3", 99.4, "test", "final"),
    Held("99.4 % accuracy in last three iterations", "iteration-3", 99.4, "test", 13, 15),
    Logged("Epochs 13 to 15: .994", (99.4, 99.4, 99.4), 99.4, 0.1),
)
"""What the document says that can be checked, in its order."""
