"""The rule for figures of runs: what it covers, how often it denies by chance, and that it denies what is shifted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import inf
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from pennyweight.base.records import SPLITS, EpochRow, RunRecord
from pennyweight.documents.check import check_claim, count_figures
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.evidence import FALSE, TRUE, UNCHECKABLE, Evidence
from pennyweight.documents.figures import (
    ACCURACY,
    CHANCE,
    LOSS,
    Prediction,
    judged,
    one_more,
    one_more_end,
    one_more_gap,
    placed,
)
from pennyweight.documents.kinds import Claim, Held, Reached, ReachedLoss, TargetEpoch
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.runs.published import published_tree
from pennyweight.runs.record_tree import full_runs
from pennyweight.settings.recipe import Origin

Curves = NDArray[np.float64]
FIGURES = count_figures(tuple(CLAIMS.values()))
DECIDED = {one.name: replace(one, origin=Origin(document="")) for one in RECIPES}
"""The published recipes as if nothing were left open, so that figures come out true and false."""
OF_ONE_RUN = [
    claim for said in CLAIMS.values() for claim in said if isinstance(claim, Reached | ReachedLoss | TargetEpoch | Held)
]


@cache
def published(name: str) -> list[RunRecord]:
    return full_runs(published_tree(), name, DECIDED[name].epochs)


# ------------------------------------------------------------------------------------------------- predictions


def test_one_more_value_lies_where_student_s_t_puts_it() -> None:
    values = np.array([99.1, 99.4, 99.2, 99.6])
    low, high = one_more(values).interval(0.01)
    half = stats.t.ppf(0.995, 3) * values.std(ddof=1) * np.sqrt(1.25)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-9)


@pytest.mark.parametrize("figures", [1, 44, 1_000])
@pytest.mark.parametrize("degrees", [2, 9, 10.6, 46.6])
def test_the_interval_shared_by_many_figures_is_that_of_bonferroni(figures: int, degrees: float) -> None:
    low, high = Prediction(0.0, 1.0, degrees).interval(CHANCE / figures)
    assert high == pytest.approx(stats.t.isf(0.025 / figures, degrees), rel=1e-6)
    assert low == -high


def test_the_spread_of_last_epochs_is_that_between_runs_and_within_them() -> None:
    ends = np.array([[1.0, 3.0], [5.0, 9.0], [4.0, 2.0]])
    f = stats.f_oneway(*ends)
    between, within = 2 * ends.mean(axis=1).var(ddof=1), ends.var(axis=1, ddof=1).mean()
    assert f.statistic == pytest.approx(between / within)
    found = one_more_end(ends)
    # of one more value: the variance between runs and within them, and that of the mean of means
    spread = (between - within) / 2 + within + ends.mean(axis=1).var(ddof=1) / 3
    assert (found.centre, found.scale) == pytest.approx((4.0, np.sqrt(spread)))
    assert 2 < found.degrees < 5


def test_without_a_spread_nothing_is_said() -> None:
    for found in (one_more(np.full(4, 99.0)), one_more_end(np.full((4, 5), 99.0))):
        assert found.interval(0.05) == (-inf, inf)
        assert placed(50.0, 50.0, found, 1) == UNCHECKABLE
        assert judged(50.0, 50.0, found, 1, "", ACCURACY)[0] == UNCHECKABLE


def test_a_difference_of_two_has_the_variance_of_both() -> None:
    found = one_more_gap(Prediction(99.5, 0.3, 9), Prediction(98.9, 0.4, 4))
    assert (found.centre, found.scale) == pytest.approx((0.6, 0.5))
    assert found.degrees == pytest.approx(0.25**2 / (0.09**2 / 9 + 0.16**2 / 4))


def test_between_the_two_intervals_nothing_is_said_and_beyond_both_it_is_denied() -> None:
    found = Prediction(99.0, 0.1, 9)
    near, far = found.interval(CHANCE)[1], found.interval(CHANCE / 44)[1]
    assert [placed(at, at, found, 44) for at in (near - 0.01, near + 0.01, far - 0.01, far + 0.01)] == [
        *(TRUE, UNCHECKABLE, UNCHECKABLE, FALSE)
    ]
    assert placed(near + 0.01, near + 0.01, found, 1) == FALSE
    assert placed(near + 0.01, inf, found, 1) == FALSE
    assert placed(-inf, near + 0.01, found, 1) == TRUE


def test_a_wider_spread_confirms_less_and_more_figures_confirm_nothing_more() -> None:
    narrow, wide = Prediction(99.0, 0.1, 9), Prediction(99.0, 0.5, 9)
    assert [judged(99.1, 99.1, found, 1, "", ACCURACY)[0] for found in (narrow, wide)] == [TRUE, UNCHECKABLE]
    assert "(0.45 wide)" in judged(99.1, 99.1, narrow, 1, "", ACCURACY)[1]
    assert "too wide to tell" in judged(99.1, 99.1, wide, 1, "", ACCURACY)[1]
    assert [judged(99.25, 99.25, narrow, figures, "", ACCURACY)[0] for figures in (1, 44)] == [FALSE, UNCHECKABLE]
    assert judged(-3.0, -3.0, Prediction(-3.0, 0.6, 9), 1, "", LOSS)[0] == UNCHECKABLE  # a factor above ten


# ------------------------------------------------------------------------------------------------- coverage


@pytest.mark.parametrize("runs", [3, 10])
@pytest.mark.parametrize("between", [0.0, 0.1, 0.5])
def test_simulated_last_epochs_of_one_more_run_lie_inside_as_often_as_is_said(runs: int, between: float) -> None:
    numbers = np.random.default_rng(7)
    inside = 0
    for _ in range(2_000):
        ends = between * numbers.normal(size=(runs + 1, 1)) + 0.2 * numbers.normal(size=(runs + 1, 5))
        found = one_more_end(ends[:-1])
        away = abs(ends[-1, -1] - found.centre) / found.scale
        inside += 2 * stats.t.sf(away, found.degrees) >= CHANCE
    assert 0.935 < inside / 2_000 < 0.975


def left_out(figures: int) -> Iterator[tuple[str, Claim]]:
    """Yield every published run as a document: its figures, judged by the other runs of its recipe."""
    for recipe in DECIDED.values():
        records = published(recipe.name)
        split = "val" if recipe.validation_images else "test"
        for out, record in enumerate(records):
            others = [one for one in records if one is not record]
            if len(others) >= 3:
                there = Evidence(DECIDED, lambda name, others=others: others, figures=figures)  # type: ignore[misc]
                for claim in stated(record, recipe.name, split):
                    yield check_claim(claim, there).verdict, replace(claim, quote=f"seed {out}")


def stated(record: RunRecord, name: str, split: str) -> Iterator[Claim]:
    """Yield what a document would state of a run."""
    rows = record.epochs
    curve = [getattr(row, f"{split}_accuracy") for row in rows]
    training = [row.train_accuracy for row in rows]
    yield Reached("", name, curve[-1], split, "final")
    yield Reached("", name, max(curve), split, "best")
    yield Reached("", name, training[-1], "train", "final")
    yield Reached("", name, max(training), "train", "best")
    yield ReachedLoss("", name, getattr(rows[-1], f"{split}_loss"), split)
    yield ReachedLoss("", name, rows[-1].train_loss, "train", 0.00001)
    median = float(np.median([max(getattr(row, f"{split}_accuracy") for row in one.epochs) for one in published(name)]))
    if max(curve) >= median:
        first = next(number for number, value in enumerate(curve, 1) if value >= median)
        yield TargetEpoch("", name, median, split, first)
    yield Held("", name, min(curve[-5:]), split, len(curve) - 4, len(curve))


def test_the_published_runs_lie_where_the_others_of_their_recipe_put_them() -> None:
    verdicts = [verdict for verdict, _ in left_out(FIGURES)]
    assert len(verdicts) > 900
    assert verdicts.count(FALSE) <= stats.binom.ppf(0.99, len(verdicts), CHANCE / FIGURES)
    alone = [verdict for verdict, _ in left_out(1)]
    assert alone.count(FALSE) <= stats.binom.ppf(0.99, len(alone), CHANCE)
    assert alone.count(TRUE) == verdicts.count(TRUE) > 0.9 * len(alone)


# ------------------------------------------------------------------------------------------------- documents


FIELDS = ("train_accuracy", "train_loss", "val_accuracy", "val_loss", "test_accuracy", "test_loss")


@cache
def shape(name: str, field: str) -> tuple[Curves, float, float] | None:
    """Return a figure's mean curve over the published runs, the spread of runs, and that of the last epochs of one."""
    known = [[getattr(row, field) for row in one.epochs] for one in published(name)]
    if None in known[0]:
        return None
    curves = np.log(known) if field.endswith("loss") else np.array(known)
    ends = (curves - curves.mean(axis=0))[:, -5:]
    within = ends - ends.mean(axis=1, keepdims=True)
    return curves.mean(axis=0), float(ends.mean(axis=1).std(ddof=1)), float(within.std())


