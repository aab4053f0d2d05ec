"""Every file of ours, the commands that read it, and what they may say when it is not as it was."""

import gzip
import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from crashing import Ended, outcome, uninterrupted
from odd_files import missing

from campaign.place import IMAGES, RECIPE, Place, Usual


@dataclass(frozen=True)
class Reader:
    """A command that reads `path`, a pattern; it needs copies of what `names` says."""

    path: str
    words: tuple[str, ...]
    names: tuple[str, ...] = ("run",)

    def case(self, place: Place, path: Path) -> str:
        """Run the command on the files as they are now, and hold what it does against what it usually does."""
        words = list(self.words)
        if self.words[0] in CHECKS:
            ended = place.run(words)
            CHECKS[self.words[0]](ended, place.usual(words, *self.names), path)
        elif self.words[0] == "train":
            ended = self._train(place, words)
        else:
            ended = place.run(words)
            _check_same(ended, place.usual(words, *self.names).ended, words)
        return f"{' '.join(self.words)}: exit {ended.code}"

    def _train(self, place: Place, words: list[str]) -> Ended:
        """Train in the copied run, complete or to be resumed, or elsewhere from its weights."""
        resumed = "resume" in words
        words = place.train_words(*[word for word in words[1:] if word != "resume"])
        if resumed:
            missing(place.folder / "run" / "record.json")
        ended = place.run(words)
        assert ended.code in (0, 2, 3, 4), ended
        if ended.code == 0 and "other" in words:
            usual = place.usual(words, *self.names).folder / "other"
            assert outcome(place.folder / "other") == outcome(usual), "started from other weights"
        elif ended.code == 0 and "already complete" in ended.err:
            _check_same(ended, place.usual(words, *self.names).ended, words)
        elif ended.code == 0:
            assert outcome(place.folder / "run") == uninterrupted(RECIPE, IMAGES), "trained to another result"
        return ended


def _check_same(ended: Ended, usual: Ended, words: list[str]) -> None:
    if ended.code in (2, 3, 4) or (ended.code == 1 and words[0] == "verify"):
        return
    assert (ended.code, ended.out) == (usual.code, usual.out), (
        f"{' '.join(words)} ended in {ended.code}, usually in {usual.code}, and said: {ended.out}{ended.err}"
    )


def _any_result(ended: Ended, _: Usual, __: Path) -> None:
    """Another recipe has other layers and settings, and a doctor says what is ill."""
    assert ended.code in (0, 1, 2, 3), ended


def _predicted(ended: Ended, usual: Usual, picture: Path) -> None:
    """A picture that cannot be read is named, and the others are told."""
    assert ended.code in (0, 2, 3, 4), ended
    told, as_usual = (
        [" ".join(line.split()) for line in one.out.splitlines() if ".png" in line and picture.name not in line]
        for one in (ended, usual.ended)
    )
    assert len(as_usual) == 2, usual
    assert told == as_usual, ended
    is_none = picture.is_dir() or not picture.exists()
    assert picture.name in ended.out + ended.err or (ended.code == 0 and is_none), ended


def _page(ended: Ended, usual: Usual, record: Path) -> None:
    """Without its record a run is one that goes on; whatever else stands there, the record is refused or right."""
    assert ended.code in (0, 2, 3, 4), ended
    if ended.code == 0 and os.path.lexists(record):
        page = record.parent.parent / "made.html"
        assert page.read_bytes() == (usual.folder / "made.html").read_bytes(), "a page of another record"


def _images(ended: Ended, _: Usual, file: Path) -> None:
    """Whatever is read from IDX files is what an independent reader reads."""
    assert ended.code in (0, 3), ended
    home = file.parent
    if ended.code == 0:
        hasher = sha256()
        for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
            array = _read_idx((home / f"{name}-ubyte.gz").read_bytes())
            hasher.update(f"{array.shape};".encode() + array.tobytes())
        assert json.loads(ended.out)["digest"] == hasher.hexdigest(), ended.out


def _read_idx(content: bytes) -> np.ndarray:
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    assert content[:3] == b"\x00\x00\x08", "read although its first bytes are not those of an IDX file of bytes"
    shape = np.frombuffer(content, ">u4", content[3], 4).tolist()
    body = content[4 + 4 * content[3] :]
    assert len(body) == np.prod(shape), "read although its size is not what its header says"
    return np.frombuffer(body, np.uint8).reshape(shape)


CHECKS = {
    "show": _any_result,
    "predict": _predicted,
    "report": _page,
    "audit": _any_result,
    "doctor": _any_result,
    "fetch": _images,
}
"""Commands whose result may be another one; of the others it is the usual one."""

RUN_FILES = ("record.json", "recipe.toml", "metrics.csv", "weights.safetensors", "checkpoint-*.safetensors", ".lock")
READERS = [
    *(
        Reader(f"run/{name}", words)
        for name in RUN_FILES
        for words in (
            ("judge", "run"),
            ("verify", "run"),
            ("compare", "run", "run"),
            ("train", "run"),
            ("train", "run", "resume"),
        )
    ),
    Reader("run/weights.safetensors", ("train", "other", "--initial-weights", "run")),
    Reader("run/record.json", ("train", "other", "--initial-weights", "run")),
    Reader("run/record.json", ("judge", "run/record.json")),
    Reader("run/weights.safetensors", ("export", "run", "--to", "c", "--out", "made")),
    Reader("run/record.json", ("report", "run", "--out", "made.html")),
    Reader("pages/page.html", ("verify", "pages/page.html"), ("pages",)),
    Reader("pictures/*.png", ("predict", "run", "pictures"), ("run", "pictures")),
    Reader("run/recipe.toml", ("show", "run/recipe.toml")),
    Reader("run/recipe.toml", ("audit", "run/recipe.toml", "--max-params", "5000")),
    Reader("records/seed-1.json", ("judge", "records"), ("records",)),
    Reader("records/seed-1.json", ("compare", "records", "records/seed-0.json"), ("records",)),
    *(
        Reader(f"data/mnist/{part}-*.gz", words, ("data",))
        for part in ("train", "t10k")
        for words in (("fetch", "mnist", "--data", "data", "--json"), ("doctor", "--data", "data"))
    ),
]
