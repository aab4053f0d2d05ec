"""The two tables that a document opens with: what is asked of a step and whether it keeps it, and the results."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from pennyweight.base.budget import Budget, check, hold_words
from pennyweight.base.records import Limit, RunRecord
from pennyweight.base.stats import summary
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.kinds import Reached
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
    """Return what the step's budget asks, as `judge` lists it, and what its document asks of the layers."""
    return (*budget_requirements(step), *_features(step))


def requirements_table(step: Step) -> Table:
    """Return one row per requirement: pass or fail, its limit, what was measured, and the share of the limit."""
    columns = (
        *(Column("requirement", narrow="wrap"), Column("result"), Column("limit", narrow="wrap")),
        *(Column("measured", narrow="wrap"), *right("of the limit")),
    )
    return table(columns, ((one.name, one.result, one.limit, one.measured, one.share) for one in requirements(step)))


def budget_requirements(step: Step) -> tuple[Requirement, ...]:
    """Return the rows that the budget's judge gives for the step's runs, those of several seeds in one row each.

    Without runs, what its network and its plan say of the caps.
    """
    budget = step.budget
    if budget is None:
        return ()
    if not step.records:
        return _planned(step, budget)
    judged = [(record, limit) for record in step.records for limit in check(budget, record).limits]
    names = dict.fromkeys(limit.name for _, limit in judged)
    together = {name: [(record, limit) for record, limit in judged if limit.name == name] for name in names}
    return tuple(_over_seeds(rows, budget, len(step.records)) for rows in together.values())


def _planned(step: Step, budget: Budget) -> tuple[Requirement, ...]:
    caps = (("parameters", step.costs.params, budget.max_params), ("epochs", step.recipe.epochs, budget.max_epochs))
    rows = [
        Requirement(name, f"at most {cap:,}", f"{planned:,}", _percent(planned, cap), *_passed(planned <= cap))
        for name, planned, cap in caps
        if cap is not None
    ]
    asked = f"at least {budget.accuracy:g} % in {hold_words(budget.hold_epochs)}"
    name = f"{split_words(budget.split)} accuracy"
    return (*rows, Requirement(name, asked, "not measured", "", "not measured", None))


def _over_seeds(rows: Sequence[tuple[RunRecord, Limit]], budget: Budget, seeds: int) -> Requirement:
    """Return one limit over the seeds of a step, with the figure of the run that is worst at it."""
    record, limit = min(rows, key=lambda row: (row[1].met, _standing(row[0], row[1], budget)))
    broken = sum(not one.met for _, one in rows)
    share = _share(record, limit, budget)
    name = limit.name.replace("val ", "validation ")
    if len({one.measured for _, one in rows}) == 1 and len(rows) == seeds:
        return Requirement(name, limit.allowed, limit.measured, share, *_passed(not broken))
    met = True if not broken else None if broken < seeds else False
    words = {True: f"{PASS}, ", False: f"{FAIL}, ", None: ""}[met] + f"{seeds - broken} of {seeds} seeds"
    return Requirement(name, limit.allowed, f"{limit.measured} in the worst seed", share, words, met)


def _standing(record: RunRecord, limit: Limit, budget: Budget) -> float:
    """Return a number that is lowest for the run that is worst at a limit."""
    if limit.name.endswith(" accuracy"):
        counts = [row.score(budget.split).correct for row in record.epochs[-budget.hold_epochs :]]
        return min((-1 if count is None else count) for count in counts)
    return len(record.epochs) if limit.name == "epochs run" else -len(record.epochs)


def _share(record: RunRecord, limit: Limit, budget: Budget) -> str:
    """Return how much of a cap is used, or by how many points an accuracy lies above or below what is asked."""
    if limit.name.endswith(" accuracy"):
        images, lowest = record.images(budget.split), _standing(record, limit, budget)
        return "" if lowest < 0 else f"{100 * (lowest - budget.correct_needed(images)) / images:+z.2f} points"
    caps = {"parameters": (record.params, budget.max_params), "epochs": (len(record.epochs), budget.max_epochs)}
    measured, cap = caps.get(limit.name, (len(record.epochs), budget.hold_epochs))
    return _percent(measured, cap) if cap else ""


