"""Every wait hears that it should end: for locks, downloads, compilers, other processes and long steps."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from crashing import alive, environment, finish, start, wait_for

from pennyweight.base.errors import Interrupted, UnavailableError
from pennyweight.base.lock import file_lock
from pennyweight.base.stop import attend
from pennyweight.data.dataset import load
from pennyweight.native.cache import CACHE
from pennyweight.native.library import CSource, build
from pennyweight.runs.folder import run_lock, set_aside

SOON = 20
"""Seconds that stand for a moment on a machine with other work; what is waited for takes minutes, or for ever."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_waiting_for_a_lock_ends_when_asked_to(tmp_path: Path) -> None:
    said: list[str] = []
    with (
        held(tmp_path / "lock"),
        pytest.raises(Interrupted, match=r"^Stopped while another process was compiling\.$"),
        file_lock(tmp_path / "lock", said.append, 900, doing="compiling", stop=lambda: bool(said)),
    ):
        pytest.fail("it was locked")
    assert said == ["Another process is compiling; waiting for it."]


@pytest.mark.parametrize("take", [lambda *of: run_lock(*of).__enter__(), set_aside], ids=["run_lock", "set_aside"])
def test_waiting_for_a_run_folder_ends_when_asked_to(take: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "record.json").touch()  # a complete run's lock is waited for longest
    started = monotonic()
    words = f"^Stopped while another process worked in {tmp_path}/run"
    with held(tmp_path / "run" / ".lock"), pytest.raises(Interrupted, match=words):
        take(tmp_path / "run", lambda: True)
    assert monotonic() - started < SOON


def test_work_that_cannot_look_itself_is_left_alone_when_asked_to_stop() -> None:
    begun: list[int] = []

    def work() -> None:
        begun.append(1)
        sleep(SOON)

    with pytest.raises(Interrupted, match=r"^Stopped while downloading x\.$"):
        attend(work, lambda: bool(begun), "downloading x")
    assert attend(lambda: 3, lambda: False, "counting") == 3
    with pytest.raises(UnavailableError, match="no luck"):
        attend(lambda: (_ for _ in ()).throw(UnavailableError("no luck")), lambda: False, "trying")


def test_getting_a_dataset_hears_that_it_should_end_while_another_downloads_it(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "mnist").mkdir()
    with (
        held(tmp_path / "mnist" / ".download.lock"),
        pytest.raises(Interrupted, match=f"another process was downloading into {tmp_path}/mnist"),
    ):
        load("mnist", tmp_path, said.append, stop=lambda: len(said) > 1)
    assert said[-1] == f"Another process is downloading into {tmp_path}/mnist; waiting for it."


# ---------------------------------------------------------------------------------------------------- compiling

PLAIN = '__attribute__((visibility("default"))) int answer(void) { return 42; }'
SLOW = """#!/bin/sh
case "$*" in
*--version*) echo slow 1.0 ;;
*-dM*) echo '#define __AVX__ 1' ;;
*) echo $$ > {folder}/pid; echo half > "$TMPDIR/half"; sleep 600 & echo $! >> {folder}/pid; wait ;;
esac
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that never ends, and the cache it works for; where it runs, `pid` holds it and what it started."""
    (tmp_path / "cc").write_text(SLOW.format(folder=tmp_path))
    (tmp_path / "cc").chmod(stat.S_IRWXU)
    (tmp_path / "kernels").mkdir()
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path


def pids(slow: Path) -> list[int]:
    return [int(line) for line in (slow / "pid").read_text().split()] if (slow / "pid").exists() else []


def test_compiling_hears_that_it_should_end_and_leaves_neither_processes_nor_files(slow: Path) -> None:
    said: list[str] = []
    with pytest.raises(Interrupted, match=r"^Stopped while compiling the network\.$"):
        build(CSource(PLAIN, slow / "kernels"), said.append, lambda: len(pids(slow)) == 2)
    assert said == ["Compiling the network with cc, once; this takes some seconds."]
    assert not any(alive(pid) for pid in pids(slow))
    assert {path.suffix for path in (slow / "cache").iterdir()} == {".c", ".lock"}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_compiling_ends_the_command_and_the_compiler(name: str, slow: Path) -> None:
    words = ["train", "progressive-1", "--dataset", "digits", "--engine", "native", "--out", "run"]
    process = start(words, slow, CC=str(slow / "cc"), PENNYWEIGHT_CACHE=str(slow / "cache"))
    while len(pids(slow)) < 2:
        assert process.poll() is None
        sleep(0.05)
    sent = monotonic()
    process.send_signal(signal.Signals[name])
    ended = finish(process)
    assert (ended.code, monotonic() - sent < SOON) == (130, True)
    assert "resume" in ended.err.splitlines()[-1]
    assert not any(alive(pid) for pid in pids(slow))
    assert not list((slow / "cache").glob("*.tmp"))


