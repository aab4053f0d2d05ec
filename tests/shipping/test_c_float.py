"""Float C gives what PyTorch gives for any network, with no library and no warning, and reads no memory but its own."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from hypothesis import HealthCheck, given, settings
from network_cases import CASES, Network, distance, random_networks, torch_values

from pennyweight.api import load, load_dataset
from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.nets.forward import forward
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, Dropout, Linear, MaxPool, Relu, Residual
from pennyweight.runs.published import published_run_names
from pennyweight.shipping import c_float
from pennyweight.shipping.c_judge import STRICT, run_c
from pennyweight.shipping.subject import Subject

COMPILERS = [path for name in ("gcc", "clang") if (path := shutil.which(name))]
GCC = ("gcc",)
"""The one whose sanitizers come with it."""
STRICTEST = (*STRICT, "-Werror")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Werror")
NETWORKS = {
    **CASES,
    "BatchNorm that stays": KEPT_BATCHNORM,
    "pools of what may be below 0": Network((Conv(4), MaxPool(), Linear(CLASSES)), (1, 9, 9), 3),
}
MEMORY_FUNCTIONS = {"memcpy", "memmove", "memset", "memcmp"}
"""What compilers ask of the emptiest environment."""
TOLERANCE = 1e-5


def write(subject: Subject, folder: Path, stem: str = "net") -> Path:
    for name, content in c_float.write(subject, stem).files.items():
        (folder / name).write_bytes(content)
    return folder


def from_torch(subject: Subject) -> np.ndarray:
    images = subject.model.normalisation.apply(subject.images.test_images).astype(np.float64)
    plan = subject.model.plan
    values = torch_values(plan, {name: array.copy() for name, array in subject.model.weights.items()}, images)
    return values[len(plan.nodes)][:, :, 0, 0]


def from_c(subject: Subject, folder: Path, **options) -> np.ndarray:
    images = subject.images.test_images
    return run_c(write(subject, folder), "net", images, len(subject.model.classes), **options).logits


@pytest.mark.parametrize("name", NETWORKS)
def test_c_of_any_network_gives_what_pytorch_gives(name: str, tmp_path: Path) -> None:
    subject = subject_of(NETWORKS[name])
    assert distance(from_c(subject, tmp_path), from_torch(subject)) < TOLERANCE


PLANTED = {
    "padding on one side alone": ("column >= 0 && column < w->in_columns", "column >= 0", "kernel 3, colour"),
    "a row too many": ("row < 0 || row >= w->in_rows", "row < -1 || row >= w->in_rows", "kernel 3, colour"),
    "the stride of columns forgotten": ("left = j * w->stride", "left = j", "kernel 3, wide"),
    "every channel reads the first": ("x + o * w->in_rows", "x + 0 * w->in_rows", "kernel 5, colour"),
    "no bias": ("bias ? bias[o] : 0.0f", "0.0f", "kernel 2, wide"),
    "the largest starts at zero": ("float largest = *corner", "float largest = 0.0f", "pools of what may be below 0"),
    "a mean of other windows": ("(float)(w->size * w->size)", "(float)w->size", "wide, incomplete windows"),
    "a sum that is no mean": ("y[c] = sum / (float)pixels", "y[c] = sum", "wide, ReLU first and global pooling"),
    "an offset forgotten": ("* factor[c] + offset[c]", "* factor[c]", "BatchNorm that stays"),
    "no ReLU": ("x[i] > 0.0f ? x[i] : 0.0f", "x[i]", "kernel 1, colour"),
    "weights of the next output": ("weight[o * inputs + i]", "weight[i * outputs + o]", "wide, incomplete windows"),
    "a shortcut left out": ("x[i] + other[i]", "x[i]", "colour, residuals"),
    "another deviation": ("- mean[c]) / deviation[c]", "- mean[c]) / deviation[0]", "kernel 1, colour"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_in_a_kernel_is_caught(name: str, tmp_path: Path) -> None:
    old, new, network = PLANTED[name]
    subject = subject_of(NETWORKS[network])
    source = write(subject, tmp_path) / "net.c"
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new))
    logits = run_c(tmp_path, "net", subject.images.test_images, len(subject.model.classes), flags=["-O1"]).logits
    assert not distance(logits, from_torch(subject)) < 100 * TOLERANCE


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=random_networks())
def test_c_of_random_networks_gives_what_pytorch_gives(network: Network, tmp_path: Path) -> None:
    subject = subject_of(network, images=4)
    assert distance(from_c(subject, tmp_path, compiler=GCC, flags=SANITIZED), from_torch(subject)) < TOLERANCE


@pytest.mark.parametrize("name", ["colour, residuals", "wide, incomplete windows", "BatchNorm that stays"])
def test_sanitizers_find_nothing_on_black_white_and_noise(name: str, tmp_path: Path) -> None:
    subject = subject_of(NETWORKS[name])
    assert distance(from_c(subject, tmp_path, compiler=GCC, flags=SANITIZED), from_torch(subject)) < TOLERANCE


def test_the_sanitizers_would_find_an_arena_that_is_one_too_short(tmp_path: Path) -> None:
    subject = subject_of(CASES["wide, a linear layer on the image"])
    source = write(subject, tmp_path) / "net.c"
    size = int(re.search(r"static float arena\[(\d+)\];", source.read_text())[1])
    source.write_text(source.read_text().replace(f"arena[{size}]", f"arena[{size - 1}]"))
    with pytest.raises(UnavailableError, match=r"insufficient space|global-buffer-overflow"):
        run_c(tmp_path, "net", subject.images.test_images, 3, compiler=GCC, flags=SANITIZED)


def test_to_fold_it_all_the_same_would_give_other_logits() -> None:
    """Put into the padded convolution behind it, BatchNorm's shift is missing at the border and nowhere else."""
    subject = subject_of(KEPT_BATCHNORM)
    plan, weights = subject.folded.plan, dict(subject.folded.weights)
    kept = next(node for node in plan.nodes if isinstance(node.operation, BatchNorm))
    conv = plan.nodes[kept.number]
    assert isinstance(conv.operation, Conv)
    assert conv.operation.padding == 1
    images = subject.model.normalisation.apply(subject.images.test_images)
    right = forward(plan, weights, images)[conv.number]
    norm = {name: weights[f"{kept.number}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")}
    factor = norm["weight"] / np.sqrt(norm["running_var"] + BatchNorm.EPSILON)
    shift = norm["bias"] - factor * norm["running_mean"]
    kernel = weights[f"{conv.number}.weight"]
    identity = {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1 - BatchNorm.EPSILON}
    weights |= {f"{kept.number}.{name}": np.full_like(norm[name], value) for name, value in identity.items()}
    weights[f"{conv.number}.weight"] = kernel * factor[:, None, None]
    constant = (kernel * shift[:, None, None]).sum(axis=(1, 2, 3))[:, None, None]
    folded = forward(plan, weights, images)[conv.number] + constant
    assert distance(folded[:, :, 1:-1, 1:-1], right[:, :, 1:-1, 1:-1]) < TOLERANCE
    assert distance(folded, right) > 0.01


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("optimised", ["-O0", "-Os", "-O3"])
def test_every_compiler_takes_it_without_a_warning(compiler: str, optimised: str, tmp_path: Path) -> None:
    for name in ("colour, residuals", "wide, incomplete windows", "BatchNorm that stays"):
        write(subject_of(NETWORKS[name]), tmp_path)
        build = [compiler, *STRICTEST, optimised, "-c", "net.c", "-o", "net.o"]
        done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_it_asks_for_no_library_and_no_heap(tmp_path: Path) -> None:
    write(subject_of(NETWORKS["colour, residuals"]), tmp_path)
    text = (tmp_path / "net.c").read_text() + (tmp_path / "net.h").read_text()
    assert set(re.findall(r"#include (\S+)", text)) == {'"net.h"', "<stdint.h>", "<limits.h>"}
    subprocess.run(["gcc", "-O2", "-c", "net.c", "-o", "net.o"], cwd=tmp_path, check=True)
    said = subprocess.run(["nm", "-u", "net.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert set(said.replace("U", "").split()) <= MEMORY_FUNCTIONS
    seen = subprocess.run(["nm", "-g", "--defined-only", "net.o"], cwd=tmp_path, capture_output=True, text=True)
    assert [line.split()[-1] for line in seen.stdout.splitlines()] == ["net_predict"]


def test_an_int_that_is_too_short_for_the_network_stops_the_compiler(tmp_path: Path) -> None:
    subject = subject_of(Network((Conv(8), Linear(CLASSES)), (1, 80, 80), 3))
    source = write(subject, tmp_path) / "net.c"
    assert f"#if INT_MAX < {3 * 8 * 78 * 78}" in source.read_text()
    source.write_text(source.read_text().replace("#include <limits.h>", "#undef INT_MAX\n#define INT_MAX 32767"))
    done = subprocess.run(["gcc", "-std=c99", "-c", "net.c"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode
    assert "int is too short for this network" in done.stderr


def test_the_bytes_at_the_top_are_those_that_the_compiler_counts(tmp_path: Path) -> None:
    subject = subject_of(NETWORKS["colour, residuals"])
    write(subject, tmp_path)
    facts = c_float.write(subject, "net").facts
    # without optimisation, which folds some of them into the code
    subprocess.run(["gcc", "-O0", "-c", "net.c", "-o", "net.o"], cwd=tmp_path, check=True)
    said = subprocess.run(["nm", "-S", "--defined-only", "net.o"], cwd=tmp_path, capture_output=True, text=True)
    sized = [line.split() for line in said.stdout.splitlines() if len(line.split()) == 4]
    sizes = {name: (kind, int(size, 16)) for _, size, kind, name in sized}
    assert sum(size for kind, size in sizes.values() if kind in "bd") == facts["arena_bytes"]
    assert any(name.startswith("window_") for name in sizes)
    assert sum(size for kind, size in sizes.values() if kind == "r") == facts["constant_bytes"]
    banner = (tmp_path / "net.c").read_text().split("*/")[0]
    assert f"Constants up to {facts['constant_bytes']:,} bytes of flash" in banner.replace("\n * ", " ")
    assert f"arena {facts['arena_bytes']:,} bytes of RAM" in banner.replace("\n * ", " ")


def test_without_a_place_for_the_logits_the_class_is_returned_all_the_same(tmp_path: Path) -> None:
    subject = subject_of(NETWORKS["colour, residuals"])
    write(subject, tmp_path)
    image = ", ".join(map(str, subject.images.test_images[2].ravel()))
    program = f'#include "net.h"\nstatic const uint8_t image[] = {{{image}}};\n'
    (tmp_path / "main.c").write_text(program + "int main(void) { return net_predict(image, 0); }")
    build = ["gcc", *STRICTEST, *SANITIZED, "main.c", "net.c", "-o", "main"]
    subprocess.run(build, cwd=tmp_path, check=True)
    assert subprocess.run(["./main"], cwd=tmp_path).returncode == from_torch(subject)[2].argmax()


def test_no_line_is_longer_than_120_columns() -> None:
    for name in NETWORKS:
        for content in c_float.write(
            subject_of(NETWORKS[name]), "a_name_of_forty_letters_as_long_as_can_be"
        ).files.values():
            assert max(map(len, content.decode().splitlines())) <= 120


def test_two_networks_live_in_one_program(tmp_path: Path) -> None:
    subjects = {"one": subject_of(NETWORKS["colour, residuals"]), "other": subject_of(KEPT_BATCHNORM)}
    for stem, subject in subjects.items():
        write(subject, tmp_path, stem)
        (tmp_path / f"{stem}.raw").write_bytes(subject.images.test_images[2].tobytes())
    program = Path(__file__).parent / "two_networks.c"
    build = ["gcc", *STRICTEST, "-I", ".", str(program), "one.c", "other.c", "-o", "both"]
    subprocess.run(build, cwd=tmp_path, check=True)
    said = subprocess.run(["./both"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    expected = [int(from_torch(subject)[2].argmax()) for subject in subjects.values()]
    assert [int(word) for word in said.split()] == expected


def test_a_network_that_ends_in_what_could_be_overwritten_writes_the_logits(tmp_path: Path) -> None:
    ends = (Conv(3), Residual(()), Linear(CLASSES), BatchNorm(), Dropout(0.1), Relu())
    subject = subject_of(Network(ends, (1, 5, 6), 4))
    assert distance(from_c(subject, tmp_path), from_torch(subject)) < TOLERANCE


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = (c_float.write(subject_of(KEPT_BATCHNORM), "net").files for _ in range(2))
    assert first == second


def test_a_weight_that_is_not_finite_is_refused() -> None:
    subject = subject_of(CASES["wide, a linear layer on the image"])
    subject.model.weights["1.weight"][0, 0] = np.inf
    with pytest.raises(MismatchError, match="weight_1 holds a value that is not finite"):
        c_float.write(subject, "net")


@pytest.mark.slow
@pytest.mark.parametrize("name", published_run_names())
def test_sanitizers_find_nothing_in_published_networks(name: str, tmp_path: Path) -> None:
    subject = Subject(load(name), load_dataset("digits"))
    draw = np.random.default_rng(0)
    images = np.stack([np.zeros((28, 28)), np.full((28, 28), 255), *draw.integers(0, 256, (8, 28, 28))])
    write(subject, tmp_path)
    logits = run_c(tmp_path, "net", images.astype(np.uint8), 10, compiler=GCC, flags=SANITIZED).logits
    assert distance(logits, subject.model.logits(images.astype(np.uint8), "numpy")) < TOLERANCE
