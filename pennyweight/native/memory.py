"""Where a program keeps everything: parameters, what is kept for every group of images, and what a thread works in."""

from dataclasses import dataclass
from enum import Enum
from math import prod

from pennyweight.native.abi import STATISTICS_BYTES
from pennyweight.native.convolution import Algorithm
from pennyweight.native.program import Convolution, Epilogue, Program
from pennyweight.native.tiles import POINTS, TAPS
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


class Scope(Enum):
    """Who has a buffer: every group of images, the network once, or every thread; with its pointer in C."""

    GROUP = "n->v.{}[g]"
    NETWORK = "n->v.{}"
    THREAD = "t->{}"


TYPE_BYTES = {"float": 4, **STATISTICS_BYTES}
"""Sizes of the types of buffers in C other than `vec`."""


@dataclass(frozen=True)
class Buffer:
    """An array of a program in C: `size` elements of the C type `type`."""

    name: str
    type: str
    size: int
    scope: Scope

    def bytes(self, groups: int, threads: int, lanes: int) -> int:
        """Return what all its copies take together."""
        copies = {Scope.GROUP: groups, Scope.NETWORK: 1, Scope.THREAD: threads}[self.scope]
        return copies * self.size * (4 * lanes if self.type == "vec" else TYPE_BYTES[self.type])

    def declaration(self) -> str:
        """Return its line in a struct of C."""
        groups = "[GROUPS]" if self.scope is Scope.GROUP else ""
        return f"    {self.type} {self.name}{groups}[{self.size}] RED_ZONE({self.name});"

    def poison(self, struct: str) -> str:
        """Return the call of C that poisons what lies behind it in the struct of this name."""
        return f"    POISON({struct}->red_{self.name});"


@dataclass(frozen=True)
class View:
    """A pointer in C, the buffer it points into, and what a kernel reads or writes there.

    One buffer holds several contents in turn; `content` says which: `value 3`, `gradient 3`, `output 5`.
    """

    pointer: str
    buffer: str
    content: str


