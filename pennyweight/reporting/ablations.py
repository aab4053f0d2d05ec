"""What each step of an ablation gains."""

from collections.abc import Sequence

from pennyweight.judging.ablation import AblationStep
from pennyweight.reporting.text import interval_words, mean_words
from pennyweight.tables.table import Column, Table, right, table


def ablation_table(steps: Sequence[AblationStep]) -> Table:
    """Return one row per step: its final test accuracy over seeds, and its gain over the step before."""
    columns = (
        Column("change", narrow="wrap"),
        *right("params", "final test, %", "seeds", "gain", "95 % interval of the gain"),
    )
    return table(
        columns,
        (
            (
                step.words,
                f"{step.params:,}",
                mean_words(step.final),
                step.final.n,
                "" if step.gain is None else f"{step.gain.mean:+.2f}",
                "" if step.gain is None else interval_words(step.gain, sign="+"),
            )
            for step in steps
        ),
    )
