"""ONNX: the network as a graph that takes pixels from 0 to 1 and gives logits, written node by node from the plan."""

import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.base.version import VERSION
from pennyweight.nets.arrays import arrays_of_node
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Node
from pennyweight.shipping.c_text import LICENCE
from pennyweight.shipping.parity import Judged
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

OPSET = 18
IR_VERSION = 8
"""The version of the file format that came with the opset, which older runtimes read too."""
IMAGE, LOGITS, BATCH, AXES = "image", "logits", "N", "rows_and_columns"
CHUNK_IMAGES = 500


def write(subject: Subject, stem: str) -> Written:
    """Return `STEM.onnx`; raises UnavailableError without the package `onnx`."""
    require("onnx")
    model = make_model(subject, stem)
    content = model.SerializeToString(deterministic=True)
    return Written({f"{stem}.onnx": content}, {"opset": OPSET})


def run(subject: Subject, stem: str, folder: Path, images: NDArray[np.uint8]) -> Judged:
    """Return the logits of uint8 `images` by onnxruntime, after ONNX's own checker; raises UnavailableError without."""
    return run_onnx(folder / f"{stem}.onnx", images)


def run_onnx(path: Path, images: NDArray[np.uint8]) -> Judged:
    """Return the logits of uint8 `images` by a file that takes `image` from 0 to 1; see `run`."""
    require("onnx")
    require("onnxruntime")
    import onnx
    import onnxruntime

    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    planes = images[:, None] if images.ndim == 3 else images
    chunks = (planes[start : start + CHUNK_IMAGES] for start in range(0, len(planes), CHUNK_IMAGES))
    logits = [session.run([LOGITS], {IMAGE: chunk.astype(np.float32) / np.float32(255)})[0] for chunk in chunks]
    return Judged(np.concatenate(logits), f"onnxruntime {onnxruntime.__version__}")


def require(package: str) -> None:
    """Raise UnavailableError, with the way to get it, where an optional package is not installed."""
    if find_spec(package) is None:
        raise UnavailableError(
            f"The format onnx needs the package {package}: pip install 'pennyweight[ship]'."
            + (" --unchecked exports without a judge." if package == "onnxruntime" else "")
        )


def make_model(subject: Subject, name: str) -> "ModelProto":
    """Return the model: opset 18, any number of images, the normalisation inside, what it is in its metadata."""
    from onnx import TensorProto, helper, numpy_helper

    model = subject.model
    folded = subject.folded
    nodes: list[NodeProto] = []
    constants: dict[str, NDArray[Any]] = {
        "pixel_mean": np.array(model.normalisation.mean).reshape(1, -1, 1, 1),
        "pixel_std": np.array(model.normalisation.std).reshape(1, -1, 1, 1),
    }
    nodes.append(helper.make_node("Sub", [IMAGE, "pixel_mean"], ["centred"], name="normalise_mean"))
    nodes.append(helper.make_node("Div", ["centred", "pixel_std"], ["value_0"], name="normalise_std"))
    for node in folded.plan.nodes:
        arrays = {f"{node_name(node)}.{own}": array for own, array in arrays_of_node(node, folded.weights).items()}
        constants.update(arrays)
        nodes.extend(_nodes(node, list(arrays)))
    if any(isinstance(node.operation, Linear) for node in folded.plan.nodes):
        constants[AXES] = np.array([2, 3])
    last = folded.plan.nodes[-1]
    nodes.append(helper.make_node("Flatten", [f"value_{last.number}"], [LOGITS], name=LOGITS, axis=1))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, [BATCH, *model.plan.image_shape])],
        [helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, [BATCH, model.plan.classes])],
        [numpy_helper.from_array(_single(array), name) for name, array in constants.items()],
    )
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pennyweight",
        producer_version=VERSION,
    )
    helper.set_model_props(made, metadata(subject))
    return made


def _single(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, np.float32) if np.issubdtype(array.dtype, np.floating) else array


def metadata(subject: Subject) -> dict[str, str]:
    """Return what a file says of the network inside it."""
    record = subject.model.record
    said = {
        "classes": json.dumps(subject.model.classes),
        "input": "pixel / 255",
        "recipe": record.recipe,
        "changes": json.dumps(record.changes),
        "seed": str(record.seed),
        "dataset": record.dataset,
        "parameters": str(record.params),
        "record_sha256": record.sha256,
        "weights_sha256": record.weights_sha256,
        "licence": LICENCE,
    }
    return {key: value for key, value in said.items() if value}


def node_name(node: Node) -> str:
    """Return what a node is called in the graph, and its arrays begin with: `3_Conv`."""
    return f"{node.number}_{type(node.operation).__name__}"


def _nodes(node: Node, arrays: Sequence[str]) -> "Iterator[NodeProto]":
    """Yield a node of the plan in ONNX; a fully connected layer gets two more, which take away and give back axes."""
    from onnx import helper

    name, inputs, output = node_name(node), [f"value_{number}" for number in node.inputs], f"value_{node.number}"

    def made(operator: str, inputs: Sequence[str], **attributes: Any) -> "NodeProto":
        return helper.make_node(operator, inputs, [output], name=name, **attributes)

    match node.operation:
        case Conv() | Depthwise():
            operation = node.operation
            yield made(
                "Conv",
                [*inputs, *arrays],
                kernel_shape=[operation.kernel] * 2,
                pads=[operation.padding] * 4,
                strides=[operation.stride] * 2,
                group=node.input_shape[0] if isinstance(operation, Depthwise) else 1,
            )
        case BatchNorm():
            yield made("BatchNormalization", [*inputs, *arrays], epsilon=BatchNorm.EPSILON)
        case Relu():
            yield made("Relu", inputs)
        case MaxPool(size=size):
            yield made("MaxPool", inputs, kernel_shape=[size] * 2, strides=[size] * 2)
        case AvgPool(size=size):
            yield made("AveragePool", inputs, kernel_shape=[size] * 2, strides=[size] * 2)
        case GlobalAvgPool():
            yield made("GlobalAveragePool", inputs)
        case Linear():
            yield helper.make_node("Flatten", inputs, [f"{name}.vector"], name=f"{name}.flatten", axis=1)
            product = [f"{name}.product"]
            yield helper.make_node("Gemm", [f"{name}.vector", *arrays], product, name=name, transB=1)
            yield helper.make_node("Unsqueeze", [*product, AXES], [output], name=f"{name}.map")
        case Add():
            yield made("Add", inputs)
        case Dropout():
            raise AssertionError("a folded plan has no dropout")
        case _:
            assert_never(node.operation)
