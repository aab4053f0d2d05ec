"""The forward pass of a plan in NumPy, for inference: the readable reference, and every feature map.

It needs neither a compiler nor PyTorch. BatchNorm uses its running statistics and dropout does nothing. Values are
computed in the type of the images, float32 or float64.

Legend: n images, c channels read, o channels written, h rows, w columns, k kernel, p padding, s stride; everything
with a prime (h', w') is of the output. A map is (n, c, h, w); a vector is a map of one pixel.
"""

from collections.abc import Sequence
from math import prod
from typing import Any, assert_never

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pennyweight.base.errors import UsageError
from pennyweight.nets.arrays import Array, Arrays, arrays_of_node, plan_arrays
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Node, Plan, Shape

WORKSPACE_BYTES = 8 << 20
"""Most bytes of a convolution's columns, and of the maps of a chunk of `predict_logits`: what a core's caches hold.

One image's maps, and one row's columns, are computed whole even where they need more.
"""


def forward(plan: Plan, weights: Arrays, images: Array) -> dict[int, Array]:
    """Return every value of the network by its number: 0 the images, then the output of each node, (n, c, h, w).

    `images` are normalised, float32 or float64, shape (n, c, h, w). Memory: all these maps, and for the node at work
    `WORKSPACE_BYTES` and a copy of its input and output; where logits are enough, `predict_logits` bounds it. Dropout's
    output is the same array as its input. Raises UsageError for other images, MismatchError for weights that do not
    fit.
    """
    _check_images(images, plan)
    arrays = plan_arrays(plan, weights, images.dtype)
    values: dict[int, Array] = {0: images}
    for node in plan.nodes:
        values[node.number] = _output(node, arrays_of_node(node, arrays), [values[number] for number in node.inputs])
    return values


def predict_logits(plan: Plan, weights: Arrays, images: Array) -> Array:
    """Return the logits, shape (n, classes), of normalised `images` (n, c, h, w), in chunks of bounded memory.

    A chunk is as many images as have all their maps in `WORKSPACE_BYTES`, so that beside the logits the memory does not
    depend on n. Raises what `forward` raises.
    """
    _check_images(images, plan)
    arrays = plan_arrays(plan, weights, images.dtype)
    image_bytes = images.itemsize * sum(prod(node.output_shape) for node in plan.nodes)
    chunk_images = max(1, WORKSPACE_BYTES // image_bytes)
    logits = np.empty((len(images), plan.classes), images.dtype)
    for start in range(0, len(images), chunk_images):
        chunk = slice(start, start + chunk_images)
        logits[chunk] = forward(plan, arrays, images[chunk])[plan.nodes[-1].number][:, :, 0, 0]
    return logits


def softmax(logits: Array) -> Array:
    """Return class probabilities, exp(z_j) / sum_i exp(z_i), of logits (n, classes) (Bridle, 1990)."""
    powers: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _output(node: Node, arrays: dict[str, Array], inputs: Sequence[Array]) -> Array:
    """Return the output of one node, (n, o, h', w'), for its inputs, (n, c, h, w) each."""
    x = inputs[0]
    y: Array
    match node.operation:
        case Conv() | Depthwise():
            y = _convolution(node.operation, arrays, x, node.output_shape)
        case BatchNorm():
            y = _batchnorm(arrays, x)
        case Relu():
            y = np.maximum(x, 0)
        case MaxPool(size=size):
            y = _windows(x, size).max(axis=0)
        case AvgPool(size=size):
            y = _windows(x, size).mean(axis=0)
        case GlobalAvgPool():
            y = x.mean(axis=(2, 3), keepdims=True)
        case Dropout():
            y = x
        case Linear():
            # y_o = bias_o + sum_i weight_oi x_i, where i runs over channels, rows and columns in this order
            weight = arrays["weight"]
            y = (x.reshape(len(x), weight.shape[1]) @ weight.T + arrays.get("bias", 0))[:, :, None, None]
        case Add():
            y = x + inputs[1]
        case _:
            assert_never(node.operation)
    return y


def _convolution(layer: Conv | Depthwise, arrays: dict[str, Array], x: Array, output_shape: Shape) -> Array:
    """Return the cross-correlation of `x`, zero outside the map, with the kernels, shape (n, o, h', w').

    y[o, i, j] = bias[o] + sum over c, a, b of weight[o, c, a, b] x[c, s i + a - p, s j + b - p]: Dumoulin and Visin, "A
    guide to convolution arithmetic for deep learning" (2016). In a depthwise layer each channel is a group of its own.
    It is computed as a product of matrices (Chellapilla, Puri and Simard, 2006): a column holds the pixels that one
    output pixel reads. Columns are made for a block of images, or of rows of one image, at a time.
    """
    weight, k, p, s = arrays["weight"], layer.kernel, layer.padding, layer.stride
    (n, c), (o, out_h, out_w) = x.shape[:2], output_shape
    groups = c // weight.shape[1]
    matrix = weight.reshape(groups, o // groups, -1)
    row_bytes = c * k * k * out_w * x.itemsize
    block_images = max(1, WORKSPACE_BYTES // (row_bytes * out_h))
    block_rows = max(1, WORKSPACE_BYTES // row_bytes)
    y = np.empty((n, o, out_h, out_w), x.dtype)
    for first_image in range(0, n, block_images):
        images = slice(first_image, first_image + block_images)
        padded = np.pad(x[images], ((0, 0), (0, 0), (p, p), (p, p)))
        pixels = sliding_window_view(padded, (k, k), axis=(2, 3))[:, :, ::s, ::s]  # (n, c, h', w', k, k)
        for first_row in range(0, out_h, block_rows):
            rows = slice(first_row, first_row + block_rows)
            block = pixels[:, :, rows].transpose(0, 1, 4, 5, 2, 3)
            columns = block.reshape(len(block), groups, matrix.shape[2], -1)  # (n, groups, c k k / groups, rows w')
            y[images, :, rows] = (matrix @ columns).reshape(len(block), o, -1, out_w)
    if "bias" in arrays:
        y += arrays["bias"][:, None, None]
    return y


def _batchnorm(arrays: dict[str, Array], x: Array) -> Array:
    """Return weight (x - mean) / sqrt(variance + epsilon) + bias, each of a channel (Ioffe and Szegedy, 2015)."""
    scale = arrays["weight"] / np.sqrt(arrays["running_var"] + BatchNorm.EPSILON)
    y: Array = x - arrays["running_mean"][:, None, None]
    y *= scale[:, None, None]
    y += arrays["bias"][:, None, None]
    return y


def _windows(x: Array, size: int) -> Array:
    """Return the pixels of every complete pooling window, shape (size * size, n, c, h', w').

    NumPy reduces the first axis of such an array many times as fast as two short axes inside.
    """
    n, c, h, w = x.shape
    h, w = h // size, w // size
    complete = x[:, :, : h * size, : w * size].reshape(n, c, h, size, w, size)
    return complete.transpose(3, 5, 0, 1, 2, 4).reshape(size * size, n, c, h, w)


def _check_images(images: NDArray[Any], plan: Plan) -> None:
    c, h, w = plan.image_shape
    needed = f"a NumPy array of float32 or float64, normalised, with shape (n, {c}, {h}, {w})"
    if not isinstance(images, np.ndarray):
        raise UsageError(f"Images are a {type(images).__name__}; they must be {needed}.")
    if images.dtype not in (np.float32, np.float64) or images.ndim != 4 or images.shape[1:] != plan.image_shape:
        raise UsageError(f"Images are {images.dtype} with shape {images.shape}; they must be {needed}.")
