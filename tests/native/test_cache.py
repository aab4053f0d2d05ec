"""What is compiled runs as you, so it lies where nobody else can write; where that cannot be, in a private folder."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import mnist_plan

from pennyweight.base.errors import UnavailableError
from pennyweight.base.reading import NotAFile
from pennyweight.native import cache, compiler, library
from pennyweight.native.cache import CACHE, cache_folders, trusted_content
from pennyweight.native.generate import generate
from pennyweight.native.library import build
from pennyweight.nets.layers import CLASSES, Linear

SOURCE = generate(mnist_plan((Linear(CLASSES),)), 8, 8)
STRANGER, VICTIM = 4003, 4002


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that is named and not there yet; temporary folders lie beside it."""
    (tmp_path / "above").mkdir(0o700)
    monkeypatch.setenv(CACHE, str(tmp_path / "above" / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return tmp_path / "above" / "cache"


def taken() -> tuple[list[Path], str]:
    said: list[str] = []
    return list(cache_folders(said.append)), " ".join(said)


def of_a_stranger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `path` belong to another user: truly where that can be done, else by looking with another user's eyes."""
    if os.geteuid() == 0:
        os.chown(path, STRANGER, STRANGER)
    else:
        real, own = os.lstat, path.stat().st_ino
        changed = {"st_uid": STRANGER}

        def lstat(other: Path) -> os.stat_result:
            held = real(other)
            return os.stat_result([*held[:4], STRANGER, *held[5:]], changed) if held.st_ino == own else held

        monkeypatch.setattr(os, "lstat", lstat)


def test_a_cache_is_made_for_its_user_alone_whatever_the_umask(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(folder / "deep" / "er"))
    before = os.umask(0)
    try:
        (first, *_), said = taken()
    finally:
        os.umask(before)
    assert first == folder / "deep" / "er"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (first, first.parent, folder)] == [0o700] * 3
    assert first == next(cache_folders(pytest.fail))
    assert "Nothing can be kept in" in said  # who asks for a second folder could not use the first


Change = Callable[[Path, pytest.MonkeyPatch], object]


def link(folder: Path, _: pytest.MonkeyPatch) -> None:
    folder.rmdir()
    (folder.parent / "elsewhere").mkdir(0o700)
    folder.symlink_to("elsewhere")


def file(folder: Path, _: pytest.MonkeyPatch) -> None:
    folder.rmdir()
    folder.touch()


UNSAFE: list[tuple[str, Change, str]] = [
    ("another user's", of_a_stranger, f"cache belongs to user {STRANGER}"),
    ("writable by its group", lambda folder, _: folder.chmod(0o770), "cache can be written by others (mode 770"),
    ("writable by all", lambda folder, _: folder.chmod(0o777), "cache can be written by others (mode 777"),
    ("writable by all and sticky", lambda folder, _: folder.chmod(0o1777), "can be written by others (mode 1777"),
    ("a link to a safe folder", link, "cache is no folder, or a link to one"),
    ("a file", file, "cache is no folder"),
    ("below a folder that all can write", lambda folder, _: folder.parent.chmod(0o777), "cache can be exchanged: "),
    (
        "below a sticky folder of another user",
        lambda folder, patch: (folder.parent.chmod(0o1777), of_a_stranger(folder.parent, patch)),
        f"above belongs to user {STRANGER}",
    ),
    (
        "below another user's",
        lambda folder, patch: of_a_stranger(folder.parent, patch),
        f"above belongs to user {STRANGER}",
    ),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in UNSAFE], ids=[case[0] for case in UNSAFE])
