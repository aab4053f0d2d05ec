"""A static arena: where every value of a plan lies in one array, so that values alive together never overlap.

A node that works element by element writes over an input that nobody reads later. The others are placed by size, the
largest first, each at the lowest offset that is free while it lives: the greedy-by-size of Pisarchyk and Lee,
"Efficient Memory Management for Deep Neural Net Inference" (2020), section 5.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from pennyweight.nets.layers import BatchNorm, Relu
from pennyweight.nets.plan import Add, Node, Plan


@dataclass(frozen=True)
class Arena:
    """The offset of every value in elements, by its number, and how many elements there are."""

    offsets: Mapping[int, int]
    size: int


@dataclass
class _Block:
    """Values that share one place: from the node that makes the first to the last that reads one of them."""

    values: list[int]
    size: int
    first: int
    last: int

    def lives_with(self, other: "_Block") -> bool:
        return self.first <= other.last and other.first <= self.last


def plan_arena(plan: Plan) -> Arena:
    """Return where the image, value 0, and the output of every node are kept."""
    offsets: dict[int, int] = {}
    placed: list[tuple[int, _Block]] = []
    for block in sorted(_blocks(plan), key=lambda one: (-one.size, one.first)):
        offset = 0
        for start, other in sorted(placed, key=lambda one: one[0]):
            if block.lives_with(other) and start < offset + block.size and offset < start + other.size:
                offset = start + other.size
        placed.append((offset, block))
        offsets.update(dict.fromkeys(block.values, offset))
    return Arena(dict(sorted(offsets.items())), max(offset + block.size for offset, block in placed))


def _blocks(plan: Plan) -> list[_Block]:
    image_use = max(node.number for node in plan.nodes if 0 in node.inputs)
    blocks = [_Block([0], prod(plan.image_shape), 0, image_use)]
    block_of = {0: blocks[0]}
    for node in plan.nodes:
        reused = _overwritten(node, block_of)
        if reused:
            reused.values.append(node.number)
            reused.last = node.last_use
            block_of[node.number] = reused
        else:
            block_of[node.number] = _Block([node.number], prod(node.output_shape), node.number, node.last_use)
            blocks.append(block_of[node.number])
    return blocks


def _overwritten(node: Node, block_of: Mapping[int, _Block]) -> _Block | None:
    """Return the place of an input that the node's output may take, element by element."""
    if not isinstance(node.operation, Relu | BatchNorm | Add):
        return None
    return next((block_of[value] for value in node.inputs if block_of[value].last == node.number), None)
