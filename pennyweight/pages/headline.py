"""What a page says first: what it is about, and the verdict as a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from pennyweight.base.budget import Budget, check, hold_words
from pennyweight.judging.seeds import MET, NOT_MET, NOT_SHOWN, finals_of, recipe_verdict, share_of
from pennyweight.pages.changes import listed
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.ongoing import so_far
from pennyweight.pages.steps import Step, seeds_words, split_words
from pennyweight.reporting.text import plural

SHOWN_WORDS = {MET: "met", NOT_MET: "not met", NOT_SHOWN: "not shown to be met"}
"""What is said of a budget over seeds, by the verdict of its judge."""
SURE = 0.5
"""A share of all seeds that a headline names, where it is shown: that more of them keep the budget than break it."""


@dataclass(frozen=True)
class Headline:
    """A sentence in three parts, of which `word` decides; `met` is None where nothing was judged, or seeds differ."""

    before: str
    word: str
    after: str
    met: bool | None

    @property
    def text(self) -> str:
        """Return the whole sentence."""
        return f"{self.before}{self.word}{self.after}"


def page_heading(evidence: Evidence) -> str:
    """Return the title of a page: its document, what stands side by side, or a step and its budget."""
    if evidence.document:
        return evidence.title
    if len(evidence.chapters) > 1:
        return f"{evidence.title} side by side"
    (only,) = evidence.chapters
    return only.label + _judged_on(only.step)


def kicker(evidence: Evidence) -> str:
    """Return which document a page is about, or of which it shows a step; empty where that is none."""
    if evidence.document:
        return f"Document {evidence.document.partition(' ')[0]}, {plural(len(evidence.chapters), 'step')}"
    documents = {one.step.recipe.origin.document for one in evidence.chapters}
    return f"A step of document {documents.pop()}" if len(evidence.chapters) == 1 and any(documents) else ""


def _judged_on(step: Step) -> str:
    """Return what a step is judged on as the end of a title: ` on digits, judged on 90 % with at most 8,000 ...`."""
    budget = step.budget
    if budget is None:
        return f" on {step.dataset}, without a budget"
    within = f" with at most {budget.max_params:,} parameters" if budget.max_params else ""
    return f" on {step.dataset}, judged on {budget.accuracy:g} % {split_words(budget.split)} accuracy{within}"


def page_headline(evidence: Evidence) -> Headline:
    """Return what the page says first: of its document as a whole, of a run that goes on, else of its last step."""
    last = evidence.chapters[-1]
    if evidence.document:
        return journey_headline([one.step for one in evidence.chapters])
    if len(evidence.chapters) + len(evidence.problems) > 1:
        return _side_by_side(evidence)
    if last.ongoing and not last.step.records:
        return Headline(f"{last.label} ", "is not complete", f": {'; '.join(map(so_far, last.ongoing))}.", None)
    return headline(last.step)


def _side_by_side(evidence: Evidence) -> Headline:
    """Return which of several chapters ends highest, where they were judged on the same images, and what is refused."""
    chapters, refused = evidence.chapters, [one.source for one in evidence.problems]
    after = f"; {plural(len(refused), 'run')} refused: {listed(refused)}" if refused else ""
    if len(chapters) == 1:
        only = headline(chapters[0].step, chapters[0].label)
        return Headline(only.before, only.word, f"{only.after.removesuffix('.')}{after}.", only.met)
    ends = [(float(finals_of(one.step.measured, one.step.split).mean()), one) for one in chapters if one.step.measured]
    data = {(one.step.split, one.step.records[0].provenance.dataset_digest) for _, one in ends}
    side_by_side = f"{len(chapters)} side by side"
    if len(data) != 1:
        why = ", judged on different images, which no order can be made of" if data else ", none of them judged"
        return Headline(side_by_side, "", f"{why}{after}.", None)
    highest = max(accuracy for accuracy, _ in ends)
    best = [one.label for accuracy, one in ends if accuracy == highest]
    where = dataset_words(ends[0][1].step)
    words = f"{listed(best[:3])} {'ends' if len(best) == 1 else 'end'} highest, at {highest:.2f} % of {where}"
    return Headline(f"{side_by_side}: {words}{after}", "", ".", None)


def dataset_words(step: Step) -> str:
    """Return the images that a step was judged on: `10,000 test images of mnist`."""
    return f"{step.measured[0].images(step.split):,} {split_words(step.split)} images of {step.dataset}"


def headline(step: Step, name: str = "") -> Headline:
    """Return whether a step keeps its budget, by which figures, and what its judge says of the recipe.

    `name` is what the step is called instead of by its recipe.
    """
    budget, name = step.budget, name or step.name
    if not step.records and step.ongoing:
        return Headline(f"{name} ", "is not complete", f": {so_far(step.ongoing)}.", None)
    if not step.records:
        return Headline(f"{name} ", "has no runs yet", f": {step.costs.params:,} parameters.", None)
    if budget is None or budget.split != step.split or not step.measured:
        why = "has no budget" if budget is None else f"was not evaluated on {split_words(budget.split)} images"
        return Headline(f"{name} ", why, f" on {step.dataset}: {_unjudged(step)}.", None)
    kept = [check(budget, record).met is True for record in step.records]
    figures, of = _figures(step, budget), f" its budget on {step.dataset}"
    if len(kept) == 1:
        word = "stays within" if kept[0] else "breaks"
        return Headline(f"{name} ", word, f"{of}, with {seeds_words(step.records)}: {figures}.", kept[0])
    share = share_of(step.records, budget)
    verdict = recipe_verdict(step.records, budget, share)
    few = "only " if 0 < share.kept < budget.hold_rate * share.seeds else ""
    seeds = f"{few}{share.kept} of {share.seeds} seeds of {name} keep{'s' * (share.kept == 1)}"
    sure = f"; at 95 % confidence, at least {floor(1000 * share.low) / 10:.1f} % do" * (share.low >= SURE)
    asked = f"{100 * budget.hold_rate:g} % of all seeds are asked{sure}"
    word = SHOWN_WORDS[verdict]
    met = {MET: True, NOT_MET: False, NOT_SHOWN: None}[verdict]
    return Headline(f"{seeds[0].upper()}{seeds[1:]}{of}: ", word, f". {figures}. {asked}.", met)


def journey_headline(steps: Sequence[Step]) -> Headline:
    """Return what the steps come to: from which accuracy and size to which, and whether the last keeps its budget.

    Raises ValueError without a step.
    """
    if not steps:
        raise ValueError("a journey needs a step")
    last = headline(steps[-1])
    run = [step for step in steps if step.measured]
    if len(run) < 2:
        return last
    first, end = (float(finals_of(one.measured, one.split).mean()) for one in (run[0], run[-1]))
    way = f"{run[0].costs.params:,} to {run[-1].costs.params:,} parameters"
    words = f"From {first:.2f} to {end:.2f} % {split_words(run[-1].split)} accuracy in {len(run)} steps, {way}. "
    return Headline(words + last.before, last.word, last.after, last.met)


def _figures(step: Step, budget: Budget) -> str:
    """Return every limit with what was measured against it: `7,454 of 8,000 parameters, 15 of 15 epochs, ...`."""
    shortest, epochs = (limit(len(record.epochs) for record in step.records) for limit in (min, max))
    params, parts = step.records[0].params, list[str]()
    for measured, cap, what in ((params, budget.max_params, "parameters"), (epochs, budget.max_epochs, "epochs")):
        if cap is not None:
            over = f"{measured:,} {what} where at most {cap:,} are allowed"
            parts.append(f"{measured:,} of {cap:,} {what}" if measured <= cap else over)
    hold = budget.hold_epochs
    if shortest < hold:
        parts.append(f"{plural(shortest, 'epoch')} run where the accuracy has to hold in {hold}")
        hold = shortest
    lowest, images = step.last_epochs(hold).min(), f"{step.measured[0].images(step.split):,} {split_words(step.split)}"
    if lowest >= budget.accuracy:
        return ", ".join([*parts, f"at least {lowest:.2f} % of {images} images in {hold_words(hold)}"])
    of = "in the last epoch" if hold == 1 else f"in the last {hold} epochs"
    worst = f"{lowest:.2f} %" if hold == 1 == len(step.records) else f"at the lowest {lowest:.2f} %"
    return ", ".join([*parts, f"{worst} of {images} images {of}, where {budget.accuracy:g} % is asked"])


def _unjudged(step: Step) -> str:
    epochs = plural(max(len(record.epochs) for record in step.records), "epoch")
    parts = [f"{step.records[0].params:,} parameters", epochs]
    if step.measured:
        parts.append(f"{finals_of(step.measured, step.split).mean():.2f} % {split_words(step.split)} accuracy")
    return ", ".join([*parts, seeds_words(step.records)])