BUILD = f"""
import sys, time
from pathlib import Path
from pennyweight.native.library import CSource, build
folder = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.read(1)
build(CSource({PLAIN!r}, folder / "kernels"), lambda text: print(text, flush=True))
"""


def builder(folder: Path, compiler_path: Path) -> subprocess.Popen[str]:
    """Start a process that builds once it reads something; `ready` was read from it."""
    command = [sys.executable, "-c", BUILD, str(folder)]
    surroundings = environment(CC=str(compiler_path), PENNYWEIGHT_CACHE=str(folder / "cache"))
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=surroundings, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_starters_at_once_compile_once_and_a_killed_one_leaves_nothing(slow: Path) -> None:
    log = slow / "log"
    counting = slow / "counting"
    counting.write_text(f'#!/bin/sh\ncase "$*" in *-shared*) echo linked >> {log}; sleep 0.3 ;; esac\nexec gcc "$@"\n')
    counting.chmod(stat.S_IRWXU)
    killed = builder(slow, slow / "cc")
    killed.stdin.write("x")
    killed.stdin.flush()
    while len(pids(slow)) < 2:
        sleep(0.02)
    killed.kill()
    killed.communicate()
    for pid in pids(slow):
        os.kill(pid, signal.SIGKILL)
    assert len(list((slow / "cache").glob("net-*.tmp"))) == 1
    starters = [builder(slow, counting) for _ in range(4)]
    for one in starters:
        one.stdin.write("x")
        one.stdin.flush()
    said = [one.communicate()[0] for one in starters]
    assert [one.returncode for one in starters] == [0] * 4
    assert log.read_text() == "linked\n"
    assert sum("Compiled the network" in text for text in said) == 1
    assert not list((slow / "cache").glob("net-*.tmp"))


# ---------------------------------------------------------------------------------------------------- whole commands


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_while_waiting_for_a_download_ends_the_command_with_the_way_on(name: str, tmp_path: Path) -> None:
    with held(tmp_path / "data" / "mnist" / ".download.lock"):
        process = start(["train", "progressive-1", "--data", "data"], tmp_path)
        wait_for(process, "waiting for it")
        sent = monotonic()
        process.send_signal(signal.Signals[name])
        ended = finish(process)
    assert (ended.code, monotonic() - sent < SOON) == (130, True)
    assert ended.err.startswith(
        "Error: Stopped while another process was downloading into data/mnist. This resumes it: "
    )


IN_C = """
import hashlib, os, signal, threading, time
from pennyweight.cli.main import run
def command():
    {0}
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # hours, and Python hands no signal to anybody
run(command)
"""


@pytest.mark.parametrize("first", ["pass", "from pennyweight.cli.signals import stop_on_signals; stop_on_signals(1)"])
def test_a_signal_ends_a_command_whose_time_goes_by_in_c(first: str) -> None:
    started = monotonic()
    command = [sys.executable, "-c", IN_C.format(first)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120)
    assert (ended.returncode, ended.stderr) == (130, "Error: Interrupted.\n")
    assert monotonic() - started < SOON


def test_a_signal_after_which_everything_is_done_in_time_does_not_end_it() -> None:
    code = (
        "import os, signal, time\nfrom pennyweight.cli import signals\nfrom pennyweight.cli.main import run\n"
        "def command():\n    stop = signals.stop_on_signals(0.2)\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(stop())\n"
        "run(command)\ntime.sleep(1)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")


@pytest.mark.slow
def test_forty_signals_at_random_moments_end_in_time_and_as_promised(capsys: pytest.CaptureFixture[str]) -> None:
    from random_signals import send_many

    results = send_many(40, seed=11, tell=print)
    assert [one for one in results if not one.is_right(limit=SOON)] == []
