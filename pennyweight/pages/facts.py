"""The figures that an analysis is written from, by name, each from a step's records; what is not there is left out.

Accuracies are percentages, differences points. `n` counts the runs that measured the step's split in every epoch.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from pennyweight.base.budget import hold_words
from pennyweight.base.errors import UsageError
from pennyweight.base.proportion import exact_bounds
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import Summary, points_summary
from pennyweight.judging.ablation import AblationStep
from pennyweight.judging.compare import compare
from pennyweight.judging.seeds import final_train_accuracy, finals_of, seeds_figures
from pennyweight.pages.changes import changes, listed, schedule_words
from pennyweight.pages.mistakes import mistake_facts
from pennyweight.pages.requirements import own_goal
from pennyweight.pages.steps import Step, gain_over, seeds_words, split_words
from pennyweight.runs.request import DEFAULT_DATASET
from pennyweight.settings.schedules import Constant, ReduceLROnPlateau, StepLR

Facts: TypeAlias = Mapping[str, Any]
TAIL = 0.025
"""The chance that is left on either side of a 95 % interval."""
END = 5
"""Last epochs, or half of a shorter run, that are held against as many before them."""


def facts_of(step: Step, before: Step | None = None, walk: Sequence[AblationStep] = ()) -> Facts:
    """Return what is known of a step, of its difference from the one before, and of a walk that ends in it."""
    facts: dict[str, Any] = {
        "name": step.name,
        "split": split_words(step.split),
        "params": step.costs.params,
        **_budget(step),
    }
    facts |= _changed(step, before) if before else {}
    facts |= _walked(walk) if walk and walk[-1].recipe == step.name else {}
    if step.measured:
        facts |= _runs(step)
        facts |= _accuracies(step) | _gaps(step) | _end(step) | _drops(step) | _averaged(step)
        facts |= mistake_facts(step.records)
    return facts


def _runs(step: Step) -> dict[str, Any]:
    """Return how many runs there are, and the words by which figures of several are called means and medians."""
    n, runs = len(step.measured), seeds_words(step.measured)
    if n == 1:
        return {"n": n, "runs": runs, "all_runs": runs, "mean": "", "median": ""}
    return {"n": n, "runs": runs, "all_runs": f"all of {runs}", "mean": " in the mean", "median": " (median)"}


def _budget(step: Step) -> dict[str, Any]:
    """Return the limits: that of parameters, and that of accuracy where it is of the split that was measured."""
    budget, facts = step.budget, dict[str, Any]()
    if budget and budget.max_params:
        share = 100 * step.costs.params / budget.max_params
        facts = {"cap": budget.max_params, "cap_share": share, "beyond_cap": step.costs.params > budget.max_params}
    if budget is None or budget.split != step.split:
        return facts
    aim = "The budget's" if own_goal(step) is None else "The step's goal of"
    return (
        facts
        | {"target": step.target, "aim": f"{aim} {step.target:g} %", "limit": budget.accuracy}
        | {"hold": budget.hold_epochs, "hold_words": hold_words(budget.hold_epochs)}
    )


def _summary(name: str, values: Summary) -> dict[str, Any]:
    """Return a mean by its name and, where there are several values, their spread and the ends of its interval."""
    several = {f"{name}_std": values.std, f"{name}_low": values.low, f"{name}_high": values.high}
    return {name: values.mean, **(several if isfinite(values.low) else {})}


def _accuracies(step: Step) -> dict[str, Any]:
    images, claim = step.measured[0].images(step.split), step.recipe.origin.claim
    budget = step.budget if step.budget and step.budget.split == step.split else None
    hold = budget.hold_epochs if budget else 1
    figures = seeds_figures(step.measured, step.split, step.target or 0.0, hold)
    assert figures is not None  # every run of `measured` has the split
    curves = [curve for one in step.measured if (curve := one.curve(step.split)) is not None]
    facts = _summary("final", figures.final) | {
        "images": images,
        "best_of_all": max(float(curve.max()) for curve in curves),
        "best": figures.best.mean,
        "optimism": figures.best_epoch_optimism.mean,
        "sampling_error": figures.sampling_error,
        "lowest": figures.lowest.mean,
        "lowest_of_all": min(float(curve[-hold:].min()) for curve in curves),
        "claimed": claim.which if claim and step.dataset == DEFAULT_DATASET else "",
    }
    if len(step.measured) == 1:
        right = step.measured[0].epochs[-1].score(step.split).correct or 0
        least, most = exact_bounds(right, images, TAIL)
        facts |= {"final_least": 100 * least, "final_most": 100 * most}
    if budget:
        shortest = min(len(one.epochs) for one in step.measured)
        facts |= {"reached": figures.reached, "shortest": shortest}
        if shortest >= hold:
            needed = budget.correct_needed(images)
            kept = [_held_images(one, step.split, hold) >= needed for one in step.measured]
            margin = figures.lowest.mean - budget.accuracy
            above = f"{abs(margin):.2f} points {'below' if margin < 0 else 'above'} it"
            facts |= {"kept": sum(kept), "margin": margin, "margin_words": above}
    return facts | ({"first_epoch": figures.first_at_target} if budget and figures.first_at_target else {})


def _held_images(record: RunRecord, split: str, epochs: int) -> int:
    return min(row.score(split).correct or 0 for row in record.epochs[-epochs:])


def _gaps(step: Step) -> dict[str, Any]:
    """Return training figures beside those of the split: clean where every record holds them, and the running ones."""
    finals = finals_of(step.measured, step.split)
    running = np.array([one.epochs[-1].train_accuracy for one in step.measured])
    facts = {"running": float(running.mean())} | _summary("running_gap", points_summary(running - finals))
    clean = [accuracy for one in step.measured if (accuracy := final_train_accuracy(one)) is not None]
    if len(clean) == len(step.measured):
        gap = points_summary(np.array(clean) - finals)
        facts |= {"clean": float(np.mean(clean))} | _summary("gap", gap)
    recipe = step.recipe
    dropout = any(layer.kind == "Dropout" for layer in step.costs.layers)
    hardening = ["augmentation"] * recipe.augmentation.moves_images + ["dropout"] * dropout
    return facts | ({"hardening": listed(hardening)} if hardening else {})


def _end(step: Step) -> dict[str, Any]:
    """Return how far the accuracy moves within the last epochs, and within as many before them, in the mean of runs."""
    epochs = min(END, min(len(one.epochs) for one in step.measured) // 2)
    if epochs < 2:
        return {}
    tails = step.last_epochs(2 * epochs)
    earlier, later = np.ptp(tails[:, :epochs], axis=1), np.ptp(tails[:, epochs:], axis=1)
    facts = {
        "end": epochs,
        "swing": float(later.mean()),
        "earlier_swing": float(earlier.mean()),
        "constant": isinstance(step.recipe.schedule, Constant),
        "schedule": schedule_words(step.recipe),
        "last_rate": float(np.mean([one.epochs[-1].learning_rate for one in step.measured])),
    }
    return facts | _summary("calmer", points_summary(earlier - later))


def _drops(step: Step) -> dict[str, Any]:
    """Return what the first drop of a stepwise schedule brings, from the epoch before it to its own, run by run."""
    if not isinstance(step.recipe.schedule, StepLR | ReduceLROnPlateau):
        return {}
    epochs, gains, rates = list[int](), list[float](), list[tuple[float, float]]()
    for record in step.measured:
        curve, rate = record.curve(step.split), [row.learning_rate for row in record.epochs]
        drop = next((epoch for epoch in range(1, len(rate)) if rate[epoch] < rate[epoch - 1]), None)
        if drop is None or curve is None:
            return {}
        epochs.append(drop + 1)
        gains.append(float(curve[drop] - curve[drop - 1]))
        rates.append((rate[drop - 1], rate[drop]))
    when = f"epoch {min(epochs)}" if len(set(epochs)) == 1 else f"epochs {min(epochs)} to {max(epochs)}"
    facts = {"drop_epochs": when, "drop_from": rates[0][0], "drop_to": rates[0][1]}
    return facts | _summary("drop", points_summary(np.array(gains)))


def _averaged(step: Step) -> dict[str, Any]:
    raw = [one.epochs[-1].score(step.split).unaveraged_accuracy for one in step.measured]
    values = np.array([accuracy for accuracy in raw if accuracy is not None])
    if len(values) < len(raw):
        return {}
    return _summary("averaging", points_summary(finals_of(step.measured, step.split) - values))


def _changed(step: Step, before: Step) -> dict[str, Any]:
    """Return what the step changes of the one before and what that gains; for two single runs, on the same images."""
    what = changes(before.recipe, step.recipe)
    cost = step.costs.params - before.costs.params
    words = f"{abs(cost):,} {'more' if cost > 0 else 'fewer'} parameters" if cost else "as many parameters"
    cause = what[0] if len(what) == 1 else f"{len(what)} changes" if what else "the same settings"
    facts = {"before": before.name, "cause": cause, "changes": len(what), "cost": words}
    gain = gain_over(step, before)
    if gain is None:
        return facts
    facts |= {"gain": gain.mean, "n_before": len(before.records)}
    if isfinite(gain.low):
        return facts | {"gain_low": gain.low, "gain_high": gain.high}
    return facts | _on_same_images(step, before)


def _on_same_images(step: Step, before: Step) -> dict[str, Any]:
    try:
        predictions = compare(before.records, step.records).predictions
    except UsageError:
        return {}
    if predictions is None:
        return {}
    mended, spoilt = predictions.only_first_wrong, predictions.only_second_wrong
    return {"mended": mended, "spoilt": spoilt, "same_images_p": predictions.p_value}


def _walked(walk: Sequence[AblationStep]) -> dict[str, Any]:
    """Return the changes of a walk whose gain is shown, and those that show none."""
    gains = [(walk_label(one), one.gain) for one in walk if one.gain is not None]
    shown = [
        f"{words} ({gain.mean:.2f}, 95 % {gain.low:+z.2f} to {gain.high:+z.2f})"
        for words, gain in gains
        if gain.low > 0
    ]
    others = [words for words, gain in gains if not gain.low > 0]
    facts = {"walk_from": walk[0].recipe, "walk_shown": listed(shown)} if shown else {}
    return facts | ({"walk_others": listed(others)} if others else {})


def walk_label(one: AblationStep) -> str:
    """Return what a step of a walk changes, as it stands in a sentence: `augmentation` for `+ augmentation`."""
    return one.words.removeprefix("+ ").removeprefix("in ").split(":")[0]
