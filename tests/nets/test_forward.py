"""The NumPy forward pass against PyTorch in float64, value by value, and against arithmetic by hand."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from network_cases import CASES, Network, distance, random_images, random_networks, random_weights, torch_values
from support import MNIST_SHAPE, mnist_plan

from pennyweight.data import dataset
from pennyweight.nets import forward as forward_module
from pennyweight.nets.forward import forward, predict_logits, softmax
from pennyweight.nets.layers import CLASSES, AvgPool, BatchNorm, Conv, Dropout, Linear, MaxPool, Relu
from pennyweight.nets.plan import make_plan
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe
from pennyweight.runs.model import load_trained

TOLERANCE = 1e-12
RECIPES = {name: Network(find_recipe(name).layers, MNIST_SHAPE, 10) for name in RECIPE_NAMES}


def far_values(network: Network, module: ModuleType = forward_module, images: int = 5) -> dict[int, float]:
    """Return the values that `module` computes otherwise than PyTorch, by number, with their distance."""
    plan = network.plan
    weights, x = random_weights(plan, 1), random_images(plan, images, 2)
    values = module.forward(plan, weights, x)
    exact = torch_values(plan, weights, x)
    assert values.keys() == exact.keys() == set(range(len(plan.nodes) + 1))
    distances = {number: distance(values[number], exact[number]) for number in exact}
    return {number: apart for number, apart in distances.items() if not apart <= TOLERANCE}


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_every_value_of_a_recipe_is_that_of_torch(name: str) -> None:
    assert far_values(RECIPES[name], images=3) == {}


@pytest.mark.parametrize("name", CASES)
def test_every_value_at_another_shape_is_that_of_torch(name: str) -> None:
    assert far_values(CASES[name]) == {}


@settings(max_examples=60)
@given(network=random_networks())
def test_every_value_of_a_random_network_is_that_of_torch(network: Network) -> None:
    assert far_values(network, images=2) == {}


@pytest.mark.parametrize("workspace_bytes", [1, 3_000, 40_000])
@pytest.mark.parametrize("name", ["kernel 3, wide", "kernel 6, colour", "tiny, a kernel as large as the map"])
def test_values_are_the_same_in_blocks_of_any_size(
    name: str, workspace_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward_module, "WORKSPACE_BYTES", workspace_bytes)
    assert far_values(CASES[name]) == {}
    plan = CASES[name].plan
    weights, images = random_weights(plan, 1), random_images(plan, 5, 2)
    logits = forward(plan, weights, images)[len(plan.nodes)][:, :, 0, 0]
    assert distance(predict_logits(plan, weights, images), logits) <= TOLERANCE


PLANTED = {
    "padding above alone": ("(p, p), (p, p)", "(2 * p, 0), (p, p)", "kernel 3, colour"),
    "padding to the left alone": ("(p, p), (p, p)", "(p, p), (2 * p, 0)", "kernel 3, wide"),
    "stride along columns alone": ("[:, :, ::s, ::s]", "[:, :, :out_h, ::s]", "kernel 3, colour"),
    "kernels flipped": ("weight.reshape(groups,", "weight[:, :, ::-1, ::-1].reshape(groups,", "kernel 2, wide"),
    "kernel rows and columns exchanged": (
        "transpose(0, 1, 4, 5, 2, 3)",
        "transpose(0, 1, 5, 4, 2, 3)",
        "kernel 4, wide",
    ),
    "kernels of other channels": ("weight.reshape(groups,", "weight[::-1].reshape(groups,", "kernel 3, colour"),
    "no bias in convolutions": ('if "bias" in arrays:', "if False:", "kernel 1, colour"),
    "no bias in linear layers": ('arrays.get("bias", 0)', "0", "wide, a linear layer on the image"),
    "another epsilon": ("+ BatchNorm.EPSILON", "+ 1.001e-5", "colour, residuals"),
    "epsilon outside of the root": (
        'np.sqrt(arrays["running_var"] + BatchNorm.EPSILON)',
        '(np.sqrt(arrays["running_var"]) + BatchNorm.EPSILON)',
        "colour, residuals",
    ),
    "shift before scale": ('x - arrays["running_mean"]', 'x + arrays["bias"]', "colour, residuals"),
    "ReLU lets -1 pass": ("np.maximum(x, 0)", "np.maximum(x, -1)", "kernel 1, colour"),
    "an incomplete window counts at the wrong end": (
        "x[:, :, : h * size, : w * size]",
        "x[:, :, x.shape[2] - h * size :, : w * size]",
        "wide, incomplete windows",
    ),
    "windows transposed": ("transpose(3, 5, 0, 1, 2, 4)", "transpose(3, 5, 0, 1, 4, 2)", "wide, incomplete windows"),
    "mean pooling takes the largest": (".mean(axis=0)", ".max(axis=0)", "wide, incomplete windows"),
    "largest pooling takes the mean": (".max(axis=0)", ".mean(axis=0)", "wide, incomplete windows"),
    "a global mean over rows alone": (
        "x.mean(axis=(2, 3), keepdims=True)",
        "x.mean(axis=2, keepdims=True)[..., :1]",
        "kernel 1, wide",
    ),
    "a linear layer reads columns first": (
        "x.reshape(len(x), weight.shape[1])",
        "x.swapaxes(2, 3).reshape(len(x), weight.shape[1])",
        "wide, a linear layer on the image",
    ),
    "a sum of one side": ("x + inputs[1]", "x + x", "colour, residuals"),
    "dropout scales": ("y = x\n", "y = x * 1.1\n", "colour, residuals"),
    "one row of a block written to all of them": (
        "pixels[:, :, rows]",
        "pixels[:, :, first_row : first_row + 1]",
        "kernel 1, wide",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_caught(name: str) -> None:
    old, new, case = PLANTED[name]
    source = Path(forward_module.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1
    module = ModuleType("planted")
    exec(compile(source.replace(old, new), "planted", "exec"), module.__dict__)
    assert far_values(CASES[case], module)


def test_a_small_network_gives_what_arithmetic_by_hand_gives() -> None:
    plan = make_plan((Conv(1, 2), BatchNorm(), Relu(), MaxPool(2), Linear(CLASSES)), 2, (1, 3, 3))
    weights = {
        "1.weight": np.array([[[[1.0, 2.0], [3.0, -4.0]]]]),
        "2.weight": np.array([2.0]),
        "2.bias": np.array([5.0]),
        "2.running_mean": np.array([-3.0]),
        "2.running_var": np.array([4 - 1e-5]),
        "5.weight": np.array([[10.0], [-1.0]]),
        "5.bias": np.array([0.5, 0.0]),
    }
    values = forward(plan, weights, np.arange(9.0).reshape(1, 1, 3, 3))
    # 0 + 2*1 + 3*3 - 4*4, then one more pixel to the right adds 1 + 2 + 3 - 4, one more row three times that
    assert values[1].tolist() == [[[[-5.0, -3.0], [1.0, 3.0]]]]
    assert values[2].tolist() == [[[[3.0, 5.0], [9.0, 11.0]]]]
    assert values[4].tolist() == [[[[11.0]]]]
    assert values[5].tolist() == [[[[110.5]], [[-11.0]]]]


def test_softmax_is_that_of_torch_and_does_not_overflow() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (20, 7))
    assert distance(softmax(logits), torch.from_numpy(logits).softmax(1).numpy()) < TOLERANCE
    assert softmax(np.array([[1e6, 0.0, -1e6]])).tolist() == [[1.0, 0.0, 0.0]]


def test_dropout_does_nothing() -> None:
    plan = mnist_plan((AvgPool(7), Dropout(0.9), Linear(CLASSES)))
    values = forward(plan, random_weights(plan, 0), random_images(plan, 2, 0))
    assert values[2] is values[1]


def test_a_finished_run_is_right_on_exactly_the_test_images_its_record_says(digits_run: Path) -> None:
    model, digits = load_trained(digits_run), dataset.load("digits")
    logits = predict_logits(model.plan, model.weights, model.normalisation.apply(digits.test_images))
    predicted = logits.argmax(axis=1)
    wrong = np.flatnonzero(predicted != digits.test_labels)
    assert len(predicted) - len(wrong) == model.record.epochs[-1].test_correct
    assert [(w.index, w.predicted) for w in model.record.misclassified] == [(i, predicted[i]) for i in wrong]
