"""STEP.md: a step, or all steps of a journey, as Markdown that can be pasted into coursework as it is.

What stands under its headings is what a page prints there too.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import check
from pennyweight.base.stats import summary
from pennyweight.judging.ablation import AblationStep
from pennyweight.judging.seeds import SeedsFigures, seeds_figures
from pennyweight.pages.analysis import analyse
from pennyweight.pages.changes import augmentation_words, changes, channels_of, listed, schedule_words
from pennyweight.pages.headline import headline, journey_headline
from pennyweight.pages.requirements import (
    accuracy_words,
    budget_requirements,
    own_goal,
    requirements,
    requirements_table,
    seconds_note,
    seconds_words,
    summary_table,
    train_words,
)
from pennyweight.pages.steps import Step, median_record, split_words
from pennyweight.reporting.epoch_log import epoch_log
from pennyweight.reporting.text import mean_words, plural
from pennyweight.reporting.torchsummary import torchsummary_text
from pennyweight.tables.markdown import escaped, to_markdown
from pennyweight.tables.table import Column, Table, table

Walk = Sequence[AblationStep]
KINDS = {
    "BatchNorm": "batch normalization",
    "MaxPool": "max pool",
    "AvgPool": "average pool",
    "GlobalAvgPool": "global average pool",
    "Dropout": "dropout",
    "Linear": "fully connected layer",
    "Add": "skip connection",
}
"""What layers besides convolutions and ReLU are called in a list of them."""


@dataclass(frozen=True)
class Picture:
    """A file beside the Markdown, by its relative path, and what it shows, for who does not see it."""

    file: str
    alternative: str


def step_markdown(step: Step, before: Step | None = None, walk: Walk = (), pictures: Sequence[Picture] = ()) -> str:
    """Return one step as Target, Architecture, Result and Analysis."""
    return "\n\n".join([f"# {escaped(step.name)}", *_parts(step, before, walk, pictures, "##", step.name)]) + "\n"


def journey_markdown(
    title: str,
    steps: Sequence[Step],
    walk: Walk = (),
    pictures: Mapping[str, Sequence[Picture]] | None = None,
    *,
    names: Sequence[str] = (),
    befores: Sequence[Step | None] | None = None,
    opening: str | None = None,
    refused: Sequence[tuple[str, str]] = (),
) -> str:
    """Return all steps under one title, with the result summary first.

    `names` are what the steps are called instead of by their recipes, and by which `pictures` are found; `befores` the
    step that each follows, unless given the one before it in the list; `opening` the sentence to begin with, unless
    given what the steps come to; `refused` are runs that are not judged, each with the reason.
    """
    called = names or [step.name for step in steps]
    opening = journey_headline(steps).text if opening is None else opening
    summary = summary_table(steps, called, [name for name, _ in refused])
    parts = [f"# {escaped(title)}", escaped(opening), to_markdown(summary)]
    parts += [_bullets([f"{name}: refused. {why}" for name, why in refused])] if refused else []
    if any(step.records for step in steps):
        parts.append(escaped(seconds_note(steps)))
    for name, step, before in zip(called, steps, befores or (None, *steps[:-1]), strict=True):
        parts += [f"## {escaped(name)}", *_parts(step, before, walk, (pictures or {}).get(name, ()), "###", name)]
    return "\n\n".join(parts) + "\n"


def _parts(
    step: Step, before: Step | None, walk: Walk, pictures: Sequence[Picture], heading: str, name: str
) -> list[str]:
    parts = [escaped(headline(step, name).text)]
    parts += [f"{heading} Target", _bullets(targets(step))]
    parts += [f"{heading} Architecture", _bullets(architecture(step, before))]
    parts += [_code(torchsummary_text(step.recipe.plan(step.classes)))]
    parts += [f"{heading} Result"]
    asked = requirements_table(step)
    parts += [to_markdown(asked)] if asked.rows else []
    parts += [to_markdown(results_table(step))]
    shown = median_record(step)
    if shown is not None:
        several = f", of {len(step.records)} the one nearest to their median" if len(step.records) > 1 else ""
        parts += [f"Epochs of seed {shown.seed}{several}:", _code(epoch_log(shown, step.recipe))]
    parts += [f"![{escaped(one.alternative)}]({quote(one.file)})" for one in pictures]
    said = [one.text for one in analyse(step, before, walk)]
    return [*parts, f"{heading} Analysis", _bullets(said or ["Nothing was run yet, so there is nothing to analyse."])]


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)


def _code(text: str) -> str:
    return f"```text\n{text}\n```"


# --------------------------------------------------------------------------------- under the headings


def targets(step: Step) -> tuple[str, ...]:
    """Return what the step is to reach and on which data, one sentence each: its own goal, its budget, its layers."""
    budget, goal, rows = step.budget, own_goal(step), budget_requirements(step)
    if budget is None:
        return (f"Data: {data_words(step)}.", f"No budget is stated for {step.dataset}.")
    stated = f"Goal of the step, from document {step.document}: {step.target:g} % {split_words(budget.split)} accuracy"
    return (
        f"Data: {data_words(step)}.",
        *([f"{stated}, reached in any epoch."] if goal is not None else []),
        *(f"Budget, {one.name}: {one.limit}." for one in rows),
        *(f"{one.name[0].upper()}{one.name[1:]}: {one.limit}." for one in requirements(step)[len(rows) :]),
    )


def target_heading(step: Step) -> str:
    """Return what the step is to reach, in a few words: its own goal, its budget, and the data of both."""
    if step.budget is None:
        return f"none stated for {step.dataset}"
    budget = f"{step.budget.accuracy:g} % {split_words(step.budget.split)} accuracy"
    asked = budget if own_goal(step) is None else f"a goal of {step.target:g} % and a budget of {budget}"
    return f"{asked} on {step.dataset}"


def data_words(step: Step) -> str:
    """Return the dataset with how many images it trains and is judged on: `digits, 1,500 training and 297 test ...`."""
    if not step.records:
        return step.dataset
    run = step.records[0]
    others = {"validation": run.val_images, "test": run.test_images}
    counted = [f"{run.train_images:,} training", *(f"{count:,} {name}" for name, count in others.items() if count)]
    return f"{step.dataset}, {listed(counted)} images"


def architecture(step: Step, before: Step | None = None) -> tuple[str, ...]:
    """Return what the step is built of and trained with, its costs, and what it changes of the one before."""
    recipe, costs = step.recipe, step.costs
    plan = recipe.plan(step.classes)
    channels = channels_of(plan)
    found = Counter(layer.kind for layer in costs.layers)
    others = [plural(found[kind], words) for kind, words in KINDS.items() if found[kind]]
    rows, columns = plan.image_shape[1:]
    moved = augmentation_words(recipe)
    trained = [
        f"{type(recipe.optimizer).__name__} with {schedule_words(recipe)}",
        f"batches of {recipe.batch_images}",
        plural(recipe.epochs, "epoch"),
        *([f"images {moved}"] if moved else []),
        *(["averaged weights"] if recipe.averaging.is_kept else []),
    ]
    sentences = [
        f"{plural(len(channels), 'convolution')} of {'-'.join(map(str, channels))} channels; {listed(others)}."
        if others
        else f"{plural(len(channels), 'convolution')} of {'-'.join(map(str, channels))} channels.",
        f"{costs.params:,} trained parameters, {costs.macs:,} multiply-accumulates per image; the receptive field of "
        f"the last convolution is {costs.receptive_field} pixels of an image of {rows}x{columns}.",
        f"Trained with {', '.join(trained)}.",
    ]
    changed = changes(before.recipe, recipe) if before else ()
    if before and changed:
        sentences.append(f"Changed from {before.name}: {listed(changed)}.")
    if recipe.origin.suggested and step.document:
        sentences.append(
            f"Chosen here, as document {step.document} does not state it: {listed(recipe.origin.suggested)}."
        )
    return tuple(sentences)


def results_table(step: Step) -> Table:
    """Return the figures that documents list under Result, one per row; accuracies are percentages over seeds."""
    rows: list[tuple[str, object]] = [("parameters", f"{step.costs.params:,}"), ("seeds", len(step.records))]
    if step.records:
        best = np.array([max(row.train_accuracy for row in one.epochs) for one in step.records])
        rows += [("last training accuracy, %", train_words(step)), ("best training accuracy, %", _mean(best))]
        rows += _judged_rows(step)
        rows += [("seconds per epoch", seconds_words(step)), *_kept_row(step)]
    return table((Column("figure"), Column("value", narrow="wrap")), rows)


def _judged_rows(step: Step) -> list[tuple[str, object]]:
    hold = step.budget.hold_epochs if step.budget else 1
    figures = seeds_figures(step.measured, step.split, step.target or 0.0, hold)
    if figures is None:
        return [(f"last {split_words(step.split)} accuracy, %", "not measured")]
    epochs = [int(np.argmax(curve)) + 1 for one in step.measured if (curve := one.curve(step.split)) is not None]
    when = f"epoch {min(epochs)}" if len(set(epochs)) == 1 else f"epochs {min(epochs)} to {max(epochs)}"
    split = split_words(step.split)
    rows: list[tuple[str, object]] = [
        (f"last {split} accuracy, %", accuracy_words(step)),
        (f"best {split} accuracy, %", f"{mean_words(figures.best)} ({when})"),
    ]
    if figures.lowest_epochs > 1:
        rows.append((f"lowest of the last {figures.lowest_epochs} epochs, %", mean_words(figures.lowest)))
    if step.target is not None:
        what = "the budget's" if own_goal(step) is None else "the step's goal of"
        rows.append((f"first epoch at {what} {step.target:g} %", _arrival_words(figures)))
    return rows


def _arrival_words(figures: SeedsFigures) -> str:
    """Return the epoch in which an accuracy is reached first: of several seeds the median, and how many reach it."""
    if figures.first_at_target is None:
        return "not reached"
    if figures.final.n == 1:
        return f"{figures.first_at_target:g}"
    return f"{figures.first_at_target:g} (median), {figures.reached} of {figures.final.n} seeds"


def _kept_row(step: Step) -> list[tuple[str, object]]:
    if step.budget is None:
        return []
    kept = [check(step.budget, record).met is True for record in step.records]
    words = f"{sum(kept)} of {len(kept)} seeds" if len(kept) > 1 else "yes" if kept[0] else "no"
    return [("budget kept", words)]


def _mean(values: NDArray[np.float64]) -> str:
    return mean_words(summary(values))
