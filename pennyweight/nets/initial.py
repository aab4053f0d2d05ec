"""Initial weights, the same for every engine: PyTorch's default distributions from counter-based random numbers.

Convolution and linear weights and biases are uniform in +-1/sqrt(fan in): He et al. (2015) with the slope
sqrt(5) that `torch.nn.Conv2d` and `torch.nn.Linear` use. BatchNorm starts as the identity.
"""

from collections.abc import Mapping
from math import prod, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.random import uniforms
from pennyweight.nets.plan import Plan, Step, Tensor
from pennyweight.nets.rows import BatchNorm

BATCHNORM_EPSILON = 1e-5
BATCHNORM_MOMENTUM = 0.1

Weights: TypeAlias = Mapping[str, NDArray[np.float32]]


def initial_weights(plan: Plan, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return every weight and buffer of `plan` by name; each depends on `seed` and its own name alone."""
    values: dict[str, NDArray[np.float32]] = {}
    for step in plan.steps:
        for tensor in step.weights + step.buffers:
            values[tensor.name] = _value(step, tensor, seed)
    return values


def _value(step: Step, tensor: Tensor, seed: int) -> NDArray[np.float32]:
    if isinstance(step.operation, BatchNorm):
        starts_at_one = tensor.name.endswith((".weight", ".running_var"))
        return np.full(tensor.shape, 1.0 if starts_at_one else 0.0, dtype=np.float32)
    bound = 1 / sqrt(prod(step.weights[0].shape[1:]))
    drawn = uniforms(prod(tensor.shape), "initial", seed, tensor.name)
    return ((2 * drawn - 1) * bound).astype(np.float32).reshape(tensor.shape)
