"""What the native engine cannot run is refused by name, and the memory it needs is counted before it is compiled."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from support import mnist_plan

from pennyweight.base import machine
from pennyweight.base.errors import UnavailableError, UsageError
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.choose import make_engine
from pennyweight.engines.native import NativeEngine
from pennyweight.engines.protocol import TrainingJob, label_dtype
from pennyweight.native import network
from pennyweight.native.generate import bytes_needed, generate
from pennyweight.native.library import build
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, GlobalAvgPool, Layers, Linear, MaxPool, Relu, Residual
from pennyweight.nets.plan import Node, Plan, make_plan
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe
from pennyweight.settings.optimizers import SGD

POOLED: Layers = (Conv(4), BatchNorm(), Relu(), MaxPool(), Conv(CLASSES), GlobalAvgPool())


@dataclass(frozen=True)
class Swish:
    """An operation that nobody knows."""


def with_node(plan: Plan, number: int, change: Callable[[Node], Node]) -> Plan:
    return replace(plan, nodes=tuple(change(node) if node.number == number else node for node in plan.nodes))


def job_of(plan: Plan, batch_images: int = 16) -> TrainingJob:
    channels, *size = plan.image_shape
    shape = (2, *size) if channels == 1 else (2, channels, *size)
    return TrainingJob(
        plan=plan,
        optimizer=SGD(),
        batch_images=batch_images,
        label_smoothing=0.0,
        fill=0,
        seed=0,
        normalisation=Normalisation((0.3,) * channels, (0.4,) * channels),
        images=np.zeros(shape, dtype=np.uint8),
        labels=np.zeros(2, dtype=label_dtype(plan.classes)),
    )


REFUSED: list[tuple[str, Plan, str]] = [
    (
        "an operation that is not known",
        with_node(mnist_plan(POOLED), 3, lambda node: replace(node, operation=Swish())),  # type: ignore[arg-type]
        "layer 3 (Swish) is an operation that the native engine does not know.",
    ),
    (
        "a vector from a padded map",
        mnist_plan((Residual((Conv(6, 3, 1), GlobalAvgPool()), (Linear(6),)), Linear(CLASSES))),
        "layer 3 (Linear) reads a map that a convolution with padding reads as well, which the native engine does not "
        "do. Use --engine torch.",
    ),
]


@pytest.mark.parametrize(("plan", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_plan_that_would_run_wrongly_is_refused_by_what_is_wrong(plan: Plan, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        generate(plan, batch_images=16, lanes=8)
    assert words in str(refused.value)
    with pytest.raises(UsageError):
        NativeEngine(job_of(plan))


COLOUR = make_plan((Conv(6, 3, 1), BatchNorm(), Relu(), *POOLED), 100, (3, 40, 24))


@pytest.mark.parametrize("plan", [*(mnist_plan(find_recipe(name).layers) for name in RECIPE_NAMES), COLOUR])
def test_the_memory_that_is_counted_is_what_the_compiled_network_takes(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENNYWEIGHT_CFLAGS", "-O0")
    monkeypatch.setenv("PENNYWEIGHT_CACHE", str(tmp_path))
    source = generate(plan, 64, 16)
    structs = source.text[: source.text.index("_Static_assert")]  # the kernels' calls would only take time
    export = '__attribute__((visibility("default"))) int64_t net_bytes(void) { return sizeof(Net); }'
    library = build(replace(source, text=f"{structs}\n#if PART == 0\n{export}\n#endif\n"), print)
    size = ctypes.CDLL(str(library.library)).net_bytes
    size.restype = ctypes.c_int64
    assert bytes_needed(plan, 64, 16, threads=4) == pytest.approx(size(), rel=0.002)


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_what_the_machine_has_no_memory_for_is_refused_with_both_figures_before_compiling(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(network, "vector_lanes", lambda: 16)
    monkeypatch.setattr(network, "build", lambda *_: pytest.fail("compiled"))
    job = job_of(make_plan((Conv(64, 3, 1), Relu(), *POOLED), 5, (3, 224, 224)), 4096)
    monkeypatch.setattr(machine, "available_memory", lambda: 8 << 30)
    with pytest.raises(UnavailableError) as refused:
        make_engine(engine, "cpu", job)
    # 64 maps of 224x224 pixels in 4,096 images are 49 GiB: kept with a gradient, and by PyTorch once more after ReLU
    figure = {"native": "102.8", "torch": "217.4"}[engine]
    assert str(refused.value).startswith(
        f"The network in batches of 4,096 images needs {figure} GiB of memory, and this machine has 8.0 GiB available; "
        "a smaller batch_images needs less."
    )


def test_the_available_memory_is_that_of_the_machine_or_of_its_control_group() -> None:
    assert 1 << 20 < machine.available_memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


SMALL_STACK = """
import numpy as np
from pennyweight.data.augment import Augmentation, homographies
from pennyweight.data.normalisation import Normalisation
from pennyweight.nets.plan import make_plan
from pennyweight.nets.layers import CLASSES, GlobalAvgPool, Linear
from pennyweight.engines.protocol import TrainingJob, initial_state
from pennyweight.engines.native import NativeEngine
from pennyweight.settings.optimizers import SGD
size, count = 320, 64
plan = make_plan((GlobalAvgPool(), Linear(CLASSES)), 10, (3, size, size))
images, labels = np.zeros((count, 3, size, size), dtype=np.uint8), np.zeros(count, dtype=np.uint8)
normalisation = Normalisation((0.3,) * 3, (0.4,) * 3)
rest = dict(label_smoothing=0.0, fill=0, seed=0, normalisation=normalisation, images=images, labels=labels)
engine = NativeEngine(TrainingJob(plan=plan, optimizer=SGD(), batch_images=count, **rest))
engine.load_state(initial_state(plan, SGD(), 0), 0)
moved = homographies(Augmentation(rotation_degrees=9.0), count, size, size, seed=0, epoch=1)
print(engine.train_steps(0, np.arange(count), moved, np.ones(1), np.zeros(1)).losses[0])
"""


def test_sampling_a_large_colour_image_needs_no_stack() -> None:
    """Threads get the smallest stack that is usual: 512 KiB, as on macOS."""
    words = ["bash", "-c", 'ulimit -s 512 && exec "$@"', "bash", sys.executable, "-c", SMALL_STACK]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "4"})
    assert (done.returncode, done.stderr) == (0, "")
    assert np.isfinite(float(done.stdout))
