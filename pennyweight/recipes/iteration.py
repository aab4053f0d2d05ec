"""Document 004, "MNIST Classification : Model development using advanced CNN's": three iterations under 8,000.

Its layer tables fix every layer, ReLU before BatchNorm throughout. Dropout rates, batch sizes and the third
optimizer are not in the document; where its author's public scripts name them, those values are suggested.

    pennyweight train iteration-3
"""

from pennyweight.base.budget import Budget
from pennyweight.data.augment import Augmentation
from pennyweight.nets.layers import CLASSES, AvgPool, BatchNorm, Conv, Dropout, GlobalAvgPool, Layer, MaxPool, Relu
from pennyweight.recipes import pytorch_defaults
from pennyweight.settings.optimizers import SGD, Adagrad, Adam
from pennyweight.settings.recipe import Origin, PublishedResult, Recipe, with_unstated
from pennyweight.settings.schedules import Constant, OneCycle

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


_STATED = ("layers", "epochs", "optimizer")
_SUGGESTED = ("layers.dropout",)
_DEFAULTS = (*pytorch_defaults.PLAIN, "optimizer.weight_decay")


def _block(channels: int, padding: int = 0, bias: bool = True) -> tuple[Layer, ...]:
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
    origin=with_unstated(
        Origin(
            document=DOCUMENT,
            claim=PublishedResult(accuracy=98.8, split="test", which="final", epoch=15),
            recipe="iteration-1",
            stated=_STATED,
            suggested=_SUGGESTED,
            defaults=(*_DEFAULTS, *pytorch_defaults.ADAM),
            note=(
                "The table shows a dropout without its rate; 0.25 and batches of 16 are from the author's public "
                "script."
            ),
        )
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
    origin=with_unstated(
        Origin(
            document=DOCUMENT,
            claim=PublishedResult(accuracy=98.9, split="test", which="final", epoch=15),
            recipe="iteration-2",
            stated=_STATED,
            suggested=_SUGGESTED,
            defaults=(*_DEFAULTS, *pytorch_defaults.SGD),
            note=(
                "Follows the document's SGD with momentum 0.1; its author's public script trains with Adam 1e-4 "
                "instead: -s optimizer=Adam -s optimizer.learning_rate=0.0001."
            ),
        )
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
    origin=with_unstated(
        Origin(
            document=DOCUMENT,
            claim=PublishedResult(accuracy=99.4, split="test", which="final", epoch=15),
            recipe="iteration-3",
            stated=("layers", "epochs", "schedule"),
            suggested=(
                *("schedule.warmup_fraction", "schedule.start_divisor", "schedule.final_divisor"),
                *("schedule.cycle_momentum", "augmentation.rotation_degrees", "augmentation.shift_fraction"),
                "augmentation.fill",
            ),
            defaults=(
                *(*_DEFAULTS, "optimizer.epsilon", "schedule.momentum_low", "schedule.momentum_high"),
                "augmentation",
            ),
            note="OneCycle and image augmentation are stated without values; the values are from the author's script.",
        )
    ),
)

RECIPES = (ITERATION_1, ITERATION_2, ITERATION_3)
