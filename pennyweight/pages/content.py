"""What a page says, from its verdict to its evidence, as values that its template lays out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pennyweight.base.stats import accuracy_summary
from pennyweight.documents.check import CheckedClaim, check_claim, count_figures
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.evidence import Evidence as ClaimEvidence
from pennyweight.figures.words import counted
from pennyweight.judging.seeds import finals_of
from pennyweight.pages import drawings
from pennyweight.pages.drawings import Drawing
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.gather import MOST_IN_FULL
from pennyweight.pages.headline import Headline, kicker, page_heading, page_headline
from pennyweight.pages.requirements import seconds_note, summary_table
from pennyweight.pages.result_tables import provenance_words
from pennyweight.pages.step_content import StepContent, step_content, walk_of
from pennyweight.pages.steps import Step, kept_share
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.reporting.ablations import ablation_table
from pennyweight.reporting.claims import claims_table, verdict_counts
from pennyweight.reporting.text import duration, interval_words, plural
from pennyweight.runs.published import WORDS
from pennyweight.tables.table import Table


@dataclass(frozen=True)
class KeyFigure:
    """A figure under the verdict: its value, what it is, and the interval or limit it is read with."""

    value: str
    what: str
    within: str


@dataclass(frozen=True)
class PageContent:
    """A page from its verdict to its evidence."""

    title: str
    kicker: str
    heading: str
    headline: Headline
    figures: Sequence[KeyFigure]
    provenance: str
    opening: Drawing | None
    summary: Table
    seconds_note: str
    steps: Sequence[StepContent]
    refused: str
    left_out: int
    frontiers: Sequence[Drawing]
    staircase: Drawing | None
    walk: Table | None
    claims: Table | None
    claims_heading: str


def page_content(evidence: Evidence) -> PageContent:
    """Return all that a page says, from its evidence alone."""
    chapters, last = evidence.chapters, evidence.chapters[-1]
    told_by_last = bool(evidence.document) or len(chapters) == 1
    walk = walk_of(evidence)
    checked = checked_claims(evidence)
    opening = drawings.opening_drawing(evidence)
    steps = [step_content(evidence, chapter, number) for number, chapter in enumerate(chapters[:MOST_IN_FULL], start=1)]
    if opening is None and len(steps) == 1:  # the curves of a single step are what tells it
        opening = steps[0].curves
    return PageContent(
        title=evidence.title,
        kicker=kicker(evidence),
        heading=page_heading(evidence),
        headline=page_headline(evidence),
        figures=tuple(key_figures(last.step)) if told_by_last else (),
        provenance=provenance_words(last) if told_by_last else "",
        opening=opening,
        summary=summary_table(
            [one.step for one in chapters],
            [one.label for one in chapters],
            [problem.source for problem in evidence.problems],
        ),
        seconds_note=seconds_note([one.step for one in chapters if one.step.records]),
        steps=steps,
        refused=f"Refused: {plural(len(evidence.problems), 'run')}",
        left_out=max(0, len(chapters) - MOST_IN_FULL),
        frontiers=tuple(drawings.frontier_drawings(evidence)),
        staircase=drawings.staircase_drawing(walk) if walk else None,
        walk=ablation_table(walk) if walk else None,
        claims=claims_table(checked, quotes='"') if checked else None,
        claims_heading=f"What the document claims: {verdict_counts(checked)}" if checked else "",
    )


def key_figures(step: Step) -> Iterator[KeyFigure]:
    """Yield the four figures of a step: accuracy, parameters, seeds that kept the budget, seconds."""
    share, budget, params = kept_share(step), step.budget, step.costs.params
    if step.measured:
        final = accuracy_summary(finals_of(step.measured, step.split))
        spread = f"95 % interval {interval_words(final)}" if final.n > 1 else "one seed, no interval"
        yield KeyFigure(f"{final.mean:.2f} %", f"{step.split} accuracy, last epoch", spread)
    if budget and budget.max_params:
        yield KeyFigure(
            f"{params:,}", "parameters", f"{100 * params / budget.max_params:.1f} % of {budget.max_params:,}"
        )
    else:
        yield KeyFigure(f"{params:,}", "parameters", "no limit")
    if share and budget:
        asked = f"{100 * budget.hold_rate:g} % of all seeds asked"
        yield KeyFigure(f"{share.kept} of {share.seeds}", "seeds within the budget", asked)
    if step.records:
        epochs = len(step.records[0].epochs)
        how = "nothing else running" if step.time else "median"
        yield KeyFigure(duration(step.training_seconds), "to train", f"{counted(epochs, 'epoch')}, {how}")


def checked_claims(evidence: Evidence) -> tuple[CheckedClaim, ...]:
    """Return the document's claims about the chapters, held against the runs that the page carries."""
    names = {chapter.step.recipe.name for chapter in evidence.chapters if chapter.source == WORDS}
    held = ClaimEvidence(
        recipes={recipe.name: recipe for recipe in RECIPES},
        records=evidence.records,
        readings=lambda name: evidence.readings.get(name, 1),
        figures=count_figures(tuple(CLAIMS.values())),
    )
    said = (claim for document in CLAIMS.values() for claim in document)
    return tuple(check_claim(claim, held) for claim in said if claim.recipe in names)
