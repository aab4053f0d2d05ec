"""Claims about a network that its rows decide: counts, shapes, what it contains."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from pennyweight.base import claims
from pennyweight.judging.facts import FALSE, PARTLY, TRUE, Facts, Result, said
from pennyweight.nets.plan import Plan, Step
from pennyweight.nets.rows import Conv, Depthwise, GlobalAvgPool, Linear


def _parameter_count(claim: claims.ParameterCount, facts: Facts) -> Result:
    found = facts.measured(claim.recipe).params
    return said(round(found / claim.nearest) * claim.nearest == claim.params, f"its layers hold {found:,}")


def _parameter_limit(claim: claims.ParameterLimit, facts: Facts) -> Result:
    found = facts.measured(claim.recipe).params
    return said(found <= claim.limit if claim.included else found < claim.limit, f"{claim.recipe} holds {found:,}")


def _share_of_limit(claim: claims.ShareOfLimit, facts: Facts) -> Result:
    share = 100 * facts.measured(claim.recipe).params / claim.limit
    return said(abs(share - claim.percent) <= 0.05 + 1e-9, f"it is {share:.2f} %")


def _reduction(claim: claims.Reduction, facts: Facts) -> Result:
    large, small = facts.measured(claim.large).params, facts.measured(claim.small).params
    percent = 100 * (1 - small / large)
    return said(percent >= claim.percent, f"{large:,} to {small:,} is {percent:.1f} % fewer")


def _minimal_increase(claim: claims.MinimalIncrease, facts: Facts) -> Result:
    small, large = facts.measured(claim.small).params, facts.measured(claim.large).params
    return said(large < 1.5 * small, f"{small:,} to {large:,} is {large / small:.1f} times as many")


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
    verdict = TRUE if found == claim.pixels else PARTLY if found > claim.pixels else FALSE
    return verdict, f"a unit of the last convolution sees {found} pixels"


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
    return said(found == claim.count, f"there are {found}")


def _last_kernel(claim: claims.LastKernel, facts: Facts) -> Result:
    step = _convolution_steps(facts.plan(claim.recipe))[-1]
    kernel = step.operation.kernel if isinstance(step.operation, Conv | Depthwise) else 0
    shape = "x".join(map(str, step.output_shape))
    return said(kernel == claim.kernel, f"its kernel is {kernel}x{kernel} ({shape} out)")


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
    return said((count > 0) == claim.present, f"{claim.recipe} has {count or 'no'} {claim.kind}")


def _no_regularization(claim: claims.NoRegularization, facts: Facts) -> Result:
    recipe = facts.recipes[claim.recipe]
    used = {
        "dropout": _count(facts.plan(claim.recipe), "Dropout") > 0,
        "weight decay": recipe.optimizer.weight_decay > 0,
        "augmentation": recipe.augmentation.moves_images,
    }
    there, missing = ([name for name, is_used in used.items() if is_used is wanted] for wanted in (True, False))
    verdict = PARTLY if there and missing else FALSE if there else TRUE
    return verdict, f"it has no {', no '.join(missing)}" + (f", but {' and '.join(there)}" if there else "")


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
    return said(bool(near), f"a fully connected layer would hold: {listed}")


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
    claims.NoRegularization: _no_regularization,
    claims.FirstWith: _first_with,
    claims.SavedByPooling: _saved_by_pooling,
}
