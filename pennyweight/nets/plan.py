"""Rows lowered once into flat, numbered steps: the only thing modules, engines and exporters read.

Legend: c channels, h rows of the map, w columns of the map.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from pennyweight.base.errors import UsageError
from pennyweight.nets.rows import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Relu,
    Residual,
    Rows,
    Width,
)

Shape: TypeAlias = tuple[int, int, int]
IMAGE_SHAPE: Shape = (1, 28, 28)
WIDEST = 65_536


@dataclass(frozen=True)
class Add:
    """Element-wise sum of two maps of one shape: where a Residual's body and shortcut meet."""


Operation: TypeAlias = Conv | Depthwise | BatchNorm | Relu | MaxPool | AvgPool | GlobalAvgPool | Dropout | Linear | Add


@dataclass(frozen=True)
class Tensor:
    """A named array that belongs to a step: a trainable weight, or a buffer."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One operation; its output is the value with the step's own number, value 0 is the image."""

    number: int
    operation: Operation
    inputs: tuple[int, ...]
    input_shape: Shape
    output_shape: Shape
    weights: tuple[Tensor, ...]
    buffers: tuple[Tensor, ...]
    last_use: int
    """Number of the last step that reads the output; the step's own number for the logits."""

    @property
    def label(self) -> str:
        """Return the name messages use: `layer 3 (Conv)`."""
        return f"layer {self.number} ({type(self.operation).__name__})"


@dataclass(frozen=True)
class Plan:
    """The steps of a network from an image of `image_shape` to `classes` logits."""

    steps: tuple[Step, ...]
    image_shape: Shape
    classes: int

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Return every trainable tensor in the order of the steps."""
        return tuple(weight for step in self.steps for weight in step.weights)

    @property
    def buffers(self) -> tuple[Tensor, ...]:
        """Return every tensor that is state but not trained: BatchNorm's running mean and variance."""
        return tuple(buffer for step in self.steps for buffer in step.buffers)


def make_plan(rows: Rows, classes: int = 10, image_shape: Shape = IMAGE_SHAPE) -> Plan:
    """Lower `rows` to steps for images of `image_shape` (c, h, w) and `classes` classes.

    Raises UsageError naming the layer whose shape or setting cannot work.
    """
    _check_head(rows)
    steps: list[Step] = []
    _lower(rows, steps, 0, image_shape, classes)
    if not steps or steps[-1].output_shape != (classes, 1, 1):
        ends = _text(steps[-1].output_shape) if steps else "nothing"
        raise UsageError(
            f"The network ends in {ends}, not in {classes} logits ({classes}x1x1); "
            "end it with GlobalAvgPool() or Linear(CLASSES)."
        )
    return Plan(tuple(_with_last_use(steps)), image_shape, classes)


def _lower(rows: Rows, steps: list[Step], value: int, shape: Shape, classes: int) -> tuple[int, Shape]:
    """Append the steps of `rows` reading `value`; return the value they end in and its shape."""
    for row in rows:
        if isinstance(row, Residual):
            body, body_shape = _lower(row.body, steps, value, shape, classes)
            other, other_shape = _lower(row.shortcut, steps, value, shape, classes)
            if body_shape != other_shape:
                raise UsageError(
                    f"layer {len(steps) + 1} (Residual): the body gives {_text(body_shape)}, "
                    f"the shortcut {_text(other_shape)}; both must be equal."
                )
            value, shape = _append(steps, Add(), (body, other), body_shape, classes)
        else:
            value, shape = _append(steps, row, (value,), shape, classes)
    return value, shape


def _append(
    steps: list[Step], operation: Operation, inputs: tuple[int, ...], shape: Shape, classes: int
) -> tuple[int, Shape]:
    number = len(steps) + 1
    operation = _with_width(operation, classes)
    try:
        output_shape = _output_shape(operation, shape)
    except UsageError as error:
        raise UsageError(f"layer {number} ({type(operation).__name__}): {error}") from error
    weights = tuple(Tensor(f"{number}.{name}", size) for name, size in _weight_shapes(operation, shape))
    buffers = tuple(Tensor(f"{number}.{name}", size) for name, size in _buffer_shapes(operation, shape))
    steps.append(Step(number, operation, inputs, shape, output_shape, weights, buffers, last_use=number))
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
        case _:
            return shape


def _window(row: Conv | Depthwise, h: int, w: int) -> tuple[int, int]:
    """Return the rows and columns a convolution gives: floor((size + 2 padding - kernel) / stride) + 1."""
    _check("kernel", row.kernel, 1, 31)
    _check("stride", row.stride, 1, 8)
    _check("padding", row.padding, 0, row.kernel - 1)
    sizes = tuple((size + 2 * row.padding - row.kernel) // row.stride + 1 for size in (h, w))
    if min(sizes) < 1:
        raise UsageError(f"a {row.kernel}x{row.kernel} kernel with padding {row.padding} does not fit a {h}x{w} map.")
    return sizes[0], sizes[1]


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value}; it must be from {low} to {high}.")


def _weight_shapes(operation: Operation, shape: Shape) -> list[tuple[str, tuple[int, ...]]]:
    c, h, w = shape
    match operation:
        case Conv(channels=int(channels), kernel=kernel, bias=bias):
            return _weight_and_bias((channels, c, kernel, kernel), bias)
        case Depthwise(kernel=kernel, bias=bias):
            return _weight_and_bias((c, 1, kernel, kernel), bias)
        case Linear(features=int(features), bias=bias):
            return _weight_and_bias((features, c * h * w), bias)
        case BatchNorm():
            return _weight_and_bias((c,), bias=True)
        case _:
            return []


def _weight_and_bias(shape: tuple[int, ...], bias: bool) -> list[tuple[str, tuple[int, ...]]]:
    return [("weight", shape), *([("bias", shape[:1])] if bias else [])]


def _buffer_shapes(operation: Operation, shape: Shape) -> list[tuple[str, tuple[int, ...]]]:
    if isinstance(operation, BatchNorm):
        return [("running_mean", shape[:1]), ("running_var", shape[:1])]
    return []


def _with_last_use(steps: list[Step]) -> list[Step]:
    last = {step.number: step.number for step in steps}
    for step in steps:
        last.update(dict.fromkeys(step.inputs, step.number))
    return [replace(step, last_use=last[step.number]) for step in steps]


def _check_head(rows: Rows) -> None:
    heads = [row for row in rows if _width(row) is CLASSES]
    nested = [row for row in rows if isinstance(row, Residual) and _counts_heads(row.body + row.shortcut)]
    if len(heads) != 1 or nested:
        raise UsageError(
            f"A network needs exactly one head, Conv(CLASSES, ...) or Linear(CLASSES), outside of residuals; "
            f"this one has {_counts_heads(rows)}."
        )


def _counts_heads(rows: Rows) -> int:
    inner = sum(_counts_heads(row.body + row.shortcut) for row in rows if isinstance(row, Residual))
    return inner + sum(_width(row) is CLASSES for row in rows)


def _width(row: object) -> int | Width | None:
    if isinstance(row, Conv):
        return row.channels
    return row.features if isinstance(row, Linear) else None


def _text(shape: Shape) -> str:
    return "x".join(str(size) for size in shape)
