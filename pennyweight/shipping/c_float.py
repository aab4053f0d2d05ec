"""Float C: one header and one file of C99 that need neither a library nor memory from a heap.

Every layer is a call of a plain kernel, kept as C in `c/float/`, and every map lies in one static arena that is planned
from last uses. BatchNorm is folded where that is exact.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.nets.arrays import Array, arrays_of_node
from pennyweight.nets.layers import AvgPool, BatchNorm, Conv, Depthwise, Dropout, GlobalAvgPool, Linear, MaxPool, Relu
from pennyweight.nets.plan import Add, Node, Operation, Plan
from pennyweight.shipping.arena import Arena, plan_arena
from pennyweight.shipping.c_judge import SOURCES, run_c
from pennyweight.shipping.c_text import banner, float_array
from pennyweight.shipping.parity import Judged
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

FLOAT_BYTES, INT_BYTES = 4, 4
WINDOW_NUMBERS = 9
"""How many numbers a window has, in `c/float/window.c`."""
KERNELS = {
    Conv: "convolve",
    Depthwise: "convolve",
    MaxPool: "max_pool",
    AvgPool: "average_pool",
    GlobalAvgPool: "average_map",
    BatchNorm: "scale",
    Relu: "rectify",
    Linear: "multiply",
    Add: "add",
}
WINDOWED = Conv | Depthwise | MaxPool | AvgPool


def write(subject: Subject, stem: str) -> Written:
    """Return `STEM.h` and `STEM.c`; raises MismatchError for weights that float32 cannot hold."""
    plan, weights = subject.folded.plan, subject.folded.weights
    arena = plan_arena(plan)
    constants = {node.number: _constants(node, arrays_of_node(node, weights)) for node in plan.nodes}
    normalisation = subject.model.normalisation
    figures = {"mean": np.array(normalisation.mean), "deviation": np.array(normalisation.std)}
    count = sum(array.size for held in (figures, *constants.values()) for array in held.values())
    windows = [_window(node) for node in plan.nodes if isinstance(node.operation, WINDOWED)]
    arena_bytes = FLOAT_BYTES * arena.size
    constant_bytes = FLOAT_BYTES * count + INT_BYTES * WINDOW_NUMBERS * len(windows)
    facts = [
        f"Constants up to {constant_bytes:,} bytes of flash, arena {arena_bytes:,} bytes of RAM, where an int has 4 "
        "bytes; code and stack come on top. It needs no library and no heap, and includes <stdint.h> and <limits.h> "
        "alone, which every compiler of C99 brings. The arena is static: one call at a time."
    ]
    arrays = [float_array(name, array) for name, array in figures.items()]
    for node in plan.nodes:
        arrays += [float_array(f"{name}_{node.number}", array) for name, array in constants[node.number].items()]
    source = "\n\n".join(
        [
            banner(subject, f"{stem}.c", facts),
            f'#include "{stem}.h"\n\n#include <limits.h>',
            _int_check(max(arena.size, *(array.size for held in constants.values() for array in held.values()))),
            _sizes(plan),
            *_kernels(plan),
            *arrays,
            f"static float arena[{arena.size}];",
            *windows,
            _predict(plan, arena, constants, stem),
        ]
    )
    return Written(
        {f"{stem}.h": _header(subject, stem, facts).encode(), f"{stem}.c": f"{source}\n".encode()},
        {"constant_bytes": constant_bytes, "arena_bytes": arena_bytes},
    )


def run(subject: Subject, stem: str, folder: Path, images: NDArray[np.uint8]) -> Judged:
    """Return the logits of `images` by the written files, compiled; raises what `run_c` raises."""
    return run_c(folder, stem, images, len(subject.model.classes))


def _header(subject: Subject, stem: str, facts: Sequence[str]) -> str:
    channels, rows, columns = subject.model.plan.image_shape
    upper = stem.upper()
    return f"""{banner(subject, f"{stem}.h", facts)}
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#define {upper}_CHANNELS {channels}
#define {upper}_ROWS {rows}
#define {upper}_COLUMNS {columns}
#define {upper}_CLASSES {len(subject.model.classes)}

