"""A plan as the native engine runs it: convolutions, and everything between two of them fused into one pass.

A tail takes a value through ReLU, BatchNorm, a skip's sum, ReLU, pooling and dropout, each at most once and in this
order (`kernels/tail.h`); what does not fit starts another tail. Linear layers are convolutions as large as their map.
"""

from dataclasses import dataclass, field
from enum import IntFlag
from itertools import pairwise
from typing import TypeAlias

from pennyweight.base.errors import UsageError
from pennyweight.nets.plan import Add, Plan, Shape, Step
from pennyweight.nets.rows import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu

WIDEST_KERNEL = 64
"""Columns of a kernel that the sums of `kernels/convolution.h` have room for."""


class Does(IntFlag):
    """What a tail does to every value, as in `kernels/tail.h`."""

    NOTHING = 0
    PRE_RELU = 1
    NORMALISE = 2
    ADD = 4
    POST_RELU = 8
    DROP = 16


@dataclass(frozen=True)
class Convolution:
    """A convolution, depthwise or not, from a stored value to a raw value of the same number as its step."""

    step: Step
    kernel: int
    stride: int
    padding: int

    @property
    def depthwise(self) -> bool:
        """Tell whether every channel has a kernel of its own."""
        return isinstance(self.step.operation, Depthwise)

    @property
    def source(self) -> int:
        """Return the number of the value it reads."""
        return self.step.inputs[0]


@dataclass
class Tail:
    """A fused pass from value `source` (and `skip`) to the value `target`."""

    source: int
    target: int
    shape: Shape
    convolution: Convolution | None = None
    """The convolution whose raw value it starts from; nothing else reads that. None where it starts from a value."""
    does: Does = Does.NOTHING
    skip: int | None = None
    norm: Step | None = None
    pool: str = "NO_POOL"
    size: int = 1
    rate: float = 0.0

    @property
    def output_shape(self) -> Shape:
        """Return the shape after pooling."""
        c, h, w = self.shape
        return c, h // self.size, w // self.size


Segment: TypeAlias = Convolution | Tail


@dataclass
class Program:
    """Segments in the order they run, the shape of every value that a segment reads, and its zero border in pixels."""

    plan: Plan
    segments: list[Segment] = field(default_factory=list)
    shapes: dict[int, Shape] = field(default_factory=dict)
    borders: dict[int, int] = field(default_factory=dict)
    passing: dict[int, int] = field(default_factory=dict)
    """Values that only the convolution right after them reads, and its number. On the way back, their gradients take
    the place of its raw value, which is no longer needed."""
    recomputed: set[int] = field(default_factory=set)
    """Passing values that are quickly made again on the way back: they need not be kept for every image."""

    @property
    def convolutions(self) -> list[Convolution]:
        """Return the convolutions in the order they run."""
        return [segment for segment in self.segments if isinstance(segment, Convolution)]

    @property
    def tails(self) -> list[Tail]:
        """Return the tails in the order they run."""
        return [segment for segment in self.segments if isinstance(segment, Tail)]


def make_program(plan: Plan) -> Program:
    """Fuse the steps of `plan`; every value that a convolution or a skip reads has one place, with its border.

    Raises UsageError for a kernel wider than WIDEST_KERNEL.
    """
    program = Program(plan, shapes={0: plan.image_shape})
    readers = _readers(plan)
    position = 0
    while position < len(plan.steps):
        step = plan.steps[position]
        if isinstance(step.operation, Conv | Depthwise | Linear):
            one = _convolution(step)
            program.segments.append(one)
            tail = Tail(step.number, step.number, step.output_shape, one)
            position += 1
        else:
            tail = Tail(step.inputs[0], step.number, step.input_shape)
        position = _fuse(plan, position, tail, readers)
        program.segments.append(tail)
        program.shapes[tail.target] = tail.output_shape
    _set_borders(program)
    _set_passing(program)
    return program


