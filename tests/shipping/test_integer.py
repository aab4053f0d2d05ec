"""The integer reference: its arithmetic against Python's whole numbers, its bounds, and what quantisation keeps."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from network_cases import CASES, Network

from pennyweight.base.errors import UsageError
from pennyweight.data.dataset import load
from pennyweight.nets.forward import predict_logits
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, GlobalAvgPool, Linear, Relu
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import published_run, published_run_names
from pennyweight.shipping.integer import (
    IntegerLayer,
    IntegerNetwork,
    Product,
    Rescale,
    bounds,
    integer_logits,
    integer_values,
    map_shape,
)
from pennyweight.shipping.quantise import LARGEST_SUM, quantise, quantised
from pennyweight.shipping.stages import stages_of

NETWORKS = {**CASES, "BatchNorm that stays": KEPT_BATCHNORM}


def rescale(multiplier: int, shift: int, low: int = 0, high: int = 255) -> Rescale:
    return Rescale(np.array([multiplier], np.uint16), shift, np.array([low], np.uint8), np.array([high], np.uint8))


@pytest.mark.parametrize("shift", [17, 18, 25, 31, 44])
def test_rescaling_is_the_division_rounded_half_up_and_cut(shift: int) -> None:
    sums = np.array([-LARGEST_SUM, -70_000, -65_536, -1, 0, 1, 65_535, 65_536, 1_000_003, LARGEST_SUM], np.int64)
    for multiplier in (1, 255, 32_768, 65_535):
        exact = [min(max((2 * int(one) * multiplier + 2**shift) // 2 ** (shift + 1), 3), 250) for one in sums]
        assert rescale(multiplier, shift, 3, 250).apply(sums[None, None, :, None])[0, 0, :, 0].tolist() == exact


def by_hand(layer: IntegerLayer, product: Product, image: np.ndarray, channel: int, row: int, column: int) -> int:
    """Return one sum by Python's whole numbers: pixel by pixel, the zero point where the kernel leaves the map."""
    o, per_group, rows, columns = product.weights.shape
    first = channel // (o // (len(image) // per_group)) * per_group
    total = int(product.bias[channel])
    for c in range(per_group):
        for i in range(rows):
            for j in range(columns):
                y, x = row * product.stride + i - product.padding, column * product.stride + j - product.padding
                is_inside = 0 <= y < image.shape[1] and 0 <= x < image.shape[2]
                value = int(image[first + c, y, x]) if is_inside else int(product.pads[first + c])
                total += int(product.weights[channel, c, i, j]) * value
    return total


@pytest.mark.parametrize("name", ["kernel 3, colour", "colour, residuals", "wide, incomplete windows"])
def test_products_are_those_of_whole_numbers_one_by_one(name: str) -> None:
    subject = subject_of(NETWORKS[name], images=3)
    network = quantised(subject)
    images = subject.images.test_images.reshape(3, *network.image_shape)
    values = integer_values(network, images)
    draw = np.random.default_rng(3)
    for layer in network.layers:
        product = layer.operation
        if not isinstance(product, Product) or product.rescale is None:
            continue
        source = values[layer.inputs[0]][2]
        for _ in range(5):
            at = tuple(int(draw.integers(side)) for side in (len(product.weights), *map_shape(layer)))
            total = np.array(by_hand(layer, product, source, *at)).reshape(1, 1, 1, 1)
            only = slice(at[0], at[0] + 1)
            parts = product.rescale
            one = Rescale(parts.multipliers[only], parts.shift, parts.low[only], parts.high[only])
            assert values[layer.number][2][at] == one.apply(total).item(), (layer.label, at)


def greatest_sums(network: IntegerNetwork) -> int:
    products = [layer for layer in network.layers if isinstance(layer.operation, Product)]
    return max(max(-low, high) for low, high in map(bounds, products))


@pytest.mark.parametrize("name", published_run_names())
def test_no_sum_of_a_published_network_can_overflow_whatever_the_image(name: str) -> None:
    """Not in any order of its terms, nor halfway: what rescaling multiplies then fits into 32 bits too."""
    model = load_trained(published_run(name))
    images = load("digits").train_images[:50]
    assert greatest_sums(quantise(model.plan, model.weights, model.normalisation, images)) < 2**30


@pytest.mark.parametrize("name", NETWORKS)
def test_no_sum_of_any_network_can_overflow_whatever_the_image(name: str) -> None:
    assert greatest_sums(quantised(subject_of(NETWORKS[name]))) < 2**30