#ifdef __cplusplus
extern "C" {{
#endif

/* The class of an image: channel by channel, row by row, 0 to 255. Where `logits` is not NULL, those of
 * all classes are written there. */
int {stem}_predict(const uint8_t *image, float *logits);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _int_check(largest: int) -> str:
    """Return what stops a compiler whose int, which counts elements, is too short: 16 bits on some chips."""
    return f'#if INT_MAX < {largest}\n#error "int is too short for this network"\n#endif'


def _sizes(plan: Plan) -> str:
    channels, rows, columns = plan.image_shape
    sizes = {"CHANNELS": channels, "PIXELS": rows * columns, "CLASSES": plan.classes}
    return "\n".join(["enum {", *(f"    {name} = {size}," for name, size in sizes.items()), "};"])


def _kernels(plan: Plan) -> list[str]:
    """Return the kernels that the plan's layers call, each once."""
    used = dict.fromkeys(KERNELS[type(node.operation)] for node in plan.nodes)
    window = ["window"] if any(isinstance(node.operation, WINDOWED) for node in plan.nodes) else []
    names = [*window, "normalise", *used, "largest"]
    return [(SOURCES / "float" / f"{name}.c").read_text(encoding="utf-8").strip() for name in names]


def _constants(node: Node, arrays: dict[str, Array]) -> dict[str, Array]:
    """Return what a node's call reads: its weights, or BatchNorm's factor and offset in float64."""
    if isinstance(node.operation, BatchNorm):
        factor = arrays["weight"] / np.sqrt(arrays["running_var"] + BatchNorm.EPSILON)
        return {"factor": factor, "offset": arrays["bias"] - factor * arrays["running_mean"]}
    return arrays


def _window(node: Node) -> str:
    size, stride, padding = _geometry(node.operation)
    shapes = ", ".join(map(str, (*node.input_shape, *node.output_shape)))
    return f"static const window window_{node.number} = {{{shapes}, {size}, {stride}, {padding}}};"


def _geometry(operation: Operation) -> tuple[int, int, int]:
    """Return the size, stride and padding of a window."""
    match operation:
        case Conv() | Depthwise():
            return operation.kernel, operation.stride, operation.padding
        case MaxPool(size=size) | AvgPool(size=size):
            return size, size, 0
        case _:
            raise AssertionError(operation)


def _predict(plan: Plan, arena: Arena, constants: dict[int, dict[str, Array]], stem: str) -> str:
    lines = [f"int {stem}_predict(const uint8_t *image, float *logits) {{"]
    lines.append(f"    normalise(image, mean, deviation, {_place(arena, 0)});")
    for node in plan.nodes:
        shapes = " to ".join("x".join(map(str, shape)) for shape in (node.input_shape, node.output_shape))
        lines.append(f"    /* {type(node.operation).__name__}, {shapes} */")
        x, *other = (_place(arena, value) for value in node.inputs)
        words = [*_arguments(node, x), *other]
        words += [f"{name}_{node.number}" for name in constants[node.number]]
        if isinstance(node.operation, Conv | Depthwise | Linear) and "bias" not in constants[node.number]:
            words.append("0")
        lines.append(f"    {KERNELS[type(node.operation)]}({', '.join(words)}, {_place(arena, node.number)});")
    return "\n".join([*lines, f"    return largest({_place(arena, plan.nodes[-1].number)}, logits);", "}"])


def _arguments(node: Node, x: str) -> list[str]:
    """Return the arguments of a node's call up to its first input."""
    channels, rows, columns = node.input_shape
    match node.operation:
        case Conv():
            return [f"&window_{node.number}", str(channels), x]
        case Depthwise():
            return [f"&window_{node.number}", "1", x]
        case MaxPool() | AvgPool():
            return [f"&window_{node.number}", x]
        case GlobalAvgPool() | BatchNorm():
            return [str(channels), str(rows * columns), x]
        case Linear():
            return [str(prod(node.input_shape)), str(node.output_shape[0]), x]
        case Relu() | Add():
            return [str(prod(node.input_shape)), x]
        case Dropout():
            raise AssertionError("a folded plan has no dropout")


def _place(arena: Arena, value: int) -> str:
    return f"arena + {arena.offsets[value]}"