def _convolution(step: Step) -> Convolution:
    match step.operation:
        case Conv(kernel=kernel, stride=stride, padding=padding):
            one = Convolution(step, kernel, stride, padding)
        case Depthwise(kernel=kernel, stride=stride, padding=padding):
            one = Convolution(step, kernel, stride, padding)
        case _:
            one = Convolution(step, step.input_shape[1], 1, 0)
    if one.kernel > WIDEST_KERNEL:
        raise UsageError(
            f"{step.label} has a kernel of {one.kernel}x{one.kernel} pixels; the native engine does at most "
            f"{WIDEST_KERNEL}x{WIDEST_KERNEL}. Use --engine torch, or make the map smaller before a linear layer."
        )
    return one


def _readers(plan: Plan) -> dict[int, int]:
    readers: dict[int, int] = {}
    for step in plan.steps:
        for value in step.inputs:
            readers[value] = readers.get(value, 0) + 1
    return readers


def _fuse(plan: Plan, position: int, tail: Tail, readers: dict[int, int]) -> int:
    """Take steps into `tail` as long as each is the only reader of what comes before and fits the order."""
    stage = 0
    fresh = tail.convolution is None  # a tail that does not start at a convolution takes its first step whatever
    while position < len(plan.steps):
        step = plan.steps[position]
        current = tail.source if fresh else tail.target
        if current not in step.inputs or (not fresh and readers.get(current, 0) != 1):
            break
        following = plan.steps[position + 1].operation if position + 1 < len(plan.steps) else None
        wanted = _stage(step, stage, isinstance(following, BatchNorm) and readers.get(step.number, 0) == 1)
        if wanted <= stage:
            break
        _take(tail, step, wanted, current)
        stage, tail.target, fresh = wanted, step.number, False
        position += 1
    return position


def _stage(step: Step, stage: int, before_norm: bool) -> int:
    """Return where a step stands in a tail's order, 1 to 6, or 0 when it cannot be part of one."""
    match step.operation:
        case Relu():
            return 1 if stage == 0 and before_norm else 4
        case BatchNorm():
            return 2
        case Add():
            return 3
        case MaxPool() | AvgPool() | GlobalAvgPool():
            return 5
        case Dropout():
            return 6
        case _:
            return 0


def _take(tail: Tail, step: Step, stage: int, current: int) -> None:
    flags = {1: Does.PRE_RELU, 2: Does.NORMALISE, 3: Does.ADD, 4: Does.POST_RELU, 6: Does.DROP}
    tail.does |= flags.get(stage, Does.NOTHING)
    match step.operation:
        case BatchNorm():
            tail.norm = step
        case Add():
            body, other = step.inputs
            tail.skip = other if body == current else body
        case MaxPool(size=size):
            tail.pool, tail.size = "MAX_POOL", size
        case AvgPool(size=size):
            tail.pool, tail.size = "MEAN_POOL", size
        case GlobalAvgPool():
            tail.pool, tail.size = "MEAN_POOL", step.input_shape[1]
        case Dropout(rate=rate):
            tail.rate = rate
        case _:
            pass


def _set_borders(program: Program) -> None:
    program.borders = dict.fromkeys(program.shapes, 0)
    for segment in program.segments:
        if isinstance(segment, Convolution):
            program.borders[segment.source] = max(program.borders[segment.source], segment.padding)


def _set_passing(program: Program) -> None:
    readers = [one.source for one in program.convolutions]
    readers += [tail.source for tail in program.tails if tail.convolution is None]
    readers += [tail.skip for tail in program.tails if tail.skip is not None]
    for tail, after in pairwise(program.segments):
        if not isinstance(tail, Tail) or not isinstance(after, Convolution):
            continue
        if after.source == tail.target and readers.count(tail.target) == 1:
            program.passing[tail.target] = after.step.number
            if tail.size == 1 and not tail.does & Does.ADD:
                program.recomputed.add(tail.target)
