"""Post-training quantisation: a trained network as whole numbers, without training it again.

Weights are symmetric, with a scale for each output channel; values are 8 bits with a zero point, over the range that
training images give. The scale of a channel's weights follows from its 16-bit multiplier, not the other way round, so
that the multiplier adds no rounding of its own. Method: Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference" (2018); Krishnamoorthi, "Quantizing deep convolutional networks for
efficient inference" (2018), for a scale per channel.

Legend: c channels read, o channels written, k kernel rows, l kernel columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import floor, log2, prod

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.data.normalisation import Normalisation
from pennyweight.nets.arrays import Array, Arrays
from pennyweight.nets.fold import FoldedNetwork, fold_batchnorm
from pennyweight.nets.forward import forward
from pennyweight.nets.plan import Plan
from pennyweight.shipping.integer import (
    HALF_WORD,
    IntegerLayer,
    IntegerNetwork,
    IntegerOperation,
    Maximum,
    Mean,
    Product,
    Rescale,
    Sum,
)
from pennyweight.shipping.stages import RealMaximum, RealMean, RealProduct, RealSum, Stage, stages_of
from pennyweight.shipping.subject import Subject

CALIBRATION_IMAGES = 1_000
CHUNK_IMAGES = 50
LARGEST_VALUE = 255
LARGEST_MULTIPLIER = (1 << 16) - 1
LARGEST_SUM = (1 << 30) - 1
MOST_SUM_SHIFT = 20
MOST_SHIFT = 44
"""Half a step of a rescaling must fit into 32 bits beside what it is added to."""
BITS = range(2, 9)


@dataclass(frozen=True)
class Scale:
    """The real number scale * (q - zero) that a value q stands for; the image has one for each of its channels."""

    scale: NDArray[np.float64]
    zero: NDArray[np.float64]

    @property
    def pads(self) -> NDArray[np.uint8]:
        """Return the values nearest to zero, what lies outside of a map."""
        return np.clip(np.rint(self.zero), 0, LARGEST_VALUE).astype(np.uint8)


def quantise(
    plan: Plan, weights: Arrays, normalisation: Normalisation, images: NDArray[np.uint8], bits: int = 8
) -> IntegerNetwork:
    """Return the network in whole numbers, with weights of `bits` bits and the ranges that `images` give.

    `images` are training images, uint8 (n, h, w) or (n, c, h, w). Raises UsageError for other bits than 2 to 8, for no
    images and for a layer whose sums do not fit into 32 bits; MismatchError for weights that do not fit.
    """
    if bits not in BITS:
        raise UsageError(f"bits is {bits}; it must be from {BITS.start} to {BITS.stop - 1}.")
    if not len(images):
        raise UsageError("There are no images to calibrate the quantisation on.")
    network = fold_batchnorm(plan, weights)
    stages = stages_of(plan, network)
    ranges = _ranges(network, [stage.value for stage in stages], normalisation.apply(images))
    levels = 2 ** (bits - 1) - 1
    scales = {0: _image_scale(normalisation)}
    layers = []
    values = {stage.number: stage.value for stage in stages}
    stages = tuple(_without_dead_inputs(stage, [ranges[values[n]] for n in stage.inputs if n]) for stage in stages)
    for found in stages[:-1]:
        inputs = [scales[number] for number in found.inputs]
        stage = _without_dead_outputs(found, inputs[0], ranges[found.value], levels)
        scales[stage.number] = _output_scale(stage, inputs, ranges[stage.value], levels)
        layers.append(_layer(stage, _operation(stage, inputs, scales[stage.number], levels), scales[stage.number]))
    head, logit_scale = _head(stages[-1], scales[stages[-1].inputs[0]], levels)
    layers.append(_layer(stages[-1], head, Scale(np.array([logit_scale]), np.zeros(1))))
    return IntegerNetwork(tuple(layers), plan.image_shape, plan.classes, bits, logit_scale)


def _ranges(network: FoldedNetwork, values: Sequence[int], images: Array) -> Mapping[int, tuple[Array, Array]]:
    """Return the least and the greatest of each value over the images, by channel, (c,) each."""
    low, high = (dict[int, Array]() for _ in range(2))
    for start in range(0, len(images), CHUNK_IMAGES):
        maps = forward(network.plan, network.weights, images[start : start + CHUNK_IMAGES])
        for value in values:
            others = tuple(axis for axis in range(maps[value].ndim) if axis != 1)
            least, most = maps[value].min(axis=others), maps[value].max(axis=others)
            low[value] = np.minimum(low.get(value, least), least)
            high[value] = np.maximum(high.get(value, most), most)
    return {value: (low[value], high[value]) for value in values}


def _without_dead_inputs(stage: Stage, inputs: Sequence[tuple[Array, Array]]) -> Stage:
    """Return the stage with zeros for the weights of channels that are 0 on every image, where they are the largest.

    A ReLU that no image passes has next to no variance, and the BatchNorm behind it multiplies by some hundreds. In
    weights it is folded into, that is paid by all other channels: their weights would be a step or two.
    """
    product = stage.operation
    if not isinstance(product, RealProduct) or not inputs or product.weight.shape[1] != len(inputs[0][0]):
        return stage
    dead = (inputs[0][0] == 0) & (inputs[0][1] == 0)
    largest = np.abs(product.weight).max(axis=(2, 3))
    decides = dead & (largest > np.where(dead, 0, largest).max(axis=1, keepdims=True))
    return replace(stage, operation=replace(product, weight=np.where(decides[:, :, None, None], 0, product.weight)))


def _without_dead_outputs(stage: Stage, source: Scale, ends: tuple[Array, Array], levels: int) -> Stage:
    """Return the stage with a constant for channels that no image moves and whose weights need a larger step of output.

    These are the same channels where the BatchNorm is not folded into weights, but part of the rescale.
    """
    product = stage.operation
    if not isinstance(product, RealProduct):
        return stage
    dead = (ends[0] == ends[1]) & (_least_steps(product, source, levels) > _step(ends))
    weight = np.where(dead[:, None, None, None], 0, product.weight)
    return replace(stage, operation=replace(product, weight=weight, bias=np.where(dead, ends[0], product.bias)))


def _step(ends: tuple[Array, Array]) -> float:
    """Return a 255th of the range of all channels, zero included, which padding and ReLU need."""
    return (max(0.0, float(ends[1].max())) - min(0.0, float(ends[0].min()))) / LARGEST_VALUE


def _least_steps(product: RealProduct, source: Scale, levels: int) -> Array:
    """Return the least step of the output that the weights of each channel allow, (o,).

    It is two steps of the products' own, or a multiplier would be above one half.
    """
    least: Array = 2.01 * np.abs(_per_input_step(product, source)).max(axis=(1, 2, 3)) / levels
    return least


def _image_scale(normalisation: Normalisation) -> Scale:
    mean, std = np.array(normalisation.mean), np.array(normalisation.std)
    return Scale(1 / (LARGEST_VALUE * std), LARGEST_VALUE * mean)


def _output_scale(stage: Stage, inputs: Sequence[Scale], ends: tuple[Array, Array], levels: int) -> Scale:
    """Return the scale of a stage's output: its range in 255 steps, or that of its input where values only pass."""
    if isinstance(stage.operation, RealMaximum):
        return inputs[0]
    low, step = min(0.0, float(ends[0].min())), _step(ends)
    if isinstance(stage.operation, RealProduct):
        step = max(step, float(_least_steps(stage.operation, inputs[0], levels).max()))
    if isinstance(stage.operation, RealMean):
        step = max(step, 2.01 * float(inputs[0].scale[0]) / (stage.operation.rows * stage.operation.columns))
    step = max(step, 1e-12)
    return Scale(np.array([step]), np.rint(np.array([-low / step])))


