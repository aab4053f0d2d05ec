"""Machines that lack what others have: it works, or one sentence says what is missing, with the promised exit code."""

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crashing import environment
from support import TINY

from pennyweight.cli.main import describe
from pennyweight.native.cache import CACHE
from pennyweight.native.compiler import EXTRA_FLAGS
from pennyweight.native.generate import MOST_THREADS
from pennyweight.native.network import usable_threads
from pennyweight.settings.recipe_text import recipe_to_text

STRANGER = 4003
TRAIN = ["train", "tiny.toml", "--dataset", "digits", "--epochs", "1", "--out", "run"]
PENNYWEIGHT = [sys.executable, "-P", "-m", "pennyweight"]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user, and mount")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to work in, with a recipe in it."""
    (tmp_path / "tiny.toml").write_text(recipe_to_text(TINY))
    return tmp_path


def run(
    place: Path, words: list[str], *, before: Callable[[], object] | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run `pennyweight WORDS` in `place`, in a process that does `before` first."""
    surroundings = environment(**{EXTRA_FLAGS: "-O0", CACHE: str(place / "cache"), **changes})
    command = [*PENNYWEIGHT, *words]
    done = subprocess.run(command, cwd=place, env=surroundings, capture_output=True, text=True, preexec_fn=before)
    assert "Traceback" not in done.stderr
    assert "Unexpected" not in done.stderr
    return done


def in_mounts(place: Path, mounts: str, words: list[str], **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `pennyweight WORDS` where `mounts`, commands of a shell, were run: seen by this process alone."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount")
    script = f"set -e; {mounts}; {shlex.join([*PENNYWEIGHT, *words])}"
    surroundings = environment(**{EXTRA_FLAGS: "-O0", CACHE: str(place / "cache"), **changes})
    command = ["unshare", "-m", "/bin/sh", "-c", script]
    return subprocess.run(command, cwd=place, env=surroundings, capture_output=True, text=True)


# ---------------------------------------------------------------------------------------------------- compilers

COMPILERS = [
    ({"CC": 'gcc "'}, "$CC is 'gcc \"', which cannot be read: No closing quotation. Correct or unset it."),
    ({EXTRA_FLAGS: '"x'}, f"${EXTRA_FLAGS} is '\"x', which cannot be read: No closing quotation."),
    ({"CC": "true"}, "'true' is no C compiler: it did not answer as one. Name another with $CC, or unset it."),
    ({"CC": "/nowhere/cc"}, "The C compiler '/nowhere/cc' cannot be run: No such file or directory."),
    ({"CC": "false"}, "The C compiler 'false' refuses what it is asked (exit 1): "),
    ({EXTRA_FLAGS: "-nonsense"}, "(exit 1): gcc: error: unrecognized command-line option '-nonsense' Name another"),
]


@pytest.mark.parametrize(("changes", "words"), COMPILERS, ids=[str(case[0]) for case in COMPILERS])
def test_what_is_wrong_with_the_compiler_is_said_and_doctor_goes_on(
    changes: dict[str, str], words: str, place: Path
) -> None:
    ended = run(place, [*TRAIN, "--engine", "native"], **{"LC_ALL": "C", "CC": "gcc", **changes})
    assert ended.returncode == 3
    assert words in ended.stderr.splitlines()[-1]
    assert not (place / "cache").exists()
    facts = run(place, ["doctor", "--json"], **{"LC_ALL": "C", "CC": "gcc", **changes})
    assert facts.returncode == 0
    assert words in json.loads(facts.stdout)["C compiler"]["what"]


def test_a_compiler_that_writes_nothing_is_named(place: Path) -> None:
    (place / "cc").write_text('#!/bin/sh\ncase "$*" in *--version*|*-dM*) exec gcc "$@" ;; esac\n')
    (place / "cc").chmod(0o755)
    ended = run(place, [*TRAIN, "--engine", "native"], CC=str(place / "cc"))
    assert ended.returncode == 3
    assert f"The C compiler '{place}/cc' wrote no library; name another with $CC." in ended.stderr


# ---------------------------------------------------------------------------------------------------- where to write


@AS_ROOT
def test_a_cache_that_is_mounted_without_exec_is_replaced_and_this_is_said_once(place: Path) -> None:
    (place / "cache").mkdir()
    ended = in_mounts(place, "mount -t tmpfs -o noexec,mode=755,size=20m none cache", TRAIN)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("failed to map segment") == 1
    assert ended.stderr.count(f"Nothing can be kept in {place}/cache and loaded from there, so the compiled") == 1


@AS_ROOT
@pytest.mark.parametrize("size", ["8k", "100k"], ids=["before the compiler runs", "while it runs"])
def test_a_full_cache_is_called_full_and_another_folder_is_taken(size: str, place: Path) -> None:
    (place / "cache").mkdir()
    ended = in_mounts(place, f"mount -t tmpfs -o mode=755,size={size} none cache", TRAIN)
    assert ended.returncode == 0, ended.stderr
    assert f"{place}/cache cannot be written: No space left on device (up to 16,777,216 bytes needed, " in ended.stderr
    assert "Name another compiler" not in ended.stderr


@AS_ROOT
def test_where_every_disk_is_full_the_disks_are_named_and_not_the_compiler(place: Path) -> None:
    (place / "full").mkdir()
    mount = "mount -t tmpfs -o mode=755,size=100k none full"
    folders = {CACHE: str(place / "full" / "cache"), "TMPDIR": str(place / "full")}
    ended = in_mounts(place, mount, [*TRAIN, "--engine", "native"], **folders)
    assert ended.returncode == 3
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("Error: No folder for compiled networks can be written and loaded from (")
    assert last.count("cannot be written: No space left on device") == 2
    assert "Name another compiler" not in last


@AS_ROOT
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="without setpriv, nobody becomes another user here")
@pytest.mark.parametrize("engine", ["native", pytest.param("torch", marks=pytest.mark.slow)])
def test_a_user_without_a_home_and_without_a_name_can_train(engine: str, place: Path) -> None:
    """As in a container that runs under a number of its own."""
    for folder in (place, *place.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    (place / "work").mkdir(mode=0o777)
    (place / "work").chmod(0o777)
    surroundings = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        EXTRA_FLAGS: "-O0",
    }
    train = ["train", f"{place}/tiny.toml", "--dataset", "digits", "--engine", engine, "--out", "run"]
    for words, code, said in (
        (train, 0, "epoch 2/2"),
        (["judge", "run"], 0, ""),
        (["doctor"], 0, ""),
        (["fetch"], 3, "There is no home folder to keep data in"),
    ):
        command = ["setpriv", "--reuid", str(STRANGER), "--clear-groups", *PENNYWEIGHT, *words]
        done = subprocess.run(command, cwd=place / "work", env=surroundings, capture_output=True, text=True)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr


LONG = "x" * 256


@pytest.mark.parametrize(
    "words",
    [
        [*TRAIN[:-1], LONG],
        [*TRAIN, "--initial-weights", LONG],
        ["judge", LONG],
        ["verify", LONG],
        ["show", f"{LONG}.toml"],
        ["fetch", "mnist", "--data", LONG],
    ],
    ids=lambda words: " ".join(words).replace(LONG, "LONG"),
)
def test_a_name_that_is_too_long_for_the_system_is_called_so(words: list[str], place: Path) -> None:
    ended = run(place, words)
    assert ended.returncode == 3, ended.stderr
    assert "File name too long" in ended.stderr or "There is no folder x" in ended.stderr


def test_the_current_folder_may_be_gone(place: Path) -> None:
    def go_away() -> None:
        (place / "gone").mkdir()
        os.chdir(place / "gone")
        (place / "gone").rmdir()

    out = str(place / "run")
    assert run(place, ["list"], before=go_away).returncode == 0
    absolute = ["train", str(place / "tiny.toml"), "--dataset", "digits", "--out", out]
    assert run(place, absolute, before=go_away).returncode == 0
    relative = run(place, [*absolute[:-1], "run"], before=go_away)
    assert (relative.returncode, "Cannot write run/.lock: No such file" in relative.stderr) == (3, True)
    doctor = run(place, ["doctor", "--json"], before=go_away)
    assert json.loads(doctor.stdout)["run folder"]["ok"] is False


@AS_ROOT
def test_a_current_folder_that_cannot_be_written_is_named(place: Path) -> None:
    mounts = f"mount --bind {shlex.quote(str(place))} {shlex.quote(str(place))}; cd /; cd {shlex.quote(str(place))}"
    mounts += f"; mount -o remount,ro,bind {shlex.quote(str(place))}"
    ended = in_mounts(place, mounts, TRAIN)
    assert (ended.returncode, "Cannot write run/.lock: Read-only file system." in ended.stderr) == (3, True)


# ---------------------------------------------------------------------------------------------------- what is printed


@pytest.fixture
def full() -> Iterator[int]:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["list"], ["show", "skip-3", "--json"], ["--help"], TRAIN], ids=" ".join)
def test_results_that_cannot_be_written_end_in_3(words: list[str], place: Path, full: int) -> None:
    surroundings = environment(**{EXTRA_FLAGS: "-O0"})
    pipe = subprocess.PIPE
    done = subprocess.run([*PENNYWEIGHT, *words], cwd=place, env=surroundings, stdout=full, stderr=pipe, text=True)
    assert done.returncode == 3
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert last.endswith(": No space left on device.")
    assert "Exception ignored" not in done.stderr
    done = subprocess.run([*PENNYWEIGHT, *words], cwd=place, env=surroundings, stdout=full, stderr=full)
    assert done.returncode == 3


def test_a_terminal_that_lacks_letters_shows_others(place: Path) -> None:
    words = ["compare", "progressive-3", "skip-3"]
    shown = run(place, words, PYTHONIOENCODING="ascii").stdout
    whole = run(place, words, PYTHONIOENCODING="utf-8").stdout
    assert "\N{PLUS-MINUS SIGN}" in whole
    assert shown == whole.replace("\N{PLUS-MINUS SIGN}", "+-")


def test_a_name_that_is_no_text_is_printed_as_it_is(place: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    command = [*PENNYWEIGHT, *TRAIN[:-1], name]
    done = subprocess.run(command, cwd=place, env=environment(**{EXTRA_FLAGS: "-O0"}), capture_output=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"caf\xe9")


# ---------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("asked", ["garbage", "-3", "0", "", "4294967296", "2147483648", "9" * 6_000, "1.5"])
def test_any_number_of_threads_may_be_asked_for(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert 1 <= usable_threads() <= MOST_THREADS


def test_a_network_runs_whatever_number_of_threads_is_asked_for(place: Path) -> None:
    ended = run(place, [*TRAIN, "--engine", "native"], OMP_NUM_THREADS="4294967296")
    assert ended.returncode == 0, ended.stderr


def test_too_little_memory_is_one_sentence(place: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (160_000_000, 160_000_000))

    ended = run(place, ["claims"], before=limit)
    if ended.returncode:  # where it is enough, nothing is shown here
        assert (ended.returncode, ended.stdout) == (3, "")
        assert ended.stderr.startswith("Error: ")
    assert describe(MemoryError()) == (
        "There is not enough memory for this; free some, or allow this process more.",
        3,
    )


def test_what_the_system_refuses_anywhere_is_one_sentence(place: Path) -> None:
    with pytest.raises(OSError, match="too long") as refused:
        os.stat(place / LONG)
    assert describe(refused.value) == (f"The system refuses at {place / LONG}: File name too long.", 3)


def test_a_package_that_cannot_be_loaded_is_one_sentence_whatever_it_advises() -> None:
    wrapped = ImportError("IMPORTANT\n\nREAD THIS")
    wrapped.__cause__ = ImportError("libx.so: Cannot allocate memory")
    assert describe(wrapped) == (
        "A package cannot be loaded: libx.so: Cannot allocate memory. "
        "Install it again, or allow this process more memory.",
        3,
    )


def test_files_that_may_be_written_are_only_so_large(place: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))

    ended = run(place, [*TRAIN, "--engine", "torch"], before=limit)
    assert ended.returncode == 3
    assert "File too large" in ended.stderr
