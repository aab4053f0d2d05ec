"""What a page says first: what it is about, and the verdict as a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from pennyweight.base.budget import Budget, check, hold_words
from pennyweight.judging.seeds import finals_of, share_of
from pennyweight.pages.evidence import Chapter, Evidence
from pennyweight.pages.ongoing import so_far
from pennyweight.pages.requirements import parameter_cap
from pennyweight.pages.steps import Step, seeds_words, split_words
from pennyweight.reporting.text import plural

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
    """Return the title of a page: its document, the steps that stand side by side, or a step and its budget."""
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
    """Return what a step is judged on as the end of a title: `, judged on 99.4 % with at most 8,000 parameters`."""
    budget, cap = step.budget, parameter_cap(step)
    if budget is None:
        return f" on {step.dataset}, without a budget"
    within = f" with {cap.words} parameters" if cap else ""
    return f", judged on {budget.accuracy:g} % {split_words(budget.split)} accuracy{within}"


def page_headline(evidence: Evidence) -> Headline:
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


def headline(step: Step) -> Headline:
    """Return whether a step stays within its budget, by which figures, and in how many seeds."""
    budget = step.budget
    if not step.records:
        return Headline(f"{step.name} ", "has no runs yet", f": {step.costs.params:,} parameters.", None)
    if budget is None or budget.split != step.split or not step.measured:
        why = "has no budget" if budget is None else f"was not evaluated on {split_words(budget.split)} images"
        return Headline(f"{step.name} ", why, f" on {step.dataset}: {_unjudged(step)}.", None)
    kept = [check(budget, record).met is True for record in step.records]
    figures = _figures(step, budget)
    if len(kept) == 1:
        word = "stays within" if kept[0] else "breaks"
        return Headline(f"{step.name} ", word, f" its budget: {figures}, with {seeds_words(step.records)}.", kept[0])
    if not any(kept):
        return Headline(f"{step.name} ", "breaks", f" its budget in all of {len(kept)} seeds: {figures}.", False)
    share = share_of(step.records, budget)
    sure = f"; shown of {floor(1000 * share.low) / 10:.1f} % of all seeds or more" if share.low >= SURE else ""
    count = f"in {sum(kept)} of {len(kept)} seeds"
    if all(kept):
        return Headline(f"{step.name} ", "stays within", f" its budget {count}: {figures}{sure}.", True)
    return Headline(f"{step.name} stays within its budget ", count, f": {figures}{sure}.", None)


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
    cap, epochs = parameter_cap(step), max(len(record.epochs) for record in step.records)
    params, parts = step.records[0].params, list[str]()
    if cap is not None:
        within = f"{params:,} of {cap.limit:,} parameters"
        parts.append(within if cap.allows(params) else f"{params:,} parameters where {cap.words} are allowed")
    parts += [f"{epochs} of {budget.max_epochs} epochs"] if budget.max_epochs is not None else []
    hold, lowest = budget.hold_epochs, step.last_epochs(budget.hold_epochs).min()
    if lowest >= budget.accuracy:
        return ", ".join([*parts, f"at least {lowest:.2f} % in {hold_words(hold)}"])
    of = "in the last epoch" if hold == 1 else f"in the last {hold} epochs"
    worst = f"{lowest:.2f} %" if hold == 1 == len(step.records) else f"{lowest:.2f} % at the lowest"
    return ", ".join([*parts, f"{worst} {of} where {budget.accuracy:g} % is asked"])


def _unjudged(step: Step) -> str:
    epochs = plural(max(len(record.epochs) for record in step.records), "epoch")
    parts = [f"{step.records[0].params:,} parameters", epochs]
    if step.measured:
        parts.append(f"{finals_of(step.measured, step.split).mean():.2f} % {split_words(step.split)} accuracy")
    return ", ".join([*parts, seeds_words(step.records)])
