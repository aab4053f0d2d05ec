"""The figures of a page: which there are, drawn from its evidence as inline SVG, wide and for a phone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import accuracy_summary
from pennyweight.figures import arrays, curves, frontier, network, predictions, samples, small_curves, staircase, steps
from pennyweight.figures.plane import Point
from pennyweight.figures.samples import Sample
from pennyweight.figures.svg import to_png, to_svg
from pennyweight.figures.words import Words
from pennyweight.judging.ablation import AblationStep
from pennyweight.judging.seeds import finals_of
from pennyweight.pages.evidence import Chapter, Evidence, Inspection
from pennyweight.pages.gather import MOST_IN_FULL
from pennyweight.pages.inspection import CHANNELS, WORST, first_samples, worst_first
from pennyweight.recipes.catalogue import family, published

PHONE, SMALL, HALF, TWO_THIRDS, MIDDLE, WIDE = 358, 344, 528, 712, 720, 1040
"""Pixels: on a phone; one of three side by side, one of two, two of three; beside a table; a figure alone."""
FEWEST = 2
"""Points that a comparison needs."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure of the page: its name there, its words, and how it is drawn at each of its widths, the widest first."""

    name: str
    words: Words
    draw: Callable[[int], Figure]
    widths: tuple[int, ...]

    @property
    def is_wide(self) -> bool:
        """Return whether a phone, for which it is not drawn again, scrolls it."""
        return len(self.widths) == 1 and self.widths[0] > PHONE

    @cached_property
    def svgs(self) -> tuple[str, ...]:
        """Return it as SVG elements of a page, one for each width."""
        names = [self.name if place == 0 else f"{self.name}-phone" for place in range(len(self.widths))]
        return tuple(
            to_svg(self.draw(width), words=self.words, name=name)
            for name, width in zip(names, self.widths, strict=True)
        )

    def file(self, kind: str) -> bytes:
        """Return it as a file of its own, `png` or `svg`, at the widest of its widths."""
        figure = self.draw(self.widths[0])
        if kind == "svg":
            return to_svg(figure, words=self.words, name=self.name, standalone=True).encode()
        return to_png(figure)


def drawing(name: str, words: Words, draw: Callable[[int], Figure], *widths: int) -> Drawing:
    """Return a figure that is drawn at each of `widths`, once it is asked for."""
    return Drawing(name, words, draw, widths)


def network_drawing(chapter: Chapter, place: str) -> Drawing:
    """Draw a chapter's network."""
    plan = chapter.step.recipe.plan(chapter.step.classes)
    return drawing(
        f"{place}-network", network.network_words(plan), lambda width: network.network(plan, width=width), WIDE, PHONE
    )


def curves_drawing(chapter: Chapter, place: str, width: int = MIDDLE) -> Drawing:
    """Draw the curves of a chapter's runs; where none is complete, nothing is held against them."""
    records, budget = chapter.drawn, chapter.step.budget if chapter.step.records else None
    words = curves.curves_words(records, budget=budget)
    if not chapter.step.records:
        words = replace(words, title=f"{chapter.label}: epochs so far")
    return drawing(
        f"{place}-curves",
        words,
        lambda width: curves.curves(records, budget=budget, width=width),
        width,
        PHONE,
    )


def class_drawings(record: RunRecord, place: str) -> Iterator[Drawing]:
    """Draw what a run confuses, from its record alone."""
    counts = predictions.counts_of(record)
    if counts is None:
        return
    yield drawing(
        f"{place}-confusion",
        predictions.confusion_words(counts, record.classes),
        lambda width: predictions.confusion(counts, record.classes, width=width),
        SMALL,
    )
    yield drawing(
        f"{place}-classes",
        predictions.per_class_words(counts, record.classes),
        lambda width: predictions.per_class(counts, record.classes, width=width),
        SMALL,
    )


def calibration_drawing(one: Inspection, place: str) -> Drawing:
    """Draw how far the probabilities of predictions are to be believed."""
    chances, right = one.probabilities, one.labels == one.predicted
    return drawing(
        f"{place}-reliability",
        predictions.reliability_words(chances, right),
        lambda width: predictions.reliability(chances, right, width=width),
        SMALL,
    )


def image_drawings(one: Inspection, classes: Sequence[str], place: str) -> Iterator[Drawing]:
    """Draw test images with what was predicted of them, and the mistakes that were made with the most certainty."""
    first, worst = first_samples(one.labels), worst_first(one.labels, one.predicted, one.probability_bytes)[:WORST]
    for name, indices, draw, describe in (
        ("samples", first, samples.predictions, samples.predictions_words),
        ("worst", worst, samples.worst_mistakes, samples.worst_mistakes_words),
    ):
        if not len(indices):
            continue
        listed = [_sample(one, classes, int(index)) for index in indices]
        images = np.stack([one.shown(int(index)) for index in indices])
        yield drawing(f"{place}-{name}", describe(listed), _images(draw, images, listed), SMALL)


def _images(
    draw: Callable[..., Figure], images: NDArray[np.uint8], listed: Sequence[Sample]
) -> Callable[[int], Figure]:
    return lambda width: draw(images, listed, width=width)


def _sample(one: Inspection, classes: Sequence[str], index: int) -> Sample:
    label, predicted = (classes[int(numbers[index])] for numbers in (one.labels, one.predicted))
    return Sample(label, predicted, float(one.probabilities[index]))


