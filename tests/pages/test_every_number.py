"""Every number and every plotted point of a page is one that its embedded evidence gives, and none is typed by hand.

What the evidence gives is computed by NumPy and SciPy from the page's own JSON (tests/page_figures.py), where a point
must stand from the ticks of its own axes (tests/page_plots.py); nothing that renders a page is asked.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from page_expected import Expectations, images_of
from page_figures import Figures
from page_numbers import NUMBER, Word, is_known, strange_numbers, words_of
from page_points import drawings_of
from support import TINY

import pennyweight as pw
from pennyweight.figures import curves, predictions
from pennyweight.pages import drawings
from pennyweight.pages import render as rendering
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.gather import gather
from pennyweight.pages.render import render

ROUNDING = 0.06
"""Pixels: coordinates are written to a hundredth, and so are the ticks they are held against."""


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page on three students' runs side by side."""
    folder = tmp_path_factory.mktemp("students")
    for seed, name in enumerate(("anna", "ben", "carl")):
        pw.train(replace(TINY, epochs=3), dataset="digits", seed=seed, out=folder / name, progress=False)
    return render(gather([folder / name for name in ("anna", "ben", "carl")]))


KINDS = [
    "run",
    "students",
    pytest.param("recipe", marks=pytest.mark.slow),
    pytest.param("journey", marks=pytest.mark.slow),
]


@pytest.fixture
def written(request: pytest.FixtureRequest, page: str, students: str) -> str:
    kind = request.param
    if kind in ("run", "students"):
        return page if kind == "run" else students
    return render(gather(["skip-3" if kind == "recipe" else "progressive"]))


def wrong_points(page: str) -> Iterator[str]:
    """Yield every series of a page that is not drawn where its evidence puts it, or of which nothing is known."""
    expectations = Expectations(page)
    for name, panels in drawings_of(page).items():
        try:
            expected = expectations.points(name, panels)
        except AssertionError as error:  # ticks that do not fit the scale of what the evidence gives
            yield f"{name}: {error}"
            continue
        for series, points in ((series, points) for panel in panels for series, points in panel.series.items()):
            found = points[:-1] if len(points) > 2 and points[0] == points[-1] else points
            wanted = expected.get(series)
            if wanted is None or len(found) != len(wanted):
                yield f"{name}: {series} has {len(found)} points, where there should be {wanted and len(wanted)}"
            elif not np.allclose(found, wanted, atol=ROUNDING):
                yield f"{name}: {series} stands at {found[:3]}, where it should stand at {wanted[:3]}"


def wrong_images(page: str) -> Iterator[str]:
    expectations = Expectations(page)
    for name, images in images_of(page).items():
        wanted = expectations.images(name)
        found = images[: len(wanted)]
        if len(images) - len(wanted) not in (0, 1) or not all(map(_alike, found, wanted)):
            yield f"{name} shows other images than the page carries"


def _alike(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Return whether colours are equal but for the rounding of one step of 256 of a scale."""
    return found.shape == wanted.shape and bool((np.abs(found.astype(int) - wanted) <= 8).all())


@pytest.mark.parametrize("written", KINDS, indirect=True)
def test_every_number_is_one_that_the_evidence_gives(written: str) -> None:
    assert len(words_of(written)) > 400
    assert strange_numbers(written, Figures(written)) == []


@pytest.mark.parametrize("written", KINDS, indirect=True)
def test_every_plotted_point_and_image_is_where_and_what_the_evidence_says(written: str) -> None:
    count = sum(
        len(points) for panels in drawings_of(written).values() for one in panels for points in one.series.values()
    )
    assert count > 150
    assert [*wrong_points(written), *wrong_images(written)] == []


@pytest.mark.parametrize("written", KINDS, indirect=True)
def test_a_number_a_little_beside_is_rarely_one_of_the_evidence(written: str) -> None:
    """How much the first test can see: of numbers that are moved by some units of their last place few are known."""
    figures = Figures(written)
    generator = np.random.default_rng(0)
    known: dict[str, list[bool]] = {"decimal": [], "whole": []}
    for word in words_of(written):
        if moved := _moved(word, int(generator.choice([-1, 1]) * generator.integers(1, 10))):
            known["decimal" if "." in moved.text else "whole"].append(is_known(moved, figures))
    for found in known.values():
        assert len(found) > 40
        assert np.mean(found) < 1 / 3


def _moved(word: Word, units: int) -> Word | None:
    text = word.text.strip("()[]:;,.")
    decimals = len(text.partition(".")[2])
    if not NUMBER.fullmatch(text) or "e" in text or decimals == 1 or (not decimals and len(text) < 3):
        return None
    number = float(text.replace(",", "")) + units * 10.0**-decimals
    return replace(word, text=f"{number:+,.{decimals}f}" if text[0] in "+-" else f"{number:,.{decimals}f}")


@pytest.mark.parametrize(
    ("template", "after", "typed"),
    [
        ("page.html", '<main id="main">', "<p>At 97.31 % it is good.</p>"),
        ("page.html", '<h2 id="proof-heading">', "0.4711 "),
        ("step.html", "<h3>Analysis</h3>", "<p>It gains 0.37 points with 6,271 parameters.</p>"),
        ("step.html", "<h3>Inside</h3>", "<p>Layer 41 of them.</p>"),
    ],
)
def test_a_number_typed_into_a_template_is_found(
    template: str, after: str, typed: str, evidence: Evidence, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(rendering.TEMPLATES, tmp_path / "templates")
    path = tmp_path / "templates" / template
    text = path.read_text(encoding="utf-8")
    assert text.count(after) == 1
    path.write_text(text.replace(after, after + typed), encoding="utf-8")
    monkeypatch.setattr(rendering, "TEMPLATES", tmp_path / "templates")
    rendering._environment.cache_clear()
    try:
        page = render(evidence)
    finally:
        rendering._environment.cache_clear()
    numbers = NUMBER.findall(typed.replace("<h2", ""))
    strange = strange_numbers(page, Figures(page))
    assert [number for number in numbers if any(f">{number}" in one for one in strange)] == numbers


def late_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawing whose curves begin an epoch too late."""
    draw = curves.draw_line
    monkeypatch.setattr(curves, "draw_line", lambda axes, name, mean, split: draw(axes, name, np.roll(mean, 1), split))


def turned_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts by class in which labels and predictions are exchanged."""
    counts_of = predictions.counts_of
    monkeypatch.setattr(predictions, "counts_of", lambda record: counts_of(record).T)


def exchanged_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawings of another seed than the one that was looked into."""
    draw = drawings.class_drawings
    monkeypatch.setattr(
        drawings,
        "class_drawings",
        lambda record, place: draw(replace(record, misclassified=record.misclassified[5:]), place),
    )


@pytest.mark.parametrize("plant", [late_curve, turned_matrix, exchanged_seed], ids=lambda plant: plant.__name__)
def test_a_point_that_a_drawing_puts_elsewhere_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert list(wrong_points(render(evidence))) != []


def test_an_image_of_another_is_found(evidence: Evidence) -> None:
    chapter = evidence.chapters[0]
    assert chapter.inspection
    page = render(evidence)
    other = replace(chapter.inspection, images=chapter.inspection.images[::-1].copy())
    shown = render(replace(evidence, chapters=(replace(chapter, inspection=other),)))
    forged = shown[: shown.index(rendering.OPENING)] + page[page.index(rendering.OPENING) :]
    assert list(wrong_images(forged)) != []
