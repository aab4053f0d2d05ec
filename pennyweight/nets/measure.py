"""What a network costs and sees: a table measured from its plan, without running anything.

Parameters are the trained numbers, which is what a budget's cap counts; BatchNorm's running mean and variance are
buffers. MACs are the multiply-accumulates of convolutions and linear layers for one image, forward. The receptive
field follows Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

from dataclasses import dataclass
from math import prod
from typing import assert_never

from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Node, Plan, Shape

FLOAT_BYTES = 4


@dataclass(frozen=True)
class NodeCost:
    """One line of the table: a node of the plan and its figures.

    `kernel` and `receptive_field` are in pixels along the longer side of the image: they differ from those along the
    other side in a layer whose window is a whole rectangular map.
    """

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

    layers: tuple[NodeCost, ...]
    params: int
    buffers: int
    macs: int
    receptive_field: int
    jump: int
    largest_activation_bytes: int


def measure(plan: Plan) -> Measurement:
    """Measure every node of `plan`: sizes in pixels, activations in bytes of 32-bit floats for one image."""
    layers: list[NodeCost] = []
    for node in plan.nodes:
        layers.append(_cost(node, layers))
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


def _cost(node: Node, before: list[NodeCost]) -> NodeCost:
    kernels, stride, padding = window(node)
    kernel = max(kernels)
    reads = [before[value - 1] for value in node.inputs if value > 0]
    jump_in = max((cost.jump for cost in reads), default=1)
    field_in = max((cost.receptive_field for cost in reads), default=1)
    return NodeCost(
        number=node.number,
        kind=type(node.operation).__name__,
        output_shape=node.output_shape,
        kernel=kernel,
        stride=stride,
        padding=padding,
        params=sum(prod(weight.shape) for weight in node.weights),
        buffers=sum(prod(buffer.shape) for buffer in node.buffers),
        macs=_macs(node),
        receptive_field=field_in + (kernel - 1) * jump_in,
        jump=jump_in * stride,
        activation_bytes=prod(node.output_shape) * FLOAT_BYTES,
    )


def window(node: Node) -> tuple[tuple[int, int], int, int]:
    """Return kernel (rows, columns), stride and padding of a node in pixels of its input.

    A global layer's window is the whole map, and nothing moves it: its stride is its longer side.
    """
    match node.operation:
        case Conv(kernel=kernel, stride=stride, padding=padding):
            return (kernel, kernel), stride, padding
        case Depthwise(kernel=kernel, stride=stride, padding=padding):
            return (kernel, kernel), stride, padding
        case MaxPool(size=size) | AvgPool(size=size):
            return (size, size), size, 0
        case GlobalAvgPool() | Linear():
            _, rows, columns = node.input_shape
            return (rows, columns), max(rows, columns), 0
        case BatchNorm() | Relu() | Dropout() | Add():
            return (1, 1), 1, 0
        case _:
            assert_never(node.operation)


def _macs(node: Node) -> int:
    match node.operation:
        case Conv() | Depthwise() | Linear():
            return prod(node.weights[0].shape) * prod(node.output_shape[1:])
        case BatchNorm() | Relu() | MaxPool() | AvgPool() | GlobalAvgPool() | Dropout() | Add():
            return 0
        case _:
            assert_never(node.operation)
