"""The two tables that a document opens with: what is asked of a step and whether it keeps it, and the results."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from pennyweight.base.budget import Budget, check, hold_words
from pennyweight.base.stats import summary
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.kinds import ParameterLimit, Reached
from pennyweight.documents.logs import EPOCH_SECONDS
from pennyweight.judging.features import find_feature
from pennyweight.judging.seeds import finals_of
from pennyweight.pages.steps import Step, split_words
from pennyweight.reporting.text import mean_words, plural
from pennyweight.runs.request import DEFAULT_DATASET
from pennyweight.tables.table import Column, Table, right, table

FEATURES = {
    "003": (
        ("batch normalization after every convolution but the last", ("batchnorm-after-conv",)),
        ("dropout", ("dropout",)),
        ("global average pooling or a fully connected layer", ("gap", "linear")),
    )
}
"""What a document asks of the layers, of one of its networks at least, by the names an audit has for it."""
PASS, FAIL = "pass", "fail"
NOT_RUN = "not run yet"


@dataclass(frozen=True)
class ParameterCap:
    """How many trained parameters a step may have, as its document states it: the limit itself is allowed or not."""

    limit: int
    included: bool

    @property
    def words(self) -> str:
        """Return `at most 8,000` or `fewer than 8,000`."""
        return f"{'at most' if self.included else 'fewer than'} {self.limit:,}"

    def allows(self, params: int) -> bool:
        """Return whether so many are within it."""
        return params <= self.limit if self.included else params < self.limit


@dataclass(frozen=True)
class Requirement:
    """One requirement with what was measured, its share of the limit, and the result in words.

    `met` is None where nothing was measured, some seeds keep it and some do not, or it is asked of another step.
    """

    name: str
    limit: str
    measured: str
    share: str
    result: str
    met: bool | None


def requirements(step: Step) -> tuple[Requirement, ...]:
    """Return what the step's budget asks, in the words of its document, and what that asks of the layers."""
    budget = step.budget
    asked = [] if budget is None else [*_caps(step, budget), _accuracy(step, budget)]
    return (*asked, *_features(step))


def requirements_table(step: Step) -> Table:
    """Return one row per requirement: its limit, what was measured, the share of the limit, and pass or fail."""
    columns = (
        *(Column("requirement", narrow="wrap"), Column("limit", narrow="wrap"), Column("measured", narrow="wrap")),
        *(*right("of the limit"), Column("result")),
    )
    return table(columns, ((one.name, one.limit, one.measured, one.share, one.result) for one in requirements(step)))


def parameter_cap(step: Step) -> ParameterCap | None:
    """Return the step's cap of parameters in the words of its document, else that of its budget; None without one."""
    claims = CLAIMS.get(step.document, ())
    stated = next((one for one in claims if isinstance(one, ParameterLimit)), None)
    if stated is not None:
        return ParameterCap(stated.limit, stated.included)
    limit = step.budget.max_params if step.budget else None
    return None if limit is None else ParameterCap(limit, included=True)


def _caps(step: Step, budget: Budget) -> list[Requirement]:
    found, cap = [], parameter_cap(step)
    params = step.records[0].params if step.records else step.costs.params
    if cap is not None:
        share = _percent(params, cap.limit)
        found.append(_decided("parameters", cap.words, f"{params:,}", share, cap.allows(params)))
    if budget.max_epochs is not None:
        epochs = max((len(record.epochs) for record in step.records), default=step.recipe.epochs)
        share = _percent(epochs, budget.max_epochs)
        met = epochs <= budget.max_epochs
        found.append(_decided("epochs", f"at most {budget.max_epochs}", str(epochs), share, met))
    return found


def _accuracy(step: Step, budget: Budget) -> Requirement:
    name = f"{split_words(budget.split)} accuracy"
    limit = f"at least {budget.accuracy:g} % in {hold_words(budget.hold_epochs)}"
    runs = [record for record in step.records if record.evaluated_on(budget.split)]
    if not runs:
        return Requirement(name, limit, "not measured", "", "not measured", None)
    needed, images = budget.correct_needed(runs[0].images(budget.split)), runs[0].images(budget.split)
    lowest = [min(row.score(budget.split).correct or 0 for row in one.epochs[-budget.hold_epochs :]) for one in runs]
    held = [all(limit.met for limit in check(_accuracy_alone(budget), one).limits) for one in runs]
    worst = f"lowest {100 * min(lowest) / images:.2f} % ({min(lowest):,} of {images:,})"
    share = f"{100 * (min(lowest) - needed) / images:+z.2f} points"
    if len(runs) == 1:
        return _decided(name, limit, worst, share, held[0])
    met = True if all(held) else None if any(held) else False
    result = {True: f"{PASS}, ", False: f"{FAIL}, ", None: ""}[met] + f"{sum(held)} of {len(held)} seeds"
    return Requirement(name, limit, f"{worst} in the worst seed", share, result, met)


