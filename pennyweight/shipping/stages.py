"""The stages of a network for whole numbers: which nodes of the folded plan are computed as one.

A stage is a product (convolution, depthwise or linear), a sum, a mean or a maximum. ReLU and BatchNorm behind a product
are taken in: whatever their order, the result is scale * product + shift between two bounds, channel by channel. Those
that stand elsewhere, behind a pool or where several layers read a value, become a depthwise product of one pixel.

A mean over the whole map at the end is linear: the product before it, or an identity, adds up its pixels as the logits.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from pennyweight.nets.arrays import Array, arrays_of_node
from pennyweight.nets.fold import FoldedNetwork, NodeArrays, folds_of, scale_and_shift
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Node, Plan, Shape


@dataclass(frozen=True, eq=False)
class RealProduct:
    """Weights (o, c, k, l) or depthwise (c, 1, k, l), bias (o,), and the bounds (o,) its output is cut to."""

    weight: Array
    bias: Array
    low: Array
    high: Array
    stride: int = 1
    padding: int = 0

    @property
    def is_linear(self) -> bool:
        """Return whether nothing is cut off."""
        return bool(np.isinf(self.low).all() and np.isinf(self.high).all())


@dataclass(frozen=True)
class RealSum:
    """Sum of two maps, at least `low`."""

    low: float


@dataclass(frozen=True)
class RealMean:
    """Mean of every `rows` x `columns` window, at least `low`."""

    rows: int
    columns: int
    low: float


@dataclass(frozen=True)
class RealMaximum:
    """Largest value of every `size` x `size` window."""

    size: int


RealOperation: TypeAlias = RealProduct | RealSum | RealMean | RealMaximum


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """One operation on real numbers; its output is the value with the stage's own number, value 0 is the image.

    `value` is the number of the folded plan's value that it computes.
    """

    number: int
    label: str
    operation: RealOperation
    inputs: tuple[int, ...]
    input_shape: Shape
    output_shape: Shape
    value: int


def stages_of(plan: Plan, network: FoldedNetwork) -> tuple[Stage, ...]:
    """Return the stages of a network, the last of them a product that gives the logits; `network` is `plan` folded."""
    removed = {fold.batchnorm for fold in folds_of(plan)}
    kept = [node for node in plan.nodes if node.number not in removed and not isinstance(node.operation, Dropout)]
    builder = _Builder(network, tuple(node.label for node in kept))
    for node in network.plan.nodes:
        if node.number not in builder.computed:
            builder.append(node)
    return tuple(_with_head(builder.stages))


class _Builder:
    """The stages so far, and the value of each by the folded plan's number."""

    def __init__(self, network: FoldedNetwork, labels: tuple[str, ...]) -> None:
        self.network = network
        self.labels = labels
        self.stages: list[Stage] = []
        self.computed: dict[int, int] = {0: 0}
        self._image = 0

    def append(self, node: Node) -> None:
        """Append the stage that computes `node`, and what can be taken in behind it."""
        arrays = arrays_of_node(node, self.network.weights)
        inputs = tuple(self.computed[value] for value in node.inputs)
        operation = _operation(node, arrays)
        if isinstance(node.operation, Relu | BatchNorm):
            operation = _taken_in(identity(node.output_shape[0]), node, arrays)
        elif not isinstance(operation, RealProduct):
            inputs = tuple(self._requantised(value) for value in inputs)
        last = node
        while (following := self._only_reader(last.number)) is not None:
            taken = _taken_in(operation, following, arrays_of_node(following, self.network.weights))
            if taken is None:
                break
            operation, last = taken, following
        assert operation is not None
        self._add(node, operation, inputs, node.input_shape, node.output_shape, last.number)
        # what was taken in is computed too, though nothing reads it but the stage
        self.computed.update(dict.fromkeys(self._chain(node.number, last.number), len(self.stages)))

    def _add(
        self,
        node: Node,
        operation: RealOperation,
        inputs: tuple[int, ...],
        input_shape: Shape,
        output_shape: Shape,
        value: int,
    ) -> None:
        self.stages.append(
            Stage(
                number=len(self.stages) + 1,
                label=self.labels[node.number - 1],
                operation=operation,
                inputs=inputs,
                input_shape=input_shape,
                output_shape=output_shape,
                value=value,
            )
        )

    def _requantised(self, value: int) -> int:
        """Return the image as a value with one scale for all channels; any other value is one already."""
        if value != 0:
            return value
        if not self._image:
            node = self.network.plan.nodes[0]
            shape = self.network.plan.image_shape
            self._add(node, identity(shape[0]), (0,), shape, shape, 0)
            self._image = len(self.stages)
        return self._image

    def _only_reader(self, value: int) -> Node | None:
        readers = [node for node in self.network.plan.nodes for read in node.inputs if read == value]
        return readers[0] if len(readers) == 1 else None

    def _chain(self, first: int, last: int) -> list[int]:
        chain = [last]
        while chain[-1] != first:
            chain += self.network.plan.nodes[chain[-1] - 1].inputs
        return chain


