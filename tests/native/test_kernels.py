"""Every kernel's outputs and every gradient against PyTorch in float64, on fresh random inputs."""

import shutil
from pathlib import Path
from zlib import crc32

import pytest
from against_torch import Case, beyond

from pennyweight.native import generate, network
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

MODULO = "3x3 kernels on maps of every width modulo four"
# a head without global pooling: the gradient below it differs from pixel to pixel, so BatchNorm does not cancel it
HEAD: tuple[Layer, ...] = (MaxPool(2), Linear(CLASSES))


def block(channels: int, kernel: int = 3, padding: int = 0, stride: int = 1, bias: bool = False) -> tuple[Layer, ...]:
    return Conv(channels, kernel, padding, stride, bias), BatchNorm(), Relu()


CASES = {
    **{
        f"kernel {k} without padding": Case((Conv(3), Relu(), *block(5, k), *block(7, k), *HEAD))
        for k in (1, 2, 3, 4, 5, 7)
    },
    **{f"kernel {k} padded": Case((*block(6, k, k // 2), MaxPool(), *block(5, k, k // 2), *HEAD)) for k in (3, 5, 7)},
    "padding as wide as it can be": Case((*block(4, 3, 2), *block(5, 4, 3), *HEAD)),
    "kernel 1 padded": Case((*block(6), *block(5, 1, 1), *block(4, 1, 2), *HEAD)),
    "padding wider than a kernel": Case((*block(6), *block(5, 3, 4), *block(7, 2, 3, 2), *block(4, 5, 6, 3), *HEAD)),
    "padding wider than a kernel, with few channels": Case((Conv(1), Conv(1, 3, 3), Conv(2, 3, 5), Relu(), *HEAD)),
    "depthwise, padding wider than a kernel": Case(
        (*block(5), Depthwise(3, 5), BatchNorm(), Relu(), Depthwise(1, 1, 2), Relu(), *HEAD)
    ),
    "a residual of paths padded differently": Case(
        (*block(4), Residual((Conv(4, 1, 3),), (Conv(4, 5, 5),)), Relu(), *HEAD)
    ),
    "stride 2, odd and even maps": Case((*block(6, 3, 0, 2), *block(5, 3, 1, 2), *block(4, 2, 0, 2), *HEAD)),
    "stride 2 with bias, kernel 5": Case((*block(3, 5, 2, 2, True), *block(4, 1, 0, 2), *HEAD)),
    "biases without BatchNorm": Case((Conv(5, bias=True), Relu(), Conv(6, bias=True), Relu(), *HEAD)),
    "convolution after convolution": Case((Conv(5, bias=True), Conv(4, padding=1), Relu(), *HEAD)),
    "ReLU before BatchNorm": Case((Conv(6), Relu(), BatchNorm(), Conv(5), Relu(), BatchNorm(), *HEAD)),
    "max pool of odd maps, BatchNorm before": Case((*block(5, 4), MaxPool(), *block(6, 2), MaxPool(3), *HEAD)),
    "max pool of an odd map, ReLU before BatchNorm": Case((Conv(4, 4), Relu(), BatchNorm(), MaxPool(4), *HEAD)),
    "mean pool of an odd map": Case((*block(5, 4), AvgPool(3), *block(4, 2), AvgPool(2), *HEAD)),
    "depthwise": Case((*block(6), Depthwise(3, 1), BatchNorm(), Relu(), Depthwise(5, bias=True), Relu(), *HEAD)),
    "depthwise with stride 2": Case((*block(5), Depthwise(3, 1, 2), BatchNorm(), Relu(), *HEAD)),
    "depthwise on the image": Case((Depthwise(3), BatchNorm(), Relu(), *HEAD)),
    "identity residual": Case((*block(6), Residual((*block(8, 3, 1), Conv(6, padding=1), BatchNorm())), Relu(), *HEAD)),
    "projected residual": Case(
        (
            *block(4),
            Residual((*block(6, 3, 1), Conv(6, padding=1), BatchNorm()), (Conv(6, 1), BatchNorm())),
            Relu(),
            *HEAD,
        )
    ),
    "residual in a residual": Case(
        (*block(4), Residual((Residual((Conv(4, padding=1), BatchNorm())), Relu(), Conv(4, 1))), Relu(), *HEAD)
    ),
    "residual of a convolution's raw output": Case((Conv(4), Residual((Conv(4, padding=1), Relu())), *HEAD)),
    "a residual that starts with ReLU": Case((Conv(4), Residual((Relu(), Conv(4, padding=1))), *HEAD)),
    "a residual that starts with BatchNorm": Case(
        (Conv(4), Residual((BatchNorm(), Relu(), Conv(4, padding=1))), BatchNorm(), Relu(), *HEAD)
    ),
    "a shortcut of ReLU alone": Case((Conv(4), Residual((Conv(4, padding=1),), (Relu(),)), *HEAD)),
    "a convolution's raw output doubled": Case((Conv(4), Residual(()), *HEAD)),
    "residual of the image": Case((Residual((Conv(1, padding=1), BatchNorm())), Conv(5), Relu(), *HEAD)),
    "an empty residual doubles": Case((*block(4), Residual(()), *HEAD)),
    "BatchNorm on a pooled map": Case((Conv(4), Relu(), MaxPool(), BatchNorm(), Conv(5), Relu(), *HEAD)),
    "BatchNorm on the image": Case((BatchNorm(), Conv(5), Relu(), *HEAD)),
    "two ReLUs and two BatchNorms in a row": Case((Conv(4), BatchNorm(), Relu(), BatchNorm(), Relu(), *HEAD)),
    "linear layers": Case((*block(4, 5, 0, 2), MaxPool(), Linear(20), Relu(), Linear(CLASSES))),
    "linear layer on the image": Case((Linear(CLASSES, bias=False),)),
    "head of 7x7": Case((*block(4), MaxPool(), *block(3, 3), AvgPool(1), Conv(CLASSES, kernel=11))),
    "global pooling": Case((Conv(5), Relu(), Conv(8, bias=True), Relu(), Conv(CLASSES, 1), GlobalAvgPool())),
    "label smoothing": Case((*block(5), MaxPool(), *HEAD), smoothing=0.1),
    "soft labels": Case((*block(5), MaxPool(), *HEAD), 32, 19, soft=True),
    "a batch that does not fill its vectors": Case((*block(5), MaxPool(), *block(6), *HEAD), 32, 19),
    "a batch of one image": Case((*block(5), MaxPool(), *block(6), *HEAD), 32, 1),
    "eight lanes": Case((*block(5), MaxPool(), *block(6), *HEAD), 16, 16),
    "eight lanes, not filled": Case((*block(5), MaxPool(), *block(6), *HEAD), 16, 11),
    MODULO: Case(
        (*block(6), MaxPool(), *block(9), *block(7, 3, 2), *block(5, 3, 1), MaxPool(), *block(10), *block(4), *HEAD)
    ),
    "more channels than a tile": Case((*block(19), MaxPool(2), *block(23), MaxPool(2), *block(17), *HEAD)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_step_agrees_with_float64(name: str) -> None:
    assert beyond(CASES[name], seed=crc32(name.encode()) % 1000) == {}


PLANTED = {
    "uncovered rows get a gradient": (
        "epilogue.h",
        "write_gradient(&from, &to, y, x, (vec){0});",
        "write_gradient(&from, &to, y, x, to.shift);",
        "max pool of odd maps, BatchNorm before",
    ),
    "kernels are not flipped": (
        "convolution.h",
        "k * k - 1 - n] = weight[((long)i",
        "n] = weight[((long)i",
        "kernel 5 padded",
    ),
    "the last pixel of a row is not read": ("winograd.h", "columns > 3 ? x[3]", "columns > 4 ? x[3]", MODULO),
    "a transform's factor is wrong": ("winograd.h", "sum + 4.0f * far_sum", "sum + 2.0f * far_sum", "kernel 3 padded"),
    "too many kernel rows above the map are skipped": (
        "winograd.h",
        "s.zero_rows > out ? s.zero_rows - out : 0",
        "s.zero_rows > out ? s.zero_rows - out + 1 : 0",
        "kernel 3 padded",
    ),
    "a weight gradient's factor is wrong": ("winograd.h", "(m3 - m4) * (1.0f / 12)", "(m3 - m4) * (1.0f / 6)", MODULO),
    "a strip of columns forgets the last one": (
        "winograd.h",
        "add ? sums[n] + more[n]",
        "0 ? sums[n]",
        "biases without BatchNorm",
    ),
    "an input gradient's factor is wrong": (
        "winograd.h",
        "(m[5] - difference) - 2.0f",
        "(m[5] - difference) + 2.0f",
        "kernel 3 padded",
    ),
    "columns that two fours reach keep the last alone": ("winograd.h", "(overlaps && j <", "(0 && j <", MODULO),
    "the variance is about the first row's mean": (
        "batchnorm.h",
        " - apart * apart * count}",
        "}",
        "max pool of odd maps, BatchNorm before",
    ),
    "the pixel that the pool did not take counts": (
        "epilogue.h",
        "centred(&from, best.source)",
        "centred(&from, source_at(&from, y, x))",
        "max pool of odd maps, BatchNorm before",
    ),
    "a soft label's gradient is that of the hard one": (
        "loss.h",
        "gradient[c][lane] -= more / batch;",
        "gradient[c][lane] -= 0.9f * more / batch;",
        "soft labels",
    ),
    "empty lanes count": (
        "batchnorm.h",
        "lane_sum(squares * mask)",
        "lane_sum(squares)",
        "a batch that does not fill its vectors",
    ),
    "the first row of the kernel has no gradient": (
        "convolution.h",
        "for (int ky = 0; ky < s.kernel; ky++)",
        "for (int ky = 1; ky < s.kernel; ky++)",
        "kernel 3 padded",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("name", ["identity residual", "depthwise", "label smoothing", MODULO])
def test_one_step_agrees_with_float64_for_vectors_of_any_processor(
    name: str, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "vector_lanes", lambda: lanes)
    assert beyond(CASES[name], seed=crc32(name.encode()) % 1000) == {}


@pytest.mark.slow
@pytest.mark.parametrize("error", PLANTED)
def test_a_planted_error_is_caught(error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, right, wrong, name = PLANTED[error]
    kernels = tmp_path / "kernels"
    shutil.copytree(generate.KERNELS, kernels)
    text = (kernels / header).read_text()
    assert text.count(right) == 1
    (kernels / header).write_text(text.replace(right, wrong))
    monkeypatch.setattr(generate, "KERNELS", kernels)
    monkeypatch.setenv(CACHE, str(tmp_path))
    assert beyond(CASES[name], seed=5)
