"""Initial weights, the same for every engine: PyTorch's default distributions from counter-based random numbers.

Convolution and linear weights and biases are uniform in +-1/sqrt(fan in): He et al. (2015) with the slope
sqrt(5) that `torch.nn.Conv2d` and `torch.nn.Linear` use. BatchNorm starts as the identity.
"""

from math import prod, sqrt
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.random import uniforms
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Node, Plan, Tensor


def initial_weights(plan: Plan, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return every weight and buffer of `plan` by name; each depends on `seed` and its own name alone."""
    values: dict[str, NDArray[np.float32]] = {}
    for node in plan.nodes:
        for tensor in node.weights + node.buffers:
            values[tensor.name] = _value(node, tensor, seed)
    return values


def _value(node: Node, tensor: Tensor, seed: int) -> NDArray[np.float32]:
    match node.operation:
        case BatchNorm():
            starts_at_one = tensor.name.endswith((".weight", ".running_var"))
            return np.full(tensor.shape, 1.0 if starts_at_one else 0.0, dtype=np.float32)
        case Conv() | Depthwise() | Linear():
            bound = 1 / sqrt(prod(node.weights[0].shape[1:]))
            drawn = uniforms(prod(tensor.shape), "initial", seed, tensor.name)
            return ((2 * drawn - 1) * bound).astype(np.float32).reshape(tensor.shape)
        case Relu() | MaxPool() | AvgPool() | GlobalAvgPool() | Dropout() | Add():
            raise AssertionError(f"{node.label} has no weights, and yet '{tensor.name}'")
        case _:
            assert_never(node.operation)
