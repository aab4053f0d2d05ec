"""The result summary of a journey: a row per step, in the form that documents print, with their own figures beside."""

from collections.abc import Sequence
from statistics import median

import numpy as np

from pennyweight.base.stats import summary
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.kinds import Reached
from pennyweight.documents.logs import EPOCH_SECONDS
from pennyweight.judging.seeds import finals_of
from pennyweight.pages.requirements import requirements
from pennyweight.pages.steps import Step
from pennyweight.reporting.text import mean_words
from pennyweight.tables.table import Column, Table, right, table

NOT_RUN = "not run yet"


def summary_table(steps: Sequence[Step]) -> Table:
    """Return one row per step: its last training and judged accuracy over seeds, costs, target and seconds an epoch.

    Beside them stand the figures that its document states of its own run. Training accuracy is the running one.
    """
    splits = " or ".join(dict.fromkeys(step.split for step in steps))
    columns = (
        *(Column("model"), *right("train, %"), Column("its document", "right", "drop")),
        *(*right(f"{splits}, %"), Column("its document", "right", "drop"), *right("parameters", "epochs")),
        *(Column("target met"), *right("s an epoch"), Column("its document", "right", "drop")),
    )
    return table(columns, map(_row, steps))


def _row(step: Step) -> tuple[object, ...]:
    epochs = max((len(record.epochs) for record in step.records), default=step.recipe.epochs)
    params = step.records[0].params if step.records else step.costs.params
    stated = EPOCH_SECONDS.get(step.recipe.name, ()) if step.document else ()
    return (
        *(step.name, train_words(step), stated_accuracy(step, "train")),
        *(accuracy_words(step), stated_accuracy(step, step.split), f"{params:,}", epochs, target_words(step)),
        *(seconds_words(step), f"{median(stated):.1f}" if stated else ""),
    )


def train_words(step: Step) -> str:
    """Return the running training accuracy of the last epoch: mean and standard deviation over seeds, in percent."""
    finals = [record.epochs[-1].train_accuracy for record in step.records]
    return mean_words(summary(np.array(finals))) if finals else NOT_RUN


def accuracy_words(step: Step) -> str:
    """Return the last accuracy on the split the step is judged on: mean and standard deviation over seeds."""
    if not step.records:
        return NOT_RUN
    return mean_words(summary(finals_of(step.measured, step.split))) if step.measured else "not measured"


def stated_accuracy(step: Step, split: str) -> str:
    """Return what the document states of its own run on a split, as `99.54 best`; empty where it states nothing."""
    claims = [one for one in CLAIMS.get(step.document, ()) if isinstance(one, Reached)]
    found = [one for one in claims if (one.recipe, one.split) == (step.recipe.name, split)]
    return f"{found[0].accuracy:.{1 if found[0].step > 0.01 else 2}f} {found[0].which}" if found else ""


def target_words(step: Step) -> str:
    """Return whether the step's target is met: reached in an epoch where it has one of its own, else held as asked."""
    if step.recipe.origin.target is not None and step.target is not None and step.measured:
        curves = [curve for one in step.measured if (curve := one.curve(step.split)) is not None]
        met = [bool(curve.max() >= step.target) for curve in curves]
        words = "yes" if all(met) else "no" if not any(met) else f"{sum(met)} of {len(met)} seeds"
        return f"{words} ({step.target:g} %)"
    asked = next((one for one in requirements(step) if one.name.endswith(" accuracy")), None)
    if asked is None:
        return ""
    return {True: "yes", False: "no", None: asked.result}[asked.met]


def seconds_words(step: Step) -> str:
    """Return the median of the seconds that the recorded epochs took."""
    seconds = [row.seconds for record in step.records for row in record.epochs]
    return f"{median(seconds):.1f}" if seconds else ""


def seconds_note(steps: Sequence[Step]) -> str:
    """Return where the seconds were measured, as a sentence: the machines, engines and threads of the runs."""
    where = dict.fromkeys(
        f"{one.provenance.cpu}, {one.provenance.engine}, {one.provenance.threads} threads"
        for step in steps
        for one in step.records
    )
    return f"Seconds an epoch are the median of the recorded epochs, evaluation included: {'; '.join(where)}."
