"""A quantised network and its arithmetic in NumPy, in whole numbers alone: what integer C must equal bit for bit.

A value q, uint8, stands for the real number scale * (q - zero). Products of weights and values add up in 32 bits; a
16-bit multiplier and a shift bring the sum back to 8 bits (Jacob et al., "Quantization and Training of Neural Networks
for Efficient Integer-Arithmetic-Only Inference", 2018, section 2.2). The network needs no scale to run: scales are in
the multipliers.

Legend: n images, c channels read, o channels written, h rows, w columns, k kernel rows, l kernel columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias, assert_never

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pennyweight.nets.plan import Shape

Integers: TypeAlias = NDArray[np.integer[Any]]

HALF_WORD = 16
"""A rescaling shifts by at least so much: its product is made of two, one for each half of the sum."""
CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, eq=False)
class Rescale:
    """What brings 32-bit sums to 8 bits: (sum * multiplier + half) >> shift, then `low` to `high`; all (o,) but shift.

    ReLU is a lower bound at the zero point. A BatchNorm behind ReLU is a bound too: what ReLU makes 0 becomes the
    BatchNorm's shift, which is the lowest value where its scale is positive and the highest where it is negative.
    """

    multipliers: NDArray[np.uint16]
    shift: int
    low: NDArray[np.uint8]
    high: NDArray[np.uint8]

    def apply(self, sums: Integers) -> NDArray[np.uint8]:
        """Return `sums`, (n, o, h, w), as 8-bit values."""
        half = 1 << (self.shift - 1)
        scaled = (sums.astype(np.int64) * self.multipliers[:, None, None] + half) >> self.shift
        values: NDArray[np.uint8] = np.clip(scaled, self.low[:, None, None], self.high[:, None, None]).astype(np.uint8)
        return values


@dataclass(frozen=True, eq=False)
class Product:
    """Convolution, plain (o, c, k, l) or depthwise (c, 1, k, l), or a linear layer, whose kernel is its whole map.

    `pads` are the zero points (c,) of what it reads. Without `rescale` it is the head: its sums over all pixels, added
    up, are the logits.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    stride: int
    padding: int
    pads: NDArray[np.uint8]
    rescale: Rescale | None


@dataclass(frozen=True)
class Sum:
    """Sum of two maps: (a * multipliers[0] + b * multipliers[1] + offset) >> shift, then `low` to 255."""

    multipliers: tuple[int, int]
    offset: int
    shift: int
    low: int


@dataclass(frozen=True, eq=False)
class Mean:
    """Mean of every `rows` x `columns` window, side by side: its sum plus `bias` is rescaled."""

    rows: int
    columns: int
    bias: int
    rescale: Rescale


@dataclass(frozen=True)
class Maximum:
    """Largest value of every `size` x `size` window, side by side."""

    size: int


IntegerOperation: TypeAlias = Product | Sum | Mean | Maximum


@dataclass(frozen=True, eq=False, kw_only=True)
class IntegerLayer:
    """One operation; its output is the value with the layer's own number, value 0 is the image, uint8."""

    number: int
    label: str
    """The layer of the network it was made from: `layer 3 (Conv)`."""
    operation: IntegerOperation
    inputs: tuple[int, ...]
    input_shape: Shape
    output_shape: Shape
    scale: float
    zero: int
    """What an output q stands for, scale * (q - zero); the arithmetic does not need it."""


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """Layers from an image, uint8, to 32-bit logits; a logit times `logit_scale` is the float network's, nearly."""

    layers: tuple[IntegerLayer, ...]
    image_shape: Shape
    classes: int
    bits: int
    logit_scale: float


