"""C that another generator makes of our ONNX gives the logits of our C: neither knows of the other."""

import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from emx_onnx_cgen import Compiler
from emx_onnx_cgen.compiler import CompilerOptions
from export_cases import KEPT_BATCHNORM, subject_of
from network_cases import CASES, distance
from published_networks import every_network, trained_network

from pennyweight.api import load_dataset
from pennyweight.shipping import c_float, onnx_float
from pennyweight.shipping.subject import Subject

NETWORKS = {**CASES, "BatchNorm that stays": KEPT_BATCHNORM}
JUDGE = Path(__file__).parent / "emx_judge.c"
TOLERANCE = 1e-5


def from_other_generator(subject: Subject, folder: Path) -> np.ndarray:
    """Return logits of the test images by what emx-onnx-cgen makes of our ONNX, for one image at a time."""
    model = onnx.load_from_string(onnx_float.write(subject, "net").files["net.onnx"])
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    options = CompilerOptions(model_name="emx", large_weight_threshold=1 << 30)
    (folder / "emx.c").write_text(Compiler(options).compile(model))
    images = subject.images.test_images
    sizes = [f"-DJUDGE_IMAGE_BYTES={images[0].size}", f"-DJUDGE_CLASSES={len(subject.model.classes)}"]
    subprocess.run(["gcc", "-O2", "-w", *sizes, "emx.c", str(JUDGE), "-lm", "-o", "emx"], cwd=folder, check=True)
    said = subprocess.run(["./emx"], input=images.tobytes(), cwd=folder, check=True, capture_output=True).stdout
    return np.frombuffer(said, np.float32).reshape(len(images), -1)


def from_ours(subject: Subject, folder: Path) -> np.ndarray:
    for name, content in c_float.write(subject, "net").files.items():
        (folder / name).write_bytes(content)
    return c_float.run(subject, "net", folder, subject.images.test_images).logits


@pytest.mark.parametrize("name", ["colour, residuals", "wide, incomplete windows", "BatchNorm that stays"])
def test_two_generators_give_the_same_logits(name: str, tmp_path: Path) -> None:
    subject = subject_of(NETWORKS[name])
    assert distance(from_ours(subject, tmp_path), from_other_generator(subject, tmp_path)) < TOLERANCE


@every_network
def test_two_generators_give_the_same_logits_of_ten_thousand_images(name: str, tmp_path: Path) -> None:
    subject = Subject(trained_network(name), load_dataset("mnist"))
    ours, theirs = from_ours(subject, tmp_path), from_other_generator(subject, tmp_path)
    assert len(ours) == 10_000
    assert (np.abs(ours - theirs) <= 1e-4 * np.maximum(1, np.abs(theirs))).all()
    leads = np.sort(theirs, axis=1)
    assert ((ours.argmax(axis=1) == theirs.argmax(axis=1)) | (leads[:, -1] - leads[:, -2] < 1e-4)).all()
