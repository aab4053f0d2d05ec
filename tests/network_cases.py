"""Networks at shapes other than MNIST's, random ones, and what PyTorch computes for them in float64."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from pennyweight.nets import fold
from pennyweight.nets.forward import forward
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layer,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.plan import Plan, Shape, make_plan
from pennyweight.nets.torch_module import PlanModule, copy_weights


@dataclass(frozen=True)
class Network:
    """Layers with the image shape (c, h, w) and the number of classes they are made for."""

    layers: Layers
    image_shape: Shape
    classes: int

    @property
    def plan(self) -> Plan:
        return make_plan(self.layers, self.classes, self.image_shape)


def block(channels: int, kernel: int = 3, padding: int = 0, stride: int = 1, bias: bool = False) -> Layers:
    return Conv(channels, kernel, padding, stride, bias), BatchNorm(), Relu()


def relu_first(channels: int, kernel: int = 3, padding: int = 0, bias: bool = False) -> Layers:
    return Conv(channels, kernel, padding, bias=bias), Relu(), BatchNorm()


def kernel_case(kernel: int) -> Layers:
    """Return a network with this kernel plain, padded, strided and depthwise, on odd and even maps."""
    return (
        *block(4, kernel, kernel // 2),
        *block(5, kernel, kernel - 1, stride=2, bias=True),
        *(Depthwise(kernel, kernel // 2, bias=True), Relu(), Depthwise(kernel, kernel - 1, stride=3), Relu()),
        *(Conv(CLASSES, kernel=2), GlobalAvgPool()),
    )


COLOUR, WIDE, TINY, LARGE = ((3, 32, 32), 7), ((1, 20, 36), 3), ((4, 9, 9), 2), ((1, 96, 96), 100)
"""Image shapes (c, h, w) and numbers of classes."""

CASES = {
    **{f"kernel {k}, colour": Network(kernel_case(k), *COLOUR) for k in (1, 2, 3, 4, 5, 6, 7)},
    **{f"kernel {k}, wide": Network(kernel_case(k), *WIDE) for k in (1, 2, 3, 4, 5, 6, 7)},
    "colour, residuals": Network(
        (
            *block(6, 5, 2, 2),
            Residual((*block(8, 3, 1), Conv(6, padding=1), BatchNorm())),
            Residual((*block(9, 3, 1, 2), Conv(7, padding=1)), (Conv(7, 1, stride=2), BatchNorm())),
            *(Relu(), Residual((Residual((Relu(),)), Dropout(0.3), Depthwise(3, 1)))),
            *(Residual(()), MaxPool(3), Dropout(0.1), Linear(CLASSES)),
        ),
        *COLOUR,
    ),
    "wide, incomplete windows": Network(
        (*block(5, 4, 1), MaxPool(3), *relu_first(6, 2), AvgPool(2), Linear(11), Relu(), Linear(CLASSES, bias=False)),
        *WIDE,
    ),
    "wide, a linear layer on the image": Network((Linear(CLASSES),), *WIDE),
    "wide, ReLU first and global pooling": Network(
        (BatchNorm(), *relu_first(4), *relu_first(7, 5, 2), GlobalAvgPool(), BatchNorm(), Conv(CLASSES, 1)), *WIDE
    ),
    "tiny, a kernel as large as the map": Network((*block(8, 3, 1), Relu(), Conv(CLASSES, kernel=9)), *TINY),
    "tiny, windows of 4 on 9 pixels": Network((*block(6, 1), MaxPool(4), AvgPool(2), Linear(CLASSES)), *TINY),
    "large, a hundred classes": Network(
        (*block(8, 7, 3, 4), *block(12, 3, 0, 2), MaxPool(2), Conv(CLASSES, 3, 1, bias=True), GlobalAvgPool()), *LARGE
    ),
    "large, a kernel of 31": Network((Conv(2, 31, 15, 8), Relu(), AvgPool(5), Linear(CLASSES)), *LARGE),
}


@st.composite
def random_networks(draw: st.DrawFn) -> Network:
    """Draw a network of up to seven rows before its head, at a random image shape, that `make_plan` accepts."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(3, 13)), draw(st.integers(3, 13)))
    classes = draw(st.integers(2, 6))
    rows: list[Layer] = []
    for _ in range(draw(st.integers(0, 7))):
        row = draw(_row(_shape_after(rows, shape)))
        rows.append(row)
    head = draw(st.sampled_from(((Linear(CLASSES),), (Conv(CLASSES, 1, bias=True), GlobalAvgPool()))))
    return Network((*rows, *head, *draw(st.sampled_from(((), (BatchNorm(),), (Dropout(0.5),))))), shape, classes)


