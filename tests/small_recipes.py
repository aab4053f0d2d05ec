"""Recipes that train in a moment and use everything a resumed run has to remember."""

from dataclasses import replace

from pennyweight.data.augment import Augmentation
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, MaxPool, Relu
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.optimizers import SGD, Adam
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.schedules import OneCycle, ReduceLROnPlateau

SMALL = Recipe(
    name="small",
    layers=(
        *(Conv(4), BatchNorm(), Relu(), MaxPool(), Dropout(0.2)),
        *(Conv(6, stride=2), BatchNorm(), Relu(), Dropout(0.1), GlobalAvgPool(), Conv(CLASSES, kernel=1)),
    ),
    epochs=5,
    optimizer=Adam(learning_rate=0.02),
    schedule=OneCycle(),
    batch_images=16,
    label_smoothing=0.1,
    augmentation=Augmentation(
        rotation_degrees=10, shift_fraction=0.1, scale_low=0.9, perspective_distortion=0.2, perspective_probability=0.5
    ),
    averaging=Averaging(decay=0.99, every_steps=1),
    validation_images=80,
)
TINY = replace(SMALL, name="tiny", epochs=3, batch_images=20, validation_images=20)
PLATEAU = replace(
    SMALL,
    name="plateau",
    optimizer=SGD(learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    schedule=ReduceLROnPlateau(factor=0.5, patience_epochs=0),
)
OTHER_LAYERS = replace(SMALL, layers=(Conv(5), *SMALL.layers[1:]))
