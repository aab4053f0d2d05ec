"""A plan as a `torch.nn.Module`: the reference for every other way to run a network."""

import torch
from torch import nn

from pennyweight.nets.initial import BATCHNORM_EPSILON, BATCHNORM_MOMENTUM, Weights
from pennyweight.nets.plan import Add, Operation, Plan, Shape
from pennyweight.nets.rows import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu


class PlanModule(nn.Module):
    """Runs a plan step by step; its parameters carry the plan's weight names."""

    def __init__(self, plan: Plan) -> None:
        """Build one sub-module a step, named by the step's number."""
        super().__init__()
        self.plan = plan
        for step in plan.steps:
            self.add_module(str(step.number), _module(step.operation, step.input_shape))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, shape (n, classes), for normalised images, shape (n, c, h, w)."""
        values: dict[int, torch.Tensor] = {0: images}
        for step in self.plan.steps:
            values[step.number] = self._modules[str(step.number)](*(values[value] for value in step.inputs))  # type: ignore[misc]
            for value in step.inputs:
                if value > 0 and self.plan.steps[value - 1].last_use == step.number:
                    values.pop(value, None)
        return values[self.plan.steps[-1].number].flatten(1)


def torch_module(plan: Plan, weights: Weights) -> PlanModule:
    """Return the module of `plan` with copies of `weights`, in evaluation mode."""
    module = PlanModule(plan)
    load_weights(module, weights)
    return module.eval()


def load_weights(module: PlanModule, weights: Weights) -> None:
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
            return nn.BatchNorm2d(c, eps=BATCHNORM_EPSILON, momentum=BATCHNORM_MOMENTUM)
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
    raise AssertionError(f"no torch module for {operation}")


class _Vector(nn.Linear):
    """A linear layer that reads a map as one vector and gives a 1x1 map."""

    def forward(self, map_values: torch.Tensor) -> torch.Tensor:
        return super().forward(map_values.flatten(1))[:, :, None, None]


class _Sum(nn.Module):
    def forward(self, body: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        return body + shortcut
