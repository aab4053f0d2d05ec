"""The frozen records that travel between rooms and into `record.json`; accuracies are percentages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import UnavailableError

SCHEMA = 1

SPLITS = ("test", "val")
"""The splits an epoch's weights may be evaluated on."""
VERDICT_WORDS = {True: "budget kept", False: "budget broken", None: "not judged"}


@dataclass(frozen=True)
class Score:
    """What one epoch reached on one split: mean loss, accuracy in percent, images classified correctly.

    All are None where the split was not evaluated; the running figures of training have no count. `unaveraged_accuracy`
    is that of the weights themselves where the others are of their average.
    """

    loss: float | None
    accuracy: float | None
    correct: int | None
    unaveraged_accuracy: float | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class EpochRow:
    """One epoch: running training figures (augmentation and dropout on), then figures of the weights it ended with.

    Where weights are averaged, `val_` and `test_` are of the average, and `raw_` of the weights themselves.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    val_correct: int | None
    test_loss: float | None
    test_accuracy: float | None
    test_correct: int | None
    learning_rate: float
    seconds: float
    raw_val_accuracy: float | None = None
    raw_test_accuracy: float | None = None

    def __repr__(self) -> str:
        """Return one line: the epoch, its training loss, and the accuracy of every split that was measured."""
        scores = {"train": self.train_accuracy, "val": self.val_accuracy, "test": self.test_accuracy}
        measured = [f"{split} {accuracy:.2f} %" for split, accuracy in scores.items() if accuracy is not None]
        return f"<EpochRow {self.epoch}: loss {self.train_loss:.4f}, {', '.join(measured)}>"

    def score(self, split: str) -> Score:
        """Return the figures of one split: `train`, `val` or `test`; raises ValueError for any other."""
        if split == "train":
            return Score(self.train_loss, self.train_accuracy, None)
        if split == "val":
            return Score(self.val_loss, self.val_accuracy, self.val_correct, self.raw_val_accuracy)
        if split == "test":
            return Score(self.test_loss, self.test_accuracy, self.test_correct, self.raw_test_accuracy)
        raise ValueError(f"there is no split {split!r}")


@dataclass(frozen=True)
class Misclassified:
    """One test image the final weights get wrong: its index in the test set, its label and the predicted label."""

    index: int
    label: int
    predicted: int


@dataclass(frozen=True, repr=False)
class EpochMistakes:
    """The images of one split that the weights of one epoch misclassify, by ascending index."""

    epoch: int
    split: str
    images: tuple[int, ...]

    def __repr__(self) -> str:
        """Return one line: how many images of which split are wrong after which epoch."""
        return f"<EpochMistakes: {len(self.images)} {self.split} images after epoch {self.epoch}>"


@dataclass(frozen=True)
class Limit:
    """One limit of a budget with the figure it was held against."""

    name: str
    allowed: str
    measured: str
    met: bool


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a budget says of one run; `met` is None when the dataset has no budget, or its split was not evaluated."""

    met: bool | None
    dataset: str
    split: str
    limits: tuple[Limit, ...] = ()
    breaches: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return one line: whether the budget was kept on which images, and what broke it."""
        what = f" by {', '.join(self.breaches)}" if self.breaches else ""
        return f"<Verdict: {VERDICT_WORDS[self.met]}{what}, {self.split} images of {self.dataset}>"


@dataclass(frozen=True)
class Provenance:
    """Where a run's numbers come from: everything that could change them."""

    pennyweight: str
    commit: str
    python: str
    numpy: str
    engine: str
    device: str
    threads: int
    cpu: str
    platform: str
    dataset_digest: str
    started: str


