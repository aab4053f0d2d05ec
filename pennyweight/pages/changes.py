"""What one recipe changes of another, in the words an experimenter would use for it."""

from collections.abc import Iterator, Sequence

from pennyweight.judging.features import find_feature
from pennyweight.nets.layers import Conv, Depthwise, Dropout
from pennyweight.nets.plan import Plan
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.schedules import Constant

FEATURES = {
    "batchnorm": "batch normalization",
    "dropout": "dropout",
    "gap": "global average pooling",
    "linear": "a fully connected layer",
    "maxpool": "max pooling",
    "avgpool": "average pooling",
    "residual": "skip connections",
    "depthwise": "depthwise convolutions",
    "augmentation": "augmentation",
}
"""What a network or its training may gain or lose, by the names an audit has for it."""


def changes(before: Recipe, recipe: Recipe) -> tuple[str, ...]:
    """Return what differs, each as a noun phrase: `dropout`, `no augmentation`, `batches of 128 instead of 32`."""
    plans = before.plan(), recipe.plan()
    return (*_features(before, recipe), *_layers(*plans), *_settings(before, recipe))


def channels_of(plan: Plan) -> tuple[int, ...]:
    """Return the output channels of every convolution in order."""
    return tuple(node.output_shape[0] for node in plan.nodes if isinstance(node.operation, Conv | Depthwise))


def schedule_words(recipe: Recipe) -> str:
    """Return how the learning rate goes: `OneCycle to a rate of 0.01`, `a constant rate of 0.001`."""
    rate = recipe.optimizer.learning_rate
    if isinstance(recipe.schedule, Constant):
        return f"a constant rate of {rate:g}"
    return f"{type(recipe.schedule).__name__} {_preposition(recipe)} a rate of {rate:g}"


def augmentation_words(recipe: Recipe) -> str:
    """Return how far images are moved: `rotated by up to 5 degrees, shifted by up to 5 %`; empty where they are not."""
    one = recipe.augmentation
    parts = {
        f"rotated by up to {one.rotation_degrees:g} degrees": one.rotation_degrees,
        f"shifted by up to {100 * one.shift_fraction:.3g} %": one.shift_fraction,
        f"scaled by {one.scale_low:g} to {one.scale_high:g}": one.scale_high - one.scale_low,
        f"sheared by up to {one.shear_degrees:g} degrees": one.shear_degrees,
        f"seen in perspective ({100 * one.perspective_probability:g} % of them)": one.perspective_probability,
    }
    return ", ".join(words for words, size in parts.items() if size)


def listed(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _preposition(recipe: Recipe) -> str:
    return "to" if type(recipe.schedule).__name__ == "OneCycle" else "from"


def _features(before: Recipe, recipe: Recipe) -> Iterator[str]:
    for name, words in FEATURES.items():
        had, has = (find_feature(name, one, one.plan()).present for one in (before, recipe))
        if had != has:
            yield words if has else f"no {words.removeprefix('a ')}"


def _layers(before: Plan, after: Plan) -> Iterator[str]:
    first, second = channels_of(before), channels_of(after)
    if first != second:
        yield f"convolutions of {_progression(second)} instead of {_progression(first)} channels"
    rates = [
        sorted({one.operation.rate for one in plan.nodes if isinstance(one.operation, Dropout)})
        for plan in (before, after)
    ]
    if all(rates) and rates[0] != rates[1]:
        yield f"a dropout rate of {' and '.join(map(str, rates[1]))} instead of {' and '.join(map(str, rates[0]))}"


def _progression(channels: Sequence[int]) -> str:
    return "-".join(map(str, channels))


def _settings(before: Recipe, recipe: Recipe) -> Iterator[str]:
    kinds = [type(one.optimizer).__name__ for one in (before, recipe)]
    if kinds[0] != kinds[1]:
        yield f"{kinds[1]} instead of {kinds[0]}"
    schedules = [schedule_words(one) for one in (before, recipe)]
    if schedules[0] != schedules[1]:
        yield f"{schedules[1]} instead of {schedules[0]}"
    decays = [one.optimizer.weight_decay for one in (before, recipe)]
    if decays[0] != decays[1]:
        yield f"a weight decay of {decays[1]:g} instead of {decays[0]:g}"
    moved = [augmentation_words(one) for one in (before, recipe)]
    if all(moved) and moved[0] != moved[1]:
        yield f"images {moved[1]}"
    if before.batch_images != recipe.batch_images:
        yield f"batches of {recipe.batch_images} instead of {before.batch_images}"
    if before.epochs != recipe.epochs:
        yield f"{recipe.epochs} epochs instead of {before.epochs}"
    if before.averaging.is_kept != recipe.averaging.is_kept:
        yield "averaged weights" if recipe.averaging.is_kept else "no averaged weights"
    if before.label_smoothing != recipe.label_smoothing:
        yield f"a label smoothing of {recipe.label_smoothing:g} instead of {before.label_smoothing:g}"
