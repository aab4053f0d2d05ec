"""What a network costs in integer C, from its plan alone: nothing is trained, compiled or run on images."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.streaming import StreamedCost, StreamedLayer
from pennyweight.data.normalisation import Normalisation
from pennyweight.nets.plan import Plan
from pennyweight.shipping.c_layout import layout_of
from pennyweight.shipping.integer import IntegerNetwork, Product
from pennyweight.shipping.quantise import quantise
from pennyweight.shipping.stream import StreamLayer

STREAMED_FORMAT = "c-int8"
SAMPLE_IMAGES = 2


def streamed_cost(plan: Plan) -> StreamedCost:
    """Return the constants, rings and multiply-accumulates of `plan` in integer C, layer by layer.

    Sizes depend on the layers, not on the weights, for which arbitrary ones stand. Raises UsageError naming a layer
    that cannot be streamed.
    """
    layout = layout_of(_sample(plan))
    layers = tuple(
        StreamedLayer(
            layer=layer.layer.label,
            work=layer.kind,
            output_shape=(layer.outputs, *layer.made),
            constant_bytes=constants,
            ring_bytes=ring,
            macs=_macs(layer),
        )
        for layer, constants, ring in zip(
            layout.stream.layers, layout.constant_bytes_by_layer, layout.ring_bytes_by_layer, strict=True
        )
    )
    return StreamedCost(
        STREAMED_FORMAT, layers, layout.constant_bytes, layout.ram_bytes, sum(layer.macs for layer in layers)
    )


def _sample(plan: Plan) -> IntegerNetwork:
    """Return the network with weights, images and a normalisation that have nothing in common but their shapes."""
    numbers = np.random.default_rng(0)

    def drawn(name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = numbers.uniform(0.5, 1.0, shape)
        return values if name.endswith("running_var") else values * numbers.choice((-1.0, 1.0), shape)

    weights = {tensor.name: drawn(tensor.name, tensor.shape) for tensor in plan.weights + plan.buffers}
    channels = plan.image_shape[0]
    means = tuple(np.linspace(0.1, 0.9, channels).tolist())
    images = numbers.integers(0, 256, (SAMPLE_IMAGES, *plan.image_shape)).astype(np.uint8)
    return quantise(plan, weights, Normalisation(means, (0.3,) * channels), images)


def _macs(layer: StreamLayer) -> int:
    """Return the multiply-accumulates of the pixels that are computed: not of those that no pool behind reads."""
    operation = layer.layer.operation
    if layer.kind not in ("product", "depthwise") or not isinstance(operation, Product):
        return 0
    return operation.weights.size * prod(layer.made)
