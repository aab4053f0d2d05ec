"""A step of a journey: a recipe and its finished runs; what pages, analyses and STEP.md are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import Budget, budget_for
from pennyweight.base.records import SPLITS, RunRecord, name_of
from pennyweight.base.stats import Difference, accuracy_difference
from pennyweight.judging.seeds import KeptShare, finals_of, share_of
from pennyweight.nets.measure import Measurement, measure
from pennyweight.reporting.epochs import target_of
from pennyweight.runs.find import run_key
from pennyweight.runs.published import TrainingTime
from pennyweight.runs.request import DEFAULT_DATASET
from pennyweight.settings.recipe import DIGITS, Recipe


@dataclass(frozen=True, kw_only=True, repr=False)
class Step:
    """A recipe and its finished runs, which differ in their seed alone, by ascending seed; without runs there are none.

    Raises ValueError for runs that differ in more, or a seed that is there twice.
    """

    recipe: Recipe
    records: tuple[RunRecord, ...] = ()
    ongoing: RunRecord | None = None
    """A run that is not complete: where no complete one is there, it says the name, the data and the classes."""
    time: TrainingTime | None = None
    """How long a training takes where that was measured apart; runs that were trained side by side say less."""

    def __post_init__(self) -> None:
        """Check the runs."""
        seeds = [record.seed for record in self.records]
        if len({run_key(record) for record in self.records}) > 1 or seeds != sorted(set(seeds)):
            raise ValueError(f"the runs of {self.name} differ in more than their seed, or are not by ascending seed")

    def __repr__(self) -> str:
        """Return one line: the recipe, and how many runs there are."""
        return f"<Step {self.name} on {self.dataset}: {len(self.records)} runs>"

    @property
    def name(self) -> str:
        """Return the recipe's name, with what its runs changed."""
        return name_of(self._run) if self._run else self.recipe.name

    @property
    def _run(self) -> RunRecord | None:
        """Return a run that says what all of them are of."""
        return self.records[0] if self.records else self.ongoing

    @property
    def document(self) -> str:
        """Return the number of the source document, as `000`; empty without one."""
        return self.recipe.origin.document[:3]

    @property
    def dataset(self) -> str:
        """Return the name of the dataset of the runs, without any that of the published budgets."""
        return self._run.dataset if self._run else DEFAULT_DATASET

    @property
    def budget(self) -> Budget | None:
        """Return the budget for the dataset, or None."""
        return budget_for(self.recipe.budgets, self.dataset)

    @cached_property
    def split(self) -> str:
        """Return the split the step is judged on: that of its budget where it was measured, else one that was."""
        asked = [self.budget.split] if self.budget else []
        splits = [*asked, "val", "test"] if self.recipe.validation_images else [*asked, *SPLITS]
        measured = [split for split in splits if any(one.curve(split) is not None for one in self.records)]
        return (measured or splits)[0]

    @property
    def target(self) -> float | None:
        """Return the accuracy in percent that the step aims at: its document's, else its budget's; None without."""
        target = target_of(self.recipe, self.dataset)
        return target[0] if target else None

    @property
    def classes(self) -> int:
        """Return how many classes the network tells apart."""
        return (len(self._run.classes) if self._run else 0) or DIGITS

    @cached_property
    def costs(self) -> Measurement:
        """Return the network's parameters, multiply-accumulates and receptive field, node by node."""
        return measure(self.recipe.plan(self.classes))

    @property
    def training_seconds(self) -> float:
        """Return how long a training takes: as measured apart, else the median over the runs, at least one."""
        return (
            self.time.seconds if self.time else median(sum(row.seconds for row in one.epochs) for one in self.records)
        )

    @cached_property
    def measured(self) -> tuple[RunRecord, ...]:
        """Return the runs that measured `split` in every epoch."""
        return tuple(record for record in self.records if record.curve(self.split) is not None)

    def last_epochs(self, epochs: int, split: str = "") -> NDArray[np.float64]:
        """Return the accuracies in percent of the last epochs of every measured run, shape (runs, at most epochs)."""
        curves = [record.curve(split or self.split) for record in self.measured]
        tails = [curve[-epochs:] for curve in curves if curve is not None]
        shortest = min(map(len, tails), default=0)
        return np.array([tail[len(tail) - shortest :] for tail in tails])


def gain_over(step: Step, before: Step) -> Difference | None:
    """Return the last accuracy of a step less that of the one before, in points (Welch, 95 %).

    None where they share no split that all their runs measured, or saw different data.
    """
    records = (*step.records, *before.records)
    same_data = len({record.provenance.dataset_digest for record in records}) == 1
    alike = step.split == before.split and all(record.curve(step.split) is not None for record in records)
    if not (step.records and before.records and same_data and alike):
        return None
    return accuracy_difference(finals_of(step.records, step.split), finals_of(before.records, step.split))


def median_record(step: Step) -> RunRecord | None:
    """Return the run whose last accuracy is nearest to the median of all; of equal ones that of the lowest seed."""
    if not step.measured:
        return step.records[0] if step.records else None
    finals = finals_of(step.measured, step.split)
    return step.measured[int(np.argmin(np.abs(finals - np.median(finals))))]


def seeds_words(records: Sequence[RunRecord]) -> str:
    """Return `seed 3` for one run, and how many seeds there are of several."""
    return f"seed {records[0].seed}" if len(records) == 1 else f"{len(records)} seeds"


def split_words(split: str) -> str:
    """Return what a split is called in a sentence: `test`, `validation`."""
    return "validation" if split == "val" else split


def kept_share(step: Step) -> KeptShare | None:
    """Return how many seeds of a step kept its budget; None without one, or without runs that measured its split."""
    return share_of(step.measured, step.budget) if step.budget and step.measured else None
