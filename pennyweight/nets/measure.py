"""What a network costs and sees: a table measured from its plan, without running anything.

Parameters are the trained numbers, which is what a budget's cap counts; BatchNorm's running mean and variance are
buffers. MACs are the multiply-accumulates of convolutions and linear layers for one image, forward. The receptive
field follows Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

from dataclasses import dataclass
from math import prod

from pennyweight.nets.plan import Add, Plan, Shape, Step
from pennyweight.nets.rows import AvgPool, Conv, Depthwise, GlobalAvgPool, Linear, MaxPool

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Layer:
    """One line of the table: a step of the plan and its figures."""

    number: int
    kind: str
    output_shape: Shape
    kernel: int
    stride: int
    padding: int
    params: int
    buffers: int
    macs: int
    receptive_field: int
    jump: int
    activation_bytes: int


@dataclass(frozen=True)
class Measurement:
    """A network's table and its totals; `receptive_field` and `jump` are those of the last convolution."""

    layers: tuple[Layer, ...]
    params: int
    buffers: int
    macs: int
    receptive_field: int
    jump: int
    largest_activation_bytes: int


def measure(plan: Plan) -> Measurement:
    """Measure every step of `plan`: sizes in pixels, activations in bytes of 32-bit floats for one image."""
    layers: list[Layer] = []
    for step in plan.steps:
        layers.append(_layer(step, layers))
    last = next((layer for layer in reversed(layers) if layer.kind in ("Conv", "Depthwise")), layers[-1])
    return Measurement(
        layers=tuple(layers),
        params=sum(layer.params for layer in layers),
        buffers=sum(layer.buffers for layer in layers),
        macs=sum(layer.macs for layer in layers),
        receptive_field=last.receptive_field,
        jump=last.jump,
        largest_activation_bytes=max(layer.activation_bytes for layer in layers),
    )


def _layer(step: Step, before: list[Layer]) -> Layer:
    kernel, stride, padding = window(step)
    reads = [before[value - 1] for value in step.inputs if value > 0]
    jump_in = max((layer.jump for layer in reads), default=1)
    field_in = max((layer.receptive_field for layer in reads), default=1)
    return Layer(
        number=step.number,
        kind=type(step.operation).__name__,
        output_shape=step.output_shape,
        kernel=kernel,
        stride=stride,
        padding=padding,
        params=sum(prod(weight.shape) for weight in step.weights),
        buffers=sum(prod(buffer.shape) for buffer in step.buffers),
        macs=_macs(step),
        receptive_field=field_in + (kernel - 1) * jump_in,
        jump=jump_in * stride,
        activation_bytes=prod(step.output_shape) * FLOAT_BYTES,
    )


def window(step: Step) -> tuple[int, int, int]:
    """Return kernel, stride and padding of a step in pixels of its input; a global layer's window is the whole map."""
    match step.operation:
        case Conv(kernel=kernel, stride=stride, padding=padding):
            return kernel, stride, padding
        case Depthwise(kernel=kernel, stride=stride, padding=padding):
            return kernel, stride, padding
        case MaxPool(size=size) | AvgPool(size=size):
            return size, size, 0
        case GlobalAvgPool() | Linear():
            size = step.input_shape[1]
            return size, size, 0
        case _:
            return 1, 1, 0


def _macs(step: Step) -> int:
    if isinstance(step.operation, Add) or not step.weights:
        return 0
    weight = step.weights[0].shape
    if isinstance(step.operation, Conv | Depthwise):
        return prod(weight) * prod(step.output_shape[1:])
    return prod(weight) if isinstance(step.operation, Linear) else 0
