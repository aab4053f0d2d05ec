"""Claims about a network that its layers decide: counts, shapes, what it contains."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from pennyweight.documents import kinds
from pennyweight.documents.evidence import FALSE, PARTLY, TRUE, Evidence, Result, verdict_if
from pennyweight.nets.layers import Conv, Depthwise, GlobalAvgPool, Linear
from pennyweight.nets.plan import Node, Plan


def _parameter_count(claim: kinds.ParameterCount, evidence: Evidence) -> Result:
    found = evidence.measured(claim.recipe).params
    return verdict_if(round(found / claim.nearest) * claim.nearest == claim.params, f"its layers hold {found:,}")


def _parameter_limit(claim: kinds.ParameterLimit, evidence: Evidence) -> Result:
    found = evidence.measured(claim.recipe).params
    return verdict_if(
        found <= claim.limit if claim.included else found < claim.limit, f"{claim.recipe} holds {found:,}"
    )


def _share_of_limit(claim: kinds.ShareOfLimit, evidence: Evidence) -> Result:
    share = 100 * evidence.measured(claim.recipe).params / claim.limit
    return verdict_if(abs(share - claim.percent) <= 0.05 + 1e-9, f"it is {share:.2f} %")


def _reduction(claim: kinds.Reduction, evidence: Evidence) -> Result:
    before, after = evidence.measured(claim.before).params, evidence.measured(claim.recipe).params
    percent = 100 * (1 - after / before)
    words = f"{before:,} to {after:,} is {abs(percent):.1f} % {'fewer' if percent >= 0 else 'more'}"
    return verdict_if(percent >= claim.percent, words)


def _minimal_increase(claim: kinds.MinimalIncrease, evidence: Evidence) -> Result:
    before, after = evidence.measured(claim.before).params, evidence.measured(claim.recipe).params
    return verdict_if(after < 1.5 * before, f"{before:,} to {after:,} is {after / before:.1f} times as many")


def _layer_table(claim: kinds.LayerTable, evidence: Evidence) -> Result:
    found = tuple(layer.params for layer in evidence.measured(claim.recipe).layers if layer.params)
    agree, total = found == claim.layers, sum(claim.layers) == claim.total
    verdict = TRUE if agree and total else PARTLY if agree or total else FALSE
    layers = "every layer agrees" if agree else "the layers differ"
    return (
        verdict,
        f"{layers}; the printed layers add up to {sum(claim.layers):,}, the printed total is {claim.total:,}",
    )


def _output_shapes(claim: kinds.OutputShapes, evidence: Evidence) -> Result:
    shapes = [node.output_shape for node in evidence.plan(claim.recipe).nodes]
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


def _receptive_field(claim: kinds.ReceptiveField, evidence: Evidence) -> Result:
    found = evidence.measured(claim.recipe).receptive_field
    verdict = TRUE if found == claim.pixels else PARTLY if found > claim.pixels else FALSE
    return verdict, f"the receptive field of the last convolution is {found} pixels"


def _channels(claim: kinds.Channels, evidence: Evidence) -> Result:
    found = tuple(node.output_shape[0] for node in _weighted(evidence.plan(claim.recipe)))
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


def _convolutions(claim: kinds.Convolutions, evidence: Evidence) -> Result:
    found = len(_convolution_nodes(evidence.plan(claim.recipe)))
    return verdict_if(found == claim.count, f"there are {found}")


def _last_kernel(claim: kinds.LastKernel, evidence: Evidence) -> Result:
    node = _convolution_nodes(evidence.plan(claim.recipe))[-1]
    kernel = node.operation.kernel if isinstance(node.operation, Conv | Depthwise) else 0
    shape = "x".join(map(str, node.output_shape))
    return verdict_if(kernel == claim.kernel, f"its kernel is {kernel}x{kernel} ({shape} out)")


def _followed_by(claim: kinds.FollowedBy, evidence: Evidence) -> Result:
    nodes = evidence.plan(claim.recipe).nodes
    places = [number for number, node in enumerate(nodes) if isinstance(node.operation, Conv | Depthwise)]
    ends = [*places[1:], len(nodes)]
    found = [
        any(type(node.operation).__name__ == claim.kind for node in nodes[start:end])
        for start, end in zip(places, ends, strict=True)
    ]
    asked = found if claim.with_last else found[:-1]
    missing = [str(number) for number, there in enumerate(found, start=1) if not there]
    if not claim.with_last and found[-1]:
        return PARTLY, "the last one has it too"
    verdict = TRUE if all(asked) else PARTLY if any(asked) else FALSE
    return verdict, f"convolution {', '.join(missing)} of {len(found)} has none" if missing else "every one has it"


def _contains(claim: kinds.Contains, evidence: Evidence) -> Result:
    count = _count(evidence.plan(claim.recipe), claim.kind)
    return verdict_if((count > 0) == claim.present, f"{claim.recipe} has {count or 'no'} {claim.kind}")


def _regularization(claim: kinds.Regularization, evidence: Evidence) -> Result:
    recipe, plan = evidence.recipes[claim.recipe], evidence.plan(claim.recipe)
    used = {
        "dropout": _count(plan, "Dropout") > 0,
        "weight decay": recipe.optimizer.weight_decay > 0,
        "augmentation": recipe.augmentation.moves_images,
        "BatchNorm": _count(plan, "BatchNorm") > 0,
    }
    there, missing = ([name for name, is_used in used.items() if is_used is wanted] for wanted in (True, False))
    words = [f"no {', no '.join(missing)}"] * bool(missing) + [" and ".join(there)] * bool(there)
    as_said = there if claim.present else missing
    verdict = TRUE if len(as_said) == len(used) else PARTLY if as_said else FALSE
    return verdict, f"it has {', but '.join(words)}"


def _normalization(claim: kinds.Normalization, evidence: Evidence) -> Result:
    if _count(evidence.plan(claim.recipe), "BatchNorm"):
        return TRUE, "its images are normalised, and it has BatchNorm"
    return PARTLY, "its images are normalised, its activations are not: it has no BatchNorm"


def _small_linear(claim: kinds.SmallLinear, evidence: Evidence) -> Result:
    own, before = _in_linear(evidence, claim.recipe), _in_linear(evidence, claim.before)
    share = 100 * own / evidence.measured(claim.recipe).params
    words = f"{own:,} parameters are left in linear layers ({share:.1f} % of all), {claim.before} has {before:,}"
    return verdict_if(10 * own <= before, words)


def _in_linear(evidence: Evidence, name: str) -> int:
    return sum(layer.params for layer in evidence.measured(name).layers if layer.kind == "Linear")


def _biased_linear(claim: kinds.BiasedLinear, evidence: Evidence) -> Result:
    plan, params = evidence.plan(claim.recipe), evidence.measured(claim.recipe).params
    bare = [node for node in plan.nodes if isinstance(node.operation, Linear) and not node.operation.bias]
    biases = sum(node.output_shape[0] for node in bare)
    return verdict_if(
        not bare, f"with a bias in every Linear it holds {params + biases:,}, its own count is {params:,}"
    )


def _pools_map(claim: kinds.PoolsMap, evidence: Evidence) -> Result:
    pools = [node for node in evidence.plan(claim.recipe).nodes if isinstance(node.operation, GlobalAvgPool)]
    maps = ["x".join(map(str, node.input_shape[1:])) for node in pools]
    return verdict_if(
        any(prod(node.input_shape[1:]) > 1 for node in pools), f"it pools a map of {', '.join(maps) or 'none'}"
    )


def _first_with(claim: kinds.FirstWith, evidence: Evidence) -> Result:
    own = _count(evidence.plan(claim.recipe), claim.kind)
    before = [name for name in claim.earlier if _count(evidence.plan(name), claim.kind)]
    if not own:
        return FALSE, f"{claim.recipe} has no {claim.kind}"
    return (PARTLY if before else TRUE), f"{', '.join(before)} has it already" if before else "no earlier step has it"


def _count(plan: Plan, kind: str) -> int:
    name = "Add" if kind == "Residual" else kind
    return sum(type(node.operation).__name__ == name for node in plan.nodes)


def _saved_by_pooling(claim: kinds.SavedByPooling, evidence: Evidence) -> Result:
    """Compare with what a fully connected layer would hold in each place where one could stand, biases included."""
    plan = evidence.plan(claim.recipe)
    pool = next(node for node in plan.nodes if isinstance(node.operation, GlobalAvgPool))
    head = _weighted(plan)[-1]
    places = {
        "on the pooled map": prod(pool.input_shape),
        "instead of the last convolution, on its map": prod(head.input_shape),
        "instead of the last convolution, after pooling": head.input_shape[0],
    }
    sizes = {place: (inputs + 1) * plan.classes for place, inputs in places.items()}
    near = [place for place, size in sizes.items() if abs(size - claim.params) <= claim.params / 10]
    listed = "; ".join(f"{place} {size:,}" for place, size in sizes.items())
    return verdict_if(bool(near), f"a fully connected layer would hold: {listed}")


def _weighted(plan: Plan) -> list[Node]:
    return [node for node in plan.nodes if isinstance(node.operation, Conv | Depthwise | Linear)]


def _convolution_nodes(plan: Plan) -> list[Node]:
    return [node for node in plan.nodes if isinstance(node.operation, Conv | Depthwise)]


CHECKS: Mapping[type, Callable[[Any, Evidence], Result]] = {
    kinds.ParameterCount: _parameter_count,
    kinds.ParameterLimit: _parameter_limit,
    kinds.ShareOfLimit: _share_of_limit,
    kinds.Reduction: _reduction,
    kinds.MinimalIncrease: _minimal_increase,
    kinds.LayerTable: _layer_table,
    kinds.OutputShapes: _output_shapes,
    kinds.ReceptiveField: _receptive_field,
    kinds.Channels: _channels,
    kinds.Convolutions: _convolutions,
    kinds.LastKernel: _last_kernel,
    kinds.FollowedBy: _followed_by,
    kinds.Contains: _contains,
    kinds.Regularization: _regularization,
    kinds.Normalization: _normalization,
    kinds.SmallLinear: _small_linear,
    kinds.BiasedLinear: _biased_linear,
    kinds.PoolsMap: _pools_map,
    kinds.FirstWith: _first_with,
    kinds.SavedByPooling: _saved_by_pooling,
}
