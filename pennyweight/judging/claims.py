"""A document's claims against what is true: one check for each kind of claim, computed from rows or from records.

A figure of one training run is held against what many seeds gave here: it is in line when it lies where one more seed
would be expected (95 % prediction interval). Where it is not, and the document leaves settings open that decide it, our
choice may be the reason and the claim is not checkable.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pennyweight.base import claims
from pennyweight.base.records import EpochRow, RunRecord
from pennyweight.base.stats import prediction_interval, summary, welch, wilson_interval
from pennyweight.nets.measure import Measurement, measure
from pennyweight.nets.plan import Plan, Step, make_plan
from pennyweight.nets.rows import Conv, Depthwise, GlobalAvgPool, Linear
from pennyweight.training.recipe import Recipe

TRUE, FALSE, PARTLY, UNCHECKABLE = "true", "false", "true in part", "not checkable"
FEWEST_SEEDS = 3
SEEDS_TO_DENY = 10
"""Runs without an event before it is said not to happen."""
WIDEST = 1.0
"""Percent on either side: a prediction interval wider than this tells nothing of an accuracy."""
HOLD_RATE = 0.95
OPEN_SETTINGS = ("layers", "optimizer", "schedule", "augmentation", "batch_images")
"""What decides an accuracy: where a document leaves one of them open, a figure that differs proves nothing."""


@dataclass(frozen=True)
class Facts:
    """What claims are held against: recipes by name, and the full runs of each."""

    recipes: Mapping[str, Recipe]
    records: Callable[[str], Sequence[RunRecord]]

    def plan(self, name: str) -> Plan:
        """Return the plan of a recipe."""
        return make_plan(self.recipes[name].layers)

    def measured(self, name: str) -> Measurement:
        """Return the figures of a recipe."""
        return measure(self.plan(name))


@dataclass(frozen=True)
class CheckedClaim:
    """A claim with its kind, its verdict, and why."""

    claim: claims.DocumentClaim
    kind: str
    verdict: str
    reason: str


def check_claim(claim: claims.DocumentClaim, facts: Facts) -> CheckedClaim:
    """Check one claim with the check of its kind."""
    verdict, reason = CHECKS[type(claim)](claim, facts)
    return CheckedClaim(claim, type(claim).__name__, verdict, reason)


Result = tuple[str, str]


def _said(holds: bool, reason: str) -> Result:
    return (TRUE if holds else FALSE), reason


def _parameter_count(claim: claims.ParameterCount, facts: Facts) -> Result:
    found = facts.measured(claim.recipe).params
    return _said(round(found / claim.nearest) * claim.nearest == claim.params, f"its layers hold {found:,}")


def _parameter_limit(claim: claims.ParameterLimit, facts: Facts) -> Result:
    found = facts.measured(claim.recipe).params
    return _said(found <= claim.limit if claim.included else found < claim.limit, f"{claim.recipe} holds {found:,}")


def _share_of_limit(claim: claims.ShareOfLimit, facts: Facts) -> Result:
    share = 100 * facts.measured(claim.recipe).params / claim.limit
    return _said(abs(share - claim.percent) <= 0.05 + 1e-9, f"it is {share:.2f} %")


def _reduction(claim: claims.Reduction, facts: Facts) -> Result:
    large, small = facts.measured(claim.large).params, facts.measured(claim.small).params
    percent = 100 * (1 - small / large)
    return _said(percent >= claim.percent, f"{large:,} to {small:,} is {percent:.1f} % fewer")


def _minimal_increase(claim: claims.MinimalIncrease, facts: Facts) -> Result:
    small, large = facts.measured(claim.small).params, facts.measured(claim.large).params
    return _said(large < 1.5 * small, f"{small:,} to {large:,} is {large / small:.1f} times as many")


def _layer_table(claim: claims.LayerTable, facts: Facts) -> Result:
    found = tuple(layer.params for layer in facts.measured(claim.recipe).layers if layer.params)
    rows, total = found == claim.layers, sum(claim.layers) == claim.total
    verdict = TRUE if rows and total else PARTLY if rows or total else FALSE
    layers = "every layer agrees" if rows else "the layers differ"
    return (
        verdict,
        f"{layers}; the printed layers add up to {sum(claim.layers):,}, the printed total is {claim.total:,}",
    )


def _output_shapes(claim: claims.OutputShapes, facts: Facts) -> Result:
    shapes = [step.output_shape for step in facts.plan(claim.recipe).steps]
    place, missing = 0, []
    for wanted in claim.shapes:
        at = next((number for number in range(place, len(shapes)) if shapes[number] == wanted), None)
        if at is None:
            missing.append("x".join(map(str, wanted)))
        else:
            place = at
    verdict = TRUE if not missing else FALSE if len(missing) == len(claim.shapes) else PARTLY
    return (
        verdict,
        f"not in the network, in this order: {', '.join(missing)}" if missing else "all appear, in this order",
    )


def _receptive_field(claim: claims.ReceptiveField, facts: Facts) -> Result:
    found = facts.measured(claim.recipe).receptive_field
    return _said(found == claim.pixels, f"a unit of the last convolution sees {found} pixels")


def _channels(claim: claims.Channels, facts: Facts) -> Result:
    found = tuple(step.output_shape[0] for step in _weighted(facts.plan(claim.recipe)))
    words = "-".join(map(str, found))
    if found == claim.channels:
        return TRUE, f"they are {words}"
    skipped = _is_part(claim.channels, found)
    return (PARTLY if skipped else FALSE), f"they are {words}" + (
        ", of which the document leaves some out" if skipped else ""
    )


def _is_part(part: Sequence[int], whole: Sequence[int]) -> bool:
    rest = iter(whole)
    return all(one in rest for one in part)


def _convolutions(claim: claims.Convolutions, facts: Facts) -> Result:
    found = len(_convolution_steps(facts.plan(claim.recipe)))
    return _said(found == claim.count, f"there are {found}")


def _last_kernel(claim: claims.LastKernel, facts: Facts) -> Result:
    step = _convolution_steps(facts.plan(claim.recipe))[-1]
    kernel = step.operation.kernel if isinstance(step.operation, Conv | Depthwise) else 0
    shape = "x".join(map(str, step.output_shape))
    return _said(kernel == claim.kernel, f"its kernel is {kernel}x{kernel} ({shape} out)")


def _followed_by(claim: claims.FollowedBy, facts: Facts) -> Result:
    steps = facts.plan(claim.recipe).steps
    places = [number for number, step in enumerate(steps) if isinstance(step.operation, Conv | Depthwise)]
    ends = [*places[1:], len(steps)]
    found = [
        any(type(step.operation).__name__ == claim.kind for step in steps[start:end])
        for start, end in zip(places, ends, strict=True)
    ]
    asked = found if claim.with_last else found[:-1]
    missing = [str(number) for number, there in enumerate(found, start=1) if not there]
    if not claim.with_last and found[-1]:
        return PARTLY, "the last one has it too"
    verdict = TRUE if all(asked) else PARTLY if any(asked) else FALSE
    return verdict, f"convolution {', '.join(missing)} of {len(found)} has none" if missing else "every one has it"


def _contains(claim: claims.Contains, facts: Facts) -> Result:
    count = _count(facts.plan(claim.recipe), claim.kind)
    return _said((count > 0) == claim.present, f"{claim.recipe} has {count or 'no'} {claim.kind}")


def _first_with(claim: claims.FirstWith, facts: Facts) -> Result:
    own = _count(facts.plan(claim.recipe), claim.kind)
    before = [name for name in claim.earlier if _count(facts.plan(name), claim.kind)]
    if not own:
        return FALSE, f"{claim.recipe} has no {claim.kind}"
    return (PARTLY if before else TRUE), f"{', '.join(before)} has it already" if before else "no earlier step has it"


def _count(plan: Plan, kind: str) -> int:
    name = "Add" if kind == "Residual" else kind
    return sum(type(step.operation).__name__ == name for step in plan.steps)


def _saved_by_pooling(claim: claims.SavedByPooling, facts: Facts) -> Result:
    """Compare with what a fully connected layer would hold in each place where one could stand, biases included."""
    plan = facts.plan(claim.recipe)
    pool = next(step for step in plan.steps if isinstance(step.operation, GlobalAvgPool))
    head = _weighted(plan)[-1]
    places = {
        "on the pooled map": prod(pool.input_shape),
        "instead of the last convolution, on its map": prod(head.input_shape),
        "instead of the last convolution, after pooling": head.input_shape[0],
    }
    sizes = {place: (inputs + 1) * plan.classes for place, inputs in places.items()}
    near = [place for place, size in sizes.items() if abs(size - claim.params) <= claim.params / 10]
    listed = "; ".join(f"{place} {size:,}" for place, size in sizes.items())
    return _said(bool(near), f"a fully connected layer would hold: {listed}")


def _reached(claim: claims.Reached, facts: Facts) -> Result:
    curves = _curves(facts, claim.recipe, claim.split)
    figures = np.array([max(curve) if claim.which == "best" else curve[-1] for curve in curves])
    if len(figures) < FEWEST_SEEDS:
        return UNCHECKABLE, _too_few(len(figures))
    low, high = prediction_interval(figures)
    found = summary(figures)
    reason = (
        f"{found.mean:.2f} ± {found.deviation:.2f} here (n {found.n}), one more seed lies in {low:.2f} to {high:.2f}"
    )
    if high - low > 2 * WIDEST:
        return UNCHECKABLE, f"{reason}, too wide to tell"
    if low <= claim.accuracy <= high:
        return TRUE, reason
    return _or_open(facts, claim.recipe, reason)


def _target_epoch(claim: claims.TargetEpoch, facts: Facts) -> Result:
    curves = _curves(facts, claim.recipe, claim.split)
    if len(curves) < FEWEST_SEEDS:
        return UNCHECKABLE, _too_few(len(curves))
    first = [next((n for n, value in enumerate(curve, 1) if value >= claim.accuracy), None) for curve in curves]
    reached = sorted(epoch for epoch in first if epoch is not None)
    words = f"{len(reached)} of {len(curves)} seeds reach it"
    if not reached:
        few = len(curves) < SEEDS_TO_DENY
        return (UNCHECKABLE, f"{words}, too few to say") if few else _or_open(facts, claim.recipe, words)
    words += f", between epoch {reached[0]} and {reached[-1]}"
    if reached[0] <= claim.epoch <= reached[-1]:
        return TRUE, words
    return _or_open(facts, claim.recipe, words)


def _held(claim: claims.Held, facts: Facts) -> Result:
    curves = _curves(facts, claim.recipe, claim.split)
    if not curves:
        return UNCHECKABLE, _too_few(0)
    lowest = [min(curve[claim.first - 1 : claim.last]) for curve in curves]
    kept = sum(low >= claim.accuracy if claim.included else low > claim.accuracy for low in lowest)
    low, high = wilson_interval(kept, len(curves))
    words = f"{kept} of {len(curves)} seeds hold it (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    if kept / len(curves) >= HOLD_RATE:
        return TRUE, words
    if high < HOLD_RATE:
        return _or_open(facts, claim.recipe, words)
    return UNCHECKABLE, f"{words}, too few to say"


def _no_overfitting(claim: claims.NoOverfitting, facts: Facts) -> Result:
    training, other = _curves(facts, claim.recipe, "train"), _curves(facts, claim.recipe, claim.split)
    if len(other) < FEWEST_SEEDS:
        return UNCHECKABLE, _too_few(len(other))
    gap = summary(np.array([mine[-1] - theirs[-1] for mine, theirs in zip(training, other, strict=True)]))
    words = f"training less {claim.split} accuracy is {gap.mean:+.2f} (95 % interval {gap.low:+.2f} to {gap.high:+.2f})"
    return (TRUE if gap.high <= 0 else FALSE if gap.low > 0 else UNCHECKABLE), words


def _better(claim: claims.Better, facts: Facts) -> Result:
    own = _finals(facts, claim.recipe, claim.split)
    results = []
    words = []
    for other in claim.others:
        theirs = _finals(facts, other, claim.split)
        if min(len(own), len(theirs)) < FEWEST_SEEDS:
            return UNCHECKABLE, f"{claim.recipe} and {other}: {_too_few(min(len(own), len(theirs)))}"
        gap = welch(own, theirs)
        results.append(TRUE if gap.low > 0 else FALSE if gap.high < 0 else UNCHECKABLE)
        words.append(f"{gap.mean:+.2f} over {other} (95 % interval {gap.low:+.2f} to {gap.high:+.2f})")
    verdict = results[0] if len(set(results)) == 1 else PARTLY if TRUE in results else FALSE
    return verdict, "; ".join(words)


def _logged(claim: claims.Logged, facts: Facts) -> Result:
    half = claim.step / 2
    reached = [value - half >= claim.accuracy for value in claim.logged]
    possible = [value + half > claim.accuracy for value in claim.logged]
    exact = [value >= claim.accuracy for value in claim.logged] if claim.step <= 0.01 else reached
    words = f"{sum(value >= claim.accuracy for value in claim.logged)} of {len(claim.logged)} logged values are at it"
    if all(exact):
        return TRUE, words
    if not all(possible):
        return (PARTLY if any(possible) else FALSE), words
    return UNCHECKABLE, f"{words}, rounded to {claim.step:g}: {min(claim.logged):g} may be {min(claim.logged) - half:g}"


def _curves(facts: Facts, name: str, split: str) -> list[list[float]]:
    """Return the accuracies by epoch of every run that measured the split throughout."""
    read: Callable[[EpochRow], float | None] = {
        "train": lambda row: row.train_accuracy,
        "val": lambda row: row.val_accuracy,
        "test": lambda row: row.test_accuracy,
    }[split]
    curves = [[read(row) for row in record.epochs] for record in facts.records(name)]
    return [[value for value in curve if value is not None] for curve in curves if None not in curve]


def _finals(facts: Facts, name: str, split: str) -> Any:
    return np.array([curve[-1] for curve in _curves(facts, name, split)])


def _or_open(facts: Facts, name: str, reason: str) -> Result:
    """Return false, or not checkable where the document leaves settings open that decide the figure."""
    origin = facts.recipes[name].origin
    left_open = [key for key in OPEN_SETTINGS if key in origin.suggested or _any_below(key, origin.suggested)]
    if not left_open:
        return FALSE, reason
    return UNCHECKABLE, f"{reason}; the document does not state all of: {', '.join(left_open)}"


def _any_below(key: str, names: Sequence[str]) -> bool:
    return any(name.startswith(f"{key}.") for name in names)


def _too_few(count: int) -> str:
    return f"{count} full runs are recorded, {FEWEST_SEEDS} are needed"


def _weighted(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if isinstance(step.operation, Conv | Depthwise | Linear)]


def _convolution_steps(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if isinstance(step.operation, Conv | Depthwise)]


CHECKS: Mapping[type, Callable[[Any, Facts], Result]] = {
    claims.ParameterCount: _parameter_count,
    claims.ParameterLimit: _parameter_limit,
    claims.ShareOfLimit: _share_of_limit,
    claims.Reduction: _reduction,
    claims.MinimalIncrease: _minimal_increase,
    claims.LayerTable: _layer_table,
    claims.OutputShapes: _output_shapes,
    claims.ReceptiveField: _receptive_field,
    claims.Channels: _channels,
    claims.Convolutions: _convolutions,
    claims.LastKernel: _last_kernel,
    claims.FollowedBy: _followed_by,
    claims.Contains: _contains,
    claims.FirstWith: _first_with,
    claims.SavedByPooling: _saved_by_pooling,
    claims.Reached: _reached,
    claims.TargetEpoch: _target_epoch,
    claims.Held: _held,
    claims.NoOverfitting: _no_overfitting,
    claims.Better: _better,
    claims.Logged: _logged,
}
