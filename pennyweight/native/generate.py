"""A program as C source: a struct with every array at its literal size, and the phases of a step as calls.

A phase runs for every image group; between two phases one thread joins what the groups summed. All arithmetic lives in
`kernels/*.h`; what is written here is only which kernel is called with which literal shapes.
"""

from dataclasses import dataclass, field
from math import prod

from pennyweight.native.segments import Convolution, Does, Program, Tail, make_program
from pennyweight.native.tiles import (
    forward_tile,
    weight_tile,
    winograd_backward_pays,
    winograd_pays,
    winograd_strip,
    winograd_tile,
    winograd_weights_pay,
)
from pennyweight.nets.initial import BATCHNORM_EPSILON, BATCHNORM_MOMENTUM
from pennyweight.nets.plan import Plan, Shape

MOST_THREADS = 64
PARTS = 2
"""How many pieces a network is compiled in, side by side."""
PIECE_LINES = 4
CHUNK_PARAMETERS = 2_048
KERNELS = ("common", "convolution", "winograd", "batchnorm", "tail", "image", "loss", "optimizer", "team")


@dataclass
class Phases:
    """Lines run for every group, and the lines one thread runs before the next phase starts."""

    groups: list[list[str]] = field(default_factory=lambda: [[]])
    joins: list[list[str]] = field(default_factory=list)

    def group(self, *lines: str) -> None:
        """Add lines to the current phase."""
        self.groups[-1].extend(lines)

    def join(self, *lines: str) -> None:
        """End the phase with lines for one thread."""
        self.joins.append(list(lines))
        self.groups.append([])


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


