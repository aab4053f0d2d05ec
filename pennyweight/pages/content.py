"""What a page says, section by section, as values that its template lays out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import accuracy_summary
from pennyweight.documents.check import CheckedClaim, check_claim, count_figures
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.evidence import Evidence as ClaimEvidence
from pennyweight.figures import predictions
from pennyweight.figures.words import counted
from pennyweight.judging.ablation import AblationStep, ablation_steps
from pennyweight.judging.seeds import KeptShare, finals_of, share_of
from pennyweight.pages import drawings
from pennyweight.pages.analysis import Sentence, analyse
from pennyweight.pages.drawings import Drawing
from pennyweight.pages.evidence import Chapter, Evidence
from pennyweight.pages.gather import MOST_IN_FULL
from pennyweight.pages.headline import Headline, headline, journey_headline
from pennyweight.pages.requirements import requirements_table, seconds_note, summary_table
from pennyweight.pages.result_tables import confused_table, provenance_words, seeds_table
from pennyweight.pages.step import architecture, results_table, targets
from pennyweight.pages.steps import Step, median_record
from pennyweight.recipes.catalogue import ABLATIONS, RECIPES, step_before
from pennyweight.reporting.ablations import ablation_table
from pennyweight.reporting.claims import claims_table, verdict_counts
from pennyweight.reporting.epoch_log import epoch_log
from pennyweight.reporting.layers import layer_table
from pennyweight.reporting.recipes import settings_table
from pennyweight.reporting.text import duration, interval_words, mean_words
from pennyweight.runs.published import WORDS
from pennyweight.tables.table import Table, one_line


@dataclass(frozen=True)
class KeyFigure:
    """A figure under the verdict: its value, what it is, and the interval or limit it is read with."""

    value: str
    what: str
    within: str


@dataclass(frozen=True)
class StepContent:
    """A chapter as it is laid out: headings, bullets, tables and drawings under Target to Analysis.

    `place` begins the identifiers of everything in it.
    """

    place: str
    chapter: Chapter
    heading: str
    targets: Sequence[str]
    target_heading: str
    requirements: Table
    architecture: Sequence[str]
    architecture_heading: str
    network: Drawing
    layers: Table
    result_heading: str
    results: Table | None
    ongoing: Sequence[str]
    curves: Drawing | None
    log: str
    log_seed: int
    confusions: Sequence[Drawing]
    confused: Table | None
    mistakes_heading: str
    images: Sequence[Drawing]
    arrays: Sequence[Drawing]
    sentences: Sequence[Sentence]
    settings: Table
    seeds: Table | None
    provenance: str

    @property
    def drawings(self) -> Iterator[Drawing]:
        """Yield every figure of the step in the order of the page."""
        yield self.network
        if self.curves:
            yield self.curves
        yield from (*self.confusions, *self.images, *self.arrays)


@dataclass(frozen=True)
class PageContent:
    """A page from its verdict to its evidence."""

    title: str
    kicker: str
    headline: Headline
    figures: Sequence[KeyFigure]
    provenance: str
    opening: Drawing | None
    summary: Table
    seconds_note: str
    steps: Sequence[StepContent]
    left_out: int
    frontiers: Sequence[Drawing]
    staircase: Drawing | None
    walk: Table | None
    claims: Table | None
    claims_heading: str


def page_content(evidence: Evidence) -> PageContent:
    """Return all that a page says, from its evidence alone."""
    last = evidence.chapters[-1]
    told_by_last = bool(evidence.document) or len(evidence.chapters) == 1
    walk = walk_of(evidence)
    checked = checked_claims(evidence)
    opening = drawings.opening_drawing(evidence)
    steps = [
        _step_content(evidence, chapter, number)
        for number, chapter in enumerate(evidence.chapters[:MOST_IN_FULL], start=1)
    ]
    if opening is None and len(steps) == 1:  # the curves of a single step are what tells it
        opening = steps[0].curves
    return PageContent(
        title=evidence.title,
        kicker=f"Document {evidence.document}" if evidence.document else evidence.title,
        headline=_headline(evidence),
        figures=tuple(key_figures(last.step)) if told_by_last else (),
        provenance=provenance_words(last) if told_by_last else "",
        opening=opening,
        summary=_summary(evidence.chapters),
        seconds_note=seconds_note([chapter.step for chapter in evidence.chapters if chapter.step.records]),
        steps=steps,
        left_out=max(0, len(evidence.chapters) - MOST_IN_FULL),
        frontiers=tuple(drawings.frontier_drawings(evidence)),
        staircase=drawings.staircase_drawing(walk) if walk else None,
        walk=ablation_table(walk) if walk else None,
        claims=claims_table(checked, quotes='"') if checked else None,
        claims_heading=f"What the document claims: {verdict_counts(checked)}" if checked else "",
    )


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
    return LiveContent(evidence.title, _headline(evidence), steps)


def _headline(evidence: Evidence) -> Headline:
    """Return what the page says first: of its document as a whole, of a run that goes on, else of its last step."""
    last = evidence.chapters[-1]
    if evidence.document:
        return journey_headline([one.step for one in evidence.chapters])
    if len(evidence.chapters) > 1:
        return _side_by_side(evidence.chapters)
    if last.ongoing and not last.step.records:
        return Headline(f"{last.label} ", "is not complete", f": {'; '.join(map(so_far, last.ongoing))}.", None)
    return headline(last.step)


def _side_by_side(chapters: Sequence[Chapter]) -> Headline:
    """Return which of several chapters ends highest, where they were judged on the same images."""
    ends = [(float(finals_of(one.step.measured, one.step.split).mean()), one) for one in chapters if one.step.measured]
    data = {(one.step.split, one.step.records[0].provenance.dataset_digest) for _, one in ends}
    if len(data) != 1:
        return Headline(f"{len(chapters)} steps side by side", "", ".", None)
    highest = max(accuracy for accuracy, _ in ends)
    best = [one.label for accuracy, one in ends if accuracy == highest]
    words = f"{' and '.join(best[:3])} {'ends' if len(best) == 1 else 'end'} highest, at {highest:.2f} %"
    return Headline(f"{len(chapters)} side by side: {words}", "", ".", None)


def so_far(record: RunRecord) -> str:
    """Return how far a run is that is not complete, and what it has reached."""
    split = "test" if record.evaluated_on("test") else "val"
    accuracy = record.epochs[-1].score(split).accuracy
    reached = "" if accuracy is None else f", {accuracy:.2f} % {split} accuracy"
    return f"seed {record.seed} has trained {len(record.epochs)} of {record.planned_epochs} epochs{reached}"


def _summary(chapters: Sequence[Chapter]) -> Table:
    """Return the result summary, each step under the name it has on the page."""
    found = summary_table([chapter.step for chapter in chapters])
    rows = zip(chapters, found.rows, strict=True)
    return replace(found, rows=tuple((one_line(chapter.label), *row[1:]) for chapter, row in rows))


def kept_share(step: Step) -> KeptShare | None:
    """Return how many seeds of a step kept its budget; None without one, or without runs that measured its split."""
    return share_of(step.measured, step.budget) if step.budget and step.measured else None


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
        asked = f"asked of {100 * budget.hold_rate:g} % of seeds"
        yield KeyFigure(f"{share.kept} of {share.seeds}", "seeds within the budget", asked)
    if step.records:
        seconds = median(sum(row.seconds for row in record.epochs) for record in step.records)
        epochs = len(step.records[0].epochs)
        yield KeyFigure(duration(seconds), "to train", f"{counted(epochs, 'epoch')}, median")


def before_of(evidence: Evidence, chapter: Chapter) -> Step | None:
    """Return the step before a chapter in its source document, with its published runs; None where it has none."""
    recipe = step_before(chapter.step.recipe) if chapter.source == WORDS else None
    records = evidence.records(recipe.name) if recipe else ()
    return Step(recipe=recipe, records=tuple(records)) if recipe and records else None


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


def walk_of(evidence: Evidence) -> list[AblationStep]:
    """Return the ablation that leads to one of the chapters, where the page carries all its runs; else nothing."""
    names = {chapter.label for chapter in evidence.chapters}
    for walk in ABLATIONS.values():
        runs = [(words, evidence.records(recipe.name)) for words, recipe in walk]
        if walk[-1][1].name in names and all(records for _, records in runs):
            return ablation_steps(runs)
    return []


def _step_content(evidence: Evidence, chapter: Chapter, number: int) -> StepContent:
    step, place = chapter.step, f"step-{number}"
    before, costs = before_of(evidence, chapter), chapter.step.costs
    record = _pictured(chapter)
    walk = walk_of(evidence)
    inspection, classes = chapter.inspection, record.classes if record else ()
    reliability = [drawings.calibration_drawing(inspection, place)] if inspection else []
    counts = predictions.counts_of(record) if record else None
    budget = step.budget
    wrong = len(record.misclassified) if record and record.evaluated_on("test") else None
    return StepContent(
        place=place,
        chapter=chapter,
        heading=_heading(chapter),
        targets=targets(step),
        target_heading=f"{step.target:g} % {step.split} accuracy" if step.target else "none stated",
        requirements=requirements_table(step),
        architecture=architecture(step, before),
        architecture_heading=f"{costs.params:,} parameters, {costs.macs:,} multiply-accumulates",
        network=drawings.network_drawing(chapter, place),
        layers=layer_table(costs),
        result_heading=_result_heading(step),
        results=results_table(step) if step.records else None,
        ongoing=tuple(map(so_far, chapter.ongoing)),
        curves=drawings.curves_drawing(chapter, place) if chapter.drawn else None,
        log=epoch_log(record, step.recipe) if record else "",
        log_seed=record.seed if record else 0,
        confusions=[*(drawings.class_drawings(record, place) if record else ()), *reliability],
        confused=None if record is None or counts is None else confused_table(counts, record.classes),
        mistakes_heading="" if record is None or wrong is None else f"{wrong:,} of {record.test_images:,} test images",
        images=[*drawings.image_drawings(inspection, classes, place)] if inspection and classes else [],
        arrays=[*drawings.array_drawings(inspection, place)] if inspection else [],
        sentences=analyse(step, before, walk if walk and walk[-1].recipe == step.recipe.name else ()),
        settings=settings_table(step.recipe),
        seeds=seeds_table(step.records, budget) if step.records else None,
        provenance=provenance_words(chapter),
    )


def _pictured(chapter: Chapter) -> RunRecord | None:
    """Return the run that pictures of single images are of: the one looked into, else the one nearest the median."""
    inspected = chapter.inspection
    found = (one for one in chapter.step.records if inspected and one.weights_sha256 == inspected.weights_sha256)
    return next(found, median_record(chapter.step))


def _heading(chapter: Chapter) -> str:
    step = chapter.step
    if not step.measured:
        return f"{chapter.label}: {step.costs.params:,} parameters"
    accuracy = f"{finals_of(step.measured, step.split).mean():.2f} %"
    return f"{chapter.label}: {accuracy} with {step.costs.params:,} parameters"


def _result_heading(step: Step) -> str:
    if share := kept_share(step):
        return f"{share.kept} of {counted(share.seeds, 'seed')} within the budget"
    if not step.measured:
        return "not run yet" if step.ongoing is None else "not complete"
    return f"{mean_words(accuracy_summary(finals_of(step.measured, step.split)))} % in the last epoch"
