"""A program as C source: a struct with every array at its literal size, and the phases of a step as calls.

A phase runs for every image group; between two phases one thread joins what the groups summed. All arithmetic lives in
`kernels/*.h`; `kernel_calls.py` says which kernel is called with which literal shapes, `memory.py` where its maps lie.
"""

from dataclasses import dataclass, field

from pennyweight.native.kernel_calls import KernelCalls
from pennyweight.native.memory import Memory, layout_of
from pennyweight.native.segments import Convolution, Program, Tail, make_program
from pennyweight.nets.initial import BATCHNORM_EPSILON, BATCHNORM_MOMENTUM
from pennyweight.nets.plan import Plan

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


def generate(plan: Plan, batch_images: int, lanes: int) -> str:
    """Return the C source that trains and runs `plan` in batches of `batch_images`, `lanes` images to a vector."""
    program = make_program(plan)
    memory = Memory(program, layout_of(plan), lanes)
    return _Generator(program, memory, KernelCalls(memory), batch_images).source()


@dataclass(frozen=True)
class _Generator:
    program: Program
    memory: Memory
    calls: KernelCalls
    batch_images: int

    def source(self) -> str:
        train, layout = self._train_phases(), self.memory.layout
        forward = [line for segment in self.program.segments for line in self._forward(segment, training=False)]
        prepared = [line for one in self.program.convolutions if (line := self.calls.prepare(one))]
        running = [self.calls.use_running(tail) for tail in self.program.tails if tail.norm]
        head = [
            f"#define LANES {self.memory.lanes}",
            f"#define GROUPS {-(-self.batch_images // self.memory.lanes)}",
            f"#define BATCH_IMAGES {self.batch_images}",
            f"#define IMAGE_SIZE {self.program.plan.image_shape[1]}",
            f"#define IMAGE_BORDER {self.program.borders[0]}",
            f"#define CLASSES {self.program.plan.classes}",
            f"#define PARAMETERS {max(layout.parameters, 1)}",
            f"#define BUFFERS {max(layout.buffers, 1)}",
            f"#define CHUNK {CHUNK_PARAMETERS}",
            f"#define PREPARED {len(prepared)}",
            f"#define LOGITS(n, slot) (n)->v.value{self.program.tails[-1].target}[slot]",
            f"#define MOST_THREADS {MOST_THREADS}",
            f"#define BATCHNORM_EPSILON {BATCHNORM_EPSILON!r}",
            f"#define BATCHNORM_MOMENTUM {BATCHNORM_MOMENTUM!r}",
            *(f'#include "{kernel}.h"' for kernel in KERNELS),
            *self.memory.structs(),
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
            *_function("static void use_running_statistics(Net *n)", running or ["(void)n;"]),
            *_function("static void train_step(Net *n, Scratch *t)", _step_lines(train)),
            '#include "calls.h"',
        ]
        return "\n".join([*head, *_shared_out(heavy), *_only_in(0, light), ""])

    def _forward(self, segment: Convolution | Tail, training: bool) -> list[str]:
        if isinstance(segment, Convolution):
            return [self.calls.convolution_forward(segment)]
        return [self.calls.tail_forward(segment, training)]

    def _train_phases(self) -> Phases:
        """Return the phases of a training step: forward, loss, backward."""
        phases = Phases()
        phases.group("load_group(n, g, images);")
        for segment in self.program.segments:
            if isinstance(segment, Tail) and segment.norm:
                phases.group(self.calls.moments(segment))
                phases.join(self.calls.join(segment))
            phases.group(*self._forward(segment, training=True))
        last = self.program.tails[-1].target
        phases.group(f"score_group(n, g, images, {self.memory.value(last)}, {self.memory.gradient(last)});")
        self._backward(phases)
        return phases

    def _backward(self, phases: Phases) -> None:
        written: set[int] = set()  # values that have a gradient already: what comes later adds to it
        for segment in reversed(self.program.segments):
            if isinstance(segment, Convolution):
                phases.group(*self._convolution_backward(segment, segment.source in written))
                written.add(segment.source)
                continue
            if segment.norm:
                phases.group(self.calls.tail_sums(segment))
                phases.join(self.calls.join_back(segment))
            adds_skip = segment.skip in written
            if segment.skip is not None:
                written.add(segment.skip)
            adds = segment.convolution is None and segment.source in written
            phases.group(self.calls.tail_backward(segment, adds, adds_skip))
            if segment.convolution is None:
                written.add(segment.source)

    def _convolution_backward(self, one: Convolution, adds: bool) -> list[str]:
        lines = []
        if one.source in self.program.recomputed:
            lines += [self.calls.tail_forward(tail, True) for tail in self.program.tails if tail.target == one.source]
        lines += self.calls.weight_gradients(one)
        if one.source:
            lines.append(self.calls.input_gradient(one, adds))
        return lines


def _step_lines(train: Phases) -> list[str]:
    lines = []
    for number, group in enumerate(train.groups):
        calls = " ".join(f"phase_{number}_{piece}(n, t, g);" for piece in range(len(_pieces(group))))
        # a phase starts with the groups that the last one ended with: their maps may still be in a cache
        g = "n->groups - 1 - i" if number % 2 else "i"
        lines.append(f"for (int i; (i = team_next(&n->team)) < n->groups;) {{ int g = {g}; {calls} }}")
        if number < len(train.joins):
            lines += ["if (team_arrive(&n->team)) {", *train.joins[number], "team_release(&n->team);", "}"]
    return lines


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
