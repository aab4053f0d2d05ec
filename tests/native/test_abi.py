"""Python and C agree on every struct and enumeration that both know; where they do not, nothing is trained."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import mnist_plan

from pennyweight.base.errors import UnavailableError
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.native import NativeEngine, optimizer_settings
from pennyweight.engines.protocol import TrainingJob
from pennyweight.native import abi, network
from pennyweight.native.cache import CACHE
from pennyweight.native.generate import KERNELS, generate
from pennyweight.native.library import build
from pennyweight.native.program import EpilogueOp
from pennyweight.nets.layers import CLASSES, Linear
from pennyweight.settings.optimizers import OPTIMIZERS, SGD

PLAN = mnist_plan((Linear(CLASSES),))
SOURCE = generate(PLAN, 8, 8)
ENTRIES = len(abi.entries())
HEADERS = "\n".join(path.read_text() for path in KERNELS.glob("*.h"))


def fields_in_c(header: str, struct: str) -> list[str]:
    """The names of a struct's fields as C declares them, in order."""
    body = re.search(rf"typedef struct {{([^}}]*)}} {struct};", header)
    assert body is not None
    declarations = re.sub(r"/\*.*?\*/", "", body[1], flags=re.S).split(";")
    return [re.split(r"[\s*]+", name.strip())[-1] for one in declarations if one.strip() for name in one.split(",")]


@pytest.mark.parametrize("struct", abi.STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_that_c_reads_is_one_that_python_writes(struct: type) -> None:
    """A field of C alone could hide where the compiler leaves a gap, and would always be 0."""
    assert fields_in_c(HEADERS, struct.__name__) == [name for name, *_ in struct._fields_]  # type: ignore[attr-defined]


def test_a_field_in_a_gap_is_seen() -> None:
    planted = HEADERS.replace("int nesterov;", "int nesterov, amsgrad;")
    assert fields_in_c(planted, "OptimizerSettings")[-3:] == ["nesterov", "amsgrad", "step"]


SWAPPED = {
    "rates and momenta": ("net.h", "*learning_rates, *momenta", "*momenta, *learning_rates", "(Slice, momenta)"),
    "mean and standard deviation": ("image.h", "*mean, *std;", "*std, *mean;", "(Pixels, std)"),
    "settings": ("optimizer.h", "double beta2, epsilon,", "double epsilon, beta2,", "(OptimizerSettings, epsilon)"),
    "a field more": ("optimizer.h", "int64_t step; /*", "int64_t step, more; /*", "(Slice, seed) is not"),
    "a type": ("net.h", "float smoothing;", "int smoothing;", "Slice.smoothing is no float"),
    "kinds of optimizer": ("optimizer.h", "enum { SGD, ADAM,", "enum { ADAM, SGD,", "ADAM is not 1"),
    "memory that is not aligned": ("exports.h", "LARGE_PAGE = 2 << 20", "LARGE_PAGE = 16", "aligned for its vectors"),
    "a flag that is not there": ("epilogue.h", "POST_RELU = 8, DROPOUT = 16", "POST_RELU = 8, DROPS = 16", "DROPOUT"),
    "a kind of pooling": ("epilogue.h", "MAX_POOL, MEAN_POOL", "MEAN_POOL, MAX_POOL", "MAX_POOL is not 1"),
    "the shape of a convolution": (
        "convolution.h",
        "int zero_rows, nonzero_rows; ",
        "int nonzero_rows, zero_rows; ",
        "(ConvShape, zero_rows)",
    ),
    "the shape of an epilogue": ("epilogue.h", "int source_pad, skip_pad", "int skip_pad, source_pad", "skip_pad"),
}


@pytest.mark.parametrize("case", SWAPPED)
def test_c_that_does_not_agree_with_python_does_not_compile(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, right, wrong, words = SWAPPED[case]
    shutil.copytree(KERNELS, tmp_path / "kernels")
    text = (tmp_path / "kernels" / header).read_text()
    assert text.count(right) == 1
    (tmp_path / "kernels" / header).write_text(text.replace(right, wrong))
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    with pytest.raises(UnavailableError) as refused:
        build(replace(SOURCE, headers=tmp_path / "kernels"), lambda _: None)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f"{{{ENTRIES}, sizeof", f"{{{ENTRIES}, 4 + sizeof"),
        (f"{{{ENTRIES}, sizeof(Pixels), ", f"{{{ENTRIES - 1}, "),
        ("net_layout[]", "net_other_layout[]"),
    ],
    ids=["another size", "an entry less", "no table"],
)
def test_a_library_of_another_layout_is_not_loaded(
    right: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SOURCE.text.count(right) == 1
    monkeypatch.setattr(network, "generate", lambda *_: replace(SOURCE, text=SOURCE.text.replace(right, wrong)))
    monkeypatch.setenv(CACHE, str(tmp_path))
    nothing = np.zeros((0, 28, 28), dtype=np.uint8)
    job = TrainingJob(
        plan=PLAN,
        optimizer=SGD(),
        batch_images=8,
        label_smoothing=0.0,
        fill=0,
        seed=0,
        normalisation=Normalisation((0.3,), (0.4,)),
        images=nothing,
        labels=nothing[:, 0, 0],
    )
    with pytest.raises(UnavailableError, match=r"net-\w+\.so was compiled for another version of Pennyweight; delete"):
        NativeEngine(job)


def test_a_mistyped_field_is_refused_where_ctypes_would_leave_a_zero() -> None:
    for struct in abi.STRUCTS:
        with pytest.raises(AttributeError):
            struct(wieght_decay=0.1)


def test_every_optimizer_has_a_kind_of_its_own_and_every_kind_an_optimizer() -> None:
    kinds = [optimizer_settings(kind())[0] for kind in OPTIMIZERS.values()]
    assert sorted(kinds) == sorted(abi.OptimizerKind)


def test_flags_are_written_by_their_names() -> None:
    assert EpilogueOp.NOTHING.in_c() == "0"
    assert (EpilogueOp.DROPOUT | EpilogueOp.NORMALISE).in_c() == "NORMALISE | DROPOUT"
