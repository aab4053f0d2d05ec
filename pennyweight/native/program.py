"""A plan as the native engine runs it: convolutions, and everything between two of them fused into one epilogue.

An epilogue takes a value through ReLU, BatchNorm, a skip's sum, ReLU, pooling and dropout, each at most once and in
this order (`kernels/epilogue.h`); what does not fit starts another epilogue. A linear layer is a 1x1 convolution of its
input as one vector.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from math import prod
from typing import TypeAlias, assert_never, get_args

from pennyweight.base.errors import UsageError
from pennyweight.native.abi import EpilogueOp, Pool
from pennyweight.native.convolution import ConvGeometry, ConvPlan, plan_convolution
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Node, Operation, Plan, Shape


class Stage(IntEnum):
    """Where an operation stands in an epilogue; each stage is passed at most once, in this order."""

    START = 0
    PRE_RELU = 1
    NORMALISE = 2
    ADD = 3
    POST_RELU = 4
    POOL = 5
    DROPOUT = 6


@dataclass(frozen=True)
class Convolution:
    """A convolution from a stored value to a convolution output of the same number as its node, and how it runs."""

    node: Node
    shape: ConvGeometry
    plan: ConvPlan

    @property
    def number(self) -> int:
        """The number of its node."""
        return self.node.number

    @property
    def source(self) -> int:
        """The number of the value it reads."""
        return self.node.inputs[0]


@dataclass
class Epilogue:
    """A fused pass from value `source` (and `skip`) to the value `target`."""

    source: int
    target: int
    shape: Shape
    convolution: Convolution | None = None
    """The convolution whose output it starts from; nothing else reads that. None where it starts from a value."""
    ops: EpilogueOp = EpilogueOp.NOTHING
    skip: int | None = None
    norm: Node | None = None
    pool: Pool = Pool.NO_POOL
    window: tuple[int, int] = (1, 1)
    """Rows and columns that are pooled into one value."""
    rate: float = 0.0

    @property
    def output_shape(self) -> Shape:
        """The shape after pooling."""
        c, h, w = self.shape
        return c, h // self.window[0], w // self.window[1]


Segment: TypeAlias = Convolution | Epilogue


@dataclass
class Program:
    """Segments in the order they run, the shape of every value that a segment reads, and the zeros stored around it."""

    plan: Plan
    segments: list[Segment] = field(default_factory=list)
    shapes: dict[int, Shape] = field(default_factory=dict)
    pads: dict[int, int] = field(default_factory=dict)
    """Rows and columns of zeros on each side of a stored value."""
    sole_reader: dict[int, int] = field(default_factory=dict)
    """Values that only the convolution right after them reads, and its number. In the backward pass, their gradients
    reuse the buffer of that convolution's output, which is no longer needed."""
    recomputed: set[int] = field(default_factory=set)
    """Values with a sole reader that are quickly recomputed in the backward pass: they are not kept for every image."""

    @property
    def convolutions(self) -> list[Convolution]:
        """The convolutions in the order they run."""
        return [segment for segment in self.segments if isinstance(segment, Convolution)]

    @property
    def epilogues(self) -> list[Epilogue]:
        """The epilogues in the order they run."""
        return [segment for segment in self.segments if isinstance(segment, Epilogue)]


def make_program(plan: Plan) -> Program:
    """Fuse the nodes of `plan` and decide how each convolution runs.

    Every value that a convolution or a skip reads has one buffer, with its padding. Raises UsageError for a plan that
    the native engine cannot run.
    """
    for node in plan.nodes:
        if not isinstance(node.operation, get_args(Operation)):
            raise UsageError(f"{node.label} is an operation that the native engine does not know.")
    program = Program(plan, shapes={0: plan.image_shape})
    readers = _count_readers(plan)
    position = 0
    while position < len(plan.nodes):
        node = plan.nodes[position]
        if isinstance(node.operation, Conv | Depthwise | Linear):
            convolution = _convolution(node, node.operation)
            program.segments.append(convolution)
            epilogue = Epilogue(node.number, node.number, node.output_shape, convolution)
            position += 1
        else:
            epilogue = Epilogue(node.inputs[0], node.number, node.input_shape)
        position = _fuse(plan, position, epilogue, readers)
        program.segments.append(epilogue)
        program.shapes[epilogue.target] = epilogue.output_shape
    _set_pads(program)
    _set_sole_readers(program)
    return program


