"""What claims are held against, and the words of a verdict on one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pennyweight.base.records import RunRecord
from pennyweight.nets.measure import Measurement, measure
from pennyweight.nets.plan import Plan
from pennyweight.settings.recipe import Recipe

TRUE, FALSE, PARTLY, UNCHECKABLE = "true", "false", "true in part", "not checkable"
CONSISTENT, INCONSISTENT = "consistent", "not consistent with our reading"
"""Instead of true and false where the document leaves open, or we reconstructed, what decides a claim."""
Result: TypeAlias = tuple[str, str]
"""A verdict and its reason."""


@dataclass(frozen=True)
class Evidence:
    """What claims are held against: recipes by name, the full runs of each, and how many readings of it were tried.

    `figures` is how many claims of all documents are held against runs: so many may be denied by chance.
    """

    recipes: Mapping[str, Recipe]
    records: Callable[[str], Sequence[RunRecord]]
    readings: Callable[[str], int] = lambda name: 1
    figures: int = 1

    def plan(self, name: str) -> Plan:
        """Return the plan of a recipe."""
        return self.recipes[name].plan()

    def measured(self, name: str) -> Measurement:
        """Return the figures of a recipe."""
        return measure(self.plan(name))

    def left_open(self, name: str) -> tuple[str, ...]:
        """Return the settings that the recipe's document does not state in full and we chose, by their first words."""
        suggested = self.recipes[name].origin.suggested
        return tuple(dict.fromkeys(key if key.startswith("layers") else key.partition(".")[0] for key in suggested))


def verdict_if(holds: bool, reason: str) -> Result:
    """Return true or false, with its reason."""
    return (TRUE if holds else FALSE), reason