def simulated(numbers: np.random.Generator, name: str, runs: int) -> list[RunRecord]:
    """Return runs like the published ones of a recipe: its mean curve, moved for every run and for every epoch."""
    record = published(name)[0]
    drawn = {}
    for field in FIELDS:
        if (known := shape(name, field)) is not None:
            mean, between, within = known
            curves = mean + between * numbers.normal(size=(runs, 1)) + within * numbers.normal(size=(runs, len(mean)))
            drawn[field] = np.exp(curves) if field.endswith("loss") else curves
    return [replace(record, epochs=tuple(_moved(record, drawn, run))) for run in range(runs)]


def _moved(record: RunRecord, drawn: dict[str, Curves], run: int) -> Iterator[EpochRow]:
    for epoch, row in enumerate(record.epochs):
        figures: dict[str, Any] = {name: float(curves[run, epoch]) for name, curves in drawn.items()}
        for split in SPLITS:
            if f"{split}_accuracy" in figures:
                images = record.images(split)
                correct = min(images, round(figures[f"{split}_accuracy"] / 100 * images))
                figures |= {f"{split}_correct": correct, f"{split}_accuracy": 100 * correct / images}
        yield replace(row, **figures)


def told(claim: Claim, run: RunRecord, shift: Callable[[str], float]) -> Claim | None:
    """Return the claim with the figure of a document's run, moved by `shift`; None where the run has no such figure."""
    curve = np.array([getattr(row, f"{claim.split}_accuracy") for row in run.epochs])  # type: ignore[attr-defined]
    match claim:
        case Reached(which=which):
            figure = curve.max() if which == "best" else curve[-1]
            return replace(claim, accuracy=float(figure) + shift(claim.recipe))
        case ReachedLoss(split=split):
            return replace(claim, loss=getattr(run.epochs[-1], f"{split}_loss"))
        case TargetEpoch(accuracy=accuracy):
            at = curve >= accuracy
            return replace(claim, epoch=int(np.argmax(at)) + 1) if at.any() else None
        case Held(first=first, last=last):
            return replace(claim, accuracy=float(curve[first - 1 : last].min()) + shift(claim.recipe))
    raise AssertionError(claim)


