"""What a page says while its runs go on: how far they are, and what their complete seeds come to."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.pages import drawings
from pennyweight.pages.drawings import Drawing
from pennyweight.pages.evidence import Chapter, Evidence
from pennyweight.pages.gather import MOST_IN_FULL
from pennyweight.pages.headline import Headline, page_heading, page_headline
from pennyweight.pages.ongoing import so_far
from pennyweight.pages.requirements import requirements_table
from pennyweight.tables.table import Table


@dataclass(frozen=True)
class LiveStep:
    """A chapter of a page on runs that go on."""

    place: str
    chapter: Chapter
    ongoing: Sequence[str]
    requirements: Table
    curves: Drawing


@dataclass(frozen=True)
class LiveContent:
    """A page on runs that go on: how far they are, their curves, and what their complete seeds come to."""

    title: str
    heading: str
    headline: Headline
    steps: Sequence[LiveStep]


def live_content(evidence: Evidence) -> LiveContent:
    """Return what a page says while its runs go on; no verdict is spoken of a run that is not complete."""
    steps = [
        LiveStep(
            place=f"step-{number}",
            chapter=chapter,
            ongoing=tuple(map(so_far, chapter.ongoing)),
            requirements=requirements_table(chapter.step),
            curves=drawings.curves_drawing(chapter, f"step-{number}"),
        )
        for number, chapter in enumerate(evidence.chapters[:MOST_IN_FULL], start=1)
    ]
    return LiveContent(evidence.title, page_heading(evidence), page_headline(evidence), steps)
