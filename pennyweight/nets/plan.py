"""Layers lowered once into flat, numbered nodes: the only thing modules, engines and exporters read.

Legend: c channels, h rows of the map, w columns of the map.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from pennyweight.base.errors import UsageError
from pennyweight.base.input import MOST_PIXELS
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
    Width,
)

Shape: TypeAlias = tuple[int, int, int]
Shapes: TypeAlias = list[tuple[str, tuple[int, ...]]]
WIDEST = 65_536


@dataclass(frozen=True)
class Add:
    """Element-wise sum of two maps of one shape: where a Residual's body and shortcut meet."""


Operation: TypeAlias = Conv | Depthwise | BatchNorm | Relu | MaxPool | AvgPool | GlobalAvgPool | Dropout | Linear | Add


@dataclass(frozen=True)
class Tensor:
    """A named array that belongs to a node: a trainable weight, or a buffer."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operation; its output is the value with the node's own number, value 0 is the image."""

    number: int
    operation: Operation
    inputs: tuple[int, ...]
    input_shape: Shape
    output_shape: Shape
    weights: tuple[Tensor, ...]
    buffers: tuple[Tensor, ...]
    last_use: int
    """Number of the last node that reads the output; the node's own number for the logits."""

    @property
    def label(self) -> str:
        """Return the name messages use: `layer 3 (Conv)`."""
        return f"layer {self.number} ({type(self.operation).__name__})"


@dataclass(frozen=True, repr=False)
class Plan:
    """The nodes of a network from an image of `image_shape` to `classes` logits."""

    nodes: tuple[Node, ...]
    image_shape: Shape
    classes: int

    def __repr__(self) -> str:
        """Return one line: how many nodes there are, and from what to what they lead."""
        return f"<Plan of {len(self.nodes)} nodes: images of {_text(self.image_shape)} to {self.classes} logits>"

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Return every trainable tensor in the order of the nodes."""
        return tuple(weight for node in self.nodes for weight in node.weights)

    @property
    def buffers(self) -> tuple[Tensor, ...]:
        """Return every tensor that is state but not trained: BatchNorm's running mean and variance."""
        return tuple(buffer for node in self.nodes for buffer in node.buffers)


def make_plan(layers: Layers, classes: int, image_shape: Shape) -> Plan:
    """Lower `layers` to nodes for images of `image_shape` (c, h, w) and `classes` classes.

    Raises UsageError naming the layer whose shape or setting cannot work.
    """
    _check_head(layers)
    nodes: list[Node] = []
    _lower(layers, nodes, 0, image_shape, classes)
    if not nodes or nodes[-1].output_shape != (classes, 1, 1):
        ends = _text(nodes[-1].output_shape) if nodes else "nothing"
        raise UsageError(
            f"The network ends in {ends}, not in {classes} logits ({classes}x1x1); "
            "end it with GlobalAvgPool() or Linear(CLASSES)."
        )
    return Plan(tuple(_with_last_use(nodes)), image_shape, classes)


def _lower(layers: Layers, nodes: list[Node], value: int, shape: Shape, classes: int) -> tuple[int, Shape]:
    """Append the nodes of `layers` reading `value`; return the value they end in and its shape."""
    for layer in layers:
        if isinstance(layer, Residual):
            body, body_shape = _lower(layer.body, nodes, value, shape, classes)
            other, other_shape = _lower(layer.shortcut, nodes, value, shape, classes)
            if body_shape != other_shape:
                raise UsageError(
                    f"layer {len(nodes) + 1} (Residual): the body gives {_text(body_shape)}, "
                    f"the shortcut {_text(other_shape)}; both must be equal."
                )
            value, shape = _append(nodes, Add(), (body, other), body_shape, classes)
        else:
            value, shape = _append(nodes, layer, (value,), shape, classes)
    return value, shape


def _append(
    nodes: list[Node], operation: Operation, inputs: tuple[int, ...], shape: Shape, classes: int
) -> tuple[int, Shape]:
    number = len(nodes) + 1
    operation = _with_width(operation, classes)
    try:
        output_shape = _output_shape(operation, shape)
    except UsageError as error:
        raise UsageError(f"layer {number} ({type(operation).__name__}): {error}") from error
    weights, buffers = (
        tuple(Tensor(f"{number}.{name}", size) for name, size in shapes) for shapes in _tensor_shapes(operation, shape)
    )
    nodes.append(
        Node(
            number=number,
            operation=operation,
            inputs=inputs,
            input_shape=shape,
            output_shape=output_shape,
            weights=weights,
            buffers=buffers,
            last_use=number,
        )
    )
    return number, output_shape


