"""BatchNorm folded into the layer beside it, wherever that is exact: fewer nodes for whoever runs a network.

In inference BatchNorm multiplies each channel by a scale and adds a shift, weight (x - mean) / sqrt(variance + epsilon)
+ bias. A layer here is a convolution, plain or depthwise, or a linear layer. Two folds change no value:

- **into the layer that produces its input**, if nothing else reads that layer's output, which is then scaled and
  shifted: scale (W x + bias) + shift (Jacob et al., "Quantization and Training of Neural Networks for Efficient
  Integer-Arithmetic-Only Inference", 2018, section 3.2).
- **into the layer that consumes its output**, if nothing else reads that output and the layer does not pad:
  W (scale x + shift) + bias. It serves networks with ReLU before BatchNorm. With padding it would not be exact: the
  zeros around the map are put there after BatchNorm, and before it they would have to be -shift / scale.

Any other BatchNorm stays: one whose neighbours are ReLU, pooling, a sum or a padded convolution, or have several
readers. Dropout, the identity in inference, is left out of the folded plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from pennyweight.nets.arrays import Array, Arrays, arrays_of_node, plan_arrays
from pennyweight.nets.layers import BatchNorm, Conv, Depthwise, Dropout, Linear
from pennyweight.nets.plan import Operation, Plan, Tensor

Edges: TypeAlias = dict[int, tuple[int, ...]]
"""The values that each node reads, by the node's number and in the order of the plan; removed nodes are absent."""

NodeArrays: TypeAlias = dict[str, Array]
"""The float64 arrays of one node by their own names: `weight`, `bias`, `running_mean`, `running_var`."""


@dataclass(frozen=True)
class Fold:
    """A BatchNorm and the layer that takes it in, by node number: its producer if lower, its consumer if higher."""

    batchnorm: int
    layer: int


@dataclass(frozen=True, eq=False)
class FoldedNetwork:
    """A plan for inference alone and its weights, float64 by name; `same_value` relates it to the plan it comes from.

    `same_value[number]` is the node of the unfolded plan whose output equals that of node `number`; 0 is the images.
    """

    plan: Plan
    weights: dict[str, Array]
    same_value: Mapping[int, int]


def fold_batchnorm(plan: Plan, weights: Arrays) -> FoldedNetwork:
    """Return the network with every BatchNorm folded that `folds_of` lists, and without dropout.

    Weights are combined in float64, so that a cast to float32 rounds them once. Raises MismatchError for weights that
    do not fit the plan.
    """
    named = plan_arrays(plan, weights, np.float64)
    arrays = {node.number: arrays_of_node(node, named) for node in plan.nodes}
    folds, edges = _folds_and_edges(plan)
    same_value = {0: 0, **{number: number for number in edges}}
    for fold in folds:
        scale, shift = scale_and_shift(arrays[fold.batchnorm])
        layer = arrays[fold.layer]
        if fold.layer < fold.batchnorm:
            arrays[fold.layer] = _scaled_output(layer, scale, shift)
            same_value[fold.layer] = fold.batchnorm
        else:
            arrays[fold.layer] = _scaled_input(layer, plan.nodes[fold.layer - 1].operation, scale, shift)
    return _renumbered(plan, edges, arrays, same_value)


def folds_of(plan: Plan) -> tuple[Fold, ...]:
    """Return the folds that are exact, in an order in which they can be carried out one after the other."""
    return _folds_and_edges(plan)[0]


def remaining_batchnorms(plan: Plan) -> tuple[int, ...]:
    """Return the numbers of the BatchNorm nodes of `plan` that cannot be folded exactly."""
    folded = {fold.batchnorm for fold in folds_of(plan)}
    return tuple(n.number for n in plan.nodes if isinstance(n.operation, BatchNorm) and n.number not in folded)