def denials(seed: int, shift: Callable[[str], float], kinds: tuple[type, ...]) -> tuple[int, int]:
    """Return how many figures of one simulated set of documents simulated runs of ours deny, and of how many."""
    numbers = np.random.default_rng(seed)
    drawn = {name: simulated(numbers, name, len(published(name)) + 1) for name in {one.recipe for one in OF_ONE_RUN}}
    there = Evidence(DECIDED, lambda name: drawn[name][1:], figures=FIGURES)
    claims = [told(claim, drawn[claim.recipe][0], shift) for claim in OF_ONE_RUN if isinstance(claim, kinds)]
    verdicts = [check_claim(claim, there).verdict for claim in claims if claim is not None]
    return verdicts.count(FALSE), len(verdicts)


def family_wise(seeds: Sequence[int]) -> int:
    return sum(denials(seed, lambda name: 0.0, (Reached, ReachedLoss, TargetEpoch, Held))[0] > 0 for seed in seeds)


def test_documents_drawn_as_our_runs_are_denied_in_one_of_twenty_at_most() -> None:
    """At 95 % each, four sets of documents in five would have a figure denied; at most one in twenty may."""
    assert family_wise(range(10)) <= stats.binom.ppf(0.999, 10, CHANCE)


@pytest.mark.slow
def test_of_many_documents_drawn_as_our_runs_one_in_twenty_at_most_is_denied() -> None:
    assert family_wise(range(1_000, 1_150)) <= stats.binom.ppf(0.99, 150, CHANCE)


def test_documents_that_are_shifted_are_denied() -> None:
    """Ten of our standard deviations up, where ten runs are ours: every best and final accuracy is denied."""

    def shift(name: str) -> float:
        split = "val" if DECIDED[name].validation_images else "test"
        ends = [[getattr(row, f"{split}_accuracy") for row in one.epochs[-5:]] for one in published(name)]
        return 15.0 * float(np.std(ends))

    for seed in range(3):
        denied, figures = denials(seed, shift, (Reached,))
        few = sum(len(published(claim.recipe)) < 10 for claim in OF_ONE_RUN if isinstance(claim, Reached))
        assert figures - few <= denied <= figures
