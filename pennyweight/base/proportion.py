"""Bounds of a proportion from successes and trials, each of them one-sided with an error of its own.

Two kinds: a confidence sequence, which holds at all numbers of trials at once, so that one may look after every trial
and stop when one likes; and the exact interval for a number of trials fixed beforehand, which is tighter and is worth
nothing after a look.
"""

from collections.abc import Callable
from math import inf, lgamma, log

from pennyweight.base.stats import incomplete_beta

ERROR = 0.05
"""Probability that a bound is ever wrong: of the lower one, and of the upper one."""
MOST_TRIALS = 10_000
"""More trials than this are not counted on."""


def sequence_bounds(successes: int, trials: int, error: float = ERROR) -> tuple[float, float]:
    """Return a lower and an upper bound of the proportion, as fractions, that hold however often one looks.

    A value p is left out below once the likelihood of the data, averaged over all proportions above p, is 1 / `error`
    times that at p; left out above likewise. Under any true proportion up to p that ratio is a non-negative
    supermartingale that starts at 1, so by Ville's inequality it ever reaches 1 / `error` with probability `error` at
    most (mixture of Robbins, Annals of Mathematical Statistics 1970; Howard et al., Annals of Statistics 2021).
    """
    failures = trials - successes
    return _lower(successes, failures, error), 1 - _lower(failures, successes, error)


def exact_bounds(successes: int, trials: int, error: float = ERROR) -> tuple[float, float]:
    """Return a lower and an upper bound for a number of trials fixed beforehand (Clopper and Pearson, 1934)."""
    failures = trials - successes

    def low(mine: int, others: int) -> float:
        # the proportion under which so many successes or more have the probability `error`
        return _root(lambda p: incomplete_beta(mine, others + 1, p) < error) if mine else 0.0

    return low(successes, failures), 1 - low(failures, successes)


def further_successes(successes: int, trials: int, proportion: float, error: float = ERROR) -> int | None:
    """Return how many more trials, all successes, put the lower bound of the sequence at `proportion`; None for never.

    Never: more than MOST_TRIALS.
    """
    if sequence_bounds(successes, trials, error)[0] >= proportion:
        return 0
    few, many = 0, MOST_TRIALS
    if sequence_bounds(successes + many, trials + many, error)[0] < proportion:
        return None
    while many - few > 1:
        middle = (few + many) // 2
        if sequence_bounds(successes + middle, trials + middle, error)[0] >= proportion:
            many = middle
        else:
            few = middle
    return many


def _lower(successes: int, failures: int, error: float) -> float:
    if successes == 0:
        return 0.0
    return _root(lambda p: log_evidence_above(successes, failures, p) >= -log(error))


def log_evidence_above(successes: int, failures: int, p: float) -> float:
    """Return the logarithm of how much better proportions above p explain the data than p does, on average."""
    if p == 0:
        return inf
    above = incomplete_beta(failures + 1, successes + 1, 1 - p)
    if above == 0:
        return -inf
    whole = lgamma(successes + 1) + lgamma(failures + 1) - lgamma(successes + failures + 2)
    return whole + log(above) - successes * log(p) - (failures + 1) * log(1 - p)


def _root(is_below: Callable[[float], bool]) -> float:
    """Return where `is_below` turns false between 0 and 1, by bisection; the side on which it still holds."""
    low, high = 0.0, 1.0
    for _ in range(45):
        middle = (low + high) / 2
        if is_below(middle):
            low = middle
        else:
            high = middle
    return low
