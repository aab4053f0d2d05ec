"""The arrays of a plan by name, checked against it before anything is computed."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pennyweight.base.errors import MismatchError
from pennyweight.nets.plan import Node, Plan

Array: TypeAlias = NDArray[np.floating[Any]]
Arrays: TypeAlias = Mapping[str, NDArray[Any]]
"""Weights and buffers by the plan's names; what else the mapping holds, such as optimizer slots, is not read."""


def plan_arrays(plan: Plan, weights: Arrays, dtype: DTypeLike) -> dict[str, Array]:
    """Return the weights and buffers of `plan` as `dtype`, without a copy where they have it already.

    Raises MismatchError naming the first layer whose array is missing or has another shape.
    """
    arrays: dict[str, Array] = {}
    for node in plan.nodes:
        for tensor in node.weights + node.buffers:
            array = weights.get(tensor.name)
            if array is None or array.shape != tensor.shape:
                actual = "is missing" if array is None else f"has shape {array.shape}"
                raise MismatchError(
                    f"The weights do not fit the network: '{tensor.name}' of {node.label} {actual}, "
                    f"the network needs {tensor.shape}."
                )
            arrays[tensor.name] = np.asarray(array, dtype)
    return arrays


def arrays_of_node(node: Node, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of one node by their own names: `weight`, `bias`, `running_mean`, `running_var`."""
    return {tensor.name.partition(".")[2]: arrays[tensor.name] for tensor in node.weights + node.buffers}
