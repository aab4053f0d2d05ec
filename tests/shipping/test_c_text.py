"""C as text: numbers read back as they were, names are names, and nobody's words end a comment."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from export_cases import KEPT_BATCHNORM, subject_of
from hypothesis import given
from hypothesis import strategies as st
from support import run_record

from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.shipping import c_float
from pennyweight.shipping.c_judge import STRICT
from pennyweight.shipping.c_text import WIDTH, banner, c_name, check_prefix, float_array, integer_array
from pennyweight.shipping.subject import Subject

EXTREMES = np.array([0.0, -0.0, 1.0, 1e-45, -1e-40, 3.4028235e38, -3.4028235e38, 1e10, 0.1, 1 / 3], np.float32)


def numbers(text: str) -> list[str]:
    return re.findall(r"[^\s,{}]+(?=,)", text.partition("= {")[2])


@given(values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_every_float_reads_back_as_the_same(values: list[float]) -> None:
    single = np.array(values, np.float32)
    text = float_array("x", single)
    words = numbers(text)
    assert all(word.endswith("f") for word in words)
    assert np.array([word[:-1] for word in words], np.float32).tobytes() == single.tobytes()
    assert text.startswith(f"static const float x[{len(values)}] = {{\n")
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("compiler", [path for name in ("gcc", "clang") if (path := shutil.which(name))])
def test_compilers_read_the_same_floats_without_a_warning(compiler: str, tmp_path: Path) -> None:
    program = f"""#include <stdio.h>
{float_array("x", EXTREMES)}
int main(void) {{
    return fwrite(x, sizeof x, 1, stdout) == 1 ? 0 : 1;
}}
"""
    (tmp_path / "x.c").write_text(program)
    subprocess.run([compiler, *STRICT, "-Werror", "x.c", "-o", "x"], cwd=tmp_path, check=True)
    said = subprocess.run(["./x"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert said == EXTREMES.tobytes()


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e39, -1e39])
def test_what_32_bits_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(MismatchError, match="weight_3 holds a value that is not finite in 32 bits"):
        float_array("weight_3", np.array([1.0, value]))


def test_whole_numbers_are_written_as_they_are() -> None:
    text = integer_array("int8_t", "x", np.arange(-128, 128, dtype=np.int8))
    assert list(map(int, numbers(text))) == list(range(-128, 128))
    assert text.startswith("static const int8_t x[256] = {\n")


@pytest.mark.parametrize("text", [*RECIPE_NAMES, "3d", "é", "", "---", "stdio", "a" * 200, "../x", "int", "_a"])
def test_every_text_becomes_a_name(text: str) -> None:
    check_prefix(c_name(text))


def test_names_are_those_one_would_guess() -> None:
    assert c_name("progressive-3") == "progressive_3"
    assert c_name("my.net v2") == "my_net_v2"


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("3d", "is no name in C; it takes a letter, then letters, digits and _, at most 40, as network_3d."),
        ("a-b", "is no name in C; it takes a letter, then letters, digits and _, at most 40, as a_b."),
        ("string", "is the name of a header of C; it takes"),
        ("x" * 41, "has 41 characters; it takes"),
    ],
)
def test_a_prefix_that_is_refused_is_told_why_and_what_would_do(prefix: str, problem: str) -> None:
    with pytest.raises(UsageError) as error:
        check_prefix(prefix)
    assert str(error.value).startswith(f"--prefix '{prefix}' {problem}")


def test_words_of_a_record_cannot_leave_their_comment(tmp_path: Path) -> None:
    subject = subject_of(KEPT_BATCHNORM)
    nasty = ("*/ int x;", "/*", "a\nb", "??/", "end\\", "\u2028", "\u00e9")[: len(subject.model.classes)]
    record = replace(run_record([3]), recipe="*/\n#error out", changes=("x=*/ y",))
    model = replace(subject.model, classes=nasty, record=record)
    text = banner(Subject(model, None), "net.c", [])
    assert (text.count("*/"), text.count("/*"), text.index("*/")) == (1, 1, len(text) - 2)
    assert text.isascii()
    assert not any(line.endswith("\\") for line in text.splitlines())
    for name, content in c_float.write(Subject(model, None), "net").files.items():
        (tmp_path / name).write_bytes(content)
    subprocess.run(["gcc", *STRICT, "-Werror", "-c", "net.c"], cwd=tmp_path, check=True)
