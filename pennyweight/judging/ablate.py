"""What each change of a walk from one recipe to another gains."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import Difference, Summary, summary, welch
from pennyweight.judging.seeds import finals_of


@dataclass(frozen=True)
class Change:
    """A step of the walk: final test accuracy in percent over seeds, and the gain over the step before (Welch)."""

    words: str
    recipe: str
    params: int
    final: Summary
    gain: Difference | None


def changes(walk: Sequence[tuple[str, Sequence[RunRecord]]]) -> list[Change]:
    """Return the changes of a walk; each step holds its words and its runs, all of which measured the test images."""
    found: list[Change] = []
    before = None
    for words, records in walk:
        finals = finals_of(records, "test")
        gain = None if before is None else welch(finals, before)
        found.append(Change(words, records[0].recipe, records[0].params, summary(finals), gain))
        before = finals
    return found
