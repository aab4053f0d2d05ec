"""Where the figure of one more run lies, judged by the runs there are: what a figure of one training run is held to.

Two intervals do two things. A figure is confirmed inside the one that holds one more run with 95 % (`CHANCE`), and
denied outside the wider one, which is so wide that of all figures of all documents together, were every one drawn as
our own runs are, one is denied with at most 5 % (Bonferroni). Between them nothing is said. So a spread, or a
correction, that widens the intervals cannot turn into a confirmation what it only excuses.
"""

from dataclasses import dataclass
from functools import cache
from math import exp, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.stats import Difference, Summary, student_t_quantile
from pennyweight.documents.evidence import FALSE, TRUE, UNCHECKABLE, Result

CHANCE = 0.05
"""The chance of one more run outside of its interval, and of any denial at all where every figure is as our runs."""
WIDEST = 2.0
"""Points: an interval of accuracies, or of differences of two, that is wider than this confirms none."""
WIDEST_FACTOR = 10.0
"""An interval of losses whose ends lie further apart than this confirms none."""
BETWEEN = ": outside the first, inside the second, which chance may explain"


@dataclass(frozen=True)
class Unit:
    """How a figure is printed, between what it must lie, and whether its logarithm is what is predicted."""

    digits: int
    least: float = -inf
    most: float = inf
    logarithm: bool = False

    def text(self, interval: tuple[float, float]) -> str:
        """Return an interval in the unit of the figure."""
        low, high = map(exp, interval) if self.logarithm else interval
        return f"{max(low, self.least):.{self.digits}f} to {min(high, self.most):.{self.digits}f}"

    def width(self, interval: tuple[float, float]) -> tuple[str, bool]:
        """Return how wide an interval is in words, and whether that is too wide to confirm anything."""
        width = interval[1] - interval[0]
        if self.logarithm:
            return f"a factor of {exp(width):.1f}", exp(width) > WIDEST_FACTOR
        return f"{width:.2f} wide", width > WIDEST


ACCURACY, POINTS, LOSS = Unit(2, 0.0, 100.0), Unit(2, -100.0, 100.0), Unit(4, logarithm=True)


@dataclass(frozen=True)
class Prediction:
    """One more value of the same kind: Student's t with `degrees` of freedom, moved to `centre`, times `scale`."""

    centre: float
    scale: float
    degrees: float

    def interval(self, chance: float) -> tuple[float, float]:
        """Return where the value lies but for `chance`, half of it on either side; without a spread, anywhere."""
        if not self.scale > 0:
            return -inf, inf
        half = _quantile(1 - chance / 2, self.degrees) * self.scale
        return self.centre - half, self.centre + half


def one_more(values: NDArray[np.float64]) -> Prediction:
    """Predict one more value from values of shape (n,), n at least 2, as draws from one normal distribution."""
    n = len(values)
    return Prediction(float(values.mean()), float(values.std(ddof=1)) * sqrt(1 + 1 / n), n - 1)


def one_more_end(ends: NDArray[np.float64]) -> Prediction:
    """Predict the last epoch of one more run from the last epochs of several, shape (runs, epochs), both at least 2.

    For runs whose learning rate stays: their last epoch is one draw from among those about it, and runs are clusters.
    The variance is that between runs plus that within one (one-way analysis of variance), with Satterthwaite's degrees
    of freedom (Biometrics Bulletin 1946).
    """
    runs, epochs = ends.shape
    means = ends.mean(axis=1)
    between = epochs * float(means.var(ddof=1))
    within = float(((ends - means[:, None]) ** 2).sum()) / (runs * (epochs - 1))
    parts = between * (1 + 1 / runs) / epochs, within * (1 - 1 / epochs)
    variance = sum(parts)
    if variance == 0:
        return Prediction(float(ends.mean()), 0.0, runs - 1)
    degrees = variance**2 / (parts[0] ** 2 / (runs - 1) + parts[1] ** 2 / (runs * (epochs - 1)))
    return Prediction(float(ends.mean()), sqrt(variance), degrees)


def one_more_gap(first: Prediction, second: Prediction) -> Prediction:
    """Predict the difference of one more value of each kind (Welch's degrees of freedom)."""
    parts = first.scale**2, second.scale**2
    variance = sum(parts)
    degrees = (
        variance**2 / (parts[0] ** 2 / first.degrees + parts[1] ** 2 / second.degrees) if variance else first.degrees
    )
    return Prediction(first.centre - second.centre, sqrt(variance), degrees)


def placed(low: float, high: float, prediction: Prediction, figures: int) -> str:
    """Return true where a value from `low` to `high` is expected of one more run, false where it is not.

    `figures` are judged together. Between the two intervals, and without a spread, it is not checkable.
    """
    near, far = prediction.interval(CHANCE), prediction.interval(CHANCE / figures)
    if high < far[0] or low > far[1]:
        return FALSE
    return UNCHECKABLE if high < near[0] or low > near[1] or near[1] == inf else TRUE


def judged(low: float, high: float, prediction: Prediction, figures: int, words: str, unit: Unit) -> Result:
    """Place a figure; the reason is `words` and both intervals. One that is too wide confirms nothing."""
    near, far = prediction.interval(CHANCE), prediction.interval(CHANCE / figures)
    if near[1] == inf:
        return UNCHECKABLE, f"{words}; all runs are alike, so nothing is known of one more"
    verdict, (width, too_wide) = placed(low, high, prediction, figures), unit.width(near)
    reason = f"{words}; 95 % prediction interval of one run {unit.text(near)} ({width})"
    reason += f", as one of {figures} figures {unit.text(far)}" if figures > 1 else ""
    if verdict == TRUE and too_wide:
        return UNCHECKABLE, f"{reason}: too wide to tell"
    return verdict, reason + BETWEEN * (verdict == UNCHECKABLE)


def interval_words(near: Summary | Difference, far: Summary | Difference, figures: int) -> str:
    """Return the two intervals of a mean in points: the one that confirms and, among many figures, that denies."""
    words = f"95 % interval {near.low:+.2f} to {near.high:+.2f}"
    return words + (f", as one of {figures} figures {far.low:+.2f} to {far.high:+.2f}" if figures > 1 else "")


@cache
def _quantile(probability: float, degrees: float) -> float:
    return student_t_quantile(probability, degrees)