def _convolution(node: Node, operation: Conv | Depthwise | Linear) -> Convolution:
    match operation:
        case Conv() | Depthwise():
            kernel, stride, padding = operation.kernel, operation.stride, operation.padding
            input_shape = node.input_shape
        case Linear():
            kernel, stride, padding = 1, 1, 0
            input_shape = (prod(node.input_shape), 1, 1)
    shape = ConvGeometry(
        input_shape=input_shape,
        output_shape=node.output_shape,
        kernel=kernel,
        stride=stride,
        padding=padding,
        depthwise=isinstance(operation, Depthwise),
        reads_image=node.inputs[0] == 0,
    )
    return Convolution(node, shape, plan_convolution(shape))


def _count_readers(plan: Plan) -> dict[int, int]:
    readers: dict[int, int] = {}
    for node in plan.nodes:
        for value in node.inputs:
            readers[value] = readers.get(value, 0) + 1
    return readers


def _fuse(plan: Plan, position: int, epilogue: Epilogue, readers: dict[int, int]) -> int:
    """Move nodes from `position` on into `epilogue`; return the position of the first that does not belong to it.

    A node belongs to it when it alone reads the value before it and its stage is still to come. An epilogue that starts
    at a stored value takes its first node however many others read that value.
    """
    stage, value = Stage.START, epilogue.source
    while position < len(plan.nodes):
        node = plan.nodes[position]
        starts_at_value = stage is Stage.START and epilogue.convolution is None
        if value not in node.inputs or (not starts_at_value and readers.get(value, 0) != 1):
            break
        following = plan.nodes[position + 1].operation if position + 1 < len(plan.nodes) else None
        before_norm = isinstance(following, BatchNorm) and readers.get(node.number, 0) == 1
        next_stage = _stage_of(node, stage, before_norm)
        if next_stage is None or next_stage <= stage:
            break
        _absorb(epilogue, node, next_stage, value)
        stage, value, epilogue.target = next_stage, node.number, node.number
        position += 1
    return position


def _stage_of(node: Node, stage: Stage, before_norm: bool) -> Stage | None:
    """Return where a node stands in an epilogue that has come to `stage`; None for one that cannot be part of any."""
    match node.operation:
        case Relu():
            return Stage.PRE_RELU if stage is Stage.START and before_norm else Stage.POST_RELU
        case BatchNorm():
            return Stage.NORMALISE
        case Add():
            return Stage.ADD
        case MaxPool() | AvgPool() | GlobalAvgPool():
            return Stage.POOL
        case Dropout():
            return Stage.DROPOUT
        case Conv() | Depthwise() | Linear():
            return None
        case _:
            assert_never(node.operation)


def _absorb(epilogue: Epilogue, node: Node, stage: Stage, value: int) -> None:
    """Make `node`, which reads `value`, the stage `stage` of `epilogue`."""
    if stage is not Stage.POOL:
        epilogue.ops |= EpilogueOp[stage.name]
    match node.operation:
        case BatchNorm():
            epilogue.norm = node
        case Add():
            body, other = node.inputs
            epilogue.skip = other if body == value else body
        case MaxPool(size=size):
            epilogue.pool, epilogue.window = Pool.MAX_POOL, (size, size)
        case AvgPool(size=size):
            epilogue.pool, epilogue.window = Pool.MEAN_POOL, (size, size)
        case GlobalAvgPool():
            epilogue.pool, epilogue.window = Pool.MEAN_POOL, node.input_shape[1:]
        case Dropout(rate=rate):
            epilogue.rate = rate
        case Relu():
            pass
        case Conv() | Depthwise() | Linear():
            raise AssertionError(f"{node.label} cannot be part of an epilogue")
        case _:
            assert_never(node.operation)


def _set_pads(program: Program) -> None:
    program.pads = dict.fromkeys(program.shapes, 0)
    for convolution in program.convolutions:
        source = convolution.source
        program.pads[source] = max(program.pads[source], convolution.shape.padding)
    for convolution in program.convolutions:
        if isinstance(convolution.node.operation, Linear) and program.pads[convolution.source]:
            raise UsageError(
                f"{convolution.node.label} reads a map that a convolution with padding reads as well, which the native "
                "engine does not do. Use --engine torch."
            )


def _set_sole_readers(program: Program) -> None:
    read = [convolution.source for convolution in program.convolutions]
    read += [epilogue.source for epilogue in program.epilogues if epilogue.convolution is None]
    read += [epilogue.skip for epilogue in program.epilogues if epilogue.skip is not None]
    for epilogue, after in pairwise(program.segments):
        if not isinstance(epilogue, Epilogue) or not isinstance(after, Convolution):
            continue
        if after.source == epilogue.target and read.count(epilogue.target) == 1:
            program.sole_reader[epilogue.target] = after.number
            if epilogue.window == (1, 1) and not epilogue.ops & EpilogueOp.ADD:
                program.recomputed.add(epilogue.target)
