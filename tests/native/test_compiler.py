"""The door to the compiler: what is said when there is none, when it fails, and when the cache is broken."""

import ctypes
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from support import mnist_plan

from pennyweight.base.errors import UnavailableError
from pennyweight.native import compiler
from pennyweight.native.cache import CACHE
from pennyweight.native.compiler import find_compiler
from pennyweight.native.generate import generate
from pennyweight.native.library import Built, CSource, build
from pennyweight.nets.layers import CLASSES, Linear

SOURCE = generate(mnist_plan((Linear(CLASSES),)), 8, 8)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def made(source: CSource = SOURCE) -> tuple[Built, str]:
    said: list[str] = []
    return build(source, said.append), " ".join(said)


def test_a_network_is_compiled_once_and_then_taken_from_the_cache(cache: Path) -> None:
    first, said = made()
    assert "Compiled the network" in said
    assert first.library.parent == cache
    stamp = first.library.stat().st_mtime_ns
    again, silence = made()
    assert (again, silence, again.library.stat().st_mtime_ns) == (first, "", stamp)


def test_another_source_or_flag_is_another_library_and_another_flag_another_version(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = made()
    other, _ = made(replace(SOURCE, text=SOURCE.text + "/* changed */\n"))
    monkeypatch.setenv(compiler.EXTRA_FLAGS, "-O1")
    quick, _ = made()
    assert len({first.library, other.library, quick.library}) == 3
    assert first.version == other.version != quick.version


PLAIN_C = """
#include "twice.h"
#if PART == 0
__attribute__((visibility("default"))) int twice_plus_one(int x) { return twice(x) + 1; }
#else
int twice(int x) { return 2 * x; }
#endif
"""


def test_any_c_of_one_file_and_a_folder_of_headers_is_compiled_and_kept(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "twice.h").write_text("int twice(int x);")
    built, _ = made(CSource(PLAIN_C, tmp_path, parts=2))
    assert ctypes.CDLL(str(built.library)).twice_plus_one(20) == 41
    (tmp_path / "twice.h").write_text("int twice(int x); /* another header is another library */")
    assert made(CSource(PLAIN_C, tmp_path, parts=2))[0].library != built.library


def test_a_damaged_library_is_compiled_anew_and_this_is_said(cache: Path) -> None:
    first, _ = made()
    whole = first.library.read_bytes()
    first.library.unlink()  # cut in place, the library that this process has loaded would end it when it exits
    first.library.write_bytes(whole[: len(whole) // 2])
    again, said = made()
    assert "is damaged and is recompiled" in said
    assert again.library.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_replaced_and_this_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(CACHE, str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    built, said = made()
    assert "cannot be written, so the compiled network is kept in" in said
    assert built.library.parent.parent == tmp_path
    assert built.library.parent.name.startswith("pennyweight-native-")


def test_no_folder_at_all_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(CACHE, str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(UnavailableError, match="name one with \\$PENNYWEIGHT_CACHE"):
        made()


def test_without_a_compiler_the_ways_out_are_named(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiler, "find_spec", lambda _: None)
    assert find_compiler() is None
    with pytest.raises(UnavailableError, match=r"gcc or clang.*pennyweight\[compiler\]'\.$"):
        made()


def test_gcc_is_taken_before_a_clang_that_may_be_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("cc", "clang", "gcc"):
        (tmp_path / name).touch(mode=0o755)
    assert find_compiler() == [str(tmp_path / "gcc")]


def test_a_compiler_that_fails_shows_its_last_lines_and_where_the_source_is(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken-cc"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && { echo broken 1.0; exit; }\necho no such luck >&2\nexit 3\n')
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(UnavailableError) as refused:
        made()
    words = str(refused.value)
    assert "exit 3" in words
    assert "no such luck" in words
    (source,) = cache.glob("*.c")
    assert str(source) in words
    assert source.read_text() == SOURCE.text
    assert not list(cache.glob("*.tmp"))


def test_a_compiler_that_cannot_be_run_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(UnavailableError, match="'/nowhere/cc' cannot be run"):
        made()


@pytest.mark.parametrize(
    ("macros", "lanes"),
    [("#define __AVX__ 1\n#define __AVX512F__ 1", 16), ("#define __AVX__ 1", 8), ("#define __ARM_NEON 1", 4)],
    ids=["AVX-512", "AVX2", "NEON"],
)
def test_vectors_are_as_wide_as_the_compiler_says_the_processor_has_them(
    macros: str, lanes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "cc"
    fake.write_text(f"#!/bin/sh\ncat <<'END'\n{macros}\nEND\n")
    fake.chmod(0o755)
    monkeypatch.setenv("CC", str(fake))
    assert compiler.vector_lanes() == lanes


def test_the_width_of_vectors_follows_the_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiler.EXTRA_FLAGS, "-mno-avx512f -mno-avx")
    assert compiler.vector_lanes() == 4


def test_cc_decides_which_compiler_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    gcc = shutil.which("gcc")
    monkeypatch.setenv("CC", f"{gcc} -pipe")
    assert find_compiler() == [gcc, "-pipe"]
