"""What each step of an ablation from one recipe to another gains."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.base.records import RunRecord
from pennyweight.base.stats import Difference, Summary, accuracy_difference, accuracy_summary
from pennyweight.judging.seeds import finals_of


@dataclass(frozen=True)
class AblationStep:
    """One step of an ablation: final test accuracy in percent over seeds, and its gain over the step before (Welch)."""

    words: str
    recipe: str
    params: int
    final: Summary
    gain: Difference | None


def ablation_steps(runs: Sequence[tuple[str, Sequence[RunRecord]]]) -> list[AblationStep]:
    """Return the steps of an ablation, given the label and the runs of each, evaluated on the test images."""
    steps: list[AblationStep] = []
    before = None
    for label, records in runs:
        finals = finals_of(records, "test")
        gain = None if before is None else accuracy_difference(finals, before)
        steps.append(AblationStep(label, records[0].recipe, records[0].params, accuracy_summary(finals), gain))
        before = finals
    return steps
