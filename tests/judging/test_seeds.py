"""What many seeds say together, against scipy and by hand."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from support import BUDGET, run_record

from pennyweight.base.records import RunRecord
from pennyweight.judging.seeds import MET, NOT_MET, NOT_SHOWN, judge_seeds


def seeds(*curves: list[int | None], params: int = 6_188) -> list[RunRecord]:
    return [run_record(curve, seed=number, params=params) for number, curve in enumerate(curves)]


def test_every_figure_by_hand() -> None:
    found = judge_seeds(seeds([9_930, 9_945, 9_941, 9_940], [9_920, 9_939, 9_950, 9_939]), BUDGET).figures
    assert found.final.mean == pytest.approx(99.395)
    assert found.lowest.mean == pytest.approx((99.40 + 99.39) / 2)
    assert found.best.mean == pytest.approx((99.45 + 99.50) / 2)
    assert found.flattery.mean == pytest.approx((0.05 + 0.11) / 2)
    assert found.gap.mean == pytest.approx(90.0 - 99.395)
    assert (found.reached, found.first_at_target, found.lowest_epochs) == (2, 2.5, 3)
    assert found.sampling_error == pytest.approx(100 * np.sqrt(0.99395 * 0.00605 / 10_000))


HELD, BROKEN = [9_950] * 3, [9_950, 9_000, 9_950]


@pytest.mark.parametrize(
    ("held", "broken", "verdict"),
    [
        (1, 0, MET),
        (19, 1, MET),
        (18, 2, NOT_SHOWN),
        (4, 1, NOT_SHOWN),
        (3, 2, NOT_MET),
        (0, 1, NOT_MET),
        (8, 2, NOT_MET),
    ],
)
def test_the_verdict_asks_for_the_share_and_for_enough_seeds(held: int, broken: int, verdict: str) -> None:
    assert judge_seeds(seeds(*[HELD] * held, *[BROKEN] * broken), BUDGET).verdict == verdict


@given(held=st.integers(0, 40), broken=st.integers(0, 40))
def test_the_verdict_follows_the_wilson_interval_of_scipy(held: int, broken: int) -> None:
    if held + broken == 0:
        return
    found = judge_seeds(seeds(*[HELD] * held, *[BROKEN] * broken), BUDGET)
    high = scipy.stats.binomtest(held, held + broken).proportion_ci(method="wilson").high
    share = held / (held + broken)
    assert found.verdict == (MET if share >= 0.95 else NOT_MET if high < 0.95 else NOT_SHOWN)


def test_too_many_parameters_are_not_mended_by_seeds() -> None:
    assert judge_seeds(seeds(*[HELD] * 20, params=8_001), BUDGET).verdict == NOT_MET


def test_a_run_that_did_not_measure_every_epoch_has_no_figures() -> None:
    found = judge_seeds(seeds([9_950, None, None]), BUDGET)
    assert (found.figures, found.verdict, found.met) == (None, NOT_MET, 0)
