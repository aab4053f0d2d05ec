"""The analysis of a step: sentences that its records decide, each with the condition under which it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.judging.ablation import AblationStep
from pennyweight.pages.facts import Facts, facts_of
from pennyweight.pages.rules import RULES
from pennyweight.pages.steps import Step


@dataclass(frozen=True)
class Sentence:
    """One sentence of an analysis, as plain text, and the name of the rule that printed it."""

    rule: str
    text: str


def analyse(step: Step, before: Step | None = None, walk: Sequence[AblationStep] = ()) -> tuple[Sentence, ...]:
    """Return what the records of a step say: of its change from the step before, its target, its end and its mistakes.

    `walk` are the steps of an ablation that ends in this one. A step without runs has no analysis.
    """
    return sentences(facts_of(step, before, walk))


def sentences(facts: Facts) -> tuple[Sentence, ...]:
    """Return the sentences whose figures are there and whose condition holds, in the order of the rules."""
    return tuple(
        Sentence(rule.name, rule.words.format_map(facts))
        for rule in RULES
        if all(name in facts for name in rule.needs) and rule.holds(facts)
    )