@dataclass(frozen=True)
class Memory:
    """The buffers of a program, and the views of them that its kernels are called with."""

    program: Program
    layout: Layout
    lanes: int

    def parameter(self, name: str) -> View:
        """Return the first number of a weight."""
        return View(f"n->parameters + {self.layout.offsets[name]}", "parameters", "parameters")

    def parameter_gradient(self, name: str, group: str = "g") -> View:
        """Return the first number of a weight's gradient in a group."""
        content = f"gradient of {name}"
        return View(f"n->gradients[{group}] + {self.layout.offsets[name]}", content, content)

    def buffer(self, name: str) -> View:
        """Return the first number of a running statistic."""
        return View(f"n->buffers + {self.layout.offsets[name]}", "buffers", "buffers")

    def value(self, number: int, padding: int | None = None) -> View:
        """Return the map of a value from its first zero, or from the corner of a convolution's padding."""
        is_recomputed = number in self.program.recomputed
        pointer = (Scope.THREAD if is_recomputed else Scope.GROUP).value.format(f"value{number}")
        if padding is not None:
            pad, (_, _, stored_columns) = self.program.pads[number], self.stored_shape(number)
            pointer += f" + {(pad - padding) * (stored_columns + 1)}"
        return View(pointer, f"value{number}", f"value {number}")

    def stored_shape(self, number: int) -> Shape:
        """Return the shape of a value with the zeros around it."""
        (c, h, w), pad = self.program.shapes[number], self.program.pads[number]
        return c, h + 2 * pad, w + 2 * pad

    def gradient(self, number: int) -> View:
        """Return the map of a value's gradient, which has no zeros around it."""
        reader = self.program.sole_reader.get(number)
        name = f"gradient{number}" if reader is None else f"conv_output{reader}"
        return View(Scope.GROUP.value.format(name), name, f"gradient {number}")

    def conv_output(self, number: int) -> View:
        """Return the output of a convolution, which only its epilogue reads."""
        return View(f"n->v.conv_output{number}[g]", f"conv_output{number}", f"output {number}")

    def source(self, epilogue: Epilogue) -> tuple[View, int]:
        """Return the map that an epilogue starts from, and its pad: a convolution's output, or a value."""
        if epilogue.convolution:
            return self.conv_output(epilogue.source), 0
        return self.value(epilogue.source), self.program.pads[epilogue.source]

    def output_gradient(self, conv: Convolution, for_input: bool = False) -> View:
        """Return a convolution's output gradient from its first pixel, or from where its input gradient begins."""
        name = f"padded_gradient{conv.number}" if conv.plan.pads_gradient else "compact_gradient"
        offset = conv.plan.gradient_start if for_input else conv.plan.gradient_offset
        return View(f"t->{name} + {offset}", name, f"output gradient {conv.number}")

    def moments(self, number: int, group: str = "g") -> View:
        """Return the moments of the channels of BatchNorm `number` in a group."""
        return View(f"n->v.moments{number}[{group}]", f"moments{number}", f"moments {number}")

    def sums(self, number: int, group: str = "g") -> View:
        """Return the gradient sums of the channels of BatchNorm `number` in a group."""
        return View(f"n->v.sums{number}[{group}]", f"sums{number}", f"sums {number}")

    def norm(self, number: int) -> View:
        """Return the ChannelNorms of BatchNorm `number`."""
        return View(f"n->v.norm{number}", f"norm{number}", f"norm {number}")

    def winograd_weights(self, conv: Convolution) -> View:
        """Return a convolution's weights in Winograd's domain."""
        name = f"winograd_weights{conv.number}"
        return View(f"n->v.{name}", name, name)

    def flipped_weights(self, conv: Convolution) -> View:
        """Return a convolution's weights as its input gradient reads them."""
        name = f"flipped_weights{conv.number}"
        return View(f"n->v.{name}", name, name)

    def workspace(self) -> View:
        """Return what a weight gradient by Winograd works in; nothing stays there between two calls."""
        return View("t->workspace", "workspace", "workspace")

    def buffers(self) -> list[Buffer]:
        """Return every buffer in the order in which C declares them, a thread's after all others."""
        return [
            *self._values(),
            *self._conv_outputs(),
            *self._statistics(),
            *self._packed_weights(),
            *self._scratch(),
        ]

    def structs(self) -> list[str]:
        """Return the struct of what groups of images and the network keep, and the one that each thread works in.

        Then come the functions that poison what lies behind their arrays (`kernels/zones.h`).
        """
        values = [buffer for buffer in self.buffers() if buffer.scope is not Scope.THREAD]
        scratch = [buffer for buffer in self.buffers() if buffer.scope is Scope.THREAD]
        lines = ["typedef struct {", *(buffer.declaration() for buffer in values), "} Values;", "typedef struct {"]
        lines += [*(buffer.declaration() for buffer in scratch), "    ImageWorkspace image;", "} Scratch;"]
        lines += ["#ifdef RED_ZONES", "static void poison_values(Values *values) {"]
        lines += [*(buffer.poison("values") for buffer in values), "}"]
        lines += ["static void poison_scratch(Scratch *scratch) {", *(buffer.poison("scratch") for buffer in scratch)]
        return [*lines, "    poison_image(&scratch->image);", "}", "#endif"]

    def bytes(self, groups: int, threads: int) -> int:
        """Return the memory a network takes in batches of that many groups, but for some pages of small things."""
        buffers = sum(buffer.bytes(groups, threads, self.lanes) for buffer in self.buffers())
        channels, rows, columns = self.program.plan.image_shape
        corners = 4 * channels * self.lanes * (rows + 2) * (columns + 2)
        parameters = 4 * (3 + groups) * self.layout.parameters + 4 * self.layout.buffers
        return buffers + parameters + threads * (corners + 20 * self.lanes * columns)

    def _values(self) -> list[Buffer]:
        buffers = []
        for number, shape in self.program.shapes.items():
            if number not in self.program.recomputed:
                buffers.append(Buffer(f"value{number}", "vec", prod(self.stored_shape(number)), Scope.GROUP))
            if number and number not in self.program.sole_reader:
                buffers.append(Buffer(f"gradient{number}", "vec", prod(shape), Scope.GROUP))
        return buffers

    def _conv_outputs(self) -> list[Buffer]:
        buffers = []
        for conv in self.program.convolutions:
            sizes = [prod(conv.shape.output_shape)]
            if conv.source in self.program.sole_reader:
                sizes.append(prod(self.program.shapes[conv.source]))
            buffers.append(Buffer(f"conv_output{conv.number}", "vec", max(sizes), Scope.GROUP))
        return buffers

    def _statistics(self) -> list[Buffer]:
        buffers = []
        for epilogue in self.program.epilogues:
            if epilogue.norm:
                channels, number = epilogue.shape[0], epilogue.norm.number
                buffers.append(Buffer(f"moments{number}", "Moments", channels, Scope.GROUP))
                buffers.append(Buffer(f"sums{number}", "GradientSums", channels, Scope.GROUP))
                buffers.append(Buffer(f"norm{number}", "ChannelNorm", channels, Scope.NETWORK))
        return buffers

    def _packed_weights(self) -> list[Buffer]:
        buffers = []
        for conv in self.program.convolutions:
            weights = prod(conv.node.weights[0].shape)
            if conv.plan.transforms_weights:
                buffers.append(Buffer(f"winograd_weights{conv.number}", "float", 2 * weights, Scope.NETWORK))
            if conv.plan.pads_gradient:
                buffers.append(Buffer(f"flipped_weights{conv.number}", "float", weights, Scope.NETWORK))
        return buffers

    def _scratch(self) -> list[Buffer]:
        workspace = max(1, *(self._workspace_vectors(conv) for conv in self.program.convolutions))
        buffers = [Buffer("workspace", "vec", workspace, Scope.THREAD)]
        for number in sorted(self.program.recomputed):
            buffers.append(Buffer(f"value{number}", "vec", prod(self.stored_shape(number)), Scope.THREAD))
        compact = 1
        for conv in self.program.convolutions:
            size = prod(conv.plan.gradient_shape)
            if conv.plan.pads_gradient:
                buffers.append(Buffer(f"padded_gradient{conv.number}", "vec", size, Scope.THREAD))
            else:
                compact = max(compact, size)
        return [*buffers, Buffer("compact_gradient", "vec", compact, Scope.THREAD)]

    def _workspace_vectors(self, conv: Convolution) -> int:
        """Return the vectors of transformed columns and sums of a weight gradient by Winograd."""
        if conv.plan.weight_gradient is not Algorithm.WINOGRAD:
            return 0
        ci, (co, h, _) = conv.shape.input_shape[0], conv.shape.output_shape
        outputs, inputs = conv.plan.weight_tile
        sums = -(-co // outputs) * -(-ci // inputs) * -(-TAPS * outputs * inputs // self.lanes)
        return POINTS * (conv.plan.strip_tiles * (ci * (h + TAPS - 1) + co * h) + sums)
