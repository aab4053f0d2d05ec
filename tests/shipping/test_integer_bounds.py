"""No signed overflow in integer C: every number that it computes in 32 bits, bounded by the numbers in its tables.

The bounds follow the expressions of c/int8/finish.c, product.c, depthwise.c, mean.c and add.c one by one, over all
values from 0 to 255 that any layer can be given, whether a network can produce them or not.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from network_cases import CASES

from pennyweight.data.dataset import load
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import published_run, published_run_names
from pennyweight.shipping.c_layout import layout_of
from pennyweight.shipping.integer import IntegerLayer, IntegerNetwork, Maximum, Mean, Product, Rescale, Sum, map_shape
from pennyweight.shipping.quantise import quantise, quantised

INT32 = (-(2**31), 2**31 - 1)
Bound = tuple[str, int, int]
NETWORKS = {**CASES, "BatchNorm that stays": KEPT_BATCHNORM}


def computed(network: IntegerNetwork) -> Iterator[Bound]:
    """Yield the name, the least and the greatest of everything that C computes as int32_t."""
    for layer in network.layers:
        operation = layer.operation
        match operation:
            case Product(rescale=rescale):
                yield from of_product(layer, operation)
                if rescale is not None:
                    low, high = sums_of(operation)
                    yield from of_rescale(rescale, low, high)
            case Mean(rows=rows, columns=columns, bias=bias, rescale=rescale):
                most = 255 * rows * columns
                assert most < 1 << 8 * layout_of(network).memory.sum_bytes, "the sum of a window does not fit its type"
                yield "a mean's total", bias, most + bias
                yield from of_rescale(rescale, np.array([bias]), np.array([most + bias]))
            case Sum(multipliers=multipliers, offset=offset):
                first, second = (255 * one for one in multipliers)
                yield "a scaled value", 0, max(first, second)
                yield "two scaled values", 0, first + second
                yield "a sum and its offset", min(offset, 0), first + second + max(offset, 0)
            case Maximum():
                pass


def sums_of(product: Product) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest that the bias and any of its products add up to, of every channel."""
    weights = product.weights.astype(object).reshape(len(product.weights), -1)
    bias = product.bias.astype(object)
    low = [min(b, 0) + sum(255 * w for w in row if w < 0) for b, row in zip(bias, weights, strict=True)]
    high = [max(b, 0) + sum(255 * w for w in row if w > 0) for b, row in zip(bias, weights, strict=True)]
    return np.array(low, object), np.array(high, object)


def of_product(layer: IntegerLayer, product: Product) -> Iterator[Bound]:
    low, high = sums_of(product)
    yield "a total, at any time", min(low), max(high)
    if product.rescale is None:
        rows, columns = map_shape(layer)
        yield "a logit, added up over the map", rows * columns * min(low), rows * columns * max(high)


def of_rescale(rescale: Rescale, low: np.ndarray, high: np.ndarray) -> Iterator[Bound]:
    """Follow `rescale` of finish.c: what it shifts by is 16 less than the reference's."""
    shift = rescale.shift - 16
    assert 1 <= shift < 32, "what is shifted by is no shift of 32 bits"
    half = 1 << (shift - 1)
    yield "half a step", 0, half
    for one, least, greatest in zip(rescale.multipliers.tolist(), low.tolist(), high.tolist(), strict=True):
        assert 0xFFFF * one < 1 << 32, "the lower product does not fit uint32_t"
        lower = 0xFFFF * one >> 16
        yield "the upper product", (least >> 16) * one, (greatest >> 16) * one
        yield "both products", (least >> 16) * one, (greatest >> 16) * one + lower
        yield "both products and half a step", (least >> 16) * one, (greatest >> 16) * one + lower + half


def beyond(network: IntegerNetwork) -> list[Bound]:
    found = list(computed(network))
    assert len(found) > len(network.layers) / 2
    return [one for one in found if one[1] < INT32[0] or one[2] > INT32[1]]


@pytest.mark.parametrize("name", published_run_names())
def test_nothing_that_c_computes_of_a_published_network_leaves_32_bits(name: str) -> None:
    model = load_trained(published_run(name))
    network = quantise(model.plan, model.weights, model.normalisation, load("digits").train_images[:50])
    assert beyond(network) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_that_c_computes_of_any_network_leaves_32_bits(name: str) -> None:
    assert beyond(quantised(subject_of(NETWORKS[name]))) == []


def test_numbers_that_are_too_large_are_seen() -> None:
    network = quantised(subject_of(KEPT_BATCHNORM))
    first = network.layers[0]
    product = first.operation
    assert isinstance(product, Product)
    assert product.rescale is not None

    def planted(other: Product) -> list[str]:
        layers = (replace(first, operation=other), *network.layers[1:])
        return [name for name, _, _ in beyond(replace(network, layers=layers))]

    assert planted(product) == []
    large = replace(product, bias=np.full_like(product.bias, 2**31 - 1))
    assert "a total, at any time" in planted(large)
    coarse = replace(product.rescale, multipliers=np.full_like(product.rescale.multipliers, 0xFFFF), shift=47)
    larger = replace(product, bias=np.full_like(product.bias, 2**30), rescale=coarse)
    assert "both products and half a step" in planted(larger)
