"""What claims are held against, and the words of a verdict on one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pennyweight.base.records import RunRecord
from pennyweight.nets.measure import Measurement, measure
from pennyweight.nets.plan import Plan, make_plan
from pennyweight.training.recipe import Recipe

TRUE, FALSE, PARTLY, UNCHECKABLE = "true", "false", "true in part", "not checkable"
Result: TypeAlias = tuple[str, str]
"""A verdict and its reason."""


@dataclass(frozen=True)
class Facts:
    """What claims are held against: recipes by name, and the full runs of each."""

    recipes: Mapping[str, Recipe]
    records: Callable[[str], Sequence[RunRecord]]

    def plan(self, name: str) -> Plan:
        """Return the plan of a recipe."""
        return make_plan(self.recipes[name].layers)

    def measured(self, name: str) -> Measurement:
        """Return the figures of a recipe."""
        return measure(self.plan(name))


def said(holds: bool, reason: str) -> Result:
    """Return true or false, with its reason."""
    return (TRUE if holds else FALSE), reason
