"""ONNX gives what PyTorch gives for any network, of any number of images, and says what it is."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from hypothesis import HealthCheck, given, settings
from network_cases import CASES, Network, distance, random_networks, torch_values
from onnx import numpy_helper

from pennyweight.api import load, load_dataset
from pennyweight.base.errors import UnavailableError
from pennyweight.shipping import onnx_float
from pennyweight.shipping.subject import Subject

NETWORKS = {**CASES, "BatchNorm that stays": KEPT_BATCHNORM}
TOLERANCE = 1e-5


def write(subject: Subject, folder: Path) -> Path:
    (content,) = onnx_float.write(subject, "net").files.values()
    path = folder / "net.onnx"
    path.write_bytes(content)
    return path


def from_torch(subject: Subject) -> np.ndarray:
    images = subject.model.normalisation.apply(subject.images.test_images).astype(np.float64)
    plan = subject.model.plan
    values = torch_values(plan, {name: array.copy() for name, array in subject.model.weights.items()}, images)
    return values[len(plan.nodes)][:, :, 0, 0]


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_of_any_network_gives_what_pytorch_gives(name: str, tmp_path: Path) -> None:
    subject = subject_of(NETWORKS[name])
    logits = onnx_float.run_onnx(write(subject, tmp_path), subject.images.test_images).logits
    assert distance(logits, from_torch(subject)) < TOLERANCE


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=random_networks())
def test_onnx_of_random_networks_gives_what_pytorch_gives(network: Network, tmp_path: Path) -> None:
    subject = subject_of(network, images=4)
    logits = onnx_float.run_onnx(write(subject, tmp_path), subject.images.test_images).logits
    assert distance(logits, from_torch(subject)) < TOLERANCE


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Subject, Path]:
    subject = Subject(load("skip-3"), load_dataset("digits"))
    return subject, write(subject, tmp_path_factory.mktemp("onnx"))


def test_it_takes_any_number_of_images_from_0_to_1(published: tuple[Subject, Path]) -> None:
    subject, path = published
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (taken,), (given_,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("image", "tensor(float)", ["N", 1, 28, 28])
    assert (given_.name, given_.type, given_.shape) == ("logits", "tensor(float)", ["N", 10])
    for count in (1, 3, 7):
        images = subject.images.test_images[:count, None].astype(np.float32) / 255
        (logits,) = session.run(None, {"image": images})
        assert distance(logits, subject.logits[:count]) < TOLERANCE


def test_it_says_what_it_is(published: tuple[Subject, Path]) -> None:
    subject, path = published
    model = onnx.load(path)
    record = subject.model.record
    said = {one.key: one.value for one in model.metadata_props}
    assert json.loads(said["classes"]) == list(subject.model.classes)
    assert (said["recipe"], said["seed"], said["dataset"]) == ("skip-3", str(record.seed), "mnist")
    assert (said["record_sha256"], said["weights_sha256"]) == (record.sha256, record.weights_sha256)
    assert said["licence"] == "MIT-0"
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 18)]
    assert model.producer_name == "pennyweight"


def test_its_nodes_have_names_that_say_which_layer_they_are(published: tuple[Subject, Path]) -> None:
    subject, path = published
    graph = onnx.load(path).graph
    names = [node.name for node in graph.node]
    assert max(Counter(names).values()) == 1
    for node in subject.folded.plan.nodes:
        assert f"{node.number}_{type(node.operation).__name__}" in names
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    assert {array.dtype for array in held.values()} <= {np.dtype(np.float32), np.dtype(np.int64)}
    assert np.array_equal(held["1_Conv.weight"], subject.folded.weights["1.weight"].astype(np.float32))


def test_batchnorm_stays_where_folding_would_be_wrong(tmp_path: Path) -> None:
    operators = Counter(node.op_type for node in onnx.load(write(subject_of(KEPT_BATCHNORM), tmp_path)).graph.node)
    assert operators["BatchNormalization"] == 4
    assert operators["Gemm"] == 1


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_package_that_is_missing_is_named(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subject_of(KEPT_BATCHNORM)
    path = write(subject, tmp_path)
    find = onnx_float.find_spec
    monkeypatch.setattr(onnx_float, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(UnavailableError, match=rf"package {package}: pip install 'pennyweight\[ship\]'"):
        onnx_float.run_onnx(path, subject.images.test_images)
