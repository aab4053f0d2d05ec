"""Who is on the frontier, and that points, intervals, names and budget stand where their values say."""

from itertools import pairwise

import numpy as np
import pytest
from figure_gallery import crowded_points, few_points
from hypothesis import given
from hypothesis import strategies as st
from support import BUDGET

from pennyweight.base.errors import UsageError
from pennyweight.figures.frontier import Point, frontier, frontier_words, on_frontier
from pennyweight.figures.labels import fitted, text_width
from pennyweight.figures.layout import spread
from pennyweight.figures.steps import steps, steps_words
from pennyweight.figures.svg import points_of, text_of, to_svg
from pennyweight.figures.words import Words

WORDS = Words("a title", "a description")
VALUES = st.tuples(st.integers(1, 6), st.integers(90, 96))


@given(st.lists(VALUES, min_size=1, max_size=12))
def test_the_frontier_is_what_no_other_beats(values: list[tuple[int, int]]) -> None:
    points = [Point(f"p{n}", cost, mean, mean, mean, 1) for n, (cost, mean) in enumerate(values)]
    found = {(point.cost, point.mean) for point in on_frontier(points)}
    beaten = {
        (one.cost, one.mean)
        for one in points
        for other in points
        if (other.cost <= one.cost and other.mean > one.mean) or (other.cost < one.cost and other.mean >= one.mean)
    }
    assert found == {(point.cost, point.mean) for point in points} - beaten


def test_points_stand_at_the_logarithms_of_their_cost_and_error() -> None:
    points = few_points()
    svg = to_svg(frontier(points, budget=BUDGET), words=WORDS, name="f")
    drawn = points_of(svg)
    places = {
        point.name: np.array(drawn.get(f"best-{point.name}") or drawn[f"beaten-{point.name}"]) for point in points
    }
    costs = np.log10([point.cost for point in points])
    errors = np.log10([100 - point.mean for point in points])
    for axis, values in ((0, costs), (1, errors)):
        found = np.array([places[point.name][axis] for point in points])
        slope, start = np.polyfit(values, found, 1)
        assert np.allclose(found, slope * values + start, atol=0.02)
        assert slope > 0
    assert "interval-beaten-wasteful" not in drawn  # of a single seed there is no interval
    assert "budget-cap" in drawn
    assert {"small", "middle", "large", "wasteful"} <= set(text_of(svg))


def test_with_another_cost_the_budget_is_a_target_alone() -> None:
    drawn = points_of(to_svg(frontier(few_points(), cost="MACs", budget=BUDGET), words=WORDS, name="f"))
    assert "budget-target" in drawn
    assert "budget-cap" not in drawn
    with pytest.raises(UsageError, match="MACs"):
        frontier(few_points(), cost="macs")
    with pytest.raises(UsageError, match="nothing to draw"):
        frontier([])


def test_the_names_of_the_best_are_written_even_in_a_crowd() -> None:
    points = [*few_points(), *crowded_points()]
    for width in (360, 720):
        words = text_of(to_svg(frontier(points, width=width), words=WORDS, name="f"))
        best = {point.name for point in on_frontier(points)}
        assert len(best & set(words)) >= 3


def test_steps_are_drawn_in_their_order_whatever_they_cost() -> None:
    points = [few_points()[2], few_points()[0], few_points()[3]]
    words = steps_words(points, others=crowded_points(), budget=BUDGET)
    assert words.title.startswith("wasteful to large: 98.50 to 99.56 % at 420,614 to 99,746 parameters")
    assert words.description.index("wasteful") < words.description.index("small") < words.description.index("large")
    drawn = points_of(to_svg(steps(points, budget=BUDGET), words=words, name="s"))
    assert {"step-wasteful", "step-small", "step-large"} <= set(drawn)


def test_others_far_from_the_steps_are_left_out_and_not_counted() -> None:
    points, far = few_points()[:2], Point("far", 4_000_000, 99.9, 99.8, 99.95, 5)
    near = Point("near", 6_000, 98.9, 98.8, 99.0, 5)
    words = steps_words(points, others=[far, near])
    assert "1 other recipe " in words.description
    drawn = points_of(to_svg(steps(points, others=[far, near]), words=words, name="s"))
    assert "other-near" in drawn
    assert "other-far" not in drawn


def test_the_words_name_every_point_with_its_figures() -> None:
    text = frontier_words(few_points())
    assert text.title == "On the Pareto frontier (parameters, accuracy), 3 of 4 recipes: small, middle, large"
    for point in few_points():
        assert f"{point.name}, {point.cost:,.0f} parameters, {point.mean:.2f} %" in text.description


@given(st.lists(st.floats(0, 200), max_size=8), st.floats(1, 30))
def test_labels_are_moved_apart_in_their_order(places: list[float], least: float) -> None:
    moved = spread(places, least)
    in_order = [moved[index] for index in np.argsort(places, kind="stable")]
    assert all(high - low >= least - 1e-6 for low, high in pairwise(in_order))
    if all(abs(one - other) >= least for n, one in enumerate(places) for other in places[:n]):
        assert np.allclose(moved, places)


def test_a_name_is_shortened_to_its_room() -> None:
    assert fitted("short", 13, 100) == "short"
    cut = fitted("a name that is far too long", 13, 80)
    assert cut.endswith("…")
    assert text_width(cut, 13) <= 80
