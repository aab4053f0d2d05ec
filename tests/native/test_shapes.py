"""Images of other shapes and numbers of classes, against PyTorch in float64: colour, rectangles, odd and even maps."""

import shutil
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from against_torch import Case, beyond

from pennyweight.data.augment import Augmentation, homographies
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.native import NativeEngine
from pennyweight.engines.protocol import TrainingJob, initial_state, label_dtype
from pennyweight.engines.torch import TorchEngine
from pennyweight.native import generate
from pennyweight.native.cache import CACHE
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.plan import make_plan
from pennyweight.settings.optimizers import SGD

COLOUR, WIDE, TINY, LARGE = (3, 32, 32), (1, 20, 36), (4, 9, 9), (1, 96, 96)
NORM: tuple[Layer, ...] = (BatchNorm(), Relu())
BLOCK: tuple[Layer, ...] = (Conv(5, 3, 1), *NORM)

GRID = {
    f"kernel {k}, padding {padding}, stride {stride}, {channels}x{rows}x{columns}, {classes} classes": Case(
        (
            Conv(3, k, padding, stride),
            *(NORM if k > 1 else (Relu(),)),  # BatchNorm takes the scale of a single weight away
            Conv(5, min(k, 3), min(k - 1, 1)),
            Relu(),
            Linear(CLASSES),
        ),
        16,
        13,
        classes=classes,
        shape=(channels, rows, columns),
    )
    for (channels, rows, columns), classes in ((COLOUR, 7), (WIDE, 3), (TINY, 2))
    for k, padding, stride in (
        *((1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 3, 2), (5, 2, 2), (6, 0, 1), (7, 3, 1)),
        *((1, 1, 1), (2, 4, 2)),
    )
}
CASES = {
    "100 classes of 96x96": Case(
        (Conv(4, 3, 1), MaxPool(), *BLOCK, MaxPool(4), *BLOCK, Linear(CLASSES)), 16, 11, shape=LARGE, classes=100
    ),
    "a vector of 8x96 pixels": Case((Linear(CLASSES),), 16, 9, shape=(1, 8, 96), classes=100),
    "1,000 classes": Case((*BLOCK, MaxPool(), Conv(CLASSES, 2), GlobalAvgPool()), 16, 9, shape=TINY, classes=1000),
    "two classes of colour": Case((*BLOCK, MaxPool(4), Linear(CLASSES)), 32, 32, shape=COLOUR, classes=2),
    "pools of rectangles": Case(
        (*BLOCK, MaxPool(3), *BLOCK, AvgPool(2), Depthwise(3, 1), Conv(CLASSES, 1), GlobalAvgPool()),
        shape=(1, 37, 21),
        classes=3,
    ),
    "residual of colour rectangles": Case(
        (Residual((Conv(6, 3, 1), BatchNorm()), (Conv(6, 1),)), Relu(), MaxPool(), Conv(4, 3, 1, 2), Linear(CLASSES)),
        shape=(3, 18, 31),
        classes=7,
    ),
    "three columns": Case((Conv(4, 1), Relu(), Linear(CLASSES)), shape=(2, 40, 3), classes=4),
    "one row": Case((Conv(4, 1), Relu(), Linear(CLASSES)), shape=(2, 1, 40), classes=4),
    "ReLU and BatchNorm on a colour image": Case((BatchNorm(), Relu(), *BLOCK, Linear(CLASSES)), shape=(3, 11, 14)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_step_agrees_with_float64(name: str) -> None:
    check_step(name, CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", GRID)
def test_one_step_with_every_kernel_agrees_with_float64(name: str) -> None:
    check_step(name, GRID[name])


def check_step(name: str, case: Case) -> None:
    assert beyond(case, seed=crc32(name.encode()) % 1000) == {}


def moved_pixels(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """What both engines read of moved images, as gradients of one linear layer with weights of 0."""
    generator = np.random.default_rng(3)
    images = generator.integers(0, 256, (6, *shape), dtype=np.uint8)
    plan = make_plan((Linear(CLASSES, bias=False),), 3, shape)
    augmentation = Augmentation(
        rotation_degrees=20,
        shift_fraction=0.2,
        shear_degrees=10,
        perspective_distortion=0.4,
        perspective_probability=1.0,
    )
    job = TrainingJob(
        plan=plan,
        optimizer=SGD(0.1, momentum=0.9),
        batch_images=1,
        label_smoothing=0.0,
        fill=60,
        seed=0,
        normalisation=Normalisation((0.3, 0.4, 0.5)[: shape[0]], (0.2, 0.3, 0.4)[: shape[0]]),
        images=images[:, 0] if shape[0] == 1 else images,
        labels=np.zeros(6, dtype=label_dtype(3)),
    )
    start = {name: np.zeros_like(array) for name, array in initial_state(plan, job.optimizer, 0).items()}
    places = homographies(augmentation, 6, *shape[1:], seed=2, epoch=1)
    pixels = []
    for engine in (NativeEngine(job), TorchEngine(job)):
        for image in range(6):
            engine.load_state(start, 0)
            engine.train_steps(0, np.array([image]), places[image : image + 1], np.ones(1), np.full(1, 0.9))
            pixels.append(engine.state()["optimizer.momentum.1.weight"][1] * 3)
    return np.array(pixels[:6]), np.array(pixels[6:])


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 20, 36), (3, 17, 9)], ids=str)
def test_moved_images_of_any_shape_are_those_of_the_torch_engine(shape: tuple[int, int, int]) -> None:
    """grid_sample itself rounds its coordinates to about 1e-5 of a pixel."""
    ours, theirs = moved_pixels(shape)
    assert np.abs(ours).max() > 0.5
    assert np.abs(ours - theirs).max() < 5e-4


PLANTED = {
    "every channel is normalised as the first": (
        "image.h",
        "pixels.mean[c] / pixels.std[c]",
        "pixels.mean[0] / pixels.std[0]",
        "two classes of colour",
    ),
    "every channel reads the first plane": (
        "image.h",
        "from->images[lane][c * PLANE + row * IMAGE_COLUMNS + col]",
        "from->images[lane][row * IMAGE_COLUMNS + col]",
        "two classes of colour",
    ),
    "a map has as many rows as columns": (
        "convolution.h",
        "for (int row = 0; row < s.rows; row++) {\n        int above",
        "for (int row = 0; row < (s.rows < s.columns ? s.rows : s.columns); row++) {\n        int above",
        "three columns",
    ),
    "a window is as high as it is wide": (
        "epilogue.h",
        "if (s.pool == MEAN_POOL) result *= 1.0f / (s.window_rows * s.window_columns);",
        "if (s.pool == MEAN_POOL) result *= 1.0f / (s.window_rows * s.window_rows);",
        "pools of rectangles",
    ),
    "labels are bytes": (
        "net.h",
        "labels[lane] = slice->labels[image]",
        "labels[lane] = (uint8_t)slice->labels[image]",
        "1,000 classes",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("error", PLANTED)
def test_a_seeded_fault_is_seen(error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, right, wrong, name = PLANTED[error]
    shutil.copytree(generate.KERNELS, tmp_path / "kernels")
    text = (tmp_path / "kernels" / header).read_text()
    assert text.count(right) == 1
    (tmp_path / "kernels" / header).write_text(text.replace(right, wrong))
    monkeypatch.setattr(generate, "KERNELS", tmp_path / "kernels")
    monkeypatch.setenv(CACHE, str(tmp_path))
    assert beyond(CASES[name], seed=5)
