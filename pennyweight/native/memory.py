"""Where a program keeps everything: parameters, what is kept for every image, and what a thread needs for a while."""

from dataclasses import dataclass
from math import prod

from pennyweight.native.segments import Convolution, Program, Tail
from pennyweight.native.tiles import (
    backward_by_tiles,
    needs_points,
    weight_tile,
    weights_by_winograd,
    winograd_strip,
)
from pennyweight.nets.plan import Plan, Shape


@dataclass(frozen=True)
class Layout:
    """Where each parameter and buffer starts in its flat array."""

    offsets: dict[str, int]
    parameters: int
    buffers: int


def layout_of(plan: Plan) -> Layout:
    """Lay weights and buffers end to end, each in the plan's order."""
    offsets: dict[str, int] = {}
    totals = []
    for tensors in (plan.weights, plan.buffers):
        place = 0
        for tensor in tensors:
            offsets[tensor.name] = place
            place += prod(tensor.shape)
        totals.append(place)
    return Layout(offsets, *totals)


@dataclass(frozen=True)
class Memory:
    """The arrays of a program in C: what they are called, and their sizes in vectors."""

    program: Program
    layout: Layout
    lanes: int

    def parameter(self, name: str) -> str:
        """Return the first value of a weight."""
        return f"n->parameters + {self.layout.offsets[name]}"

    def parameter_gradient(self, name: str, group: str = "g") -> str:
        """Return the first value of a weight's gradient in a group."""
        return f"n->gradients[{group}] + {self.layout.offsets[name]}"

    def buffer(self, name: str) -> str:
        """Return the first value of a running statistic."""
        return f"n->buffers + {self.layout.offsets[name]}"

    def value(self, number: int) -> str:
        """Return the map of a value, its border included."""
        return f"t->value{number}" if number in self.program.recomputed else f"n->v.value{number}[g]"

    def gradient(self, number: int) -> str:
        """Return the map of a value's gradient, which has no border."""
        passes_to = self.program.passing.get(number)
        return f"n->v.gradient{number}[g]" if passes_to is None else f"n->v.raw{passes_to}[g]"

    def source(self, tail: Tail) -> tuple[str, int]:
        """Return the map that a tail starts from and its border: a convolution's raw value, or a value."""
        if tail.convolution:
            return f"n->v.raw{tail.source}[g]", 0
        return self.value(tail.source), self.program.borders[tail.source]

    def output_gradient(self, one: Convolution) -> tuple[str, Shape]:
        """Return a convolution's output gradient from its first pixel, and its shape with the zeros that are needed.

        There are stride - 1 of them between its pixels, and enough around for the input gradient by register tiles.
        """
        co, h, w = one.step.output_shape
        if not backward_by_tiles(one):
            return "t->unbordered", (co, (h - 1) * one.stride + 1, (w - 1) * one.stride + 1)
        more = one.kernel - 1
        _, h, w = one.step.input_shape
        return f"t->bordered{one.step.number} + {(more - one.padding) * (w + more + 1)}", (co, h + more, w + more)

    def structs(self) -> list[str]:
        """Return the struct of what is kept for every image, and the one that each thread has for itself."""
        of_images = [*self._values(), *self._raw_values(), *self._statistics(), *self._prepared_weights()]
        return ["typedef struct {", *of_images, "} Values;", "typedef struct {", *self._scratch(), "} Scratch;"]

    def _values(self) -> list[str]:
        lines = []
        for number, shape in self.program.shapes.items():
            if number not in self.program.recomputed:
                lines.append(f"    vec value{number}[GROUPS][{_size(shape, self.program.borders[number])}];")
            if number and number not in self.program.passing:
                lines.append(f"    vec gradient{number}[GROUPS][{_size(shape)}];")
        return lines

    def _raw_values(self) -> list[str]:
        lines = []
        for one in self.program.convolutions:
            sizes = [_size(one.step.output_shape)]
            if one.source in self.program.passing:
                sizes.append(_size(self.program.shapes[one.source]))
            lines.append(f"    vec raw{one.step.number}[GROUPS][{max(sizes)}];")
        return lines

    def _statistics(self) -> list[str]:
        lines = []
        for tail in self.program.tails:
            if tail.norm:
                c, number = tail.shape[0], tail.norm.number
                lines.append(f"    Moments moments{number}[GROUPS][{c}];")
                lines.append(f"    BackSums sums{number}[GROUPS][{c}];")
                lines.append(f"    Normal normal{number}[{c}];")
        return lines

    def _prepared_weights(self) -> list[str]:
        lines = []
        for one in self.program.convolutions:
            number, weights = one.step.number, prod(one.step.weights[0].shape)
            if needs_points(one):
                lines.append(f"    float points{number}[{2 * weights}];")
            if backward_by_tiles(one):
                lines.append(f"    float flipped{number}[{weights}];")
        return lines

    def _scratch(self) -> list[str]:
        lines = [f"    vec room[{max(1, *map(self._room, self.program.convolutions))}];"]
        for number in sorted(self.program.recomputed):
            lines.append(f"    vec value{number}[{_size(self.program.shapes[number], self.program.borders[number])}];")
        unbordered = 1
        for one in self.program.convolutions:
            size = _size(self.output_gradient(one)[1])
            if backward_by_tiles(one):
                lines.append(f"    vec bordered{one.step.number}[{size}];")
            else:
                unbordered = max(unbordered, size)
        return [*lines, f"    vec unbordered[{unbordered}];"]

    def _room(self, one: Convolution) -> int:
        """Return the vectors that a weight gradient by Winograd needs for transformed columns and its sums."""
        if not weights_by_winograd(one):
            return 0
        ci, (co, h, w) = one.step.input_shape[0], one.step.output_shape
        tc, ti = weight_tile(co, ci, 3)
        sums = -(-co // tc) * -(-ci // ti) * -(-3 * tc * ti // self.lanes)
        return 6 * (winograd_strip(h, w) * (ci * (h + 2) + co * h) + sums)


def _size(shape: Shape, border: int = 0) -> int:
    c, h, w = shape
    return c * (h + 2 * border) * (w + 2 * border)
