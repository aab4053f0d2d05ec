"""Where a case works, how it runs commands, and what is promised of every one of them."""

import gzip
import os
import random
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

import crashing
import numpy as np
from crashing import Ended, run, start, train_words
from PIL import Image

from pennyweight.data.sources import MNIST

LONGEST_SECONDS = 60
"""What takes longer hangs, on a machine that others use as well."""
MOST_BYTES = 3 << 28
"""Beyond what is in use after everything was loaded, as address space."""
RECIPE, IMAGES = "TINY", 0
"""All of the digits: fewer have another name, and `verify` would find no dataset of it."""
ENGINES = ("torch", "native")
PROMISED = {0, 1, 2, 3, 4, 130}
JUDGING = ("judge", "verify", "audit", "doctor")
"""Commands whose exit code 1 is a result."""
UGLY = ("Traceback (most recent call last)", "Unexpected error", "Exception ignored", "MemoryError")
RECORDS = Path(__file__).parents[2] / "records" / "mnist" / "native" / "progressive-3"


@dataclass(frozen=True)
class Place:
    """An empty folder of one case, and what all cases start from: finished runs, images and records, to be copied."""

    folder: Path
    shared: Path
    engine: str = "torch"
    ended: list[Ended] = field(default_factory=list)
    """How its commands ended so far."""

    @property
    def struck(self) -> bool:
        """Whether a command ended in an error or by a signal, or waited; what judges may end in 1 as well as in 0."""
        return any(one.code not in (0, 1) or "waiting for it" in one.err for one in self.ended)

    def noted(self, ended: Ended) -> Ended:
        """Remember how a command of this case ended; returns it."""
        self.ended.append(ended)
        return ended

    def copy(self, name: str) -> Path:
        """Copy `run`, `data`, `records`, `pages`, `pictures` or `cache` into the folder of this case."""
        source = self.shared / (f"run-{self.engine}" if name == "run" else name)
        return Path(shutil.copytree(source, self.folder / name))

    def run(self, words: list[str], *prepare: tuple[str, object]) -> Ended:
        """Run a command here within the limits, forked from a process that has loaded everything."""
        return self.noted(clean(run(words, self.folder, *prepare, images=IMAGES), words))

    def start(self, words: list[str], variables: Mapping[str, str] | None = None) -> Ended:
        """Run a command here as a process of its own, on all the digits."""
        return self.noted(end(start(words, self.folder, **(variables or {})), words))

    def train_words(self, folder: str = "run", *more: str) -> list[str]:
        return train_words(RECIPE, folder, *more)

    def usual(self, words: list[str], *names: str) -> "Usual":
        """What a command says and leaves behind where all files are as they should be."""
        return _usual(self.shared, self.engine, tuple(words), names)


@dataclass(frozen=True)
class Usual:
    """How a command ends without a misfortune, after how many seconds, and the folder it worked in."""

    ended: Ended
    seconds: float
    folder: Path


@cache
def _usual(shared: Path, engine: str, words: tuple[str, ...], names: tuple[str, ...]) -> Usual:
    place = Place(Path(mkdtemp(dir=shared)), shared, engine)
    for name in names:
        place.copy(name)
    begun = monotonic()
    ended = place.run(list(words))
    return Usual(ended, monotonic() - begun, place.folder)


def end(process: "subprocess.Popen[str]", words: list[str]) -> Ended:
    """Wait for a process of its own; one that hangs is killed."""
    try:
        out, err = process.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{' '.join(words)} took more than {LONGEST_SECONDS} seconds; it said: {err}") from None
    return clean(Ended(process.returncode, out, err), words)


def clean(ended: Ended, words: list[str]) -> Ended:
    """Return how a command ended; asserts a promised exit code (or a kill of ours), sentences, no hang."""
    command = " ".join(words)[:120]
    assert ended.code != -crashing.signal_number("SIGALRM"), f"{command} took more than {LONGEST_SECONDS} seconds"
    said = ended.out + ended.err
    assert not any(ugly in said for ugly in UGLY), f"{command} said: {said[-2_000:]}"
    known = PROMISED | {-crashing.signal_number("SIGKILL")}
    assert ended.code in known, f"{command} ended in {ended.code} and said: {said[-2_000:]}"
    if ended.code in (1, 2, 3, 4):
        sentence = "Error: " in said or (words[0] == "audit" and " ERROR " in said)
        sentence = sentence or (ended.code == 1 and words[0] in JUDGING)
        assert sentence, f"{command} ended in {ended.code} without a sentence: {said}"
    return ended


def use_engine(engine: str) -> None:
    """Have `train_words`, and what a run is held against, name this engine."""
    crashing.ENGINE = engine


def prepare(shared: Path) -> None:
    """Make what all cases start from."""
    places = {"PENNYWEIGHT_CACHE": str(shared / "cache"), "PENNYWEIGHT_DATA": str(shared / "no-data")}
    os.environ.update(places)
    os.environ.pop("COLUMNS", None)
    crashing.ALWAYS[:] = [
        *(("at_most", [LONGEST_SECONDS, MOST_BYTES]), ("without_privileges", None)),
        ("surroundings", places),  # what commands are forked from may have been started before
    ]
    for engine in ENGINES:
        use_engine(engine)
        place = Place(shared, shared, engine)
        ended = place.run(place.train_words(f"run-{engine}"))
        assert ended.code == 0, ended.err
        assert place.usual(["verify", "run"], "run").ended.code == 0, "nothing is shown by a run that is refused anyway"
    (shared / "data" / "mnist").mkdir(parents=True)
    for name, content in idx_files().items():
        (shared / "data" / "mnist" / name).write_bytes(content)
    assert place.run(["report", f"run-{place.engine}", "--out", "pages/page.html"]).code == 0
    (shared / "pictures").mkdir()
    for number, image in enumerate(np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)):
        Image.fromarray(image).save(shared / "pictures" / f"{number}.png")
    (shared / "records").mkdir()
    for path in sorted(RECORDS.glob("seed-[0-2].json")):
        shutil.copy(path, shared / "records")


def idx_files() -> dict[str, bytes]:
    """Four files of MNIST's names with a few random images, gzipped."""
    draw = random.Random(0)
    contents = {}
    for file, (count, is_images) in zip(MNIST.files, ((60, True), (60, False), (30, True), (30, False)), strict=True):
        shape = (count, 28, 28) if is_images else (count,)
        header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
        body = draw.randbytes(count * 784) if is_images else bytes(number % 10 for number in range(count))
        contents[file.name] = gzip.compress(header + body, mtime=0)
    return contents
