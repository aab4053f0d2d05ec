"""Folding BatchNorm changes no value of a network."""

import numpy as np
import pytest
from hypothesis import given, settings
from network_cases import (
    CASES,
    Network,
    distance,
    far_folded_values,
    random_images,
    random_networks,
    random_weights,
    torch_values,
)
from support import MNIST_SHAPE

from pennyweight.base.errors import MismatchError
from pennyweight.nets.fold import fold_batchnorm, folds_of, remaining_batchnorms
from pennyweight.nets.forward import forward
from pennyweight.nets.layers import BatchNorm, Conv, Dropout, Relu
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

TOLERANCE = 1e-12
RECIPES = {name: Network(find_recipe(name).layers, MNIST_SHAPE, 10) for name in RECIPE_NAMES}


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_every_value_of_a_folded_recipe_is_one_of_the_unfolded(name: str) -> None:
    assert far_folded_values(RECIPES[name]) == {}


@pytest.mark.parametrize("name", CASES)
def test_every_value_of_a_folded_network_at_another_shape_is_one_of_the_unfolded(name: str) -> None:
    assert far_folded_values(CASES[name]) == {}


@settings(max_examples=100)
@given(network=random_networks())
def test_every_value_of_a_random_folded_network_is_one_of_the_unfolded(network: Network) -> None:
    assert far_folded_values(network) == {}


REMAINING = {
    "iteration-1": ["MaxPool"],
    "iteration-2": ["MaxPool", "Conv", "AvgPool"],
    "iteration-3": ["MaxPool", "MaxPool"],
}
"""What reads each BatchNorm that remains; the convolution pads."""


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_batchnorm_remains_in_recipes_only_between_relu_and_a_pool_or_padding(name: str) -> None:
    plan = RECIPES[name].plan
    folded = fold_batchnorm(plan, random_weights(plan, 0)).plan
    left = [node for node in folded.nodes if isinstance(node.operation, BatchNorm)]
    assert len(left) == len(remaining_batchnorms(plan))
    readers = [reader.operation for node in left for reader in folded.nodes if node.number in reader.inputs]
    assert [type(reader).__name__ for reader in readers] == REMAINING.get(name, [])
    assert all(reader.padding > 0 for reader in readers if isinstance(reader, Conv))
    assert all(isinstance(folded.nodes[node.inputs[0] - 1].operation, Relu) for node in left)


@pytest.mark.parametrize("name", [*RECIPE_NAMES, *CASES])
def test_a_folded_network_is_a_plan_like_any_other(name: str) -> None:
    """PyTorch runs it to the logits that it gives for the unfolded one, and a second fold finds nothing more."""
    plan = (RECIPES | CASES)[name].plan
    weights, images = random_weights(plan, 3), random_images(plan, 2, 4)
    folded = fold_batchnorm(plan, weights)
    assert {t.name: t.shape for t in folded.plan.weights + folded.plan.buffers} == {
        key: array.shape for key, array in folded.weights.items()
    }
    assert {array.dtype for array in folded.weights.values()} == {np.dtype(np.float64)}
    exact = torch_values(plan, weights, images)[len(plan.nodes)]
    assert distance(torch_values(folded.plan, folded.weights, images)[len(folded.plan.nodes)], exact) <= TOLERANCE
    assert not any(isinstance(node.operation, Dropout) for node in folded.plan.nodes)
    assert folds_of(folded.plan) == ()
    again = fold_batchnorm(folded.plan, folded.weights)
    assert again.plan == folded.plan
    assert all((again.weights[key] == folded.weights[key]).all() for key in folded.weights)


def test_folded_weights_are_rounded_to_float32_only_by_whoever_stores_them() -> None:
    """The float32 cast of the folded weights gives logits as near to float64 as a forward pass in float32 is."""
    network = RECIPES["progressive-3"]
    plan = network.plan
    weights, images = random_weights(plan, 0), random_images(plan, 4, 1)
    folded = fold_batchnorm(plan, weights)
    single = {name: array.astype(np.float32) for name, array in folded.weights.items()}
    exact = forward(plan, weights, images)[len(plan.nodes)]
    assert distance(forward(folded.plan, single, images)[len(folded.plan.nodes)], exact) < 1e-5


def test_weights_of_another_network_are_refused_by_layer() -> None:
    plan = CASES["kernel 3, colour"].plan
    weights = random_weights(plan, 0)
    with pytest.raises(MismatchError, match=r"'2\.weight' of layer 2 \(BatchNorm\) has shape \(5,\), .* needs \(4,\)"):
        fold_batchnorm(plan, {**weights, "2.weight": np.ones(5)})


@settings(max_examples=20)
@given(network=random_networks())
def test_what_was_handed_over_is_not_written_to(network: Network) -> None:
    plan = network.plan
    weights = random_weights(plan, 5)
    for array in weights.values():
        array.flags.writeable = False
    fold_batchnorm(plan, weights)
