"""Prediction apart from training: the same logits by compiled C, PyTorch and NumPy, on every core, without training."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import mnist_plan

from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines import predict
from pennyweight.engines.predict import PREDICTORS, NativePredictor, NumpyPredictor, make_predictor
from pennyweight.engines.torch import TorchPredictor
from pennyweight.native import network
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import make_plan

LAYERS = (Conv(6), BatchNorm(), Relu(), MaxPool(), Dropout(0.5), Conv(8), GlobalAvgPool(), Linear(CLASSES))
PLAN = mnist_plan(LAYERS)
WEIGHTS = initial_weights(PLAN, 1)
NORMALISATION = Normalisation((0.2,), (0.3,))
IMAGES = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize("name", PREDICTORS)
def test_every_predictor_gives_the_same_logits(name: str) -> None:
    exact = make_predictor("numpy", PLAN, WEIGHTS, NORMALISATION, 32).logits(IMAGES)
    logits = make_predictor(name, PLAN, WEIGHTS, NORMALISATION, 32).logits(IMAGES)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, exact, atol=1e-5)


@pytest.mark.parametrize("name", PREDICTORS)
def test_every_predictor_reads_colour_and_rectangles(name: str) -> None:
    plan, norm = make_plan(LAYERS, 7, (3, 20, 31)), Normalisation((0.2, 0.3, 0.4), (0.3, 0.2, 0.1))
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 20, 31), dtype=np.uint8)
    weights = initial_weights(plan, 1)
    exact = make_predictor("numpy", plan, weights, norm, 32).logits(images)
    np.testing.assert_allclose(make_predictor(name, plan, weights, norm, 32).logits(images), exact, atol=1e-5)
    assert exact.shape == (5, 7)


@pytest.mark.parametrize(
    ("compiler", "torch", "kind"),
    [(["cc"], True, NativePredictor), (None, True, TorchPredictor), (None, False, NumpyPredictor)],
    ids=["with a compiler", "with PyTorch alone", "with neither"],
)
def test_auto_takes_the_fastest_that_can_run(compiler, torch: bool, kind: type, monkeypatch) -> None:
    if compiler is None:
        monkeypatch.setattr(predict, "find_compiler", lambda: None)
    if not torch:
        monkeypatch.setattr(predict, "find_spec", lambda _: None)
    assert type(make_predictor("auto", PLAN, WEIGHTS, NORMALISATION, 32)) is kind


def test_a_predictor_that_is_not_known_or_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="There is no engine 'tensorflow'"):
        make_predictor("tensorflow", PLAN, WEIGHTS, NORMALISATION, 32)
    monkeypatch.setattr(predict, "find_spec", lambda _: None)
    with pytest.raises(UnavailableError, match=r"pip install 'pennyweight\[torch\]'"):
        make_predictor("torch", PLAN, WEIGHTS, NORMALISATION, 32)


@pytest.mark.parametrize(("cores", "groups"), [(1, 2), (2, 2), (5, 5)])
def test_there_is_a_group_of_images_for_every_core_whatever_the_batch(cores: int, groups: int, monkeypatch) -> None:
    monkeypatch.setattr(network, "vector_lanes", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(network, "usable_cores", lambda: cores)
    predictor = make_predictor("native", PLAN, WEIGHTS, NORMALISATION, 32)
    assert isinstance(predictor, NativePredictor)
    assert predictor.network.threads == cores
    source = Path(predictor.network.description.split("; ")[1]).with_suffix(".c")
    assert f"#define GROUPS {groups}\n" in source.read_text()


BARE = """
import sys
sys.modules["torch"] = None
import numpy as np
import pennyweight as pw
from pennyweight.engines import predict
predict.find_spec = lambda name: None
model, digits = pw.load(sys.argv[1]), pw.dataset("digits")
print((model.predict(digits.test_images) == digits.test_labels).sum(), model.record.epochs[-1].test_correct)
"""


def test_a_machine_without_compiler_and_pytorch_predicts_what_the_record_says(digits_run: Path) -> None:
    """The last bit of a logit may differ from that of the engine that trained it."""
    words = [sys.executable, "-c", BARE, str(digits_run)]
    environment = {**os.environ, "CC": "", "PATH": str(digits_run)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    ours, recorded = map(int, done.stdout.split())
    assert abs(ours - recorded) <= 1
