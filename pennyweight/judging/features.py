"""What the layers of a network do on their maps, whatever they are called: what an audit requires or forbids.

A convolution as large as its map is a fully connected layer, an average pool as large as its map is global average
pooling, and a pool of one pixel is nothing at all. docs/audit.md says what was decided where two answers make sense.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pennyweight.base.errors import unknown_name_error
from pennyweight.base.values import to_text
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.measure import NodeCost, measure, window
from pennyweight.nets.plan import Add, Node, Plan

if TYPE_CHECKING:  # the help of the command line is made from FEATURES and loads nothing heavy
    from pennyweight.settings.recipe import Recipe

FEATURES = {
    "batchnorm": "batch normalization, anywhere",
    "dropout": "dropout with a rate above 0",
    "gap": "global average pooling: the mean of a whole map larger than 1x1, by GlobalAvgPool or by AvgPool",
    "linear": "fully connected layer: Linear, or a convolution whose outputs each read the whole map or whose kernel "
    "has a single position (1x1 on a 1x1 map, too)",
    "maxpool": "max pooling of windows larger than one pixel",
    "avgpool": "average pooling of windows larger than one pixel and smaller than the map",
    "residual": "skip connection: a sum of two paths, one of which skips a convolution",
    "depthwise": "convolution of each of several channels with a kernel of its own",
    "conv": "convolution, 1x1 included, that is not a fully connected layer",
    "relu": "ReLU",
    "batchnorm-after-conv": "batch normalization between each convolution and the next convolution or fully connected "
    "layer, on every path; the head needs none",
    "augmentation": "training images are rotated, shifted, scaled, sheared or seen in perspective",
    "weight-decay": "the optimizer's weight decay is above 0",
}
"""What `--require` and `--forbid` may name, and what each means."""

CONVOLUTIONS = ("conv", "depthwise")
WEIGHTED = (*CONVOLUTIONS, "linear")
MOST_NAMED = 8
NAMESAKES = {
    "conv": Conv,
    "depthwise": Depthwise,
    "linear": Linear,
    "gap": GlobalAvgPool,
    "avgpool": AvgPool,
    "maxpool": MaxPool,
    "batchnorm": BatchNorm,
    "relu": Relu,
    "dropout": Dropout,
}
"""The layer a reader expects behind a feature; where another one is meant, or that one is not, the finding says so."""


@dataclass(frozen=True)
class Finding:
    """Whether a recipe has a feature, and the words for it."""

    present: bool
    words: str


def find_feature(name: str, recipe: "Recipe", plan: Plan) -> Finding:
    """Look for the feature `name` in `recipe`, whose layers are lowered to `plan`.

    Raises UsageError for a feature that is not in FEATURES.
    """
    match name:
        case "augmentation":
            return _augmentation(recipe)
        case "weight-decay":
            decay = recipe.optimizer.weight_decay
            return Finding(decay > 0, f"{decay:g}")
        case "residual":
            return _skip_connections(plan)
        case "batchnorm-after-conv":
            return _normalized_convolutions(plan)
        case _ if name in NAMESAKES:
            return _layers(name, plan)
        case _:
            raise unknown_name_error("feature", name, FEATURES)


def role(node: Node) -> str:
    """Return the feature a node is by what it does on its map; "" for a sum and for a layer that has no effect."""
    operation = node.operation
    if isinstance(operation, Conv | Depthwise):
        return _role_of_convolution(node)
    if isinstance(operation, GlobalAvgPool | AvgPool | MaxPool):
        return _role_of_pool(node)
    if isinstance(operation, Dropout) and operation.rate == 0:
        return ""
    return next((name for name, layer in NAMESAKES.items() if isinstance(operation, layer)), "")


def _role_of_convolution(node: Node) -> str:
    """Tell a fully connected layer by its map: on each axis there is one position, or every position reads all of it.

    A depthwise convolution of one channel is a plain convolution, one that reads a single pixel scales its channels.
    """
    channels, *sizes = node.input_shape
    if isinstance(node.operation, Depthwise) and channels > 1:
        return "depthwise" if _reads_neighbours(node) else ""
    positions = _positions(node)
    if not all(positions):
        return ""
    axes = zip(positions, sizes, strict=True)
    return "linear" if all(len(reads) == 1 or set(reads) == {range(size)} for reads, size in axes) else "conv"


def _role_of_pool(node: Node) -> str:
    if not _reads_neighbours(node):
        return ""
    if isinstance(node.operation, MaxPool):
        return "maxpool"
    whole = _positions(node) == tuple([range(size)] for size in node.input_shape[1:])
    return "gap" if whole else "avgpool"


def _reads_neighbours(node: Node) -> bool:
    return any(len(pixels) > 1 for reads in _positions(node) for pixels in reads)


def _positions(node: Node) -> tuple[list[range], list[range]]:
    """Return for rows, then for columns, which of the map each position of the node's window reads, without padding.

    Positions that read padding alone are left out: they say nothing of the map.
    """
    kernels, stride, padding = window(node)

    def along(size: int, kernel: int, outputs: int) -> list[range]:
        starts = [position * stride - padding for position in range(outputs)]
        return [range(max(0, start), min(size, start + kernel)) for start in starts if -kernel < start < size]

    (_, h, w), (_, out_h, out_w) = node.input_shape, node.output_shape
    return along(h, kernels[0], out_h), along(w, kernels[1], out_w)


def last_convolution(plan: Plan) -> NodeCost | None:
    """Return the convolution that sees most, with its receptive field; None where all layers are fully connected."""
    layers = zip(plan.nodes, measure(plan).layers, strict=True)
    convolutions = [layer for node, layer in layers if role(node) in CONVOLUTIONS]
    return max(convolutions, key=lambda layer: layer.receptive_field, default=None)


# ---------------------------------------------------------------------------------------------------- findings


def _layers(name: str, plan: Plan) -> Finding:
    """Count the layers with this role; name those a reader of the layers would not have counted, or would have."""
    counted, words = [], []
    for node in plan.nodes:
        where, what = f"layer {node.number}, {to_text(node.operation)} on its {_map(node)} map,", role(node)
        if what == name:
            counted.append(node)
            if not isinstance(node.operation, NAMESAKES[name]):
                words.append(f"{where} counts")
        elif _looks_like(node, name):
            words.append(f"{where} counts as {what}" if what else f"{where} does not count")
    found = f"{len(counted):,} found" + _rates(counted) + _pooled(counted)
    return Finding(bool(counted), "; ".join([found, *_first(words)]))


def _looks_like(node: Node, name: str) -> bool:
    """Return whether the layer is one that is called so, or an average pool that leaves one pixel."""
    one_pixel = node.output_shape[1:] == (1, 1)
    pools_to_one_pixel = name == "gap" and isinstance(node.operation, AvgPool) and one_pixel
    return isinstance(node.operation, NAMESAKES[name]) or pools_to_one_pixel


def _first(words: Sequence[str]) -> list[str]:
    """Return as many as a reader takes in, and how many more there are."""
    return [*words[:MOST_NAMED], *([f"and {len(words) - MOST_NAMED:,} more"] if len(words) > MOST_NAMED else [])]


def _rates(nodes: Sequence[Node]) -> str:
    rates = [node.operation.rate for node in nodes if isinstance(node.operation, Dropout)]
    if not rates:
        return ""
    low, high = min(rates), max(rates)
    return f", rate {low:g}" if low == high else f", rates {low:g} to {high:g}"


def _pooled(nodes: Sequence[Node]) -> str:
    maps = dict.fromkeys(_map(node) for node in nodes if role(node) == "gap")
    return f", of {' and '.join(maps)} pixels" if maps else ""


def _map(node: Node) -> str:
    return f"{node.input_shape[1]}x{node.input_shape[2]}"


def _skip_connections(plan: Plan) -> Finding:
    """Compare the two paths of each sum: one must hold fewer convolutions, or 1x1 ones (a projection) for larger.

    Which nodes lie behind a value is held as the bits of a number; those before both paths are counted in both.
    """
    weighted = sum(1 << node.number for node in plan.nodes if role(node) in WEIGHTED)
    wide = sum(1 << node.number for node in plan.nodes if _reads_neighbours(node))
    behind, found, words = [0], 0, []
    for node in plan.nodes:
        paths = [behind[value] & weighted for value in node.inputs]
        behind.append(reduce(or_, paths, 1 << node.number))
        if isinstance(node.operation, Add):
            first, second = ((path.bit_count(), (path & wide).bit_count()) for path in paths)
            if first != second:
                found += 1
            else:
                words.append(f"layer {node.number}, a sum, skips no convolution")
    return Finding(found > 0, "; ".join([f"{found:,} found", *_first(words)]))


def _normalized_convolutions(plan: Plan) -> Finding:
    """Look behind each convolution, on every path to the next layer that convolves or connects, for BatchNorm."""
    met_behind: list[set[str]] = [set() for _ in range(len(plan.nodes) + 1)]
    for node in reversed(plan.nodes):
        met = {role(node)} if role(node) in (*WEIGHTED, "batchnorm") else met_behind[node.number]
        for value in node.inputs:
            met_behind[value] |= met
    asked = [node for node in plan.nodes if role(node) in CONVOLUTIONS and met_behind[node.number]]
    bare = [node for node in asked if met_behind[node.number] != {"batchnorm"}]
    if not asked:
        return Finding(False, "no convolution but the head")
    words = f"{len(asked) - len(bare):,} of {len(asked):,} convolutions"
    if bare:
        words += f"; none behind layer {', '.join(_first([str(node.number) for node in bare]))}"
    return Finding(not bare, words)


def _augmentation(recipe: "Recipe") -> Finding:
    asked, neutral = asdict(recipe.augmentation), asdict(type(recipe.augmentation)())
    words = ", ".join(f"{name} {value:g}" for name, value in asked.items() if value != neutral[name])
    moves = recipe.augmentation.moves_images
    return Finding(moves, words if moves else "images are not moved")
