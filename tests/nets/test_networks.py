"""The 13 networks of the documents and ours against their published figures and against PyTorch."""

import numpy as np
import pytest
import torch
from support import mnist_plan
from torch.utils.flop_counter import FlopCounterMode

from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import Conv, Depthwise
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan
from pennyweight.nets.torch_module import PlanModule, torch_module
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

# params, MACs, receptive field and jump at the last convolution, sizes of the maps after each convolution
PUBLISHED = {
    "progressive-1": (1_674, 321_424, 10, 2, [26, 24, 10, 10]),
    "progressive-2": (5_208, 1_737_120, 16, 2, [26, 24, 24, 12, 10, 8, 8]),
    "progressive-3": (6_188, 691_360, 24, 4, [26, 24, 10, 8, 2]),
    "evolution-v1": (420_614, 23_565_416, 32, 4, [28, 28, 14, 14, 7, 7]),
    "evolution-v2": (99_746, 11_374_912, 32, 4, [28, 28, 14, 14, 7, 7]),
    "skip-1": (8_856, 1_440_112, 28, 2, [26, 24, 22, 9, 9, 7, 7, 1]),
    "skip-2": (5_672, 1_422_576, 24, 2, [26, 24, 22, 9, 9, 7, 5, 3]),
    "skip-3": (7_480, 2_151_808, 20, 2, [26, 26, 26, 13, 11, 11, 9]),
    "compact-regularized": (19_204, 2_437_848, 40, 4, [28, 28, 14, 14, 7, 7, 7]),
    "compact-minimal": (14_116, 1_883_952, 40, 4, [28, 28, 14, 14, 7, 7, 7]),
    "iteration-1": (7_998, 922_540, 28, 2, [26, 24, 22, 9, 7, 1]),
    "iteration-2": (7_936, 2_272_620, 32, 14, [26, 24, 22, 9, 7, 7, 1]),
    "iteration-3": (5_178, 627_960, 28, 4, [26, 24, 10, 8, 2, 1]),
    "pennyweight-8k": (7_454, 765_396, 24, 4, [26, 24, 10, 8, 2]),
}

# parameters of each layer that has any, as the documents' tables print them
TABLES = {
    "evolution-v1": [80, 16, 1168, 32, 4640, 64, 18496, 128, 73856, 256, 295168, 25700, 1010],
    "evolution-v2": [120, 24, 2616, 48, 10416, 96, 20784, 96, 27712, 128, 36928, 128, 650],
    "iteration-1": [100, 20, 728, 16, 730, 20, 728, 16, 730, 4910],
    "iteration-2": [200, 40, 1810, 20, 1820, 40, 1810, 20, 910, 20, 1092, 24, 130],
    "iteration-3": [54, 12, 648, 24, 1296, 24, 1296, 24, 1296, 24, 480],
}


def plan_of(name: str) -> Plan:
    return mnist_plan(find_recipe(name).layers)


def module_of(name: str) -> PlanModule:
    plan = plan_of(name)
    return torch_module(plan, initial_weights(plan, seed=1))


def test_the_published_networks_are_the_thirteen_of_the_documents_and_ours() -> None:
    assert set(RECIPE_NAMES) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_figures_are_exactly_the_published_ones(name: str) -> None:
    measured = measure(plan_of(name))
    sizes = [layer.output_shape[1] for layer in measured.layers if layer.kind in ("Conv", "Depthwise")]
    found = (measured.params, measured.macs, measured.receptive_field, measured.jump, sizes)
    assert found == PUBLISHED[name]


@pytest.mark.parametrize("name", TABLES)
def test_every_layer_has_the_parameters_of_the_printed_table(name: str) -> None:
    assert [layer.params for layer in measure(plan_of(name)).layers if layer.params] == TABLES[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_what_torch_counts(name: str) -> None:
    module, measured = module_of(name), measure(plan_of(name))
    assert measured.params == sum(parameter.numel() for parameter in module.parameters())
    floats = [buffer.numel() for key, buffer in module.named_buffers() if not key.endswith("num_batches_tracked")]
    assert measured.buffers == sum(floats)


@pytest.mark.parametrize("name", PUBLISHED)
def test_macs_are_half_of_what_torch_counts_as_flops(name: str) -> None:
    with FlopCounterMode(display=False) as counter:
        module_of(name)(torch.zeros(1, 1, 28, 28))
    assert counter.get_total_flops() == 2 * measure(plan_of(name)).macs


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_step_has_the_shape_torch_gives_it(name: str) -> None:
    module, shapes = module_of(name), {}
    for node in module.plan.nodes:
        module.get_submodule(str(node.number)).register_forward_hook(
            lambda _, __, output, number=node.number: shapes.update({number: tuple(output.shape[1:])})
        )
    assert module(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert shapes == {node.number: node.output_shape for node in module.plan.nodes}


@pytest.mark.parametrize("name", PUBLISHED)
def test_receptive_field_is_what_the_gradient_reaches(name: str) -> None:
    """The gradient of one unit of the last convolution reaches exactly that many pixels, on an image large enough."""
    rows, size = find_recipe(name).layers, 120
    plan = mnist_plan(rows)
    last = max(node.number for node in plan.nodes if isinstance(node.operation, Conv | Depthwise))
    module = torch_module(plan, initial_weights(plan, seed=1)).double()
    # without ReLU no gradient is cut off by chance, and max pooling becomes mean pooling of the same window
    image = torch.rand(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    values = {0: image}
    for node in plan.nodes[:last]:
        kind = type(node.operation).__name__
        inputs = [values[value] for value in node.inputs]
        if kind in ("Relu", "Dropout"):
            values[node.number] = inputs[0]
        elif kind == "MaxPool":
            values[node.number] = torch.nn.functional.avg_pool2d(inputs[0], node.operation.size)  # type: ignore[union-attr]
        else:
            values[node.number] = module.get_submodule(str(node.number))(*inputs)
    output = values[last]
    middle = output.shape[-1] // 2
    (gradient,) = torch.autograd.grad(output[0, :, middle, middle].sum(), image)
    reached = np.flatnonzero(gradient[0, 0].abs().sum(0).numpy() > 0)
    assert reached[-1] - reached[0] + 1 == measure(plan).receptive_field


def test_initial_weights_have_the_spread_of_torch_and_depend_on_seed_and_name() -> None:
    plan = plan_of("evolution-v1")
    first, again, other = (initial_weights(plan, seed) for seed in (0, 0, 1))
    for node in plan.nodes:
        for tensor in node.weights:
            assert (first[tensor.name] == again[tensor.name]).all()
            if type(node.operation).__name__ == "BatchNorm":
                continue
            assert (first[tensor.name] != other[tensor.name]).any()
            bound = 1 / np.sqrt(np.prod(node.weights[0].shape[1:]))
            assert np.abs(first[tensor.name]).max() <= bound
            if first[tensor.name].size > 1000:
                assert first[tensor.name].std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
                assert first[tensor.name].mean() == pytest.approx(0, abs=bound * 0.05)
    module = PlanModule(plan)
    for node in plan.nodes:
        if type(node.operation).__name__ == "Conv":
            theirs = module.get_submodule(str(node.number)).weight.detach().numpy()  # type: ignore[union-attr]
            assert theirs.std() == pytest.approx(first[f"{node.number}.weight"].std(), rel=0.15)