def _with_width(operation: Operation, classes: int) -> Operation:
    if isinstance(operation, Conv) and operation.channels is CLASSES:
        return replace(operation, channels=classes)
    if isinstance(operation, Linear) and operation.features is CLASSES:
        return replace(operation, features=classes)
    return operation


def _output_shape(operation: Operation, shape: Shape) -> Shape:
    c, h, w = shape
    match operation:
        case Conv(channels=int(channels)):
            _check("channels", channels, 1, WIDEST)
            return (channels, *_window(operation, h, w))
        case Depthwise():
            return (c, *_window(operation, h, w))
        case MaxPool(size=size) | AvgPool(size=size):
            _check("size", size, 1, min(h, w))
            return (c, h // size, w // size)
        case GlobalAvgPool():
            return (c, 1, 1)
        case Linear(features=int(features)):
            _check("features", features, 1, WIDEST)
            return (features, 1, 1)
        case Dropout(rate=rate):
            if not 0 <= rate < 1:
                raise UsageError(f"rate is {rate}; it must be at least 0 and below 1.")
            return shape
        case BatchNorm() | Relu() | Add():
            return shape
        case Conv() | Linear():
            raise _no_width(operation)
        case _:
            assert_never(operation)


def _window(layer: Conv | Depthwise, h: int, w: int) -> tuple[int, int]:
    """Return the rows and columns a convolution gives: floor((size + 2 padding - kernel) / stride) + 1."""
    _check("kernel", layer.kernel, 1, 31)
    _check("stride", layer.stride, 1, 8)
    _check("padding", layer.padding, 0, MOST_PIXELS)
    sizes = tuple((size + 2 * layer.padding - layer.kernel) // layer.stride + 1 for size in (h, w))
    if min(sizes) < 1:
        kernel = f"{layer.kernel}x{layer.kernel}"
        raise UsageError(f"a {kernel} kernel with padding {layer.padding} does not fit a {h}x{w} map.")
    return sizes[0], sizes[1]


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value}; it must be from {low} to {high}.")


def _tensor_shapes(operation: Operation, shape: Shape) -> tuple[Shapes, Shapes]:
    """Return names and shapes of an operation's weights, and of its buffers."""
    c, h, w = shape
    match operation:
        case Conv(channels=int(channels), kernel=kernel, bias=bias):
            return _weight_and_bias((channels, c, kernel, kernel), bias), []
        case Depthwise(kernel=kernel, bias=bias):
            return _weight_and_bias((c, 1, kernel, kernel), bias), []
        case Linear(features=int(features), bias=bias):
            return _weight_and_bias((features, c * h * w), bias), []
        case BatchNorm():
            return _weight_and_bias((c,), bias=True), [("running_mean", (c,)), ("running_var", (c,))]
        case Relu() | MaxPool() | AvgPool() | GlobalAvgPool() | Dropout() | Add():
            return [], []
        case Conv() | Linear():
            raise _no_width(operation)
        case _:
            assert_never(operation)


def _weight_and_bias(shape: tuple[int, ...], bias: bool) -> Shapes:
    return [("weight", shape), *([("bias", shape[:1])] if bias else [])]


def _no_width(operation: Conv | Linear) -> AssertionError:
    return AssertionError(f"{operation} has no width before the dataset has given it one")


def _with_last_use(nodes: list[Node]) -> list[Node]:
    last = {node.number: node.number for node in nodes}
    for node in nodes:
        last.update(dict.fromkeys(node.inputs, node.number))
    return [replace(node, last_use=last[node.number]) for node in nodes]


def _check_head(layers: Layers) -> None:
    heads = [layer for layer in layers if _width(layer) is CLASSES]
    nested = [layer for layer in layers if isinstance(layer, Residual) and _counts_heads(layer.body + layer.shortcut)]
    if len(heads) != 1 or nested:
        raise UsageError(
            f"A network needs exactly one head, Conv(CLASSES, ...) or Linear(CLASSES), outside of residuals; "
            f"this one has {_counts_heads(layers)}."
        )


def _counts_heads(layers: Layers) -> int:
    inner = sum(_counts_heads(layer.body + layer.shortcut) for layer in layers if isinstance(layer, Residual))
    return inner + sum(_width(layer) is CLASSES for layer in layers)


def _width(layer: object) -> int | Width | None:
    if isinstance(layer, Conv):
        return layer.channels
    return layer.features if isinstance(layer, Linear) else None


def _text(shape: Shape) -> str:
    return "x".join(str(size) for size in shape)