@dataclass(frozen=True, repr=False)
class RunRecord:
    """One finished run: what was trained on what, every epoch, the verdict, and the final mistakes."""

    recipe: str
    changes: tuple[str, ...]
    seed: int
    engine: str
    dataset: str
    params: int
    train_images: int
    val_images: int
    test_images: int
    epochs: tuple[EpochRow, ...]
    verdict: Verdict
    misclassified: tuple[Misclassified, ...]
    weights_sha256: str
    provenance: Provenance
    folder: str = ""
    schema: int = field(default=SCHEMA)
    sha256: str = ""
    """Digest of all the rest but the folder, written by `sealed`; empty in records of early versions."""
    recipe_sha256: str = ""
    """Digest of the `recipe.toml` the run was trained by; empty in records of early versions."""
    planned_seeds: int = 0
    """How many seeds, counted from 0, were planned before this run began; 0 where none were."""
    final_train_correct: int | None = None
    """Training images the final weights classify correctly, augmentation and dropout off; None in early records."""
    mistakes_by_epoch: tuple[EpochMistakes, ...] = ()
    """What the last epochs misclassify, at least as many as the budget holds; empty in records of early versions."""
    classes: tuple[str, ...] = ()
    """The names of the classes, by label; empty in records of early versions."""
    test_class_images: tuple[int, ...] = ()
    """Test images of each class, by label; empty where the test images were not evaluated, and in early records."""

    planned_epochs: int = 0
    """Epochs of the recipe, of which a run that stopped early trained fewer; 0 in early records, which trained all."""
    initial_sha256: str = ""
    """Digest of the weights the run started from; empty where its seed drew them."""

    def __repr__(self) -> str:
        """Return one line: what was trained, how long, and what it reached."""
        epochs = len(self.epochs)
        reached = [
            f"{split} {score.accuracy:.2f} %"
            for split in SPLITS
            if self.epochs and (score := self.epochs[-1].score(split)).accuracy is not None
        ]
        verdict = VERDICT_WORDS[self.verdict.met]
        words = [
            f"seed {self.seed}",
            f"{self.params:,} parameters",
            f"{epochs} epoch{'s' * (epochs != 1)}",
            *reached,
            verdict,
        ]
        return f"<RunRecord of {name_of(self)} on {self.dataset}: {', '.join(words)}>"

    drawn_by: ClassVar[Callable[["RunRecord", int], Any] | None] = None
    """What draws a record at a width: figures stand on a floor above, and the facade puts this in its place."""

    def plot(self, *, width: int = 720) -> Any:
        """Return accuracy, loss and learning rate of the run as a matplotlib figure, `width` pixels wide.

        `pw.plots.curves` draws several seeds together. Raises UnavailableError where matplotlib is missing.
        """
        if RunRecord.drawn_by is None:
            raise UnavailableError("A record is drawn by pw.plots.curves, after: import pennyweight as pw.")
        return RunRecord.drawn_by(self, width)

    def images(self, split: str) -> int:
        """Return how many images `train`, `val` or `test` holds; raises ValueError for any other split."""
        counts = {"train": self.train_images, "val": self.val_images, "test": self.test_images}
        if split not in counts:
            raise ValueError(f"there is no split {split!r}")
        return counts[split]

    def evaluated_on(self, split: str) -> bool:
        """Return whether any epoch was evaluated on `val` or `test`."""
        return any(row.score(split).correct is not None for row in self.epochs)

    def curve(self, split: str) -> NDArray[np.float64] | None:
        """Return the accuracy in percent after every epoch, shape (epochs,); None unless every epoch was evaluated.

        Of `val` and `test` it is computed from counts, of `train` it is the running accuracy.
        """
        if split == "train":
            return np.array([row.train_accuracy for row in self.epochs], dtype=np.float64)
        counts = [row.score(split).correct for row in self.epochs]
        if None in counts or not counts:
            return None
        accuracies: NDArray[np.float64] = 100 * np.array(counts, dtype=np.float64) / self.images(split)
        return accuracies

    def loss_curve(self, split: str) -> NDArray[np.float64] | None:
        """Return the mean loss after every epoch, shape (epochs,); None unless every epoch was evaluated."""
        losses = [row.score(split).loss for row in self.epochs]
        return None if None in losses or not losses else np.array(losses, dtype=np.float64)


def name_of(record: RunRecord) -> str:
    """Return what a run was of: its recipe, what was changed, and the weights it was given to start from."""
    given = f" from other weights {record.initial_sha256[:12]}" if record.initial_sha256 else ""
    return "+".join([record.recipe, *record.changes]) + given
