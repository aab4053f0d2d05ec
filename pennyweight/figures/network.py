"""A network drawn from its plan: a block for each step, as high as its map and as wide as its channels.

Legend: a block is a convolution or a fully connected layer with all that only changes its values (BatchNorm, ReLU,
dropout), or a pool; the sum of a residual is a block of its own, reached by an arc.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from pennyweight.base.errors import UsageError
from pennyweight.figures.labels import text_width
from pennyweight.figures.layout import canvas, sheet
from pennyweight.figures.style import CATEGORIES, HAIRLINE, INK, LINE, OURS, PHONE, QUIET, RULE, SMALL, TEXT, drawn
from pennyweight.figures.words import Words, counted
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.measure import measure, window
from pennyweight.nets.plan import Add, Node, Plan, Shape

CHANGES_VALUES_ALONE = (BatchNorm, Relu, Dropout)
WITHIN = {BatchNorm: "BN", Relu: "ReLU", Dropout: "dropout"}


@dataclass(frozen=True)
class Block:
    """One block: the node it begins with, what it is called, its output, and the numbers of the blocks it reads.

    Block 0 is the image. `adds` holds the words of what follows within the block; `receptive_field` is in pixels of the
    image.
    """

    kind: str
    shape: Shape
    kernel: int
    reads: tuple[int, ...]
    receptive_field: int
    params: int
    adds: tuple[str, ...] = ()


def blocks_of(plan: Plan) -> list[Block]:
    """Return the blocks of a plan, the image first."""
    costs = measure(plan).layers
    blocks = [Block("image", plan.image_shape, 1, (), 1, 0)]
    block_of = {0: 0}
    for node, cost in zip(plan.nodes, costs, strict=True):
        reads = tuple(block_of[value] for value in node.inputs)
        joins = isinstance(node.operation, CHANGES_VALUES_ALONE) and reads[0] == len(blocks) - 1 and reads[0] > 0
        if joins:
            before = blocks[-1]
            word = WITHIN[type(node.operation)]
            blocks[-1] = Block(
                before.kind, node.output_shape, before.kernel, before.reads, cost.receptive_field,
                before.params + cost.params, tuple(dict.fromkeys((*before.adds, word))),
            )  # fmt: skip
        else:
            kernel = max(window(node)[0])
            blocks.append(Block(_kind(node), node.output_shape, kernel, reads, cost.receptive_field, cost.params))
        block_of[node.number] = len(blocks) - 1
    return blocks


def network(plan: Plan, *, width: int = 1040) -> Figure:
    """Draw a plan from left to right; on a phone, or where its blocks do not fit side by side, from top to bottom.

    `width` is in pixels. Raises UsageError for a network of more than 400 blocks.
    """
    blocks = blocks_of(plan)
    if len(blocks) > 400:
        raise UsageError(f"The network has {len(blocks):,} blocks; more than 400 cannot be drawn.")
    if width < PHONE or not _names_fit(blocks, _places(blocks, width)):
        return _downwards(blocks, width)
    return _across(blocks, width)


def network_words(plan: Plan) -> Words:
    """Return what `network` shows of the same plan, in words."""
    blocks, measured = blocks_of(plan), measure(plan)
    weighted = [block for block in blocks if block.kind in ("conv", "depthwise")]
    skips = sum(block.kind == "sum" for block in blocks)
    title = f"{counted(len(weighted), 'convolution')}, {counted(measured.params, 'parameter')}, receptive field "
    title += f"{measured.receptive_field} pixels"
    title += f", {counted(skips, 'skip connection')}" if skips else ""
    parts = [f"{_name(block)} gives {_shape(block.shape)}" for block in blocks[1:]]
    image = _shape(plan.image_shape)
    text = f"From left to right, an image of {image}, then: {'; '.join(parts)}. A block is as high as its map and as "
    return Words(title, text + "wide as its channels; arcs are skip connections.")


# ---------------------------------------------------------------------------------------------------- across


@drawn
def _across(blocks: Sequence[Block], width: int) -> Figure:
    """Draw blocks from left to right, under each its output and receptive field, skips as arcs above."""
    levels = _levels(blocks)
    most_levels = max((level for _, _, level in levels), default=0)
    tall, arcs = 132.0, 26.0 * most_levels + (14 if most_levels else 0)
    middle = 6 + arcs + tall / 2
    foot = 6 + arcs + tall + 20
    figure = canvas(width, foot + 146)
    axes = sheet(figure)
    places = _places(blocks, width)
    largest = max(blocks[0].shape[1:])
    thick = _thickness(blocks, places)
    heights = [max(5.0, tall * max(block.shape[1:]) / largest) for block in blocks]
    for number, (block, x, high) in enumerate(zip(blocks, places, heights, strict=True)):
        if number and number - 1 in block.reads:
            ends = places[number - 1] + thick[number - 1] / 2, x - thick[number] / 2
            axes.plot(ends, (middle, middle), color=QUIET, linewidth=HAIRLINE)
        _block(axes, block, number, (x - thick[number] / 2, middle - high / 2, thick[number], high))
        axes.text(x, foot, _short_name(block), ha="center", va="center", color=QUIET, fontsize=SMALL)
        for line, text in enumerate(
            (f"{block.shape[0]}", _map(block.shape), f"{block.params:,}" if block.params else "")
        ):
            axes.text(x, foot + 19 + 18 * line, text, ha="center", va="center")
    for first, last, level in levels:
        ends = middle - heights[first] / 2, middle - heights[last] / 2
        _arc(axes, (places[first], places[last]), ends, 20 + 26 * (most_levels - level))
    for line, text in enumerate(("channels", "map", "parameters", "receptive field")):
        axes.text(0, foot + 19 + 18 * line, text, va="center", color=QUIET, fontsize=SMALL)
    _fields_across(axes, blocks, places, foot + 73, largest)
    return figure


def _fields_across(axes: Axes, blocks: Sequence[Block], places: Sequence[float], top: float, side: int) -> None:
    """Draw how wide a square of the image each block sees, hanging bars against the width of the image."""
    tall = 40.0
    end = places[-1] + 22
    axes.plot((places[0] - 22, end), (top + 12 + tall, top + 12 + tall), color=RULE, linewidth=HAIRLINE)
    words = f"the whole image, {side}"
    axes.text(places[0] - 22, top + 12 + tall + 10, words, va="center", color=QUIET, fontsize=SMALL)
    for number, (block, x) in enumerate(zip(blocks, places, strict=True)):
        high, whole = tall * min(1.0, block.receptive_field / side), block.receptive_field >= side
        box = (x - 9, top + 12), 18, high
        axes.add_patch(
            Rectangle(*box, facecolor=CATEGORIES[0], alpha=0.6 if whole else 0.3, linewidth=0, gid=f"sees-{number}")
        )
        axes.text(x, top, str(block.receptive_field), ha="center", va="center")


def _places(blocks: Sequence[Block], width: int) -> list[float]:
    """Return the middle of each block, evenly apart: the numbers beneath are a table, and tables have even columns."""
    first, last = 108.0, width - 38.0
    step = min(120.0, (last - first) / (len(blocks) - 1))
    return [first + step * number for number in range(len(blocks))]


def _names_fit(blocks: Sequence[Block], places: Sequence[float]) -> bool:
    """Return whether the names under the blocks leave six pixels between each other."""
    wide = [text_width(_short_name(block), SMALL) for block in blocks]
    return all((one + other) / 2 + 6 <= places[1] - places[0] for one, other in pairwise(wide))


def _thickness(blocks: Sequence[Block], places: Sequence[float]) -> list[float]:
    """Return how wide each block is: in proportion to its channels, or where they differ a lot to their root."""
    step = places[1] - places[0] if len(places) > 1 else 60.0
    widest = max(block.shape[0] for block in blocks)
    room = min(0.62 * step, 3.0 * widest)
    grows = (lambda channels: channels / widest) if widest <= 32 else (lambda channels: sqrt(channels / widest))
    return [max(4.0, room * grows(block.shape[0])) for block in blocks]


def _block(axes: Axes, block: Block, number: int, box: tuple[float, float, float, float]) -> None:
    """Draw one block, what learns filled, what only reduces outlined; `box` is left, top, width and height."""
    left, top, wide, high = box
    color = {"image": INK, "sum": CATEGORIES[1]}.get(block.kind, OURS if block.params else QUIET)
    learns = block.params > 0
    axes.add_patch(
        Rectangle(
            (left, top), wide, high, facecolor=color, alpha=0.28 if learns else 0.1, linewidth=0, gid=f"block-{number}"
        )
    )
    axes.add_patch(
        Rectangle((left, top), wide, high, facecolor="none", edgecolor=color, linewidth=LINE if learns else HAIRLINE)
    )


def _arc(axes: Axes, across: tuple[float, float], tops: tuple[float, float], peak: float) -> None:
    """Draw a skip from the top of a block: it rises to `peak`, runs level and comes down with an arrow's head."""
    (start, end), (start_y, end_y), bend = across, tops, 12.0
    line, curve = Path.LINETO, Path.CURVE3
    places = [
        ((start, start_y), Path.MOVETO),
        ((start, peak + bend), line),
        ((start, peak), curve),
        ((start + bend, peak), curve),
        ((end - bend, peak), line),
        ((end, peak), curve),
        ((end, peak + bend), curve),
        ((end, end_y - 2), line),
    ]
    path = Path([place for place, _ in places], [code for _, code in places])
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=CATEGORIES[1], linewidth=LINE))
    head = (end - 4, end, end + 4), (end_y - 8, end_y - 2, end_y - 8)
    axes.plot(*head, color=CATEGORIES[1], linewidth=LINE)


