"""A program as C source: a struct with every buffer at its literal size, and the phases of a step as calls.

A phase runs for every group of images; between two phases one thread reduces what the groups summed. All arithmetic
lives in `kernels/*.h`; `step.py` puts the calls of `calls.py` in order, `memory.py` says where their maps lie.
"""

from dataclasses import dataclass
from pathlib import Path

from pennyweight.native import abi
from pennyweight.native.calls import Call, KernelCalls
from pennyweight.native.library import CSource
from pennyweight.native.memory import Memory, layout_of
from pennyweight.native.program import Program, make_program
from pennyweight.native.step import Phase, forward_pass, training_step
from pennyweight.native.tiles import MOST_OUTPUTS, MOST_SUMS, MOST_WINOGRAD_CHANNELS
from pennyweight.nets.layers import BatchNorm
from pennyweight.nets.plan import Plan

KERNELS = Path(__file__).parent / "kernels"
MOST_THREADS = 64
PARTS = 2
"""How many parts a network is compiled in, side by side."""
PIECE_CALLS = 4
"""Calls in one function of C: with more, a single function takes most of the time to compile."""
CHUNK_PARAMETERS = 2_048
"""Parameters that a thread's turn of the optimizer moves: some microseconds of work."""
HEADERS = ("convolution", "winograd", "epilogue", "image", "optimizer")


def bytes_needed(plan: Plan, batch_images: int, lanes: int, threads: int) -> int:
    """Return the memory that the compiled network will take.

    Raises UsageError for a plan that the native engine cannot run.
    """
    groups = -(-batch_images // lanes)
    return Memory(make_program(plan), layout_of(plan), lanes).bytes(groups, min(threads, groups, MOST_THREADS))


def generate(plan: Plan, batch_images: int, lanes: int) -> CSource:
    """Return the C source that trains and runs `plan` in batches of `batch_images`, `lanes` images to a vector.

    Raises UsageError for a plan that the native engine cannot run.
    """
    program = make_program(plan)
    memory = Memory(program, layout_of(plan), lanes)
    kernels = KernelCalls(memory)
    phases = [_PhaseText.of(number, phase) for number, phase in enumerate(training_step(program, kernels))]
    forward = _pieces(forward_pass(program, kernels, training=False))
    packing = [calls for conv in program.convolutions if (calls := kernels.pack_weights(conv))]
    running = [kernels.use_running_moments(epilogue) for epilogue in program.epilogues if epilogue.norm]

    kernel_functions = {signature: body for phase in phases for signature, body in phase.functions.items()}
    for number, piece in enumerate(forward):
        signature = f"void forward_{number}(Net *n, Scratch *t, int g, int images)"
        kernel_functions[signature] = ["(void)images, (void)t;", *_lines(piece)]
    forward_calls = [f"forward_{number}(n, t, g, images);" for number in range(len(forward))]
    glue = [
        *_function("static void forward_group(Net *n, Scratch *t, int g, int images)", forward_calls),
        *_function("static void pack_weights(Net *n, int item)", _switch([" ".join(_lines(it)) for it in packing])),
        *_function("static void use_running_moments_of_all(Net *n)", _lines(running) or ["(void)n;"]),
        *_function("static void train_step(Net *n, Scratch *t)", [line for phase in phases for line in phase.run]),
        '#include "exports.h"',
        abi.table(),
    ]
    head = [
        *_definitions(program, memory, batch_images, len(packing)),
        *(f'#include "{header}.h"' for header in HEADERS),
        *memory.structs(),
        '#include "net.h"',
        *abi.checks(),
    ]
    return CSource("\n".join([*head, *_distribute(kernel_functions), *_in_part(0, glue), ""]), KERNELS, PARTS)


def _definitions(program: Program, memory: Memory, batch_images: int, packed: int) -> list[str]:
    channels, rows, columns = program.plan.image_shape
    sizes: dict[str, object] = {
        "LANES": memory.lanes,
        "GROUPS": -(-batch_images // memory.lanes),
        "BATCH_IMAGES": batch_images,
        "IMAGE_CHANNELS": channels,
        "IMAGE_ROWS": rows,
        "IMAGE_COLUMNS": columns,
        "IMAGE_PAD": program.pads[0],
        "CLASSES": program.plan.classes,
        "PARAMETERS": max(memory.layout.parameters, 1),
        "BUFFERS": max(memory.layout.buffers, 1),
        "CHUNK": CHUNK_PARAMETERS,
        "PACKED": packed,
        "LOGITS(n, slot)": f"(n)->v.value{program.epilogues[-1].target}[slot]",
        "MOST_THREADS": MOST_THREADS,
        "MOST_SUMS": MOST_SUMS,
        "MOST_OUTPUTS": MOST_OUTPUTS,
        "MOST_WINOGRAD_CHANNELS": MOST_WINOGRAD_CHANNELS,
        "BATCHNORM_EPSILON": repr(BatchNorm.EPSILON),
        "BATCHNORM_MOMENTUM": repr(BatchNorm.MOMENTUM),
    }
    return [f"#define {name} {value}" for name, value in sizes.items()]


@dataclass(frozen=True)
class _PhaseText:
    """A phase in C: the functions that hold its calls, and the lines that run them for every group and reduce."""

    functions: dict[str, list[str]]
    run: list[str]

    @classmethod
    def of(cls, number: int, phase: Phase) -> "_PhaseText":
        pieces = _pieces(phase.calls)
        functions = {
            f"void phase_{number}_{piece}(Net *n, Scratch *t, int g)": [
                "int images = images_in_group(n, g);",
                "(void)images, (void)t;",
                *_lines(calls),
            ]
            for piece, calls in enumerate(pieces)
        }
        calls = " ".join(f"phase_{number}_{piece}(n, t, g);" for piece in range(len(pieces)))
        # a phase starts with the groups that the last one ended with: their maps may still be in a cache
        group = "n->groups - 1 - i" if number % 2 else "i"
        run = [f"for (int i; (i = team_next(&n->team)) < n->groups;) {{ int g = {group}; {calls} }}"]
        if phase.reduction:
            run += ["if (team_arrive(&n->team)) {", *_lines(phase.reduction), "team_release(&n->team);", "}"]
        return cls(functions, run)


def _lines(calls: list[Call]) -> list[str]:
    return [call.in_c() for call in calls]


def _pieces(calls: list[Call]) -> list[list[Call]]:
    return [calls[start : start + PIECE_CALLS] for start in range(0, len(calls), PIECE_CALLS)]


def _function(signature: str, lines: list[str]) -> list[str]:
    return [f"{signature} {{", *(f"    {line}" for line in lines), "}"]


def _distribute(functions: dict[str, list[str]]) -> list[str]:
    """Return functions each defined in one of the parts that are compiled side by side, and declared in the others.

    What takes long to compile are the calls with literal shapes, so parts get about as many of them.
    """
    loads = [0] * PARTS
    part_of = {}
    for signature in sorted(functions, key=lambda name: -len(functions[name])):
        part_of[signature] = loads.index(min(loads))
        loads[part_of[signature]] += len(functions[signature])
    lines = [f"{signature};" for signature in functions]
    for signature, body in functions.items():
        lines += _in_part(part_of[signature], _function(signature, body))
    return lines


def _in_part(part: int, lines: list[str]) -> list[str]:
    return [f"#if PART == {part}", *lines, "#endif"]


def _switch(cases: list[str]) -> list[str]:
    if not cases:
        return ["(void)n, (void)item;"]
    return ["switch (item) {", *(f"case {number}: {line} break;" for number, line in enumerate(cases)), "}"]