def generate(plan: Plan, batch_images: int, lanes: int) -> str:
    """Return the C source that trains and runs `plan` in batches of `batch_images`, `lanes` images to a vector."""
    return _Generator(make_program(plan), layout_of(plan), -(-batch_images // lanes), lanes, batch_images).source()


@dataclass
class _Generator:
    program: Program
    layout: Layout
    groups: int
    lanes: int
    batch_images: int

    def source(self) -> str:
        train = self._train_phases()
        forward = self._forward_lines(training=False)
        prepared = [line for one in self._convolutions() if (line := self._prepare(one))]
        size = self.program.plan.image_shape[1]
        head = [
            f"#define LANES {self.lanes}",
            f"#define GROUPS {self.groups}",
            f"#define BATCH_IMAGES {self.batch_images}",
            f"#define IMAGE_SIZE {size}",
            f"#define IMAGE_BORDER {self.program.borders[0]}",
            f"#define CLASSES {self.program.plan.classes}",
            f"#define PARAMETERS {max(self.layout.parameters, 1)}",
            f"#define BUFFERS {max(self.layout.buffers, 1)}",
            f"#define CHUNK {CHUNK_PARAMETERS}",
            f"#define PREPARED {len(prepared)}",
            f"#define LOGITS(n, slot) (n)->v.value{self._tails()[-1].target}[slot]",
            f"#define MOST_THREADS {MOST_THREADS}",
            f"#define BATCHNORM_EPSILON {BATCHNORM_EPSILON!r}",
            f"#define BATCHNORM_MOMENTUM {BATCHNORM_MOMENTUM!r}",
            *(f'#include "{kernel}.h"' for kernel in KERNELS),
            *self._struct(),
            '#include "net.h"',
        ]
        heavy = {
            f"void phase_{number}_{piece}(Net *n, Scratch *t, int g)": ["GROUP_OF_TRAINING", *lines]
            for number, group in enumerate(train.groups)
            for piece, lines in enumerate(_pieces(group))
        }
        for piece, lines in enumerate(_pieces(forward)):
            heavy[f"void forward_{piece}(Net *n, Scratch *t, int g, int images)"] = ["(void)images, (void)t;", *lines]
        calls = [f"forward_{piece}(n, t, g, images);" for piece in range(len(_pieces(forward)))]
        light = [
            *_function("static void forward_group(Net *n, Scratch *t, int g, int images)", calls),
            *_function("static void prepare(Net *n, int item)", _switch(prepared)),
            *_function("static void use_running_statistics(Net *n)", self._running_lines()),
            *_function("static void train_step(Net *n, Scratch *t)", self._step_lines(train)),
            '#include "calls.h"',
        ]
        return "\n".join([*head, *_shared_out(heavy), *_only_in(0, light), ""])

    def _convolutions(self) -> list[Convolution]:
        return [segment for segment in self.program.segments if isinstance(segment, Convolution)]

    def _tails(self) -> list[Tail]:
        return [segment for segment in self.program.segments if isinstance(segment, Tail)]

    def _struct(self) -> list[str]:
        """Return the struct that holds everything, and the one that each thread has for itself."""
        lines = ["typedef struct {"]
        for number, shape in self.program.shapes.items():
            if number not in self.program.recomputed:
                lines.append(f"    vec value{number}[GROUPS][{_size(shape, self.program.borders[number])}];")
            if number and number not in self.program.passing:
                lines.append(f"    vec gradient{number}[GROUPS][{_size(shape)}];")
        for one in self._convolutions():
            sizes = [_size(one.step.output_shape)]
            if one.source in self.program.passing:
                sizes.append(_size(self.program.shapes[one.source]))
            lines.append(f"    vec raw{one.step.number}[GROUPS][{max(sizes)}];")
        for tail in self._tails():
            if tail.norm:
                c, number = tail.shape[0], tail.norm.number
                lines.append(f"    Moments moments{number}[GROUPS][{c}];")
                lines.append(f"    BackSums sums{number}[GROUPS][{c}];")
                lines.append(f"    Normal normal{number}[{c}];")
        for one in self._convolutions():
            number, weights = one.step.number, prod(one.step.weights[0].shape)
            if _forward_by_winograd(one) or _backward_by_winograd(one):
                lines.append(f"    float points{number}[{2 * weights}];")
            if one.source != 0 and not _backward_by_winograd(one):
                lines.append(f"    float flipped{number}[{weights}];")
        lines.append("} Values;")
        lines.append("typedef struct {")
        lines.append(f"    vec room[{max(1, *map(self._room, self._convolutions()))}];")
        for one in sorted(self.program.recomputed):
            lines.append(f"    vec value{one}[{_size(self.program.shapes[one], self.program.borders[one])}];")
        wide = {one.step.number: self._wide(one) for one in self._convolutions()}
        plain = [_size(shape) for place, shape in wide.values() if place == "t->plain"]
        lines.append(f"    vec plain[{max(plain, default=1)}];")
        lines += [f"    vec wide{n}[{_size(shape)}];" for n, (place, shape) in wide.items() if place != "t->plain"]
        lines.append("} Scratch;")
        return lines

    def _wide(self, one: Convolution) -> tuple[str, Shape]:
        """Return the output gradient's first pixel, and its shape with the zeros around and between that are needed."""
        co, h, w = one.step.output_shape
        if one.source == 0 or _backward_by_winograd(one):
            s = one.stride
            return "t->plain", (co, (h - 1) * s + 1, (w - 1) * s + 1)
        _, h, w = one.step.input_shape
        columns = w + one.kernel - 1
        return f"t->wide{one.step.number} + {(one.kernel - 1 - one.padding) * (columns + 1)}", (co, h + one.kernel - 1, columns)

    def _room(self, one: Convolution) -> int:
        """Return the vectors that a weight gradient by Winograd needs for transformed columns and its sums."""
        if not _weights_by_winograd(one):
            return 0
        ci, (co, h, w) = one.step.input_shape[0], one.step.output_shape
        tc, ti = weight_tile(co, ci, 3)
        sums = -(-co // tc) * -(-ci // ti) * -(-3 * tc * ti // self.lanes)
        return 6 * (winograd_strip(h, w) * (ci * (h + 2) + co * h) + sums)

    def _forward_lines(self, training: bool) -> list[str]:
        return [line for segment in self.program.segments for line in self._forward_segment(segment, training)[1]]

    def _forward_segment(self, segment: Convolution | Tail, training: bool) -> tuple[Tail | None, list[str]]:
        if isinstance(segment, Convolution):
            return None, [self._conv_forward(segment)]
        return (segment if training and segment.norm else None), [self._tail_forward(segment, training)]

    def _train_phases(self) -> Phases:
        """Return the phases of a training step: forward, loss, backward."""
        phases = Phases()
        phases.group("load_group(n, g, images);")
        for segment in self.program.segments:
            norm, lines = self._forward_segment(segment, training=True)
            if norm:
                phases.group(self._moments(norm))
                phases.join(self._join(norm))
            phases.group(*lines)
        last = self.program.segments[-1]
        assert isinstance(last, Tail)
        phases.group(f"score_group(n, g, images, n->v.value{last.target}[g], {self._gradient_of(last.target)});")
        self._backward(phases)
        return phases

    def _backward(self, phases: Phases) -> None:
        written: set[int] = set()
        for segment in reversed(self.program.segments):
            if isinstance(segment, Tail):
                if segment.norm:
                    phases.group(self._tail_sums(segment))
                    phases.join(self._join_back(segment))
                phases.group(self._tail_backward(segment, written))
            else:
                again = [tail for tail in self._tails() if tail.target == segment.source and tail.target in self.program.recomputed]
                phases.group(*(self._tail_forward(tail, training=True) for tail in again))
                phases.group(*self._conv_backward(segment, written))

    def _step_lines(self, train: Phases) -> list[str]:
        lines = []
        for number in range(len(train.groups)):
            calls = " ".join(f"phase_{number}_{piece}(n, t, g);" for piece in range(len(_pieces(train.groups[number]))))
            # a phase starts with the groups that the last one ended with: their maps may still be in a cache
            g = "n->groups - 1 - i" if number % 2 else "i"
            lines.append(f"for (int i; (i = team_next(&n->team)) < n->groups;) {{ int g = {g}; {calls} }}")
            if number < len(train.joins):
                lines += ["if (team_arrive(&n->team)) {", *train.joins[number], "team_release(&n->team);", "}"]
        return lines

    def _parameter(self, name: str) -> str:
        return f"n->parameters + {self.layout.offsets[name]}"

    def _gradient(self, name: str) -> str:
        return f"n->gradients[g] + {self.layout.offsets[name]}"

    def _value(self, value: int) -> str:
        return f"t->value{value}" if value in self.program.recomputed else f"n->v.value{value}[g]"

    def _gradient_of(self, value: int) -> str:
        passes_to = self.program.passing.get(value)
        return f"n->v.gradient{value}[g]" if passes_to is None else f"n->v.raw{passes_to}[g]"

    def _source(self, number: int) -> tuple[str, int]:
        """Return the array of a tail's source and its border: a convolution's raw value, or a stored one."""
        raw = any(one.step.number == number for one in self._convolutions())
        return (f"n->v.raw{number}[g]", 0) if raw else (self._value(number), self.program.borders[number])

    def _conv_forward(self, one: Convolution) -> str:
        ci, h, w = one.step.input_shape
        co, oh, ow = one.step.output_shape
        border = self.program.borders[one.source]
        hi, wi = h + 2 * border, w + 2 * border
        skip = (border - one.padding) * (wi + 1)
        weight = self._parameter(one.step.weights[0].name)
        bias = self._parameter(one.step.weights[1].name) if len(one.step.weights) > 1 else "0"
        x, y = f"{self._value(one.source)} + {skip}", f"n->v.raw{one.step.number}[g]"
        zeros = f"{one.padding}, {h}"
        if _forward_by_winograd(one):
            sizes = f"{ci}, {co}, {hi}, {wi}, {zeros}, {oh}, {ow}, {winograd_tile(co)}, 0"
            return f"winograd_forward({x}, n->v.points{one.step.number}, {bias}, {y}, {sizes});"
        arrays = f"{x}, {weight}, {bias}, {y}"
        if one.depthwise:
            tile = forward_tile(1, ow)[1]
            sizes = f"{ci}, {one.kernel}, {one.stride}, {hi}, {wi}, {zeros}, {oh}, {ow}, {tile}, 0"
            return f"depthwise_forward({arrays}, {sizes});"
        tc, tw = forward_tile(co, ow)
        sizes = f"{ci}, {co}, {one.kernel}, {one.stride}, {hi}, {wi}, {zeros}, {oh}, {ow}, {tc}, {tw}, 0"
        return f"conv_forward({arrays}, {sizes});"

    def _conv_backward(self, one: Convolution, written: set[int]) -> list[str]:
        ci, h, w = one.step.input_shape
        co, oh, ow = one.step.output_shape
        border = self.program.borders[one.source]
        hi, wi = h + 2 * border, w + 2 * border
        skip = (border - one.padding) * (wi + 1)
        first, (_, wh, ww) = self._wide(one)
        number, k, s = one.step.number, one.kernel, one.stride
        weight = one.step.weights[0].name
        arrays = f"{self._value(one.source)} + {skip}, {first}, {self._gradient(weight)}"
        sizes, (tc, ti) = f"{hi}, {wi}, {wh}, {ww}, {oh}, {ow}", weight_tile(co, ci, k)
        if one.depthwise:
            lines = [f"depthwise_weight_gradient({arrays}, {ci}, {k}, {s}, {sizes});"]
        elif _weights_by_winograd(one):
            tiles = f"{tc}, {ti}, {winograd_strip(oh, ow)}"
            lines = [f"winograd_weight_gradient({arrays}, t->room, {ci}, {co}, {sizes}, {tiles});"]
        else:
            lines = [f"conv_weight_gradient({arrays}, {ci}, {co}, {k}, {s}, {sizes}, {tc}, {ti});"]
        if len(one.step.weights) > 1:
            bias = self._gradient(one.step.weights[1].name)
            lines.append(f"bias_gradient({first}, {bias}, {co}, {s}, {wh}, {ww}, {oh}, {ow});")
        if one.source == 0:
            return lines
        adds = int(one.source in written)
        written.add(one.source)
        y = self._gradient_of(one.source)
        arrays = f"t->wide{number}, n->v.flipped{number}, 0, {y}"
        zeros = f"{max(k - 1 - one.padding, 0)}, {(oh - 1) * s + 1}"
        if _backward_by_winograd(one):
            sizes = f"{ci}, {co}, {wh}, {ww}, {oh}, {ow}, {one.padding}, {h}, {w}, {winograd_tile(ci)}, {adds}"
            lines.append(f"winograd_input_gradient({first}, n->v.points{number}, {y}, {sizes});")
        elif one.depthwise:
            tile = forward_tile(1, w)[1]
            lines.append(f"depthwise_forward({arrays}, {ci}, {k}, 1, {wh}, {ww}, {zeros}, {h}, {w}, {tile}, {adds});")
        else:
            tc, tw = forward_tile(ci, w)
            sizes = f"{co}, {ci}, {k}, 1, {wh}, {ww}, {zeros}, {h}, {w}, {tc}, {tw}, {adds}"
            lines.append(f"conv_forward({arrays}, {sizes});")
        return lines

    def _prepare(self, one: Convolution) -> str:
        """Return the calls that bring changed weights into the forms that the kernels read."""
        ci, co = one.step.input_shape[0], one.step.output_shape[0]
        number, weight = one.step.number, self._parameter(one.step.weights[0].name)
        calls = []
        if _forward_by_winograd(one) or _backward_by_winograd(one):
            calls.append(f"transform_weights({weight}, n->v.points{number}, {co * ci * one.kernel});")
        if one.source == 0 or _backward_by_winograd(one):
            return " ".join(calls)
        if one.depthwise:
            calls.append(f"depthwise_flip({weight}, n->v.flipped{number}, {ci}, {one.kernel});")
        else:
            calls.append(f"flip_weights({weight}, n->v.flipped{number}, {ci}, {co}, {one.kernel});")
        return " ".join(calls)

    def _moments(self, tail: Tail) -> str:
        assert tail.norm is not None
        source, border = self._source(tail.source)
        c, h, w = tail.shape
        pre = int(Does.PRE_RELU in tail.does)
        return f"moments({source}, n->v.moments{tail.norm.number}[g], images, {c}, {h}, {w}, {border}, {pre});"

    def _join(self, tail: Tail) -> str:
        assert tail.norm is not None
        number = tail.norm.number
        gamma, beta = (self._parameter(weight.name) for weight in tail.norm.weights)
        mean, variance = (f"n->buffers + {self.layout.offsets[buffer.name]}" for buffer in tail.norm.buffers)
        c, h, w = tail.shape
        sizes = f"n->groups, n->images, {c}, {h * w}, {c}"
        arrays = f"n->v.moments{number}[0], n->v.normal{number}, {gamma}, {beta}, {mean}, {variance}"
        return f"batchnorm_join({arrays}, {sizes});"

    def _join_back(self, tail: Tail) -> str:
        assert tail.norm is not None
        number = tail.norm.number
        gamma, beta = (f"n->gradients[0] + {self.layout.offsets[weight.name]}" for weight in tail.norm.weights)
        c, h, w = tail.shape
        sizes = f"n->groups, n->images, {c}, {h * w}, {c}"
        return f"batchnorm_join_back(n->v.sums{number}[0], n->v.normal{number}, {gamma}, {beta}, {sizes});"

    def _running_lines(self) -> list[str]:
        lines = []
        for tail in self._tails():
            if tail.norm:
                gamma, beta = (self._parameter(weight.name) for weight in tail.norm.weights)
                mean, variance = (f"n->buffers + {self.layout.offsets[one.name]}" for one in tail.norm.buffers)
                arrays = f"n->v.normal{tail.norm.number}, {gamma}, {beta}, {mean}, {variance}"
                lines.append(f"batchnorm_running({arrays}, {tail.shape[0]});")
        return lines or ["(void)n;"]

    def _tail_arrays(self, tail: Tail) -> tuple[str, str, str, int, int]:
        """Return source, skip and normalisation of a tail with the borders of the first two."""
        source, border = self._source(tail.source)
        skip, skip_border = ("0", 0) if tail.skip is None else self._source_value(tail.skip)
        normal = f"n->v.normal{tail.norm.number}" if tail.norm else "0"
        return source, skip, normal, border, skip_border

    def _source_value(self, number: int) -> tuple[str, int]:
        return self._value(number), self.program.borders[number]

    def _tail_forward(self, tail: Tail, training: bool) -> str:
        source, skip, normal, border, skip_border = self._tail_arrays(tail)
        does = tail.does if training else tail.does & ~Does.DROP
        c, h, w = tail.shape
        arrays = f"{source}, {skip}, {normal}, {self._value(tail.target)}, {self._key(tail, training)}, {tail.rate!r}f"
        sizes = f"{c}, {h}, {w}, {border}, {skip_border}, {self.program.borders[tail.target]}"
        return f"tail_forward({arrays}, {sizes}, {int(does)}, {tail.pool}, {tail.size});"

    def _tail_sums(self, tail: Tail) -> str:
        source, skip, normal, border, skip_border = self._tail_arrays(tail)
        assert tail.norm is not None
        sums, (c, h, w) = f"n->v.sums{tail.norm.number}[g]", tail.shape
        arrays = f"{source}, {skip}, {normal}, {self._gradient_of(tail.target)}, {sums}"
        sizes = f"{c}, {h}, {w}, {border}, {skip_border}, {int(tail.does)}, {tail.pool}, {tail.size}"
        return f"tail_sums({arrays}, {self._key(tail, True)}, {tail.rate!r}f, {sizes});"

    def _tail_backward(self, tail: Tail, written: set[int]) -> str:
        source, skip, normal, border, skip_border = self._tail_arrays(tail)
        c, h, w = tail.shape
        aside = self._gradient_of(tail.skip) if tail.skip else "0"
        adds_aside = int(tail.skip in written)
        written |= {tail.skip} if tail.skip else set()
        one = next((one for one in self._convolutions() if one.step.number == tail.source), None)
        if one is None:
            target, sizes = self._gradient_of(tail.source) if tail.source else "0", f"1, {h}, {w}"
            adds = int(tail.source in written)
            written |= {tail.source}
        else:
            target, (_, wh, ww) = self._wide(one)
            sizes, adds = f"{one.stride}, {wh}, {ww}", 0
        if target == aside == "0":
            return ""
        arrays = f"{source}, {skip}, {normal}, {self._gradient_of(tail.target)}, {target}, {aside}"
        shape = f"images, {c}, {h}, {w}, {border}, {skip_border}"
        does = f"{int(tail.does)}, {tail.pool}, {tail.size}, {adds}, {adds_aside}"
        return f"tail_backward({arrays}, {self._key(tail, True)}, {tail.rate!r}f, {shape}, {sizes}, {does});"

    def _key(self, tail: Tail, training: bool) -> str:
        return f"dropout_key(n, {tail.target}, g)" if training and Does.DROP in tail.does else "0"


def _forward_by_winograd(one: Convolution) -> bool:
    ci, co, columns = one.step.input_shape[0], one.step.output_shape[0], one.step.output_shape[2]
    return one.dense_3x3 and one.stride == 1 and winograd_pays(ci, co, columns)


def _weights_by_winograd(one: Convolution) -> bool:
    ci, (co, h, w) = one.step.input_shape[0], one.step.output_shape
    return one.dense_3x3 and one.stride == 1 and winograd_weights_pay(ci, co, h, w)


def _backward_by_winograd(one: Convolution) -> bool:
    """Tell it of the input gradient."""
    ci, co, columns = one.step.input_shape[0], one.step.output_shape[0], one.step.output_shape[2]
    pays = winograd_backward_pays(ci, co, columns, one.step.input_shape[2])
    return one.dense_3x3 and one.stride == 1 and one.source != 0 and pays


def _size(shape: Shape, border: int = 0) -> int:
    c, h, w = shape
    return c * (h + 2 * border) * (w + 2 * border)


def _pieces(lines: list[str]) -> list[list[str]]:
    """Cut a long row of calls, so that no one function takes most of the time to compile."""
    return [lines[start : start + PIECE_LINES] for start in range(0, len(lines), PIECE_LINES)]


def _function(signature: str, lines: list[str]) -> list[str]:
    return [f"{signature} {{", *(f"    {line}" for line in lines if line), "}"]


def _shared_out(functions: dict[str, list[str]]) -> list[str]:
    """Return functions each defined in one of the parts that are compiled side by side, and declared in the others.

    What takes long to compile are the calls with literal shapes, so parts get about as many of them.
    """
    loads = [0] * PARTS
    part_of = {}
    for signature in sorted(functions, key=lambda one: -len(functions[one])):
        part_of[signature] = loads.index(min(loads))
        loads[part_of[signature]] += len(functions[signature])
    lines = [f"{signature};" for signature in functions]
    for signature, body in functions.items():
        lines += _only_in(part_of[signature], _function(signature, body))
    return lines


def _only_in(part: int, lines: list[str]) -> list[str]:
    return [f"#if PART == {part}", *lines, "#endif"]


def _switch(cases: list[str]) -> list[str]:
    if not cases:
        return ["(void)n, (void)item;"]
    return ["switch (item) {", *(f"case {number}: {line} break;" for number, line in enumerate(cases)), "}"]
