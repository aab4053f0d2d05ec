"""What is drawn depends on its key alone, and on this machine as on any other."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from pennyweight.base.random import permutation, seed_word, uniforms, words

parts = st.integers(-(2**70), 2**70) | st.text(max_size=10)
keys = st.lists(parts, max_size=4).map(tuple)


@given(key=keys, count=st.integers(0, 300))
def test_the_same_key_draws_the_same_whatever_was_drawn_before(key: tuple[int | str, ...], count: int) -> None:
    first = words(count, *key)
    uniforms(17, "something else")
    np.random.default_rng(0).random(5)
    assert first.shape == (count,)
    assert (words(count, *key) == first).all()


@given(key=keys, short=st.integers(0, 50), more=st.integers(0, 50))
def test_drawing_more_does_not_change_what_comes_first(key: tuple[int | str, ...], short: int, more: int) -> None:
    assert (words(short + more, *key)[:short] == words(short, *key)).all()


@given(one=keys, other=keys)
def test_different_keys_draw_differently(one: tuple[int | str, ...], other: tuple[int | str, ...]) -> None:
    assert (one == other) == bool((words(4, *one) == words(4, *other)).all())


@pytest.mark.parametrize(
    ("one", "other"),
    [((1,), ("1",)), ((1, 2), (12,)), (("a", "b"), ("ab",)), (("a,b",), ("a", "b")), ((0,), ()), ((0, 1), (1, 0))],
)
def test_keys_that_look_alike_are_told_apart(one: tuple[int | str, ...], other: tuple[int | str, ...]) -> None:
    assert (words(4, *one) != words(4, *other)).all()


@given(key=keys, count=st.integers(0, 500))
def test_a_permutation_holds_every_index_once(key: tuple[int | str, ...], count: int) -> None:
    assert sorted(permutation(count, *key).tolist()) == list(range(count))


def test_uniforms_are_uniform_and_below_one() -> None:
    drawn = uniforms(20_000, "uniform", 1)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert scipy.stats.kstest(drawn, "uniform").pvalue > 0.01


def test_every_order_of_four_is_as_likely_as_another() -> None:
    orders = [tuple(permutation(4, "orders", number).tolist()) for number in range(4_800)]
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert scipy.stats.chisquare(counts).pvalue > 0.01


@given(key=keys)
def test_a_seed_word_fits_where_a_signed_number_is_expected(key: tuple[int | str, ...]) -> None:
    assert 0 <= seed_word(*key) < 2**63


def test_golden_values_stay_as_they_are() -> None:
    """Every published run rests on these: initial weights, the order of images, augmentation, dropout, the hold-out."""
    assert words(3, "order", 0, 1).tolist() == GOLDEN_WORDS
    assert permutation(8, "order", 0, 1).tolist() == GOLDEN_ORDER
    assert uniforms(2, "initial", 0, "1.weight").tolist() == GOLDEN_UNIFORMS
    assert seed_word("dropout", 0, 0) == GOLDEN_SEED


GOLDEN_WORDS = [258815424940938134, 7331967237378934650, 17746008896116543545]
GOLDEN_ORDER = [0, 5, 6, 1, 4, 7, 3, 2]
GOLDEN_UNIFORMS = [0.8050329039267358, 0.2348723828487519]
GOLDEN_SEED = 2104591526883351900