def _folds_and_edges(plan: Plan) -> tuple[tuple[Fold, ...], Edges]:
    """Return the exact folds, and what every node left over reads."""
    edges = {node.number: node.inputs for node in plan.nodes}
    for node in plan.nodes:
        if isinstance(node.operation, Dropout):
            _remove(edges, node.number)
    batchnorms = [node.number for node in plan.nodes if isinstance(node.operation, BatchNorm)]
    folds = []
    for number in batchnorms:  # in order, so that the second of two BatchNorms finds the layer the first went into
        (source,) = edges[number]
        if _is_layer(plan, source) and _readers(edges, source) == [number]:
            folds.append(Fold(number, source))
            _remove(edges, number)
    for number in reversed(batchnorms):  # in reverse, for the same reason
        readers = _readers(edges, number)
        if number in edges and len(readers) == 1 and _is_layer(plan, readers[0]) and not _pads(plan, readers[0]):
            folds.append(Fold(number, readers[0]))
            _remove(edges, number)
    return tuple(folds), edges


def _remove(edges: Edges, number: int) -> None:
    """Remove a node with one input; whoever read its output reads that input."""
    (source,) = edges.pop(number)
    for reader, inputs in edges.items():
        edges[reader] = tuple(source if value == number else value for value in inputs)


def _readers(edges: Edges, value: int) -> list[int]:
    return [reader for reader, inputs in edges.items() for read in inputs if read == value]


def _is_layer(plan: Plan, number: int) -> bool:
    return number > 0 and isinstance(plan.nodes[number - 1].operation, Conv | Depthwise | Linear)


def _pads(plan: Plan, number: int) -> bool:
    operation = plan.nodes[number - 1].operation
    return isinstance(operation, Conv | Depthwise) and operation.padding > 0


def scale_and_shift(batchnorm: NodeArrays) -> tuple[Array, Array]:
    """Return what BatchNorm multiplies each channel by and what it adds, both (c,), from its weights and statistics."""
    scale = batchnorm["weight"] / np.sqrt(batchnorm["running_var"] + BatchNorm.EPSILON)
    return scale, batchnorm["bias"] - scale * batchnorm["running_mean"]


def _scaled_output(layer: NodeArrays, scale: Array, shift: Array) -> NodeArrays:
    """Return the weights that give scale * y + shift where `layer` gives y; scale and shift are (o,)."""
    weight = layer["weight"]
    return {
        "weight": weight * scale.reshape(-1, *[1] * (weight.ndim - 1)),
        "bias": layer.get("bias", 0.0) * scale + shift,
    }


def _scaled_input(layer: NodeArrays, operation: Operation, scale: Array, shift: Array) -> NodeArrays:
    """Return the weights that give for x what `layer`, without padding, gives for scale * x + shift; both are (c,)."""
    weight = layer["weight"]
    depthwise = isinstance(operation, Depthwise)
    by_channel = weight.reshape(len(weight), 1 if depthwise else len(scale), -1)
    per_channel = (-1, 1, 1) if depthwise else (1, -1, 1)
    return {
        "weight": (by_channel * scale.reshape(per_channel)).reshape(weight.shape),
        "bias": layer.get("bias", 0.0) + (by_channel * shift.reshape(per_channel)).sum(axis=(1, 2)),
    }


def _renumbered(
    plan: Plan, edges: Edges, arrays: Mapping[int, NodeArrays], same_value: Mapping[int, int]
) -> FoldedNetwork:
    """Return the nodes of `edges` numbered from 1, as `make_plan` would, with their arrays by the new names."""
    new = {0: 0, **{number: place for place, number in enumerate(edges, start=1)}}
    nodes, weights = [], {}
    for number, inputs in edges.items():
        node = plan.nodes[number - 1]
        operation = node.operation
        if isinstance(operation, Conv | Depthwise | Linear):
            operation = replace(operation, bias="bias" in arrays[number])
        tensors = {name: Tensor(f"{new[number]}.{name}", array.shape) for name, array in arrays[number].items()}
        weights.update({tensors[name].name: array for name, array in arrays[number].items()})
        nodes.append(
            replace(
                node,
                number=new[number],
                operation=operation,
                inputs=tuple(new[value] for value in inputs),
                weights=tuple(tensors[name] for name in ("weight", "bias") if name in tensors),
                buffers=tuple(tensors[name] for name in ("running_mean", "running_var") if name in tensors),
                last_use=new[max(_readers(edges, number), default=number)],
            )
        )
    return FoldedNetwork(replace(plan, nodes=tuple(nodes)), weights, {new[n]: same for n, same in same_value.items()})
