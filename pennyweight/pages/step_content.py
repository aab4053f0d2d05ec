"""What a page says of one step, under Target to Analysis, as values that its template lays out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import accuracy_summary
from pennyweight.figures import predictions
from pennyweight.figures.words import counted
from pennyweight.judging.ablation import AblationStep, ablation_steps
from pennyweight.judging.seeds import finals_of, recipe_verdict
from pennyweight.pages import drawings
from pennyweight.pages.analysis import Sentence, analyse
from pennyweight.pages.drawings import Drawing
from pennyweight.pages.evidence import Chapter, Evidence
from pennyweight.pages.ongoing import so_far
from pennyweight.pages.requirements import requirements_table
from pennyweight.pages.result_tables import confused_table, provenance_words, seeds_table
from pennyweight.pages.step import architecture, results_table, target_heading, targets
from pennyweight.pages.steps import Step, kept_share, median_record
from pennyweight.recipes.catalogue import ABLATIONS, step_before
from pennyweight.reporting.epoch_log import epoch_log
from pennyweight.reporting.layers import layer_table
from pennyweight.reporting.recipes import settings_table
from pennyweight.reporting.text import mean_words
from pennyweight.runs.published import WORDS
from pennyweight.tables.table import Table


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


def step_content(evidence: Evidence, chapter: Chapter, number: int) -> StepContent:
    """Return all that a page says of one of its chapters, by its number there."""
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
        target_heading=target_heading(step),
        requirements=requirements_table(step),
        architecture=architecture(step, before),
        architecture_heading=f"{costs.params:,} parameters, {costs.macs:,} multiply-accumulates",
        network=drawings.network_drawing(chapter, place),
        layers=layer_table(costs),
        result_heading=_result_heading(step),
        results=results_table(step) if step.records else None,
        ongoing=tuple(map(so_far, chapter.ongoing)),
        curves=drawings.curves_drawing(chapter, place, _curves_width(evidence)) if chapter.drawn else None,
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


def before_of(evidence: Evidence, chapter: Chapter) -> Step | None:
    """Return the step before a chapter in its source document, with its published runs; None where it has none."""
    recipe = step_before(chapter.step.recipe) if chapter.source == WORDS else None
    records = evidence.records(recipe.name) if recipe else ()
    return Step(recipe=recipe, records=tuple(records)) if recipe and records else None


def walk_of(evidence: Evidence) -> list[AblationStep]:
    """Return the ablation that leads to one of the chapters, where the page carries all its runs; else nothing."""
    names = {chapter.label for chapter in evidence.chapters}
    for walk in ABLATIONS.values():
        runs = [(words, evidence.records(recipe.name)) for words, recipe in walk]
        if walk[-1][1].name in names and all(records for _, records in runs):
            return ablation_steps(runs)
    return []


def _curves_width(evidence: Evidence) -> int:
    """Return how wide curves are: those of a single step tell the page, those of several stand beside their table."""
    return drawings.WIDE if len(evidence.chapters) == 1 else drawings.MIDDLE


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
        verdict = f", verdict on the recipe: {recipe_verdict(step.measured, step.budget, share)}" if step.budget else ""
        return f"{share.kept} of {counted(share.seeds, 'seed')} within the budget{verdict if share.seeds > 1 else ''}"
    if not step.measured:
        return "not run yet" if step.ongoing is None else "not complete"
    return f"{mean_words(accuracy_summary(finals_of(step.measured, step.split)))} % in the last epoch"
