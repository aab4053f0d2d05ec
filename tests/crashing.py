"""The real command line, killed, interrupted or refused at a chosen point of its work.

Commands are forked from one process that has loaded PyTorch, so that hundreds of crashes take a minute and not an
hour. They run `pennyweight.cli.main.run` with their own arguments, folder and output files; `prepare` names what is
done to a child before it starts. Real processes, with Python's own start, are started by `start`.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

import pytest

RECIPES = Path(__file__).with_name("small_recipes.py")
ENGINE = "torch"
ALWAYS: list[tuple[str, object]] = []
"""What is done to every child before what a call of `run` asks for."""
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "PYTHONFAULTHANDLER": ""}
START = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Starts a command as a terminal does: tests run in the background ignore SIGINT, and what they start inherits that."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: killed by that signal) and what it printed."""

    code: int
    out: str
    err: str

    @property
    def epochs(self) -> list[int]:
        """The epochs whose checkpoints it said to be in place."""
        return [int(line.split()[1].split("/")[0]) for line in self.err.splitlines() if line.startswith("epoch ")]


@dataclass(frozen=True)
class Outcome:
    """What two equal runs must agree on."""

    weights: bytes
    history: list[dict[str, object]]
    misclassified: list[object]
    state: dict[str, bytes]


def train_words(recipe: str, folder: Path | str, *more: str) -> list[str]:
    return ["train", f"{RECIPES}:{recipe}", "--dataset", "digits", "--engine", ENGINE, "--out", str(folder), *more]


@pytest.fixture(params=["torch", "native"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have `train_words` name each engine in turn."""
    monkeypatch.setitem(globals(), "ENGINE", request.param)
    return str(request.param)


def environment(**changes: str) -> dict[str, str]:
    """The environment of a real process: the test's own, with this Python's programs first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **ENVIRONMENT, "PATH": path, **changes}


def start(words: list[str], folder: Path, **changes: str) -> subprocess.Popen[str]:
    """Start a real `python -m pennyweight` in `folder`."""
    command = [sys.executable, "-c", START, sys.executable, "-m", "pennyweight", *words]
    return start_command(command, folder, **changes)


def start_command(command: list[str], folder: Path, **changes: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment(**changes), stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> Ended:
    # a watchdog against hanging: every recipe compiled on a machine that others use takes minutes
    out, err = process.communicate(timeout=1_200)
    return Ended(process.returncode, out, err)


def run(words: list[str], folder: Path | None = None, *prepare: tuple[str, object], images: int = 480) -> Ended:
    """Run `pennyweight WORDS` to its end, trained on `images` images of the digits (0: all of them)."""
    (ended,) = run_at_once(1, words, folder, *prepare, images=images)
    return ended


def run_at_once(
    copies: int, words: list[str], folder: Path | None, *prepare: tuple[str, object], images: int = 480
) -> list[Ended]:
    """Run several processes of one command side by side, as `run` does."""
    server = _server()
    assert server.stdin
    assert server.stdout
    always = [("images", images), *ALWAYS]
    request = {"copies": copies, "words": words, "cwd": str(folder or Path.cwd()), "prepare": [*always, *prepare]}
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    return [Ended(**ended) for ended in json.loads(server.stdout.readline())]


def outcome(folder: Path) -> Outcome:
    from pennyweight.nets.weights import read_sealed

    record = json.loads((folder / "record.json").read_text())
    newest = sorted(folder.glob("checkpoint-*.safetensors"))[-1]
    tensors, facts = read_sealed(newest)
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in record["epochs"]]
    assert history == [{key: value for key, value in row.items() if key != "seconds"} for row in facts["history"]]
    lines = (folder / "metrics.csv").read_text().splitlines()
    assert len(lines) == len(history) + 1
    state = {name: array.tobytes() for name, array in tensors.items()}
    return Outcome((folder / "weights.safetensors").read_bytes(), history, record["misclassified"], state)


def uninterrupted(recipe: str, images: int = 480, prepare: tuple[tuple[str, object], ...] = ()) -> Outcome:
    return _uninterrupted(recipe, images, prepare, ENGINE)


@cache
def _uninterrupted(recipe: str, images: int, prepare: tuple[tuple[str, object], ...], engine: str) -> Outcome:
    with TemporaryDirectory() as folder:
        ended = run(train_words(recipe, "run"), Path(folder), *prepare, images=images)
        assert ended.code == 0, ended.err
        return outcome(Path(folder, "run"))


def check_resumed(
    recipe: str, folder: Path, processes: list[Ended], images: int = 480, prepare: tuple[tuple[str, object], ...] = ()
) -> None:
    """Check what is promised of a run that took several processes: the same bytes, and no epoch lost once told."""
    assert all("Traceback" not in one.err + one.out for one in processes), processes
    assert processes[-1].code == 0, processes[-1].err
    told = [epoch for one in processes for epoch in one.epochs]
    assert told == sorted(set(told)), f"an epoch that was in place was trained again: {told}"
    assert outcome(folder) == uninterrupted(recipe, images, prepare), "the resumed run came to another result"
    assert not list(folder.glob("*.tmp")), "a temporary file was left"


@cache
def _server() -> subprocess.Popen[str]:
    import atexit

    command = [sys.executable, "-c", START, sys.executable, str(Path(__file__).with_name("crashing_server.py"))]
    pipe = subprocess.PIPE
    server = subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, text=True)

    def close() -> None:
        server.stdin.close()
        server.wait(10)
        server.stdout.close()

    atexit.register(close)
    return server


def children_of(parent: int) -> list[int]:
    table = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, ppid in (line.split() for line in table.splitlines()) if int(ppid) == parent]


def has_handlers(pid: int) -> bool:
    """Return whether a process takes SIGTERM itself; before, it ends as Python and the system have it."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    caught = next((line for line in lines if line.startswith("SigCgt:")), "SigCgt: 0")
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def send_signals(process: "subprocess.Popen[str]", name: str, times: int) -> None:
    """Send a process a signal so often, with time between for it to notice each."""
    for _ in range(times):
        process.send_signal(signal.Signals[name])
        sleep(0.005)


def alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read what a process says until `text` comes up in it; return what was read."""
    assert process.stderr
    said = ""
    while text not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def flip_bit(path: Path, byte: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << bit
    path.write_bytes(content)


def signal_number(name: str) -> int:
    return signal.Signals[name].value