def _levels(blocks: Sequence[Block]) -> list[tuple[int, int, int]]:
    """Return each skip as first block, last block and level: one within another runs below it.

    A skip is what a block reads that is not the block just before it.
    """
    found: list[tuple[int, int, int]] = []
    for number, block in enumerate(blocks):
        for first in (reads for reads in block.reads if reads != number - 1):
            beneath = [level for start, end, level in found if start < number and end > first]
            found.append((first, number, 1 + max(beneath, default=0)))
    return found


# ---------------------------------------------------------------------------------------------------- downwards


@drawn
def _downwards(blocks: Sequence[Block], width: int) -> Figure:
    """Draw blocks from top to bottom: bars as long as the map is wide and as high as channels; words beside them."""
    levels = _levels(blocks)
    lanes = 14.0 * max((level for _, _, level in levels), default=0)
    largest, widest = max(blocks[0].shape[1:]), max(block.shape[0] for block in blocks)
    room = min(120.0, 0.3 * width)
    heights = [max(4.0, 22.0 * sqrt(block.shape[0] / widest)) for block in blocks]
    row = 34.0
    figure = canvas(width, 26 + row * len(blocks))
    axes = sheet(figure)
    middle = lanes + room / 2 + 2
    words = lanes + room + 14
    for text, x, align in (("layer", words, "left"), ("output", width - 44, "right"), ("RF", width, "right")):
        axes.text(x, 8, text, ha=align, va="center", color=QUIET, fontsize=SMALL)
    for number, block in enumerate(blocks):
        y = 26 + row * (number + 0.5)
        wide = max(5.0, room * max(block.shape[1:]) / largest)
        if number and number - 1 in block.reads:
            axes.plot(
                (middle, middle),
                (y - row + heights[number - 1] / 2, y - heights[number] / 2),
                color=QUIET,
                linewidth=HAIRLINE,
            )
        _block(axes, block, number, (middle - wide / 2, y - heights[number] / 2, wide, heights[number]))
        axes.text(words, y, _short_name(block), va="center", fontsize=TEXT)
        axes.text(width - 44, y, _shape(block.shape), ha="right", va="center", fontsize=TEXT)
        axes.text(width, y, str(block.receptive_field), ha="right", va="center", color=QUIET, fontsize=TEXT)
        axes.plot((words, width), (y + row / 2, y + row / 2), color=RULE, linewidth=HAIRLINE)
    for first, last, level in levels:
        edge = lanes - 14.0 * level + 4
        y, end = 26 + row * (first + 0.5), 26 + row * (last + 0.5)
        reach = [middle - max(5.0, room * max(blocks[one].shape[1:]) / largest) / 2 for one in (first, last)]
        axes.plot((reach[0], edge, edge, reach[1] - 2), (y, y, end, end), color=CATEGORIES[1], linewidth=LINE)
        axes.plot(
            (reach[1] - 7, reach[1] - 2, reach[1] - 7), (end - 4, end, end + 4), color=CATEGORIES[1], linewidth=LINE
        )
    return figure


# ---------------------------------------------------------------------------------------------------- words


def _kind(node: Node) -> str:
    names = {
        Conv: "conv", Depthwise: "depthwise", Linear: "linear", MaxPool: "max pool", AvgPool: "avg pool",
        GlobalAvgPool: "global pool", Add: "sum", BatchNorm: "BN", Relu: "ReLU", Dropout: "dropout",
    }  # fmt: skip
    return names[type(node.operation)]


def _short_name(block: Block) -> str:
    return f"{block.kind} {block.kernel}×{block.kernel}" if block.kind in ("conv", "depthwise") else block.kind


def _name(block: Block) -> str:
    within = f" with {', '.join(block.adds)}" if block.adds else ""
    return f"{_short_name(block)}{within}"


def _map(shape: Shape) -> str:
    return f"{shape[1]}×{shape[2]}"


def _shape(shape: Shape) -> str:
    return f"{shape[0]}×{_map(shape)}"
