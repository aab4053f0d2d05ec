"""Other test sets like this one: by hand where it can be, and against what an outside bootstrap found."""

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from support import BUDGET, run_record

from pennyweight.base.records import EpochMistakes, Misclassified, RunRecord
from pennyweight.judging.resampling import other_test_sets
from pennyweight.recipes.own import BUDGETS
from pennyweight.runs.find import records_in


def with_mistakes(*epochs: range, seed: int = 0) -> RunRecord:
    """Return a record whose epochs misclassify these images."""
    record = run_record([10_000 - len(one) for one in epochs], seed=seed)
    listed = tuple(EpochMistakes(n, "test", tuple(one)) for n, one in enumerate(epochs, 1))
    last = tuple(Misclassified(index, 0, 1) for index in epochs[-1])
    return replace(record, mistakes_by_epoch=listed, misclassified=last)


def test_one_epoch_of_one_run_is_binomial() -> None:
    for wrong in (45, 55, 60, 70):
        found = other_test_sets([with_mistakes(range(wrong))], replace(BUDGET, hold_epochs=1))
        assert found.share == pytest.approx(scipy.stats.binom.cdf(60, 10_000, wrong / 10_000), abs=0.03)
        assert (found.epochs, found.is_last_alone) == (1, False)


def test_every_held_epoch_must_hold() -> None:
    same, apart = range(55), range(1000, 1055)
    one = other_test_sets([with_mistakes(same, same, same)], BUDGET)
    three = other_test_sets([with_mistakes(same, apart, range(2000, 2055))], BUDGET)
    alone = other_test_sets([with_mistakes(same)], replace(BUDGET, hold_epochs=1))
    assert one.share == alone.share  # the same mistakes three times are one question
    assert three.share == pytest.approx(alone.share**3, abs=0.05)
    assert three.epochs == 3


def test_seeds_share_the_images_of_a_test_set() -> None:
    """Mistakes in common move the seeds together: the share then varies from test set to test set."""
    common = other_test_sets([with_mistakes(*[range(57)] * 3, seed=n) for n in range(10)], BUDGET)
    apart = other_test_sets([with_mistakes(*[range(100 * n, 100 * n + 57)] * 3, seed=n) for n in range(10)], BUDGET)
    assert common.share == pytest.approx(apart.share, abs=0.03)
    assert (common.low, common.high) == (0, 1)
    assert apart.low > 0.2
    assert common.reaching > 0.5 > apart.reaching


def test_without_the_mistakes_of_every_held_epoch_the_last_one_stands_alone_and_that_is_said() -> None:
    early = replace(with_mistakes(range(70), range(50), range(40)), mistakes_by_epoch=())
    found = other_test_sets([early], BUDGET)
    assert (found.epochs, found.is_last_alone) == (1, True)
    assert found.share > 0.99
    assert other_test_sets([replace(early, misclassified=())], BUDGET).share == 1  # nothing is wrong at all
    assert other_test_sets([run_record([None] * 3)], BUDGET) is None
    held_out = replace(BUDGET, split="val")
    assert other_test_sets([run_record([None] * 3, val=[9_950] * 3)], held_out) is None


def test_the_figures_of_an_outside_bootstrap_are_found_again(tmp_path: Path) -> None:
    """An independent bootstrap of the records of November 21, of the last epoch alone, gave 0.949 and 78 %; 0.877."""
    with tarfile.open(Path(__file__).parents[1] / "fixtures" / "records_of_the_outside_bootstrap.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    found = other_test_sets(records_in(tmp_path / "pennyweight-8k"), BUDGETS[0])
    assert (found.share, found.reaching) == pytest.approx((0.949, 0.78), abs=0.015)
    assert found.is_last_alone
    assert other_test_sets(records_in(tmp_path / "progressive-3"), BUDGETS[0]).share == pytest.approx(0.877, abs=0.015)


def test_the_same_records_give_the_same_figures() -> None:
    records = [with_mistakes(*[range(n, n + 58)] * 3, seed=n) for n in range(3)]
    assert other_test_sets(records, BUDGET) == other_test_sets(records, BUDGET)
    shares = [other_test_sets(records[:count], BUDGET).share for count in (1, 2, 3)]
    assert np.ptp(shares) < 0.1
