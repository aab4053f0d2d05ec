"""Pure functions on accuracies of many seeds: arrays of shape (seeds, epochs), in percent.

Closed forms, so that nothing heavier than NumPy is imported; each is tested against scipy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb, exp, isfinite, lgamma, log, sqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FEWEST_SEEDS = 3
"""Runs that a statement about others of their kind needs."""
MOST_TERMS = 1_000
"""Terms of a continued fraction that are looked at; for the arguments used here it stands still far earlier."""


@dataclass(frozen=True)
class Summary:
    """Mean of n values, their standard deviation (n - 1), and a two-sided confidence interval of the mean."""

    n: int
    mean: float
    std: float
    low: float
    high: float


def summary(values: NDArray[np.float64], confidence: float = 0.95) -> Summary:
    """Summarise values of shape (n,) with Student's t interval; with one value the interval is unbounded.

    Raises ValueError when there are no values.
    """
    n = len(values)
    if n == 0:
        raise ValueError("a summary needs at least one value")
    mean = float(np.mean(values))
    if n == 1:
        return Summary(1, mean, float("nan"), float("-inf"), float("inf"))
    std = float(np.std(values, ddof=1))
    half = student_t_quantile((1 + confidence) / 2, n - 1) * std / sqrt(n)
    return Summary(n, mean, std, mean - half, mean + half)


def prediction_interval(values: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float]:
    """Return where one more value of the same kind lies with `confidence`, from two values or more of shape (n,)."""
    found = summary(values, confidence)
    half = student_t_quantile((1 + confidence) / 2, found.n - 1) * found.std * sqrt(1 + 1 / found.n)
    return found.mean - half, found.mean + half


@dataclass(frozen=True)
class Difference:
    """Mean of one sample less that of another, its two-sided confidence interval, and the p-value of no difference."""

    mean: float
    low: float
    high: float
    p_value: float


Interval = TypeVar("Interval", Summary, Difference)


def welch(first: NDArray[np.float64], second: NDArray[np.float64], confidence: float = 0.95) -> Difference:
    """Compare two samples of shapes (n,) and (m,) whose spreads may differ (Welch, Biometrika 1947).

    With one value on a side, or no spread on either, the interval is unbounded and the p-value not a number: nothing is
    told by one value, and equal counts of few images are chance.
    Raises ValueError when a side has no values.
    """
    one, other = summary(first), summary(second)
    mean = one.mean - other.mean
    parts = one.std**2 / one.n, other.std**2 / other.n
    variance = sum(parts)
    if min(one.n, other.n) == 1 or variance == 0:
        return Difference(mean, float("-inf"), float("inf"), float("nan"))
    degrees = variance**2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (other.n - 1))
    half = student_t_quantile((1 + confidence) / 2, degrees) * sqrt(variance)
    p_value = 2 * (1 - _student_t_below(abs(mean) / sqrt(variance), degrees))
    return Difference(mean, mean - half, mean + half, p_value)


def accuracy_summary(values: NDArray[np.float64]) -> Summary:
    """Summarise accuracies in percent: as `summary` does, with the interval cut to 0 to 100."""
    return _within(summary(values), 0.0)


def points_summary(values: NDArray[np.float64]) -> Summary:
    """Summarise differences of accuracies in percent: as `summary` does, with the interval cut to -100 to 100."""
    return _within(summary(values), -100.0)


def accuracy_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
    """Compare accuracies in percent: as `welch` does, with the interval cut to -100 to 100."""
    return _within(welch(first, second), -100.0)


def _within(found: Interval, lowest: float) -> Interval:
    """Cut an interval to what is possible, `lowest` to 100; where there is none, there still is none."""
    return replace(found, low=max(found.low, lowest), high=min(found.high, 100.0)) if isfinite(found.low) else found


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several, in the same order (Holm, Scandinavian Journal of Statistics 1979).

    Calling shown what is below 0.05 here errs in any of them with a probability of at most 0.05.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda one: p_values[one])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value that two classifiers err equally often (McNemar, Psychometrika 1947).

    `only_first` counts images that the first alone gets wrong; images both get right or wrong say nothing.
    """
    trials, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(trials, count) for count in range(fewer + 1))
    return min(1.0, float(Fraction(2 * tail, 2**trials)))


def sampling_error(accuracy: float, images: int) -> float:
    """Return the standard error of an accuracy (both in percent) that comes from having drawn just these `images`."""
    share = accuracy / 100
    return 100 * sqrt(share * (1 - share) / images)


def student_t_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return the value that Student's t stays below with `probability` (0.5 to 1), by bisection."""
    low, high = 0.0, 1.0
    while _student_t_below(high, degrees_of_freedom) < probability:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if _student_t_below(middle, degrees_of_freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _student_t_below(t: float, degrees_of_freedom: float) -> float:
    x = degrees_of_freedom / (degrees_of_freedom + t * t)
    return 1 - incomplete_beta(degrees_of_freedom / 2, 0.5, x) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (Abramowitz and Stegun, 26.5.8)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    return front / _continued_fraction(a, b, x)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the fraction from its head until it stands still (Lentz, Applied Optics 1976; Thompson and Barnett)."""
    value = upper = 1.0
    lower = 0.0
    for n in range(1, MOST_TERMS):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / (1 + term * lower)
        upper = 1 + term / upper
        value *= lower * upper
        if abs(lower * upper - 1) < 1e-15:
            break
    return value