def _passed(met: bool) -> tuple[str, bool]:
    return (PASS if met else FAIL), met


def _features(step: Step) -> list[Requirement]:
    rows, plan = [], step.recipe.plan(step.classes)
    for words, names in FEATURES.get(step.document, ()):
        found = [find_feature(name, step.recipe, plan) for name in names]
        present = next((one for one in found if one.present), None)
        result = PASS if present else "not in this network"
        rows.append(Requirement(words, "used", (present or found[0]).words, "", result, True if present else None))
    return rows


def _percent(measured: int, limit: int) -> str:
    return f"{100 * measured / limit:.1f} %"


# ------------------------------------------------------------------------------------------- the result summary


def summary_table(steps: Sequence[Step], names: Sequence[str] = (), refused: Sequence[str] = ()) -> Table:
    """Return one row per step: its last training and judged accuracy over seeds, costs, goal and seconds an epoch.

    Beside them stand the figures that its document states of its own run. Training accuracy is the running one. `names`
    are what the steps are called instead of by their recipes; `refused` names runs that are not judged, in rows of
    their own. What no document states and data that are all the same have no column.
    """
    splits = " or ".join(dict.fromkeys(split_words(step.split) for step in steps))
    stated = Column("its document", "right", "drop")
    columns = (
        *(Column("model"), Column("data", narrow="drop"), *right("train, %"), stated, *right(f"{splits}, %"), stated),
        *(*right("parameters", "epochs"), Column("met"), *right("seconds per epoch"), stated),
    )
    differ = len({step.dataset for step in steps}) > 1
    called = names or [step.name for step in steps]
    rows = [_row(name, step.dataset if differ else "", step) for name, step in zip(called, steps, strict=True)]
    rows += [tuple({"model": name, "met": "refused"}.get(one.header, "") for one in columns) for name in refused]
    kept = [at for at, one in enumerate(columns) if one.narrow != "drop" or any(row[at] for row in rows)]
    return table([columns[at] for at in kept], ([row[at] for at in kept] for row in rows))


def _row(name: str, data: str, step: Step) -> tuple[object, ...]:
    epochs = max((len(record.epochs) for record in step.records), default=step.recipe.epochs)
    params = step.records[0].params if step.records else step.costs.params
    on_mnist = step.document and step.dataset == DEFAULT_DATASET
    stated = EPOCH_SECONDS.get(step.recipe.name, ()) if on_mnist else ()
    return (
        *(name, data, train_words(step), stated_accuracy(step, "train")),
        *(accuracy_words(step), stated_accuracy(step, step.split), f"{params:,}", epochs, met_words(step)),
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


def met_words(step: Step) -> str:
    """Return whether the step's own goal is reached in an epoch, where it has one, else whether its budget is kept."""
    if own_goal(step) is not None and step.measured:
        curves = [curve for one in step.measured if (curve := one.curve(step.split)) is not None]
        return f"goal {step.target:g} %: {_count_words([bool(curve.max() >= step.target) for curve in curves])}"
    if step.budget is None or not step.measured:
        return ""
    return f"budget: {_count_words([check(step.budget, record).met is True for record in step.records])}"


def own_goal(step: Step) -> float | None:
    """Return the accuracy in percent that its document gives the step as a goal besides its budget; None without."""
    return step.target if step.budget is not None and step.target != step.budget.accuracy else None


def _count_words(met: Sequence[bool]) -> str:
    return f"{sum(met)} of {len(met)} seeds" if len(met) > 1 else "yes" if met[0] else "no"


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
        sentences.append(f"Seconds per epoch are the median of the recorded epochs: {'; '.join(where)}.")
    return f"{' '.join(sentences)} Evaluation is included."
