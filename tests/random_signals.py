"""Signals at random moments of real commands: how each command ends, and after how many seconds.

    python tests/random_signals.py --count 300 --seed 0

Ends with 1 unless every command ended in time and with the promised code. A moment is drawn from when our handlers are
in place until the command would be over, or has waited for some seconds. Needs Linux, and an otherwise idle machine.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from crashing import ENVIRONMENT, RECIPES, START, alive, children_of, has_handlers

SECONDS = 2.0
"""How long a command may take to end after a signal, on an idle machine."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SMALL = [f"{RECIPES}:SMALL", "--dataset", "digits"]


@dataclass(frozen=True)
class Scene:
    """A command, the seconds from its start in which signals come, and what surrounds it."""

    words: list[str]
    seconds: float
    around: Callable[[Path], object] = lambda folder: None
    """Given the folder of the command; what it returns may be a context manager that yields environment variables."""


@dataclass(frozen=True)
class Sent:
    """What a signal did: the seconds to the end, the exit code, and processes that outlived the command."""

    scene: str
    name: str
    after: float
    seconds: float
    code: int
    err: str
    orphans: list[int]

    def is_right(self, limit: float) -> bool:
        """Return whether the command ended in time, with 130 or complete, with a sentence and without a traceback."""
        said = self.code == 0 or "Error: Interrupted." in self.err or "Error: Stopped " in self.err
        clean = said and "Traceback" not in self.err and not self.orphans
        return clean and self.seconds <= limit and self.code in (0, 130)


@contextmanager
def held(path: Path) -> Iterator[dict[str, str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        flock(file, LOCK_EX)
        yield {}


@contextmanager
def held_run(folder: Path) -> Iterator[dict[str, str]]:
    """A complete run that another process looks at: its lock is waited for longer than that of one in training."""
    with held(folder / "run/.lock") as changes:
        (folder / "run/record.json").touch()
        yield changes


@contextmanager
def silent_proxy(folder: Path) -> Iterator[dict[str, str]]:
    """A network in which every server takes the call and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        (folder / "data").mkdir()
        yield {"https_proxy": url, "http_proxy": url}


@contextmanager
def empty_cache(folder: Path) -> Iterator[dict[str, str]]:
    yield {"PENNYWEIGHT_CACHE": str(folder / "cache")}


def scenes() -> dict[str, Scene]:
    """Return the commands; those on MNIST only where $PENNYWEIGHT_DATA holds it."""
    epochs = ["--epochs", "400"]
    found = {
        "training, native": Scene(["train", *SMALL, *epochs, "--engine", "native"], 6),
        "training, torch": Scene(["train", *SMALL, *epochs, "--engine", "torch"], 10),
        "several seeds": Scene(["train", *SMALL, *epochs, "--seeds", "0-3", "--jobs", "2"], 8),
        "compiling": Scene(["train", "skip-1", "--dataset", "digits"], 6, empty_cache),
        "several seeds compiling": Scene(["train", "skip-1", "--dataset", "digits", "--seeds", "0-2"], 6, empty_cache),
        "a download lock": Scene(
            ["train", "progressive-1", "--data", "data"], 4, lambda folder: held(folder / "data/mnist/.download.lock")
        ),
        "a run lock": Scene(["train", *SMALL, "--out", "run"], 4, held_run),
        "a silent network": Scene(["fetch", "mnist", "--data", "data"], 6, silent_proxy),
        "training in a silent network": Scene(["train", "progressive-1", "--data", "data"], 6, silent_proxy),
        "claims": Scene(["claims"], 2),
        "judge": Scene(["judge", "pennyweight-8k", "--accuracy", "90"], 2),
    }
    if any(Path(os.environ.get("PENNYWEIGHT_DATA", "/nowhere"), "mnist").glob("train-images*")):
        large = ["--epochs", "1", "-s", "batch_images=2048"]
        found["large batches"] = Scene(["train", "evolution-v1", *large], 12)
        found["several large batches"] = Scene(["train", "evolution-v1", *large, "--seeds", "0-1"], 12)
    return found


def send(name: str, scene: Scene, draw: random.Random) -> Sent:
    """Start the command of a scene, send it a signal at a random moment, and see how it ends."""
    chosen, after = draw.choice(SIGNALS), draw.uniform(0, scene.seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        around = scene.around(folder)
        changes = stack.enter_context(around) if around is not None else {}  # type: ignore[arg-type]
        command = [sys.executable, "-c", START, sys.executable, "-m", "pennyweight", *scene.words]
        with open(folder / "err", "w+") as err:
            process = subprocess.Popen(
                command, cwd=folder, stdout=subprocess.DEVNULL, stderr=err, env={**os.environ, **ENVIRONMENT, **changes}
            )
            wait_for_handlers(process)
            began = monotonic()
            while monotonic() - began < after and process.poll() is None:
                sleep(0.01)
            children = children_of(process.pid)
            sent = monotonic()
            process.send_signal(chosen)
            code = process.wait(120)
            seconds = monotonic() - sent
            orphans = [child for child in children if alive(child)]
            err.seek(0)
            return Sent(name, chosen.name, after, seconds, code, err.read(), orphans)


def wait_for_handlers(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and not has_handlers(process.pid):
        sleep(0.002)


def send_many(count: int, seed: int, tell: Callable[[str], object]) -> list[Sent]:
    """Send `count` signals, to every scene in turn; warm caches first."""
    drawn, places = random.Random(seed), scenes()
    large = ["train", "evolution-v1", "--dataset", "digits", "--epochs", "1", "-s", "batch_images=2048"]
    for words in (["train", *SMALL, "--epochs", "1", "--engine", "native"], large):
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pennyweight", *words]
            subprocess.run(command, cwd=folder, env={**os.environ, **ENVIRONMENT}, capture_output=True, check=True)
    results = []
    for number in range(count):
        name = list(places)[number % len(places)]
        one = send(name, places[name], drawn)
        tell(f"{number + 1:4d}  {one.seconds:5.2f} s  exit {one.code:3d}  {one.name:<7} {one.after:5.2f} s into {name}")
        results.append(one)
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    results = send_many(arguments.count, arguments.seed, lambda line: print(line, flush=True))
    wrong = [one for one in results if not one.is_right(SECONDS)]
    ordered = sorted(one.seconds for one in results)
    for one in wrong:
        print(
            f"WRONG {one.scene}: {one.name} after {one.after:.2f} s, exit {one.code} in {one.seconds:.2f} s\n{one.err}"
        )
    middle, late = ordered[len(ordered) // 2], ordered[int(0.99 * (len(ordered) - 1))]
    print(
        f"{len(results) - len(wrong)} of {len(results)} as promised; seconds to the end: median {middle:.2f}, "
        f"99th percentile {late:.2f}, longest {ordered[-1]:.2f}"
    )
    sys.exit(bool(wrong))
