"""A plan as a `torch.nn.Module`: the reference for every other way to run a network."""

from typing import assert_never

import torch
from torch import nn

from pennyweight.nets.arrays import Arrays
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Operation, Plan, Shape


class PlanModule(nn.Module):
    """Runs a plan node by node; its parameters carry the plan's weight names."""

    def __init__(self, plan: Plan) -> None:
        """Build one sub-module a node, named by the node's number."""
        super().__init__()
        self.plan = plan
        for node in plan.nodes:
            self.add_module(str(node.number), _module(node.operation, node.input_shape))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, shape (n, classes), for normalised images, shape (n, c, h, w)."""
        values: dict[int, torch.Tensor] = {0: images}
        for node in self.plan.nodes:
            values[node.number] = self._modules[str(node.number)](*(values[value] for value in node.inputs))  # type: ignore[misc]
            for value in node.inputs:
                if value > 0 and self.plan.nodes[value - 1].last_use == node.number:
                    values.pop(value, None)
        return values[self.plan.nodes[-1].number].flatten(1)


def torch_module(plan: Plan, weights: Arrays) -> PlanModule:
    """Return the module of `plan` with copies of `weights`, in evaluation mode."""
    module = PlanModule(plan)
    copy_weights(module, weights)
    return module.eval()


def copy_weights(module: PlanModule, weights: Arrays) -> None:
    """Copy `weights` into the module's parameters and buffers of the same names."""
    state = module.state_dict()
    for tensor in module.plan.weights + module.plan.buffers:
        state[tensor.name].copy_(torch.tensor(weights[tensor.name]))


def _module(operation: Operation, shape: Shape) -> nn.Module:
    c, h, w = shape
    match operation:
        case Conv(channels=int(channels), kernel=kernel, padding=padding, stride=stride, bias=bias):
            return nn.Conv2d(c, channels, kernel, stride, padding, bias=bias)
        case Depthwise(kernel=kernel, padding=padding, stride=stride, bias=bias):
            return nn.Conv2d(c, c, kernel, stride, padding, groups=c, bias=bias)
        case BatchNorm():
            return nn.BatchNorm2d(c, eps=BatchNorm.EPSILON, momentum=BatchNorm.MOMENTUM)
        case Relu():
            return nn.ReLU()
        case MaxPool(size=size):
            return nn.MaxPool2d(size)
        case AvgPool(size=size):
            return nn.AvgPool2d(size)
        case GlobalAvgPool():
            return nn.AdaptiveAvgPool2d(1)
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case Linear(features=int(features), bias=bias):
            return _Vector(c * h * w, features, bias)
        case Add():
            return _Sum()
        case Conv() | Linear():
            raise AssertionError(f"{operation} has no width before the dataset has given it one")
        case _:
            assert_never(operation)


class _Vector(nn.Linear):
    """A linear layer that reads a map as one vector and gives a 1x1 map."""

    def forward(self, map_values: torch.Tensor) -> torch.Tensor:
        return super().forward(map_values.flatten(1))[:, :, None, None]


class _Sum(nn.Module):
    def forward(self, body: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        return body + shortcut
