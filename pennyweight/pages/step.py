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
    return "\n\n".join([f"# {escaped(step.name)}", *_parts(step, before, walk, pictures, "##")]) + "\n"


def journey_markdown(
    title: str,
    steps: Sequence[Step],
    walk: Walk = (),
    pictures: Mapping[str, Sequence[Picture]] | None = None,
    *,
    names: Sequence[str] = (),
    befores: Sequence[Step | None] | None = None,
    opening: str | None = None,
) -> str:
    """Return all steps under one title, with the result summary first.

    `names` are what the steps are called instead of by their recipes, and by which `pictures` are found; `befores` the
    step that each follows, unless given the one before it in the list; `opening` the sentence to begin with, unless
    given what the steps come to.
    """
    called = names or [step.name for step in steps]
    opening = journey_headline(steps).text if opening is None else opening
    parts = [f"# {escaped(title)}", escaped(opening), to_markdown(summary_table(steps, called))]
    if any(step.records for step in steps):
        parts.append(escaped(seconds_note(steps)))
    for name, step, before in zip(called, steps, befores or (None, *steps[:-1]), strict=True):
        parts += [f"## {escaped(name)}", *_parts(step, before, walk, (pictures or {}).get(name, ()), "###")]
    return "\n\n".join(parts) + "\n"


def _parts(step: Step, before: Step | None, walk: Walk, pictures: Sequence[Picture], heading: str) -> list[str]:
    parts = [escaped(headline(step).text)]
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
    """Return what the step is to reach, one sentence each; its own target first, where its document gives it one."""
    budget = step.budget
    if budget is None:
        return (f"No budget is stated for {step.dataset}.",)
    own = step.target if step.target != budget.accuracy else None
    first = (
        [f"This step's own: {own:g} % {split_words(budget.split)} accuracy, in an epoch."] if own is not None else []
    )
    return (*first, *(f"{one.name[0].upper()}{one.name[1:]}: {one.limit}." for one in requirements(step)))


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
        f"{costs.params:,} trained parameters, {costs.macs:,} multiply-accumulates an image; the last convolution sees "
        f"{costs.receptive_field} pixels of an image of {rows}x{columns}.",
        f"Trained by {', '.join(trained)}.",
    ]
    changed = changes(before.recipe, recipe) if before else ()
    if before and changed:
        sentences.append(f"Changed from {before.name}: {listed(changed)}.")
    if recipe.origin.suggested and step.document:
        sentences.append(f"Not stated by the document, chosen here: {', '.join(recipe.origin.suggested)}.")
    return tuple(sentences)


def results_table(step: Step) -> Table:
    """Return the figures that documents list under Result, one per row; accuracies are percentages over seeds."""
    rows: list[tuple[str, object]] = [("parameters", f"{step.costs.params:,}"), ("seeds", len(step.records))]
    if step.records:
        best = np.array([max(row.train_accuracy for row in one.epochs) for one in step.records])
        rows += [("last training accuracy, %", train_words(step)), ("best training accuracy, %", _mean(best))]
        rows += _judged_rows(step)
        rows += [("seconds an epoch", seconds_words(step)), *_kept_row(step)]
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
    if hold > 1:
        rows.append((f"lowest of the last {hold} epochs, %", mean_words(figures.lowest)))
    if step.target is not None:
        rows.append((f"epochs to {step.target:g} %", _arrival_words(figures)))
    return rows


def _arrival_words(figures: SeedsFigures) -> str:
    """Return the epoch in which the target is reached first: of several seeds the median, and how many reach it."""
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
