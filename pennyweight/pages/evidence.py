"""What a page is made from, and all it is made from: records, recipes, predictions, and arrays behind pictures.

A page is a pure function of its evidence (pages/render.py), and carries it (pages/embedding.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.records import RunRecord
from pennyweight.judging.verdict import Problem
from pennyweight.pages.steps import Step
from pennyweight.runs.published import WORDS

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """The output of a layer for one image, uint8 (channels, rows, columns): `low` where it is 0, `high` where 255.

    `values` holds the first of its `channels` alone, as many as are drawn.
    """

    layer: str
    values: Array
    low: float
    high: float
    channels: int

    @property
    def array(self) -> NDArray[np.float32]:
        """Return float32 (channels, rows, columns), to one part in 255; channels that are not kept repeat the first."""
        kept = (self.low + self.values * ((self.high - self.low) / 255)).astype(np.float32)
        missing = self.channels - len(kept)
        whole: NDArray[np.float32] = np.concatenate([kept, np.repeat(kept[:1], missing, axis=0)])
        return whole


@dataclass(frozen=True, eq=False)
class Inspection:
    """What one run makes of every test image, and the arrays behind the pictures that need its weights.

    `labels` and `predicted` are class numbers, `probability_bytes` the probability of the predicted class in 8 bits (0
    to 255), all of shape (test images,). `images` are uint8 test images that are shown, `indices` which they are.
    `moved` has the shape (originals, times, ...): training images as augmentation moves them; both are empty where it
    moves none. `kernels` is float32 (out, in, k, k), of the first convolution. `mapped` is the image of `maps`.
    """

    run: str
    seed: int
    weights_sha256: str
    labels: Array
    predicted: Array
    probability_bytes: Array
    indices: Array
    images: Array
    originals: Array
    moved: Array
    kernels: Array
    mapped: Array
    maps: tuple[FeatureMap, ...]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each predicted class, 0 to 1, shape (test images,)."""
        shares: NDArray[np.float64] = self.probability_bytes / 255.0
        return shares

    def shown(self, index: int) -> Array:
        """Return the image of a test index among those that are shown."""
        image: Array = self.images[int(np.flatnonzero(self.indices == index)[0])]
        return image


@dataclass(frozen=True, eq=False, kw_only=True)
class Chapter:
    """One step of a page under the name it has there, where its runs are from, and a look into one of them.

    Without an `inspection`, `missing` says why, and `command` what makes one. `ongoing` are the epochs so far of runs
    that are not complete; they are drawn, and judged by nothing.
    """

    label: str
    step: Step
    source: str
    inspection: Inspection | None = None
    missing: str = ""
    command: str = ""
    ongoing: tuple[RunRecord, ...] = ()

    @property
    def drawn(self) -> tuple[RunRecord, ...]:
        """Return all runs that have an epoch, complete or not, by seed."""
        return tuple(sorted((*self.step.records, *self.ongoing), key=lambda one: one.seed))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the published runs of a recipe come to: correct test images of each seed, and the digests of their records.

    `seconds` is how long a training takes, measured apart.
    """

    name: str
    params: int
    macs: int
    seconds: float
    images: int
    correct: tuple[int, ...]
    sha256: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """All a page is made from.

    `others` are recipes to hold the chapters against. `runs` are published runs, by recipe, that claims and ablations
    speak of besides those of the chapters, without the images they misclassify unless a step follows them; `readings`
    is how many readings of each recipe's document were tried. `live` is a page on a run that goes on.
    """

    title: str
    document: str
    chapters: tuple[Chapter, ...]
    others: tuple[Standing, ...] = ()
    runs: Mapping[str, Sequence[RunRecord]] = field(default_factory=dict)
    readings: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    live: bool = False

    def records(self, name: str) -> Sequence[RunRecord]:
        """Return the runs of a published recipe that the page carries."""
        own = (one.step for one in self.chapters if one.source == WORDS)
        return next((step.records for step in own if step.name == name), tuple(self.runs.get(name, ())))
