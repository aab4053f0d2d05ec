"""The NumPy forward pass: its types, its memory, and what it refuses."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from network_cases import CASES, Network, distance, random_images, random_networks, random_weights
from numpy.typing import NDArray
from support import MNIST_SHAPE

from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.nets.forward import forward, predict_logits
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool
from pennyweight.nets.plan import Plan, make_plan
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

RECIPES = {name: Network(find_recipe(name).layers, MNIST_SHAPE, 10) for name in RECIPE_NAMES}


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_values_in_float32_stay_in_it_and_near_those_in_float64(name: str) -> None:
    plan = RECIPES[name].plan
    weights, images = random_weights(plan, 3), random_images(plan, 4, 4)
    values, exact = forward(plan, weights, images.astype(np.float32)), forward(plan, weights, images)
    assert {value.dtype for value in values.values()} == {np.dtype(np.float32)}
    assert {value.dtype for value in exact.values()} == {np.dtype(np.float64)}
    assert max(distance(values[number], exact[number]) for number in exact) < 1e-5
    logits = predict_logits(plan, weights, images.astype(np.float32))
    assert logits.dtype == np.float32
    assert distance(logits, exact[len(plan.nodes)][:, :, 0, 0]) < 1e-5


def peak_bytes(plan: Plan, images: NDArray[Any], compute: Any) -> int:
    """Return the most memory that `compute` takes beside what it was handed and what it returns."""
    weights = initial_weights(plan, 0)
    tracemalloc.start()
    result = compute(plan, weights, images)
    current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(result) > 0
    return peak - current


@pytest.mark.parametrize("images", [100, 1_000])
def test_memory_for_logits_does_not_grow_with_the_number_of_images(images: int) -> None:
    plan = RECIPES["progressive-3"].plan
    assert peak_bytes(plan, np.zeros((images, *MNIST_SHAPE), np.float32), predict_logits) < 32 << 20


def test_a_convolution_of_a_large_map_needs_no_more_than_the_workspace_and_its_own_size() -> None:
    """Its columns alone would take 230 MB for one image."""
    plan = make_plan((Conv(8, 31, 15), Conv(CLASSES, 1), GlobalAvgPool()), 2, (4, 88, 88))
    assert peak_bytes(plan, np.zeros((2, 4, 88, 88), np.float64), forward) < 32 << 20


def test_no_images_give_no_values_of_the_right_shapes() -> None:
    for network in (*CASES.values(), *RECIPES.values()):
        plan = network.plan
        weights, images = random_weights(plan, 0), random_images(plan, 0, 0)
        values = forward(plan, weights, images)
        assert [value.shape for value in values.values()] == [
            (0, *plan.image_shape),
            *((0, *node.output_shape) for node in plan.nodes),
        ]
        assert predict_logits(plan, weights, images).shape == (0, network.classes)


WRONG_IMAGES = {
    "pixels": (np.zeros((2, 3, 32, 32), np.uint8), "Images are uint8 with shape (2, 3, 32, 32);"),
    "half precision": (np.zeros((2, 3, 32, 32), np.float16), "Images are float16 with shape (2, 3, 32, 32);"),
    "channels last": (np.zeros((2, 32, 32, 3)), "Images are float64 with shape (2, 32, 32, 3);"),
    "one image": (np.zeros((3, 32, 32)), "Images are float64 with shape (3, 32, 32);"),
    "a tensor": (torch.zeros(2, 3, 32, 32), "Images are a Tensor;"),
}


@pytest.mark.parametrize("name", WRONG_IMAGES)
@pytest.mark.parametrize("compute", [forward, predict_logits])
def test_other_images_are_refused_with_both_shapes(name: str, compute: Any) -> None:
    images, words = WRONG_IMAGES[name]
    plan = CASES["kernel 3, colour"].plan
    with pytest.raises(UsageError) as refused:
        compute(plan, random_weights(plan, 0), images)
    needed = "they must be a NumPy array of float32 or float64, normalised, with shape (n, 3, 32, 32)."
    assert str(refused.value) == f"{words} {needed}"


def test_weights_of_another_network_are_refused_by_layer() -> None:
    plan = CASES["kernel 3, colour"].plan
    weights, images = random_weights(plan, 0), random_images(plan, 1, 0)
    with pytest.raises(MismatchError) as refused:
        forward(plan, {**weights, "4.weight": np.zeros((5, 1, 3, 3))}, images)
    assert str(refused.value) == (
        "The weights do not fit the network: '4.weight' of layer 4 (Conv) has shape (5, 1, 3, 3), "
        "the network needs (5, 4, 3, 3)."
    )
    del weights["2.running_var"]
    with pytest.raises(MismatchError, match=r"'2\.running_var' of layer 2 \(BatchNorm\) is missing"):
        predict_logits(plan, weights, images)


@settings(max_examples=20)
@given(network=random_networks(), images=st.integers(1, 3))
def test_what_was_handed_over_is_not_written_to(network: Network, images: int) -> None:
    plan = network.plan
    weights, x = random_weights(plan, 5), random_images(plan, images, 6)
    for array in (x, *weights.values()):
        array.flags.writeable = False
    assert forward(plan, weights, x)[0] is x