def _operation(stage: Stage, inputs: Sequence[Scale], output: Scale, levels: int) -> IntegerOperation:
    operation = stage.operation
    match operation:
        case RealProduct():
            return _product(stage, operation, inputs[0], output, levels)
        case RealSum(low=low):
            return _sum(inputs, output, low)
        case RealMean():
            return _mean(operation, inputs[0], output)
        case RealMaximum(size=size):
            return Maximum(size)


def _product(stage: Stage, product: RealProduct, source: Scale, output: Scale, levels: int) -> Product:
    """Return the product in whole numbers: the step of a channel's sums is multiplier / 2^shift steps of its output."""
    step, zero = float(output.scale[0]), float(output.zero[0])
    weight = _per_input_step(product, source) / step
    bias = product.bias / step + zero
    least = np.abs(weight).max(axis=(1, 2, 3)) / levels  # the least step of sums with which the weights fit
    # where the weights are next to nothing, the bias decides: its sum must fit into 32 bits too
    least = np.maximum(least, (np.abs(bias) + LARGEST_VALUE * np.abs(weight).sum(axis=(1, 2, 3))) / (LARGEST_SUM // 2))
    shift = min(MOST_SHIFT, max(HALF_WORD + 1, floor(log2(LARGEST_MULTIPLIER / least.max()))))
    multipliers = np.maximum(np.ceil(least * 2.0**shift), 1.0)  # of a channel without weights and bias it would be 0
    if multipliers.max() > LARGEST_MULTIPLIER:
        raise UsageError(f"{stage.label}: its weights are too large for the range of its output; it cannot be int8.")
    steps = multipliers / 2.0**shift
    whole = np.rint(weight / steps[:, None, None, None])
    low, high = (np.rint(np.clip(bound / step + zero, 0, LARGEST_VALUE)) for bound in (product.low, product.high))
    rescale = Rescale(multipliers.astype(np.uint16), shift, low.astype(np.uint8), high.astype(np.uint8))
    return Product(
        weights=whole.astype(np.int8),
        bias=_whole_bias(stage, whole, bias / steps, source),
        stride=product.stride,
        padding=product.padding,
        pads=_pads(source, stage.input_shape[0]),
        rescale=rescale,
    )


def _head(stage: Stage, source: Scale, levels: int) -> tuple[Product, float]:
    """Return the last product, whose sums are the logits, with one step for all classes, and that step."""
    product = stage.operation
    assert isinstance(product, RealProduct)
    weight = _per_input_step(product, source)
    pixels = _pixels(stage, product)
    most = float((np.abs(product.bias) + LARGEST_VALUE * np.abs(weight).sum(axis=(1, 2, 3))).max())
    step = max(float(np.abs(weight).max()) / levels, most * pixels / (LARGEST_SUM // 2), 1e-12)
    whole = np.rint(weight / step)
    head = Product(
        weights=whole.astype(np.int8),
        bias=_whole_bias(stage, whole, product.bias / step, source),
        stride=product.stride,
        padding=product.padding,
        pads=_pads(source, stage.input_shape[0]),
        rescale=None,
    )
    return head, step / pixels


def _per_input_step(product: RealProduct, source: Scale) -> Array:
    """Return the weights by steps of what they read, (o, c, k, l)."""
    depthwise = len(source.scale) > 1 and product.weight.shape[1] == 1
    scaled: Array = product.weight * source.scale.reshape((-1, 1, 1, 1) if depthwise else (1, -1, 1, 1))
    return scaled


def _whole_bias(stage: Stage, weights: Array, bias: Array, source: Scale) -> NDArray[np.int32]:
    """Return the bias in steps of the sums, with what the zero points of the input add to them taken off.

    Raises UsageError where a sum could leave 32 bits.
    """
    depthwise = len(source.zero) > 1 and weights.shape[1] == 1
    zeros = source.zero.reshape((-1, 1, 1, 1) if depthwise else (1, -1, 1, 1))
    whole = np.rint(bias - (weights * zeros).sum(axis=(1, 2, 3)))
    most = np.abs(whole) + LARGEST_VALUE * np.abs(weights).sum(axis=(1, 2, 3))
    if most.max() > LARGEST_SUM:
        raise UsageError(f"{stage.label}: its sums can reach {most.max():,.0f}, beyond 31 bits; it cannot be int8.")
    integers: NDArray[np.int32] = whole.astype(np.int32)
    return integers


def _pads(source: Scale, channels: int) -> NDArray[np.uint8]:
    return np.broadcast_to(source.pads, channels).copy()


def _sum(inputs: Sequence[Scale], output: Scale, low: float) -> Sum:
    step, zero = float(output.scale[0]), float(output.zero[0])
    ratios = [float(source.scale[0]) / step for source in inputs]
    shift = min(MOST_SUM_SHIFT, floor(log2(LARGEST_MULTIPLIER / max(ratios))))
    first, second = (round(ratio * 2**shift) for ratio in ratios)
    zeros = first * float(inputs[0].zero[0]) + second * float(inputs[1].zero[0])
    offset = round(zero * 2**shift - zeros + 2 ** (shift - 1))
    return Sum((first, second), offset, shift, _bound(low, step, zero))


def _mean(mean: RealMean, source: Scale, output: Scale) -> Mean:
    pixels = mean.rows * mean.columns
    step, zero = float(output.scale[0]), float(output.zero[0])
    ratio = float(source.scale[0]) / step / pixels
    shift = min(MOST_SHIFT, max(HALF_WORD + 1, floor(log2(LARGEST_MULTIPLIER / ratio))))
    multiplier = round(ratio * 2**shift)
    bias = round(zero * 2**shift / multiplier - pixels * float(source.zero[0]))
    rescale = Rescale(
        np.array([multiplier], np.uint16),
        shift,
        np.array([_bound(mean.low, step, zero)], np.uint8),
        np.array([LARGEST_VALUE], np.uint8),
    )
    return Mean(mean.rows, mean.columns, bias, rescale)


def _bound(low: float, step: float, zero: float) -> int:
    return int(np.rint(np.clip(low / step + zero, 0, LARGEST_VALUE)))


def _pixels(stage: Stage, product: RealProduct) -> int:
    """Return how many pixels a head adds up."""
    _, h, w = stage.input_shape
    k, l = product.weight.shape[2:]  # noqa: E741 (the legend's letter)
    return prod((size + 2 * product.padding - side) // product.stride + 1 for size, side in ((h, k), (w, l)))


def _layer(stage: Stage, operation: IntegerOperation, output: Scale) -> IntegerLayer:
    return IntegerLayer(
        number=stage.number,
        label=stage.label,
        operation=operation,
        inputs=stage.inputs,
        input_shape=stage.input_shape,
        output_shape=stage.output_shape,
        scale=float(output.scale[0]),
        zero=int(output.zero[0]),
    )


@cache
def quantised(subject: Subject) -> IntegerNetwork:
    """Return the network of a subject in 8 bits, calibrated on the first of its training images.

    Raises UnavailableError where they are missing, and what `quantise` raises.
    """
    model = subject.model
    images = subject.images.train_images[:CALIBRATION_IMAGES]
    return quantise(model.plan, model.weights, model.normalisation, images)