def integer_logits(network: IntegerNetwork, images: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the logits, int32 (n, classes), of uint8 images (n, c, h, w) or (n, h, w), in chunks of bounded memory."""
    planes = images.reshape(len(images), *network.image_shape)
    image_bytes = 8 * max(_working_values(layer) for layer in network.layers)
    chunk_images = max(1, CHUNK_BYTES // image_bytes)
    logits = np.empty((len(images), network.classes), np.int32)
    for start in range(0, len(images), chunk_images):
        chunk = slice(start, start + chunk_images)
        logits[chunk] = integer_values(network, planes[chunk])[network.layers[-1].number][:, :, 0, 0]
    return logits


def integer_values(network: IntegerNetwork, images: NDArray[np.uint8]) -> dict[int, Integers]:
    """Return every value of the network by its number: 0 the images, then the output of each layer, (n, c, h, w)."""
    values: dict[int, Integers] = {0: images}
    for layer in network.layers:
        values[layer.number] = _output(layer, [values[number] for number in layer.inputs])
    return values


def bounds(layer: IntegerLayer) -> tuple[int, int]:
    """Return the least and the greatest sum that any 8-bit input can give, in every order of its terms.

    Of a head that adds up pixels it is that of all of them. Raises TypeError for a layer without weights.
    """
    product = layer.operation
    if not isinstance(product, Product):
        raise TypeError(f"{layer.label} has no weights to bound its sums by")
    weights = product.weights.astype(np.int64).reshape(len(product.weights), -1)
    pixels = prod(map_shape(layer)) if product.rescale is None else 1
    bias = product.bias.astype(np.int64)
    low = pixels * (np.minimum(bias, 0) + 255 * np.minimum(weights, 0).sum(axis=1))
    high = pixels * (np.maximum(bias, 0) + 255 * np.maximum(weights, 0).sum(axis=1))
    return int(low.min()), int(high.max())


def _output(layer: IntegerLayer, inputs: Sequence[Integers]) -> Integers:
    operation = layer.operation
    match operation:
        case Product():
            sums = _sums(layer, operation, inputs[0])
            if operation.rescale is None:
                logits: Integers = sums.sum(axis=(2, 3), keepdims=True).astype(np.int32)
                return logits
            return operation.rescale.apply(sums)
        case Sum(multipliers=(first, second)):
            total = inputs[0].astype(np.int64) * first + inputs[1].astype(np.int64) * second + operation.offset
            added: Integers = np.clip(total >> operation.shift, operation.low, 255).astype(np.uint8)
            return added
        case Mean():
            windows = _windows(inputs[0], operation.rows, operation.columns)
            totals: Integers = windows.sum(axis=(3, 5), dtype=np.int64)
            return operation.rescale.apply(totals + operation.bias)
        case Maximum(size=size):
            largest: Integers = _windows(inputs[0], size, size).max(axis=(3, 5))
            return largest
        case _:
            assert_never(operation)


def _sums(layer: IntegerLayer, product: Product, x: Integers) -> NDArray[np.int64]:
    """Return weights times values plus bias, (n, o, h', w').

    Whole numbers below 2^53 are exact in float64, whose product of matrices is many times as fast as that of integers.
    """
    weights, p, s = product.weights, product.padding, product.stride
    n, c = x.shape[:2]
    o, _, k, l = weights.shape  # noqa: E741 (the legend's letter)
    padded = np.empty((n, c, x.shape[2] + 2 * p, x.shape[3] + 2 * p), np.float64)
    padded[:] = product.pads[:, None, None]
    padded[:, :, p : p + x.shape[2], p : p + x.shape[3]] = x
    pixels = sliding_window_view(padded, (k, l), axis=(2, 3))[:, :, ::s, ::s]  # (n, c, h', w', k, l)
    rows, columns = pixels.shape[2:4]
    groups = c // weights.shape[1]
    matrix = weights.reshape(groups, o // groups, -1).astype(np.float64)
    patches = pixels.transpose(0, 1, 4, 5, 2, 3).reshape(n, groups, matrix.shape[2], -1)
    sums: NDArray[np.int64] = (matrix @ patches).reshape(n, o, rows, columns).astype(np.int64)
    sums += product.bias[:, None, None]
    return sums


def _windows(x: Integers, rows: int, columns: int) -> Integers:
    """Return the complete windows of maps as (n, c, h', rows, w', columns)."""
    n, c, h, w = x.shape
    h, w = h // rows, w // columns
    return x[:, :, : h * rows, : w * columns].reshape(n, c, h, rows, w, columns)


def map_shape(layer: IntegerLayer) -> tuple[int, int]:
    """Return the rows and columns that a product computes, before a head adds them up."""
    product = layer.operation
    assert isinstance(product, Product)
    _, h, w = layer.input_shape
    k, l = product.weights.shape[2:]  # noqa: E741 (the legend's letter)
    rows, columns = ((size + 2 * product.padding - side) // product.stride + 1 for size, side in ((h, k), (w, l)))
    return rows, columns


def _working_values(layer: IntegerLayer) -> int:
    """Return how many 8-byte values the work on one image's layer holds at once, about."""
    if not isinstance(layer.operation, Product):
        return 2 * prod(layer.input_shape)
    o, _, k, l = layer.operation.weights.shape  # noqa: E741 (the legend's letter)
    values: int = (layer.input_shape[0] * k * l + 3 * o) * prod(map_shape(layer)) + prod(layer.input_shape)
    return values
