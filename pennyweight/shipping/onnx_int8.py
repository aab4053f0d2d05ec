"""ONNX of the quantised network: float operators between pairs of QuantizeLinear and DequantizeLinear (the QDQ form).

A runtime may compute each as it stands, or put integer kernels in place of a pair with the operator between. The scales
of weights are those that the integer network's multipliers stand for, so that both round alike but at ties.

Weights are unsigned with a zero point of 128: for signed ones next to unsigned values, onnxruntime's kernels on x86
without VNNI add up two products in 16 bits, which overflow.
"""

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.version import VERSION
from pennyweight.shipping.integer import IntegerLayer, IntegerNetwork, Maximum, Mean, Product, Sum, map_shape
from pennyweight.shipping.onnx_float import BATCH, IMAGE, IR_VERSION, LOGITS, OPSET, metadata, require, run_onnx
from pennyweight.shipping.parity import Judged
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

WEIGHT_ZERO = 128
PIXEL_SCALE = 1 / 255


def write(subject: Subject, stem: str) -> Written:
    """Return `STEM.onnx`; raises UnavailableError without the package `onnx`, and what `quantised` raises."""
    require("onnx")
    network = quantised(subject)
    model = make_model(network, stem, metadata(subject))
    return Written(
        {f"{stem}.onnx": model.SerializeToString(deterministic=True)}, {"opset": OPSET, "bits": network.bits}
    )


def run(subject: Subject, stem: str, folder: Path, images: NDArray[np.uint8]) -> Judged:
    """Return the logits of uint8 `images` by onnxruntime, after ONNX's own checker; raises UnavailableError without."""
    return run_onnx(folder / f"{stem}.onnx", images)


def make_model(network: IntegerNetwork, name: str, properties: dict[str, str]) -> "ModelProto":
    """Return the model: pixels from 0 to 1 in, logits in the float network's units out, any number of images."""
    from onnx import TensorProto, helper, numpy_helper

    graph = _Graph()
    pads = _image_pads(network)
    graph.quantise(IMAGE, 0, PIXEL_SCALE, np.zeros(1, np.uint8))
    graph.dequantise(0, PIXEL_SCALE, pads)
    scales = {0: PIXEL_SCALE}
    zeros = {0: pads}
    for layer in network.layers[:-1]:
        graph.append(layer, [scales[value] for value in layer.inputs], zeros)
        scales[layer.number], zeros[layer.number] = layer.scale, np.array([layer.zero], np.uint8)
        graph.quantise(f"real_{layer.number}", layer.number, layer.scale, zeros[layer.number])
        graph.dequantise(layer.number, layer.scale, zeros[layer.number])
    head = network.layers[-1]
    graph.append(head, [scales[head.inputs[0]]], zeros)
    graph.node("GlobalAveragePool", [f"real_{head.number}"], "mean_of_pixels")
    graph.node("Flatten", ["mean_of_pixels"], LOGITS, axis=1)
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            name,
            [helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, [BATCH, *network.image_shape])],
            [helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, [BATCH, network.classes])],
            [numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pennyweight",
        producer_version=VERSION,
    )
    helper.set_model_props(made, properties)
    return made


def _image_pads(network: IntegerNetwork) -> NDArray[np.uint8]:
    """Return the zero points of the image, what lies around it where a layer pads it: one, or one for each channel."""
    readers = [layer.operation for layer in network.layers if 0 in layer.inputs]
    pads = next((one.pads for one in readers if isinstance(one, Product)), np.zeros(1, np.uint8))
    return pads[:1] if (pads == pads[0]).all() else pads


