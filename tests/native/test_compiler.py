"""The door to the compiler: what is said when there is none, when it fails, and when the cache is broken."""

import shutil
import stat
from pathlib import Path

import pytest

from pennyweight.base.errors import EnvironmentRefused
from pennyweight.native import compiler
from pennyweight.native.compiler import Built, build, find_compiler
from pennyweight.native.generate import generate
from pennyweight.nets.plan import make_plan
from pennyweight.nets.rows import CLASSES, Linear

SOURCE = generate(make_plan((Linear(CLASSES),)), 8, 8)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(compiler.CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def made(source: str = SOURCE) -> tuple[Built, str]:
    said: list[str] = []
    return build(source, said.append), " ".join(said)


def test_a_network_is_compiled_once_and_then_taken_from_the_cache(cache: Path) -> None:
    first, said = made()
    assert "Compiled the network" in said
    assert first.library.parent == cache
    stamp = first.library.stat().st_mtime_ns
    again, silence = made()
    assert (again, silence, again.library.stat().st_mtime_ns) == (first, "", stamp)


def test_another_source_or_flag_is_another_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = made()
    other, _ = made(SOURCE + "/* changed */\n")
    monkeypatch.setenv(compiler.EXTRA_FLAGS, "-O1")
    quick, _ = made()
    assert len({first.library, other.library, quick.library}) == 3
    assert len({first.version, other.version, quick.version}) == 3


def test_a_damaged_library_is_compiled_anew_and_this_is_said(cache: Path) -> None:
    first, _ = made()
    whole = first.library.read_bytes()
    first.library.write_bytes(whole[: len(whole) // 2])
    again, said = made()
    assert "is damaged and is compiled anew" in said
    assert again.library.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_replaced_and_this_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(compiler.CACHE, str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    built, said = made()
    assert "cannot be written, so the compiled network is kept in" in said
    assert built.library.parent.parent == tmp_path


def test_no_folder_at_all_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(compiler.CACHE, str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(EnvironmentRefused, match="name one with \\$PENNYWEIGHT_CACHE"):
        made()


def test_without_a_compiler_the_ways_out_are_named(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiler, "find_spec", lambda _: None)
    assert find_compiler() is None
    with pytest.raises(EnvironmentRefused, match=r"gcc or clang.*pennyweight\[compiler\].*--engine torch"):
        made()


def test_a_compiler_that_fails_shows_its_last_lines_and_where_the_source_is(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken-cc"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && { echo broken 1.0; exit; }\necho no such luck >&2\nexit 3\n')
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(EnvironmentRefused) as refused:
        made()
    words = str(refused.value)
    assert "exit 3" in words
    assert "no such luck" in words
    assert "--engine torch" in words
    (source,) = cache.glob("*.c")
    assert str(source) in words
    assert source.read_text() == SOURCE
    assert not list(cache.glob("*.tmp"))


def test_a_compiler_that_cannot_be_run_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(EnvironmentRefused, match="'/nowhere/cc' cannot be run"):
        made()


def test_cc_decides_which_compiler_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    gcc = shutil.which("gcc")
    monkeypatch.setenv("CC", f"{gcc} -pipe")
    assert find_compiler() == [gcc, "-pipe"]