def test_a_cache_that_others_can_write_or_exchange_is_not_used_and_this_is_said_once(
    change: Change, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next(cache_folders(pytest.fail)) == folder
    change(folder, monkeypatch)
    (private,), said = taken()
    assert words in said
    assert f"so the compiled network is kept in {private} until this process ends. Name a folder of your own" in said
    assert private.parent == folder.parent.parent
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert taken() == ([private], "")


SAFE: list[tuple[str, Callable[[Path], object]]] = [
    ("readable by all", lambda folder: folder.chmod(0o755)),
    ("below a sticky folder", lambda folder: folder.parent.chmod(0o1777)),
    (
        "below a folder of one's own group",
        lambda folder: (os.chown(folder.parent, -1, os.getegid()), folder.parent.chmod(0o775)),
    ),
    ("reached through a link above it", lambda folder: None),
]


@pytest.mark.parametrize("change", [case[1] for case in SAFE], ids=[case[0] for case in SAFE])
def test_a_cache_that_nobody_else_can_write_is_used_without_a_word(
    change: Callable[[Path], object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next(cache_folders(pytest.fail)) == folder
    change(folder)
    assert next(cache_folders(pytest.fail)) == folder
    (folder.parent.parent / "way").symlink_to("above")
    monkeypatch.setenv(CACHE, str(folder.parent.parent / "way" / "cache"))
    assert next(cache_folders(pytest.fail)) == folder


def test_a_private_folder_that_was_taken_away_and_made_by_another_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.touch()
    (private,), _ = taken()
    of_a_stranger(private, monkeypatch)
    assert taken() == ([], "")


def test_without_a_home_the_private_folder_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv(CACHE)
    monkeypatch.setattr("platformdirs.user_cache_path", homeless)
    (private,), said = taken()
    assert private.parent == folder.parent.parent
    assert said.startswith("There is no home folder, so the compiled network is kept in ")


def test_the_private_folder_goes_when_the_process_ends(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code = "from pennyweight.native.cache import *; print(next(cache_folders(print)), flush=True)"
    surroundings = {**os.environ, CACHE: str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].startswith(f"{tmp_path}/pennyweight-native-")
    assert os.listdir(tmp_path) == ["file"]


# ---------------------------------------------------------------------------------------------------- what lies inside


def pipe(path: Path, _: pytest.MonkeyPatch) -> None:
    path.unlink()
    os.mkfifo(path)


def linked(path: Path, _: pytest.MonkeyPatch) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


PLANTED: list[tuple[str, Change, str]] = [
    ("another user's", of_a_stranger, f"it belongs to user {STRANGER}"),
    ("writable by its group", lambda path, _: path.chmod(0o664), "it can be written by others (mode 664"),
    ("writable by all", lambda path, _: path.chmod(0o606), "it can be written by others (mode 606"),
    ("a link", linked, "it is a symbolic link"),
    ("a pipe", pipe, "it is a pipe"),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_file_in_the_cache_that_may_be_from_another_is_not_read(
    change: Change, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.so"
    path.write_bytes(b"mine")
    path.chmod(0o644)
    assert trusted_content(path) == b"mine"
    change(path, monkeypatch)
    with pytest.raises(NotAFile) as refused:
        trusted_content(path)
    assert words in str(refused.value.strerror)


@pytest.mark.parametrize("ending", [".so", ".sha256"])
def test_what_is_compiled_is_writable_by_nobody_else_and_a_link_is_replaced_not_followed(
    ending: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(compiler.EXTRA_FLAGS, "-O0")
    before = os.umask(0)
    try:
        library = build(SOURCE, lambda text: None).library
    finally:
        os.umask(before)
    files = [library, library.with_suffix(".sha256")]
    assert [path.stat().st_mode & cache.OTHERS for path in files] == [0, 0]
    assert build(SOURCE, pytest.fail).library == library
    target = folder.parent / "precious"
    shutil.copy(library.with_suffix(ending), target)
    precious = target.read_bytes()
    library.with_suffix(ending).unlink()
    library.with_suffix(ending).symlink_to(target)
    said: list[str] = []
    assert build(SOURCE, said.append).library == library
    assert "is not used, it is a symbolic link" in said[0]
    assert not library.with_suffix(ending).is_symlink()
    assert target.read_bytes() == precious


def test_where_libraries_cannot_be_loaded_from_another_folder_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refusing = library.ctypes.CDLL, [str(folder)]

    def load(path: str) -> object:
        if any(path.startswith(one) for one in refusing):
            raise OSError("failed to map segment from shared object")
        return real(path)

    monkeypatch.setattr(library.ctypes, "CDLL", load)
    monkeypatch.setenv(compiler.EXTRA_FLAGS, "-O0")
    said: list[str] = []
    assert build(SOURCE, said.append).library.parent.parent == folder.parent.parent
    assert f"{folder}/net-" in " ".join(said)
    assert "cannot be loaded: failed to map segment" in " ".join(said)
    assert f"Nothing can be kept in {folder} and loaded from there, so the compiled network is kept in" in " ".join(
        said
    )
    refusing.append(str(folder.parent.parent))
    with pytest.raises(UnavailableError, match=r"name one with \$PENNYWEIGHT_CACHE\."):
        build(SOURCE, said.append)


# ---------------------------------------------------------------------------------------------------- two users

PLANT = """
import os, sys
from hashlib import sha256
folder, name, library = sys.argv[1:]
content = open(library, "rb").read()
os.setgroups([]), os.setgid({0}), os.setuid({0})
os.umask(0)
os.mkdir(folder, 0o777)
for ending, part in ((".so", content), (".sha256", sha256(content).hexdigest().encode())):
    with open(os.path.join(folder, name + ending), "wb") as file:
        file.write(part)
"""
BUILD = """
import ctypes, os, sys, tempfile
from pathlib import Path
from pennyweight.native import library
kernels, source = sys.argv[1:]
code = library.CSource(Path(source).read_text(), Path(kernels), 2)
os.setgroups([]), os.setgid({0}), os.setuid({0})
built = str(library.build(code, print).library)
ctypes.CDLL(built)
print(built)
"""
SPRUNG = """
#include <stdlib.h>
#include <stdio.h>
__attribute__((constructor)) static void spring(void) { fclose(fopen(getenv("CANARY"), "w")); }
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that all users share, as /tmp is."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o1777)
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.parametrize("named", [False, True], ids=["a home that cannot be written", "a cache of the other's"])
def test_what_another_user_planted_is_never_loaded(named: bool, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SOURCE.headers, shared / "kernels")
    (shared / "source").write_text(SOURCE.text)
    (shared / "plant.c").write_text(SPRUNG)
    subprocess.run(
        [*compiler.find_compiler(), "-shared", "-fPIC", shared / "plant.c", "-o", shared / "plant.so"], check=True
    )
    monkeypatch.setenv(compiler.EXTRA_FLAGS, "-O0")
    monkeypatch.setenv("CANARY", str(shared / "sprung"))
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.setenv(CACHE, str(shared / "known"))
    key = build(SOURCE, lambda text: None).library.stem

    planted = shared / ("cache" if named else f"pennyweight-native-{VICTIM}")
    run = [sys.executable, "-c", PLANT.format(STRANGER), planted, key, shared / "plant.so"]
    subprocess.run(run, check=True)
    monkeypatch.setenv(CACHE, str(planted if named else ""))
    monkeypatch.setenv("HOME", "/proc/self")
    run = [sys.executable, "-c", BUILD.format(VICTIM), shared / "kernels", shared / "source"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (shared / "sprung").exists()
    said, library = done.stdout.splitlines()[0], Path(done.stdout.splitlines()[-1])
    assert (f"{planted} belongs to user {STRANGER}, so" if named else "native cannot be written, so") in said
    assert library.name == f"{key}.so"
    assert library.parent not in (planted, shared / "known")
