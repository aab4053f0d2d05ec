"""Integer C against the reference in whole numbers: every bit of every logit, of any network."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from hypothesis import HealthCheck, example, given, settings
from network_cases import CASES, Network, random_networks
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.data.dataset import Dataset, load
from pennyweight.nets.layers import (
    CLASSES,
    BatchNorm,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.measure import measure
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import published_run, published_run_names
from pennyweight.shipping import c_int8
from pennyweight.shipping.c_judge import STRICT, run_c
from pennyweight.shipping.c_layout import layout_of
from pennyweight.shipping.cost import streamed_cost
from pennyweight.shipping.integer import integer_logits
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.subject import Subject

HERE = Path(__file__).parent
STEM = "net"
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Werror")
NETWORKS = {
    **CASES,
    "BatchNorm that stays": KEPT_BATCHNORM,
    "a shortcut that is later than the body": Network(
        (Residual((Conv(4, 3, 1), Relu()), (Conv(4, 5, 2),)), Relu(), Conv(CLASSES, 2), GlobalAvgPool()), (1, 11, 9), 3
    ),
    "a padded shortcut that reads a colour image": Network(
        (Residual((), (Conv(2, 3, 1, bias=True),)), Linear(CLASSES)), (2, 3, 3), 2
    ),
    "both maps of a sum are one": Network((Conv(3, 3), Relu(), Residual(()), Linear(CLASSES)), (2, 7, 8), 4),
    "pools that drop pixels for one of two readers": Network(
        (Conv(4, 2), Residual((MaxPool(2),), (Conv(4, 3, 0, 2),)), Linear(CLASSES)), (1, 8, 8), 3
    ),
}


def written(subject: Subject, folder: Path) -> Path:
    for name, content in c_int8.write(subject, STEM).files.items():
        (folder / name).write_bytes(content)
    return folder


def from_c(subject: Subject, folder: Path, images: NDArray[np.uint8], **options) -> NDArray[np.integer]:
    classes = len(subject.model.classes)
    return run_c(written(subject, folder), STEM, images, classes, output="int32_t", **options).logits


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.mark.parametrize("name", published_run_names())
def test_c_of_every_published_run_is_the_reference_in_every_bit(name: str, digits: Dataset, tmp_path: Path) -> None:
    """Ranges are calibrated on other images than MNIST here, which changes no rule of the arithmetic."""
    subject = Subject(load_trained(published_run(name)), digits)
    images = digits.test_images[:20]
    np.testing.assert_array_equal(from_c(subject, tmp_path, images), integer_logits(quantised(subject), images))


@pytest.mark.slow
@pytest.mark.parametrize("name", published_run_names())
def test_sanitizers_find_nothing_in_published_networks(name: str, digits: Dataset, tmp_path: Path) -> None:
    """On black, on white, on noise, and on noise of black and white alone."""
    subject = Subject(load_trained(published_run(name)), digits)
    draw = np.random.default_rng(0)
    noise, hard = draw.integers(0, 256, (8, 28, 28)), 255 * draw.integers(0, 2, (8, 28, 28))
    images = np.stack([np.zeros((28, 28)), np.full((28, 28), 255), *noise, *hard]).astype(np.uint8)
    logits = from_c(subject, tmp_path, images, compiler=("gcc",), flags=SANITIZED)
    np.testing.assert_array_equal(logits, integer_logits(quantised(subject), images))


@pytest.mark.parametrize("name", NETWORKS)
def test_c_of_any_network_is_the_reference_in_every_bit_and_sanitizers_find_nothing(name: str, tmp_path: Path) -> None:
    """On black, on white and on noise."""
    subject = subject_of(NETWORKS[name])
    images = subject.images.test_images
    logits = from_c(subject, tmp_path, images, compiler=("gcc",), flags=SANITIZED)
    np.testing.assert_array_equal(logits, integer_logits(quantised(subject), images))


BODY_WITHOUT_LAYERS = Network((Depthwise(1), Residual((), (BatchNorm(),)), Linear(CLASSES)), (1, 3, 3), 2)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=random_networks())
@example(network=BODY_WITHOUT_LAYERS)
def test_c_of_random_networks_is_the_reference_in_every_bit(network: Network, tmp_path: Path) -> None:
    subject = subject_of(network, images=4)
    images = subject.images.test_images
    np.testing.assert_array_equal(from_c(subject, tmp_path, images), integer_logits(quantised(subject), images))


@pytest.mark.parametrize("name", ["progressive-3", "skip-3", "compact-minimal"])
def test_rows_handed_over_one_by_one_give_what_the_whole_image_gives(
    name: str, digits: Dataset, tmp_path: Path
) -> None:
    """From a buffer of one row, so that nothing reads a row again."""
    subject = Subject(load_trained(published_run(name)), digits)
    images = digits.test_images[:10]
    program, flags = HERE / "push_rows.c", ("-O2", f"-DIMAGE_COLUMNS={images.shape[2]}", "-Werror")
    logits = from_c(subject, tmp_path, images, program=program, flags=flags)
    np.testing.assert_array_equal(logits, integer_logits(quantised(subject), images))


ORDERS = """nothing: -1, no logits
rows without begin: -1, no logits
begin alone: -1, no logits
a row too few: -1, no logits
all rows: a label
once more: a label
a row too many: -1, no logits
a second image without begin: -1, no logits
many rows too many: -1, no logits
begun anew: a label
the whole image: the same logits
after the whole image: a label
"""


@pytest.mark.parametrize("name", ["progressive-3", "skip-3"])
def test_there_is_an_answer_only_where_all_rows_have_come_since_begin(
    name: str, digits: Dataset, tmp_path: Path
) -> None:
    """By a network with padding as well, whose begin does more."""
    assert said_of_orders(Subject(load_trained(published_run(name)), digits), tmp_path) == ORDERS


def test_so_it_is_where_a_byte_does_not_count_the_rows(tmp_path: Path) -> None:
    subject = subject_of(Network((MaxPool(10), Conv(2, 3), Relu(), Linear(CLASSES)), (1, 300, 30), 3))
    assert "static int awaited;" in (written(subject, tmp_path) / f"{STEM}.c").read_text()
    assert said_of_orders(subject, tmp_path) == ORDERS
    facts = c_int8.write(subject, STEM).facts
    assert symbol_bytes(tmp_path) == (facts["constant_bytes"], facts["ram_bytes"])


def said_of_orders(subject: Subject, folder: Path) -> str:
    written(subject, folder)
    sizes = zip(("IMAGE_ROWS", "IMAGE_COLUMNS"), subject.images.test_images.shape[1:], strict=True)
    named = {"HEADER": f'"{STEM}.h"', "PREFIX": STEM, "IMAGE_CLASSES": len(subject.model.classes), **dict(sizes)}
    defines = [f"-D{name}={value}" for name, value in named.items()]
    build = ["gcc", *STRICT, *SANITIZED, *defines, f"-I{folder}", str(HERE / "row_order.c"), str(folder / f"{STEM}.c")]
    subprocess.run([*build, "-o", str(folder / "orders")], check=True)
    return subprocess.run([str(folder / "orders")], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", NETWORKS)
def test_no_line_is_longer_than_120_columns_and_no_block_stands_alone(name: str) -> None:
    written = c_int8.write(subject_of(NETWORKS[name]), "a_name_of_forty_letters_as_long_as_can_be")
    for content in written.files.values():
        lines = content.decode().splitlines()
        assert max(map(len, lines)) <= 120
        assert not [line for line in lines if line.strip() == "{"]


def test_a_compiler_whose_shift_loses_the_sign_is_refused_though_its_preprocessor_keeps_it(tmp_path: Path) -> None:
    subject = subject_of(NETWORKS["kernel 3, colour"])
    file = written(subject, tmp_path) / f"{STEM}.c"
    text = file.read_text()
    assert "(-1 >> 1) == -1 ?" in text
    file.write_text(text.replace("(-1 >> 1) == -1 ?", "(int)(-1u >> 1) == -1 ?"))
    done = subprocess.run(["gcc", "-std=c99", "-c", file, "-o", "/dev/null"], capture_output=True, text=True)
    assert done.returncode
    assert "shift_keeps_the_sign" in done.stderr


def symbol_bytes(folder: Path) -> tuple[int, int]:
    """Return the bytes of constants and of state that a compiler makes of the file, each symbol in whole words."""
    unit = folder / f"{STEM}.o"
    subprocess.run(["gcc", *STRICT, "-O0", "-c", str(folder / f"{STEM}.c"), "-o", str(unit)], check=True)
    lines = subprocess.run(["nm", "-S", str(unit)], check=True, capture_output=True, text=True).stdout.splitlines()
    symbols = [(words[2], int(words[1], 16)) for line in lines if len(words := line.split()) == 4]
    constants = sum(size for kind, size in symbols if kind in "rR")
    return constants, sum(-(-size // 4) * 4 for kind, size in symbols if kind in "bBdD")


@pytest.mark.parametrize("name", [*NETWORKS, "progressive-3", "skip-3", "iteration-2"])
def test_the_stated_bytes_are_those_the_compiler_makes(name: str, digits: Dataset, tmp_path: Path) -> None:
    """Constants and state of the written file, and of `show --for`, which knows no weights."""
    subject = subject_of(NETWORKS[name]) if name in NETWORKS else Subject(load_trained(published_run(name)), digits)
    facts = c_int8.write(subject, STEM).facts
    assert symbol_bytes(written(subject, tmp_path)) == (facts["constant_bytes"], facts["ram_bytes"])
    cost = streamed_cost(subject.model.plan)
    assert (cost.constant_bytes, cost.ram_bytes) == (facts["constant_bytes"], facts["ram_bytes"])


@pytest.mark.parametrize("name", published_run_names())
def test_every_byte_of_the_stated_memory_is_used(name: str, digits: Dataset, tmp_path: Path) -> None:
    subject = Subject(load_trained(published_run(name)), digits)
    written(subject, tmp_path)
    defines = [f'-DSOURCE="{STEM}.c"', f"-DPREFIX={STEM}", f"-DIMAGE_BYTES={digits.test_images[0].size}"]
    program, binary = HERE / "painted_memory.c", tmp_path / "painted"
    subprocess.run(["gcc", *STRICT, "-O1", *defines, f"-I{tmp_path}", str(program), "-o", str(binary)], check=True)
    assert subprocess.run([str(binary)], check=True, capture_output=True, text=True).stdout == "0\n"


def test_the_sanitizers_would_find_a_ring_that_is_one_value_too_short(digits: Dataset, tmp_path: Path) -> None:
    subject = Subject(load_trained(published_run("progressive-3")), digits)
    file = written(subject, tmp_path) / f"{STEM}.c"
    length = layout_of(quantised(subject)).memory.ring_bytes
    text = file.read_text().replace(f"uint8_t ring[{length}];", f"uint8_t ring[{length - 4}];")
    file.write_text(text)
    with pytest.raises(UnavailableError, match="runtime error"):
        run_c(tmp_path, STEM, digits.test_images[:1], 10, output="int32_t", compiler=("gcc",), flags=SANITIZED)


@pytest.mark.parametrize(
    ("shape", "layers", "work"),
    [
        ((1, 9, 9), (Conv(4, 3), Relu(), Linear(CLASSES)), ["product", "product"]),
        (
            (1, 9, 9),
            (Conv(4, 3), Depthwise(3, 1), GlobalAvgPool(), Linear(CLASSES)),
            ["product", "depthwise", "mean", "product"],
        ),
        (
            (1, 9, 9),
            (Conv(4, 3), Residual((Conv(4, 3, 1),)), Linear(CLASSES)),
            ["product", "copy", "product", "hold", "add", "product"],
        ),
    ],
)
def test_costs_name_the_work_of_each_layer(shape: tuple[int, int, int], layers: Layers, work: list[str]) -> None:
    cost = streamed_cost(Network(layers, shape, 3).plan)
    assert [layer.work for layer in cost.layers] == work
    assert cost.macs == sum(layer.macs for layer in cost.layers)


def test_macs_are_those_of_the_plan_where_no_pool_drops_pixels() -> None:
    plan = load_trained(published_run("progressive-3")).plan
    assert streamed_cost(plan).macs == measure(plan).macs


def test_a_chip_whose_int_is_too_short_is_refused(digits: Dataset, tmp_path: Path) -> None:
    subject = Subject(load_trained(published_run("progressive-3")), digits)
    file = written(subject, tmp_path) / f"{STEM}.c"
    file.write_text(file.read_text().replace("INT_MAX <", "127 <"))
    with pytest.raises(UnavailableError, match="int is too short for this network"):
        run_c(tmp_path, STEM, digits.test_images[:1], 10, output="int32_t")
