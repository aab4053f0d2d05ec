"""Bounds of a share of seeds: against scipy, and against looking after every seed."""

from math import log

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from pennyweight.base.proportion import (
    ERROR,
    MOST_TRIALS,
    exact_bounds,
    further_successes,
    log_evidence_above,
    sequence_bounds,
)

counts = st.tuples(st.integers(0, 120), st.integers(0, 120))


@given(counts=counts)
def test_the_exact_bounds_are_those_of_scipy(counts: tuple[int, int]) -> None:
    successes, failures = counts
    low, high = exact_bounds(successes, successes + failures)
    expected = scipy.stats.beta.ppf((ERROR, 1 - ERROR), (successes, successes + 1), (failures + 1, failures))
    assert low == pytest.approx(expected[0] if successes else 0, abs=1e-9)
    assert high == pytest.approx(expected[1] if failures else 1, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials"), [(1, 1), (5, 6), (3, 40), (20, 20), (88, 88), (0, 5), (60, 64), (150, 400)]
)
def test_the_evidence_is_the_mean_likelihood_above_over_that_at_the_proportion(successes: int, trials: int) -> None:
    failures = trials - successes
    for p in (0.05, 0.5, 0.9, 0.95):

        def likelihood(q: float, p: float = p) -> float:
            return (q / p) ** successes * ((1 - q) / (1 - p)) ** failures

        mean = scipy.integrate.quad(likelihood, p, 1, limit=200)[0] / (1 - p)
        assert log_evidence_above(successes, failures, p) == pytest.approx(log(mean), abs=1e-6)


@given(counts=counts)
def test_every_proportion_below_the_lower_bound_is_rejected_and_no_one_above(counts: tuple[int, int]) -> None:
    successes, failures = counts
    low, high = sequence_bounds(successes, successes + failures)
    for p in np.linspace(0.001, 0.999, 23):
        assert (log_evidence_above(successes, failures, p) >= -log(ERROR)) == (p <= low)
        assert (log_evidence_above(failures, successes, 1 - p) >= -log(ERROR)) == (p >= high)


@pytest.mark.parametrize(("successes", "trials"), [(88, 88), (10, 10), (3, 20)])
def test_successes_and_failures_mirror_each_other(successes: int, trials: int) -> None:
    low, high = sequence_bounds(successes, trials)
    assert sequence_bounds(trials - successes, trials) == pytest.approx((1 - high, 1 - low))


def test_so_many_seeds_show_a_share_of_95_percent() -> None:
    assert sequence_bounds(88, 88)[0] >= 0.95 > sequence_bounds(87, 87)[0]
    for kept, seeds in ((59, 59), (92, 93), (122, 124)):
        assert exact_bounds(kept, seeds)[0] >= 0.95 > exact_bounds(kept - 1, seeds - 1)[0]
    assert sequence_bounds(0, 0) == (0, 1)


@settings(max_examples=30)
@given(kept=st.integers(0, 60), broken=st.integers(0, 3), share=st.sampled_from([0.5, 0.8, 0.95]))
def test_further_successes_are_the_fewest_that_show_the_share(kept: int, broken: int, share: float) -> None:
    further = further_successes(kept, kept + broken, share)
    assert further is not None
    assert sequence_bounds(kept + further, kept + broken + further)[0] >= share
    assert further == 0 or sequence_bounds(kept + further - 1, kept + broken + further - 1)[0] < share


def test_a_share_out_of_reach_is_said_to_be() -> None:
    assert further_successes(0, 0, 1.0) is None
    assert further_successes(10, 10 + MOST_TRIALS // 10, 0.95) is None


def ever(share: float, seeds: int, is_reached: np.ndarray) -> float:
    """Return the probability that runs kept with probability `share`, looked at one by one, ever reach a verdict.

    `is_reached` has shape (seeds + 1, seeds + 1): whether so many broken of so many runs are a verdict. No draws: every
    path is counted with its probability.
    """
    reached, going = 0.0, np.zeros(seeds + 1)  # by the number of broken runs
    going[0] = 1.0
    for n in range(1, seeds + 1):
        going[1:] = share * going[1:] + (1 - share) * going[:-1]
        going[0] *= share
        stops = is_reached[: n + 1, n]
        reached += going[: n + 1][stops].sum()
        going[: n + 1][stops] = 0
    return reached


def verdicts(seeds: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where the sequence shows that more than `share` is kept, and where that less is; see `ever`."""
    above, below = (np.zeros((seeds + 1, seeds + 1), dtype=bool) for _ in range(2))
    for n in range(1, seeds + 1):
        for broken in range(min(n, 60) + 1):
            above[broken, n] = log_evidence_above(n - broken, broken, share) >= -log(ERROR)
            below[broken, n] = log_evidence_above(broken, n - broken, 1 - share) >= -log(ERROR)
        below[61 : n + 1, n] = True
    return above, below


def test_looking_after_every_seed_a_false_verdict_is_rarer_than_one_in_twenty() -> None:
    """At a true share of just 0.95, "met" and "not met" are both false; up to 400 seeds, one look a seed."""
    above, below = verdicts(400, 0.95)
    met, not_met = ever(0.95, 400, above), ever(0.95, 400, below)
    assert 0.005 < met <= ERROR
    assert 0.005 < not_met <= ERROR
    assert ever(0.93, 400, above) < met
    assert ever(0.999, 400, above) > 0.9  # a share that is far above is shown
    assert ever(0.8, 400, below) > 0.99


def test_control_the_rule_before_was_wrong_far_more_often() -> None:
    """Met from an observed share of 0.95 on, not met where Wilson's interval lies below it."""
    above, below = (np.zeros((101, 101), dtype=bool) for _ in range(2))
    for n in range(1, 101):
        for broken in range(n + 1):
            above[broken, n] = (n - broken) / n >= 0.95
            below[broken, n] = _wilson_high((n - broken) / n, n) < 0.95
    assert ever(0.8, 100, above) > 0.8
    assert ever(0.95, 100, below) > 0.15


def _wilson_high(share: float, trials: int) -> float:
    """Return the upper end of Wilson's interval (JASA 1927) at 95 %."""
    z = scipy.stats.norm.ppf(0.975)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    return (share + z * z / (2 * trials) + half) / (1 + z * z / trials)