class _Graph:
    """The nodes and constants so far; value n is `quantised_n`, and `value_n` as real numbers."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"{output}_{operator}", **attributes))
        return output

    def constant(self, name: str, array: NDArray[Any]) -> str:
        self.constants[name] = array
        return name

    def quantise(self, source: str, value: int, scale: float, zero: NDArray[np.uint8]) -> None:
        names = self._scale_and_zero(f"quantised_{value}", np.array([scale]), zero[:1] if len(zero) == 1 else zero)
        self.node("QuantizeLinear", [source, *names], f"quantised_{value}", **_axis(zero))

    def dequantise(self, value: int, scale: float, zero: NDArray[np.uint8]) -> None:
        names = self._scale_and_zero(f"value_{value}", np.full(len(zero), scale), zero)
        self.node("DequantizeLinear", [f"quantised_{value}", *names], f"value_{value}", **_axis(zero))

    def _scale_and_zero(self, name: str, scale: NDArray[Any], zero: NDArray[Any]) -> list[str]:
        squeezed = [scale.astype(np.float32), zero]
        arrays = [array.reshape(()) if array.size == 1 else array for array in squeezed]
        return [self.constant(f"{name}.{what}", array) for what, array in zip(("scale", "zero"), arrays, strict=True)]

    def append(self, layer: IntegerLayer, scales: list[float], zeros: dict[int, NDArray[np.uint8]]) -> None:
        """Append the operator of a layer, from `value_...` to `real_N`."""
        operation, output = layer.operation, f"real_{layer.number}"
        inputs = [f"value_{value}" for value in layer.inputs]
        match operation:
            case Product():
                self._product(layer, operation, scales[0], zeros[layer.inputs[0]])
            case Sum(low=low):
                self._bounded("Add", inputs, layer, np.array([low]), np.array([255]))
            case Mean(rows=rows, columns=columns, rescale=rescale):
                window = {"kernel_shape": [rows, columns], "strides": [rows, columns]}
                self._bounded("AveragePool", inputs, layer, rescale.low, rescale.high, **window)
            case Maximum(size=size):
                self.node("MaxPool", inputs, output, kernel_shape=[size, size], strides=[size, size])

    def _product(self, layer: IntegerLayer, product: Product, source: float, zeros: NDArray[np.uint8]) -> None:
        name = f"{layer.number}_{layer.label.partition('(')[2].rstrip(')')}"
        depthwise = product.weights.shape[1] != layer.input_shape[0]
        groups = layer.input_shape[0] if depthwise else 1
        o = len(product.weights)
        # the bias of the integers takes off what the input's zero points add, and adds the output's
        by_channel = product.weights.astype(np.int64).sum(axis=(2, 3))
        zero = np.broadcast_to(zeros.astype(np.int64), layer.input_shape[:1])
        offsets = by_channel[:, 0] * zero if depthwise else by_channel @ zero
        bias = product.bias + offsets
        if product.rescale is None:
            steps = np.full(o, layer.scale * prod(map_shape(layer)))
        else:
            ratio = product.rescale.multipliers / 2.0**product.rescale.shift
            steps = ratio * layer.scale
            bias = np.rint(bias - layer.zero / ratio).astype(np.int64)
        scale = (steps / source).astype(np.float32)
        weights = (product.weights.astype(np.int16) + WEIGHT_ZERO).astype(np.uint8)
        real = [
            self._constant(f"{name}.weight", weights, scale, np.full(o, WEIGHT_ZERO, np.uint8)),
            self._constant(f"{name}.bias", bias.astype(np.int32), np.float32(source) * scale, np.zeros(o, np.int32)),
        ]
        p, s = product.padding, product.stride
        shape = {"kernel_shape": list(product.weights.shape[2:]), "strides": [s, s], "pads": [p, p, p, p]}
        inputs = [f"value_{layer.inputs[0]}", *real]
        if product.rescale is None:
            self.node("Conv", inputs, f"real_{layer.number}", group=groups, **shape)
        else:
            self._bounded("Conv", inputs, layer, product.rescale.low, product.rescale.high, group=groups, **shape)

    def _constant(self, name: str, quantised: NDArray[Any], scale: NDArray[Any], zero: NDArray[Any]) -> str:
        """Append quantised constants as the real numbers that they stand for; the first axis has a scale for each."""
        arrays = {"quantised": quantised, "scale": scale, "zero": zero}
        names = [self.constant(f"{name}.{what}", array) for what, array in arrays.items()]
        return self.node("DequantizeLinear", names, name, axis=0)

    def _bounded(
        self,
        operator: str,
        inputs: list[str],
        layer: IntegerLayer,
        low: NDArray[Any],
        high: NDArray[Any],
        **attributes: Any,
    ) -> None:
        """Append an operator, and what cuts its output where QuantizeLinear would not by itself, at 0 and 255."""
        steps = [(operator, inputs, attributes)]
        for bound_operator, bound, natural in (("Max", low, 0), ("Min", high, 255)):
            if (bound != natural).any():
                real = ((bound.astype(np.float64) - layer.zero) * layer.scale).astype(np.float32)
                key = self.constant(f"real_{layer.number}.{bound_operator.lower()}", real.reshape(1, -1, 1, 1))
                steps.append((bound_operator, [key], {}))
        source: list[str] = []
        for index, (name, read, settings) in enumerate(steps):
            output = (
                f"real_{layer.number}"
                if index == len(steps) - 1
                else f"real_{layer.number}_before_{steps[index + 1][0]}"
            )
            source = [self.node(name, [*source, *read], output, **settings)]


def _axis(zero: NDArray[Any]) -> dict[str, int]:
    return {"axis": 1} if len(zero) > 1 else {}