def _shape_after(rows: list[Layer], shape: Shape) -> Shape:
    return make_plan((*rows, Linear(CLASSES)), 2, shape).nodes[-1].input_shape


@st.composite
def _row(draw: st.DrawFn, shape: Shape) -> Layer:
    _, h, w = shape
    kernel = draw(st.integers(1, 7))
    padding = draw(st.integers(0, kernel + 1).filter(lambda p: kernel <= min(h, w) + 2 * p))
    stride, bias = draw(st.integers(1, 3)), draw(st.booleans())
    pool = st.integers(1, min(h, w, 4))
    return draw(
        st.one_of(
            st.builds(Conv, st.integers(1, 5), *map(st.just, (kernel, padding, stride, bias))),
            st.just(Depthwise(kernel, padding, stride, bias)),
            st.sampled_from((BatchNorm(), Relu(), Dropout(0.2), GlobalAvgPool())),
            st.builds(MaxPool, pool),
            st.builds(AvgPool, pool),
            _residual(shape[0]),
        )
    )


def _residual(channels: int) -> st.SearchStrategy[Layer]:
    """Return residuals that keep the shape, one inside another at times, with rows in the shortcut as well."""
    keeps_shape: st.SearchStrategy[Layer] = st.one_of(
        st.sampled_from((BatchNorm(), Relu(), Dropout(0.2))),
        st.sampled_from((1, 3, 5)).map(lambda k: Conv(channels, k, k // 2, bias=True)),
        st.sampled_from((1, 3)).map(lambda k: Depthwise(k, k // 2)),
    )
    inner = st.lists(keeps_shape, max_size=3).map(tuple)
    nested = st.lists(st.one_of(keeps_shape, st.builds(Residual, inner, inner)), max_size=3).map(tuple)
    return st.builds(Residual, nested, inner)


def random_weights(plan: Plan, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return weights and running statistics none of which is 0 or 1, float64."""
    generator = np.random.default_rng(seed)
    weights = {}
    for tensor in plan.weights + plan.buffers:
        fan_in = np.prod(tensor.shape[1:])
        values = generator.normal(0, 1 / np.sqrt(fan_in), tensor.shape)
        weights[tensor.name] = np.abs(values) + 0.1 if tensor.name.endswith("running_var") else values
    return weights


def random_images(plan: Plan, images: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(images, *plan.image_shape))


def torch_values(plan: Plan, weights: dict[str, NDArray[Any]], images: NDArray[np.float64]) -> dict[int, NDArray[Any]]:
    """Return the images and every node's output as PyTorch computes them in float64, by number."""
    module = PlanModule(plan).double().eval()
    copy_weights(module, weights)
    values = {0: images}
    for node in plan.nodes:
        module.get_submodule(str(node.number)).register_forward_hook(
            lambda _, __, output, number=node.number: values.update({number: output.numpy()})
        )
    with torch.no_grad():
        module(torch.from_numpy(images))
    return values


def distance(values: NDArray[Any], exact: NDArray[Any]) -> float:
    """Return the largest difference over the largest magnitude of what is exact; infinite for another shape."""
    if values.shape != exact.shape:
        return float("inf")
    return float(np.abs(values - exact).max() / max(np.abs(exact).max(), 1e-300))


def far_folded_values(network: Network, module: ModuleType = fold) -> dict[int, float]:
    """Return the values that differ between the network that `module` folds and the unfolded one, with their distance.

    The folded network's own numbers; its last value must be the logits, before a dropout behind them.
    """
    plan = network.plan
    weights, images = random_weights(plan, 1), random_images(plan, 3, 2)
    folded = module.fold_batchnorm(plan, weights)
    exact, values = forward(plan, weights, images), forward(folded.plan, folded.weights, images)
    assert folded.same_value.keys() == values.keys()
    logits = max(node.number for node in plan.nodes if not isinstance(node.operation, Dropout))
    assert folded.same_value[len(folded.plan.nodes)] == logits
    distances = {number: distance(values[number], exact[same]) for number, same in folded.same_value.items()}
    return {number: apart for number, apart in distances.items() if not apart <= 1e-12}
