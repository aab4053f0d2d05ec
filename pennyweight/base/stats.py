"""Pure functions on accuracies of many seeds: arrays of shape (seeds, epochs), in percent.

Closed forms, so that nothing heavier than NumPy is imported; each is tested against scipy.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import comb, exp, lgamma, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Summary:
    """Mean of n values, their standard deviation (n - 1), and a two-sided confidence interval of the mean."""

    n: int
    mean: float
    deviation: float
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
    deviation = float(np.std(values, ddof=1))
    half = student_t_quantile((1 + confidence) / 2, n - 1) * deviation / sqrt(n)
    return Summary(n, mean, deviation, mean - half, mean + half)


def prediction_interval(values: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float]:
    """Return where one more value of the same kind lies with `confidence`, from two values or more of shape (n,)."""
    found = summary(values, confidence)
    half = student_t_quantile((1 + confidence) / 2, found.n - 1) * found.deviation * sqrt(1 + 1 / found.n)
    return found.mean - half, found.mean + half


@dataclass(frozen=True)
class Difference:
    """Mean of one sample less that of another, with a two-sided confidence interval."""

    mean: float
    low: float
    high: float


def welch(first: NDArray[np.float64], second: NDArray[np.float64], confidence: float = 0.95) -> Difference:
    """Compare two samples of shapes (n,) and (m,) whose spreads may differ (Welch, Biometrika 1947).

    With one value on a side, or no spread on either, the interval is unbounded: equal counts of few images are chance.
    Raises ValueError when a side has no values.
    """
    one, other = summary(first), summary(second)
    mean = one.mean - other.mean
    parts = one.deviation**2 / one.n, other.deviation**2 / other.n
    variance = sum(parts)
    if min(one.n, other.n) == 1 or variance == 0:
        return Difference(mean, float("-inf"), float("inf"))
    degrees = variance**2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (other.n - 1))
    half = student_t_quantile((1 + confidence) / 2, degrees) * sqrt(variance)
    return Difference(mean, mean - half, mean + half)


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


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a proportion, as fractions (Wilson, JASA 1927); without trials it is (0, 1)."""
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return low, high


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
    return 1 - _incomplete_beta(degrees_of_freedom / 2, 0.5, x) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (Abramowitz and Stegun, 26.5.8)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    return front / _continued_fraction(a, b, x)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the fraction from its tail; 300 terms are far more than the argument range used here needs."""
    value = 1.0
    for n in range(300, 0, -1):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = 1 + term / value
    return value