def identity(channels: int) -> RealProduct:
    """Return the product that changes nothing: depthwise, one pixel."""
    unbounded = np.full(channels, np.inf)
    return RealProduct(np.ones((channels, 1, 1, 1)), np.zeros(channels), -unbounded, unbounded)


def _operation(node: Node, arrays: NodeArrays) -> RealOperation | None:
    """Return the operation of a node by itself; None for ReLU and BatchNorm, which are taken in."""
    c, h, w = node.input_shape
    match node.operation:
        case Conv(stride=stride, padding=padding) | Depthwise(stride=stride, padding=padding):
            return _product(arrays, arrays["weight"], stride, padding)
        case Linear():
            return _product(arrays, arrays["weight"].reshape(-1, c, h, w), 1, 0)
        case Add():
            return RealSum(-np.inf)
        case AvgPool(size=size):
            return RealMean(size, size, -np.inf)
        case GlobalAvgPool():
            return RealMean(h, w, -np.inf)
        case MaxPool(size=size):
            return RealMaximum(size)
        case _:
            return None


def _product(arrays: NodeArrays, weight: Array, stride: int, padding: int) -> RealProduct:
    unbounded = np.full(len(weight), np.inf)
    bias = arrays.get("bias", np.zeros(len(weight)))
    return RealProduct(weight, bias, -unbounded, unbounded, stride, padding)


def _taken_in(operation: RealOperation | None, node: Node, arrays: NodeArrays) -> RealOperation | None:
    """Return the operation with ReLU or BatchNorm behind it, or None where it cannot take in this node."""
    match operation, node.operation:
        case RealProduct(low=low, high=high), Relu():
            return replace(operation, low=np.maximum(low, 0), high=np.maximum(high, 0))
        case ((RealSum(low=low) | RealMean(low=low)), Relu()):
            return replace(operation, low=max(low, 0.0))
        case RealProduct(weight=weight, bias=bias, low=low, high=high), BatchNorm():
            scale, shift = scale_and_shift(arrays)
            scale = np.where(scale == 0, np.finfo(np.float64).tiny, scale)  # a bound of infinity times 0 is no number
            ends = low * scale + shift, high * scale + shift
            return replace(
                operation,
                weight=weight * scale[:, None, None, None],
                bias=bias * scale + shift,
                low=np.minimum(*ends),
                high=np.maximum(*ends),
            )
        case _:
            return None


def _with_head(stages: list[Stage]) -> list[Stage]:
    """Return the stages with the last one a product of which nothing is cut off."""
    last = stages[-1]
    if isinstance(last.operation, RealProduct) and last.operation.is_linear:
        return stages
    mean = last.operation
    if isinstance(mean, RealMean) and np.isinf(mean.low) and (mean.rows, mean.columns) == last.input_shape[1:]:
        source = stages[-2]
        readers = sum(stage.inputs.count(source.number) for stage in stages)
        product = source.operation
        if last.inputs == (source.number,) and readers == 1 and isinstance(product, RealProduct) and product.is_linear:
            return [*stages[:-2], replace(source, output_shape=last.output_shape, value=last.value)]
        head = replace(last, operation=identity(last.input_shape[0]))
        return [*stages[:-1], head]
    shape = last.output_shape
    return [
        *stages,
        replace(
            last,
            number=last.number + 1,
            operation=identity(shape[0]),
            inputs=(last.number,),
            input_shape=shape,
        ),
    ]