def test_the_bounds_are_reached_by_the_worst_image() -> None:
    """One product on the image: 255 where a weight is positive, 0 elsewhere, is the greatest sum there is."""
    network = quantised(subject_of(Network((Conv(CLASSES, 5), GlobalAvgPool()), (1, 5, 5), 2)))
    (layer,) = network.layers
    assert isinstance(layer.operation, Product)
    highest = max(
        integer_logits(network, np.where(kernel > 0, 255, 0).astype(np.uint8)).max()
        for kernel in layer.operation.weights[:, 0][:, None]
    )
    bias = layer.operation.bias
    assert highest <= bounds(layer)[1] <= highest + int(np.abs(bias).max())


def test_a_bias_beyond_32_bits_takes_its_weights_with_it() -> None:
    """The step of its sums grows until the bias fits; the weights, next to nothing beside it, lose their bits."""
    network = Network((Conv(2, 1, bias=True), Relu(), Linear(CLASSES)), (1, 4, 4), 2)
    subject = subject_of(network)
    weights = {**subject.model.weights, "1.bias": np.array([1e9, 1.0], np.float32)}
    made = quantise(network.plan, weights, subject.model.normalisation, subject.images.test_images)
    assert greatest_sums(made) < 2**30


@pytest.mark.parametrize(("bits", "images"), [(1, 5), (9, 5), (8, 0)])
def test_impossible_bits_and_no_images_are_refused(bits: int, images: int) -> None:
    subject = subject_of(KEPT_BATCHNORM)
    model, pictures = subject.model, subject.images.test_images[:images]
    with pytest.raises(UsageError, match=r"bits is \d|no images"):
        quantise(model.plan, model.weights, model.normalisation, pictures, bits)


@pytest.mark.parametrize("name", NETWORKS)
def test_fewer_bits_are_further_from_the_float_network(name: str) -> None:
    """Eight bits are near it for weights that nobody trained, and the distance grows as bits are taken away."""
    subject = subject_of(NETWORKS[name])
    model, images = subject.model, subject.images.test_images
    exact = predict_logits(model.plan, model.weights, model.normalisation.apply(images))
    make = partial(quantise, model.plan, model.weights, model.normalisation, images)
    errors = []
    for bits in (8, 6, 3):
        network = make(bits)
        errors.append(float(np.abs(integer_logits(network, images) * network.logit_scale - exact).mean() / exact.std()))
    assert errors[0] < 0.1
    assert errors[0] < errors[2]


@pytest.mark.parametrize("padding", [0, 1], ids=["folded into weights", "part of the rescale"])
@pytest.mark.parametrize("is_last", [True, False], ids=["before the head", "further back"])
def test_a_relu_that_no_image_passes_costs_the_other_channels_nothing(padding: int, is_last: bool) -> None:
    """Four of ten seeds of iteration-3 have one; BatchNorm multiplies it by 300, and in 8 bits all images were a 7."""
    head = (Conv(CLASSES, 3, padding=padding), GlobalAvgPool())
    middle = () if is_last else (Conv(8, 3, padding=padding), Relu(), BatchNorm())
    subject = subject_of(Network((Conv(8, 3, bias=True), Relu(), BatchNorm(), *middle, *head), (1, 9, 9), 4))
    model, images = subject.model, subject.images.test_images
    weights = {name: array.copy() for name, array in model.weights.items()}
    weights["1.weight"][2] *= 10
    weights["1.bias"][2], weights["3.running_mean"][2], weights["3.running_var"][2] = -1e3, 0, 1e-44
    exact = predict_logits(model.plan, weights, model.normalisation.apply(images))
    network = quantise(model.plan, weights, model.normalisation, images)
    assert np.abs(integer_logits(network, images) * network.logit_scale - exact).mean() / exact.std() < 0.1


def test_relu_and_batchnorm_behind_a_product_are_one_stage_whatever_their_order() -> None:
    subject = subject_of(KEPT_BATCHNORM)
    stages = stages_of(subject.model.plan, subject.folded)
    assert [type(stage.operation).__name__ for stage in stages] == [
        *("RealProduct", "RealProduct", "RealMaximum", "RealProduct", "RealProduct", "RealMean", "RealProduct"),
    ]


def test_a_planted_error_in_one_weight_is_seen() -> None:
    subject = subject_of(KEPT_BATCHNORM)
    network, images = quantised(subject), subject.images.test_images
    product = network.layers[0].operation
    assert isinstance(product, Product)
    weights = product.weights.copy()
    weights[0, 0, 0, 0] ^= 64
    layers = (replace(network.layers[0], operation=replace(product, weights=weights)), *network.layers[1:])
    planted = replace(network, layers=layers)
    assert (integer_logits(planted, images) != integer_logits(network, images)).any()
