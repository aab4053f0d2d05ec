"""The closed forms against scipy."""

from math import inf, isnan, sqrt

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from pennyweight.base.stats import (
    mcnemar,
    sampling_error,
    student_t_quantile,
    summary,
    welch,
)

accuracies = st.lists(st.floats(90, 100), min_size=2, max_size=50)


@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9995])
@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 19, 29, 99, 999, 9_999, 2.5, 17.3])
def test_t_quantiles_are_those_of_scipy(probability: float, degrees: float) -> None:
    expected = scipy.stats.t.ppf(probability, degrees)
    assert student_t_quantile(probability, degrees) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@given(values=accuracies, confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_a_summary_is_what_scipy_says(values: list[float], confidence: float) -> None:
    found = summary(np.array(values), confidence)
    error = scipy.stats.sem(values)
    low, high = scipy.stats.t.interval(confidence, len(values) - 1, loc=np.mean(values), scale=max(error, 1e-300))
    assert found.n == len(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.std == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_five_seeds_by_hand() -> None:
    """Mean 99.42, deviations -.02 .0 .02 .03 -.03; t(0.975, 4) is 2.776445."""
    found = summary(np.array([99.40, 99.42, 99.44, 99.45, 99.39]))
    std = sqrt((0.02**2 + 0.02**2 + 0.03**2 + 0.03**2) / 4)
    assert found.mean == pytest.approx(99.42)
    assert found.std == pytest.approx(std)
    assert found.high - found.mean == pytest.approx(2.776445 * std / sqrt(5), rel=1e-6)


def test_one_value_has_no_interval_and_none_has_no_summary() -> None:
    one = summary(np.array([99.4]))
    assert (one.n, one.mean, one.low, one.high) == (1, 99.4, -inf, inf)
    assert isnan(one.std)
    with pytest.raises(ValueError, match="at least one"):
        summary(np.array([]))


@given(first=accuracies, second=accuracies, confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_welch_is_that_of_scipy(first: list[float], second: list[float], confidence: float) -> None:
    found = welch(np.array(first), np.array(second), confidence)
    if min(np.ptp(first), np.ptp(second)) < 1e-6:
        return
    expected = scipy.stats.ttest_ind(first, second, equal_var=False).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-5, abs=1e-5)


def test_welch_without_a_spread_or_with_one_value_is_unbounded() -> None:
    same = welch(np.array([99.0, 99.0]), np.array([98.0, 98.0, 98.0]))
    assert (same.mean, same.low, same.high) == (1.0, -inf, inf)
    one = welch(np.array([99.0]), np.array([98.0, 98.5]))
    assert (one.mean, one.low, one.high) == (0.75, -inf, inf)


@given(first=st.integers(0, 300), second=st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = scipy.stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_the_sampling_error_of_ten_thousand_images() -> None:
    assert sampling_error(99.4, 10_000) == pytest.approx(100 * scipy.stats.binom(10_000, 0.994).std() / 10_000)
