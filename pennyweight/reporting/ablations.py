"""What each step of an ablation gains."""

from collections.abc import Sequence

from pennyweight.judging.ablation import AblationStep
from pennyweight.reporting.text import interval_words, mean_words, plural
from pennyweight.runs.record_tree import RecordTree, core_seconds, full_runs
from pennyweight.settings.recipe import Recipe
from pennyweight.tables.table import Column, Table, right, table


def effort_words(recipes: Sequence[Recipe], seeds: int, dataset: str, tree: RecordTree, cores: int) -> str:
    """Return how many runs an ablation is, and how long `cores` cores take at the pace of the published runs.

    The time is left out where not all of its recipes have published runs on `dataset`.
    """
    count = f"{plural(len(recipes) * seeds, 'run')}: {plural(len(recipes), 'recipe')}, {plural(seeds, 'seed')} of each"
    published = [full_runs(tree, recipe.name, recipe.epochs, dataset) for recipe in recipes]
    if not all(published):
        return f"{count}."
    seconds = seeds * sum(map(core_seconds, published)) / cores
    processors = ", ".join(sorted({one.provenance.cpu.rpartition(",")[0] for runs in published for one in runs}))
    time = f"about {plural(max(1, round(seconds / 60)), 'minute')} on {plural(cores, 'core')}"
    return f"{count}; {time}, at the pace of the published ones ({processors})."


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