def array_drawings(one: Inspection, place: str) -> Iterator[Drawing]:
    """Draw what needs the run itself: moved training images, kernels, and what every block makes of one image."""
    if len(one.originals):
        yield drawing(
            f"{place}-augmented",
            samples.augmented_words(one.moved),
            lambda width: samples.augmented(one.originals, one.moved, width=width),
            SMALL,
        )
    if len(one.kernels):
        yield drawing(
            f"{place}-kernels",
            arrays.kernels_words(one.kernels),
            lambda width: arrays.kernels(one.kernels, width=width),
            SMALL,
        )
    maps = [(map.layer, map.array) for map in one.maps]
    if maps:
        yield drawing(
            f"{place}-maps",
            arrays.feature_maps_words(maps),
            lambda width: arrays.feature_maps(one.mapped, maps, width=width, most=CHANNELS),
            TWO_THIRDS,
        )


def standing_points(evidence: Evidence, cost: str) -> list[Point]:
    """Return every published recipe, and every chapter that is none on the same data, by what it costs."""
    costs = {"parameters": "params", "MACs": "macs", "seconds to train": "seconds"}
    points = [
        _point(one.name, getattr(one, costs[cost]), 100 * np.array(one.correct) / one.images, _family(one.name))
        for one in evidence.others
    ]
    own = [one for one in evidence.chapters[:MOST_IN_FULL] if one.label not in {point.name for point in points}]
    return points + [point for one in own if (point := _chapter_point(one, cost)) and one.step.dataset == "mnist"]


def step_points(evidence: Evidence) -> list[Point]:
    """Return the chapters that have runs by their parameters."""
    points = [_chapter_point(one, "parameters") for one in evidence.chapters[:MOST_IN_FULL]]
    return [point for point in points if point]


def _chapter_point(chapter: Chapter, cost: str) -> Point | None:
    step = chapter.step
    finals = finals_of(step.records, step.split)
    if not len(finals):
        return None
    measured = {"parameters": step.costs.params, "MACs": step.costs.macs, "seconds to train": step.training_seconds}
    return _point(chapter.label, measured[cost], finals, _family(step.recipe.name))


def _point(name: str, cost: float, accuracies: NDArray[np.float64], family: str) -> Point:
    found = accuracy_summary(accuracies)
    low, high = (found.low, found.high) if found.n > 1 else (found.mean, found.mean)
    return Point(name=name, cost=cost, mean=found.mean, low=low, high=high, seeds=found.n, family=family)


def _family(name: str) -> str:
    recipe = published(name)
    return family(recipe) if recipe and recipe.origin.document else ""


def opening_drawing(evidence: Evidence) -> Drawing | None:
    """Draw the picture that tells a page of several steps; None for one, whose curves do."""
    return _way_drawing(evidence) if evidence.document else _side_by_side_drawing(evidence)


def _side_by_side_drawing(evidence: Evidence) -> Drawing | None:
    """Draw the curves of chapters that have nothing to do with each other in frames of one scale."""
    groups = {one.label: one.drawn for one in evidence.chapters[:MOST_IN_FULL] if one.drawn}
    if len(groups) < FEWEST:
        return None
    budgets = {chapter.step.budget for chapter in evidence.chapters}
    budget = next(iter(budgets)) if len(budgets) == 1 else None
    return drawing(
        "side-by-side",
        small_curves.small_curves_words(groups, budget=budget),
        lambda width: small_curves.small_curves(groups, budget=budget, width=width),
        WIDE,
        PHONE,
    )


def _way_drawing(evidence: Evidence) -> Drawing | None:
    """Draw the steps of a document by their parameters, and the way from one to the next."""
    points = step_points(evidence)
    if len(points) < FEWEST:
        return None
    named = {point.name for point in points}
    others = [point for point in standing_points(evidence, "parameters") if point.name not in named]
    data = {chapter.step.dataset for chapter in evidence.chapters}
    others = others if data == {"mnist"} else []
    budgets = {chapter.step.budget for chapter in evidence.chapters}
    budget = next(iter(budgets)) if len(budgets) == 1 else evidence.chapters[-1].step.budget
    return drawing(
        "steps",
        steps.steps_words(points, others=others, budget=budget),
        lambda width: steps.steps(points, others=others, budget=budget, width=width),
        WIDE,
        PHONE,
    )


def frontier_drawings(evidence: Evidence) -> Iterator[Drawing]:
    """Draw all recipes by what they cost, and which of them none beats."""
    if any(chapter.step.dataset != "mnist" for chapter in evidence.chapters):
        return
    budget = evidence.chapters[-1].step.budget
    for cost in ("parameters", "MACs", "seconds to train"):
        points = standing_points(evidence, cost)
        if len(points) >= FEWEST:
            yield drawing(
                f"frontier-{cost.split()[0].lower()}",
                frontier.frontier_words(points, cost=cost, budget=budget),
                _frontier(points, cost, evidence),
                WIDE if cost == "parameters" else HALF,
                PHONE,
            )


def _frontier(points: Sequence[Point], cost: str, evidence: Evidence) -> Callable[[int], Figure]:
    budget = evidence.chapters[-1].step.budget
    return lambda width: frontier.frontier(points, cost=cost, budget=budget, width=width)


def staircase_drawing(walk: Sequence[AblationStep]) -> Drawing:
    """Draw what each change of an ablation gains."""
    return drawing(
        "staircase",
        staircase.staircase_words(walk),
        lambda width: staircase.staircase(walk, width=width),
        MIDDLE,
        PHONE,
    )