def _accuracy_alone(budget: Budget) -> Budget:
    return Budget(budget.dataset, None, None, budget.accuracy, budget.hold_epochs, split=budget.split)


def _features(step: Step) -> list[Requirement]:
    rows, plan = [], step.recipe.plan(step.classes)
    for words, names in FEATURES.get(step.document, ()):
        found = [find_feature(name, step.recipe, plan) for name in names]
        present = next((one for one in found if one.present), None)
        result = PASS if present else "not in this network"
        rows.append(Requirement(words, "used", (present or found[0]).words, "", result, True if present else None))
    return rows


def _decided(name: str, limit: str, measured: str, share: str, met: bool) -> Requirement:
    return Requirement(name, limit, measured, share, PASS if met else FAIL, met)


def _percent(measured: int, limit: int) -> str:
    return f"{100 * measured / limit:.1f} %"


# ------------------------------------------------------------------------------------------- the result summary


def summary_table(steps: Sequence[Step], names: Sequence[str] = ()) -> Table:
    """Return one row per step: its last training and judged accuracy over seeds, costs, target and seconds an epoch.

    Beside them stand the figures that its document states of its own run. Training accuracy is the running one. `names`
    are what the steps are called instead of by their recipes. What no document states and data that are all the same
    have no column.
    """
    splits = " or ".join(dict.fromkeys(split_words(step.split) for step in steps))
    stated = Column("its document", "right", "drop")
    columns = (
        *(Column("model"), Column("data", narrow="drop"), *right("train, %"), stated, *right(f"{splits}, %"), stated),
        *(*right("parameters", "epochs"), Column("target met"), *right("s an epoch"), stated),
    )
    differ = len({step.dataset for step in steps}) > 1
    called = names or [step.name for step in steps]
    rows = [_row(name, step.dataset if differ else "", step) for name, step in zip(called, steps, strict=True)]
    kept = [at for at, one in enumerate(columns) if one.narrow != "drop" or any(row[at] for row in rows)]
    return table([columns[at] for at in kept], ([row[at] for at in kept] for row in rows))


def _row(name: str, data: str, step: Step) -> tuple[object, ...]:
    epochs = max((len(record.epochs) for record in step.records), default=step.recipe.epochs)
    params = step.records[0].params if step.records else step.costs.params
    on_mnist = step.document and step.dataset == DEFAULT_DATASET
    stated = EPOCH_SECONDS.get(step.recipe.name, ()) if on_mnist else ()
    return (
        *(name, data, train_words(step), stated_accuracy(step, "train")),
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
    """Return what the document states of its own run on a split, as `99.54 best`; empty where it states nothing.

    Documents speak of MNIST alone.
    """
    said = CLAIMS.get(step.document, ()) if step.dataset == DEFAULT_DATASET else ()
    claims = [one for one in said if isinstance(one, Reached)]
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
    """Return the seconds of an epoch: as measured apart, else the median of the recorded epochs."""
    if step.time:
        return f"{step.time.seconds / step.recipe.epochs:.1f}"
    seconds = [row.seconds for record in step.records for row in record.epochs]
    return f"{median(seconds):.1f}" if seconds else ""


def seconds_note(steps: Sequence[Step]) -> str:
    """Return where the seconds were measured, in a sentence each: apart, or in the runs that the figures are of."""
    apart = dict.fromkeys(step.time.where for step in steps if step.time)
    where = dict.fromkeys(
        f"{one.provenance.cpu}, {one.provenance.engine.split()[0]} engine on {plural(one.provenance.threads, 'thread')}"
        for step in steps
        if not step.time
        for one in step.records
    )
    sentences = [f"Seconds of published recipes were measured with nothing else running ({one})." for one in apart]
    if where:
        sentences.append(f"Seconds an epoch are the median of the recorded epochs: {'; '.join(where)}.")
    return f"{' '.join(sentences)} Evaluation is included."
