"""Integer C: one header and one file of C99 that compute a network in whole numbers while its image arrives row by row.

The functions are plain C, kept in `c/int8/`; what is written of a network are its tables, and which functions it needs.
"""

import textwrap
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.shipping.c_judge import SOURCES, run_c
from pennyweight.shipping.c_layout import Layout, layout_of
from pennyweight.shipping.c_tables import KINDS, Tables
from pennyweight.shipping.c_text import WIDTH, banner, integer_array
from pennyweight.shipping.integer import IntegerNetwork
from pennyweight.shipping.memory_plan import Memory
from pennyweight.shipping.parity import Judged
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.schedule import Stream
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

JOINT = "\0"
"""Stands for a blank that no line is broken at."""


def write(subject: Subject, stem: str) -> Written:
    """Return `STEM.h` and `STEM.c`; raises UsageError naming a layer that has no such form."""
    network = quantised(subject)
    layout = layout_of(network)
    said = [
        f"Whole numbers, {network.bits}-bit weights. Constants {layout.constant_bytes:,} bytes of flash, "
        f"{layout.ram_bytes:,} bytes of static RAM, up to the alignment of each table; code and stack come on top. "
        "It needs no library and no heap, and includes <stdint.h> and <limits.h> alone, which every compiler of C99 "
        "brings. The state is static: one image at a time."
    ]
    header = _header(network, stem, banner(subject, f"{stem}.h", said))
    source = f"{banner(subject, f'{stem}.c', said)}\n\n{c_source(layout, stem)}"
    return Written(
        {f"{stem}.h": header.encode(), f"{stem}.c": source.encode()},
        {"bits": network.bits, "constant_bytes": layout.constant_bytes, "ram_bytes": layout.ram_bytes},
    )


def run(subject: Subject, stem: str, folder: Path, images: NDArray[np.uint8]) -> Judged:
    """Return the logits of `images` by the written files, compiled; raises what `run_c` raises."""
    return run_c(folder, stem, images, len(subject.model.classes), output="int32_t")


def c_source(layout: Layout, stem: str) -> str:
    """Return the C of a network without the comment at its top."""
    memory, tables, features = layout.memory, layout.tables, layout.features
    types = [
        f"typedef uint{8 * layout.size_bytes}_t size;",
        f"typedef uint{8 * layout.count_bytes}_t count;",
        *([f"typedef uint{8 * memory.sum_bytes}_t sum;"] if memory.sums else []),
    ]
    parts = [
        f'#include "{stem}.h"\n\n#include <limits.h>',
        _int_check(layout),
        "\n".join(types),
        _constants(layout.network, layout.stream),
        _piece("types", features),
        *_arrays(tables, features),
        _layers(tables),
        _memory(memory),
        *(_piece(name, features) for name in _pieces(features)),
        _piece("api", features).replace("PREFIX", stem),
    ]
    return "\n\n".join(parts) + "\n"


def _int_check(layout: Layout) -> str:
    """Return what stops a compiler whose int is too short to count weights and pixels, or does not keep a sign.

    The preprocessor counts as the host does, so only the compiler itself can tell of the second.
    """
    most = max(len(layout.tables.weights), layout.memory.ring_bytes, prod(layout.network.image_shape))
    return (
        f'#if INT_MAX < {most}\n#error "int is too short for this network"\n#endif\n'
        "/* A negative number must stay negative when it is shifted to the right. */\n"
        "typedef char shift_keeps_the_sign[(-1 >> 1) == -1 ? 1 : -1];"
    )


def _piece(name: str, features: Mapping[str, bool]) -> str:
    """Return the functions of a file without what the network does not need: what `#if FEATURE` keeps or leaves out."""
    kept: list[bool | None] = []  # None: a condition for the C compiler
    lines = []
    for line in (SOURCES / "int8" / f"{name}.c").read_text(encoding="utf-8").strip().splitlines():
        is_ours = not kept or kept[-1] is not None
        match line.split():
            case ["#if", feature]:
                kept.append(features[feature])
                continue
            case ["#ifdef", _]:
                kept.append(None)
            case ["#else"] if is_ours:
                kept[-1] = not kept[-1]
                continue
            case ["#endif"]:
                if kept.pop() is not None:
                    continue
            case _:
                pass
        if False not in kept:
            lines.append(line)
    return "\n".join(lines)


def _pieces(features: Mapping[str, bool]) -> list[str]:
    """Return the names of the files of functions that the network needs, in the order of their use."""
    pieces = {
        "arrive": True,
        "add": features["ADDS"],
        "give": True,
        "finish": True,
        "product": features["PRODUCTS"],
        "depthwise": features["DEPTHWISES"],
        "mean": features["MEANS"],
        "copy": features["COPIES"],
        "settle": True,
    }
    return [name for name, is_needed in pieces.items() if is_needed]


def _constants(network: IntegerNetwork, stream: Stream) -> str:
    c, h, w = network.image_shape
    values = {"CHANNELS": c, "ROWS": h, "COLUMNS": w, "LOGITS": network.classes, "LAYERS": len(stream.layers)}
    said = ", ".join(f"{name} = {value}" for name, value in values.items())
    return f"enum {{ {said} }};\nenum {{ {', '.join(kind.upper() for kind in KINDS)} }};"


def _arrays(tables: Tables, features: Mapping[str, bool]) -> list[str]:
    arrays = [
        ("int8_t", "weights", tables.weights, True),
        ("int32_t", "biases", tables.biases, True),
        ("uint16_t", "multipliers", tables.multipliers, bool(tables.multipliers)),
        ("uint8_t", "lows", tables.lows, features["BOUNDS"]),
        ("uint8_t", "highs", tables.highs, features["BOUNDS"]),
        ("uint8_t", "pads", tables.pads, features["PAD_TABLE"]),
        ("uint8_t", "targets", tables.targets or [0], True),
    ]
    texts = [integer_array(c_type, name, np.array(values)) for c_type, name, values, is_needed in arrays if is_needed]
    if features["ADDS"]:
        rows = "\n".join(f"    {{{late}, {early}, {offset}}}," for late, early, offset in tables.additions)
        texts.append(
            "typedef struct {\n    int32_t late, early, offset;\n} addition;\n\n"
            f"static const addition additions[] = {{\n{rows}\n}};"
        )
    return texts


def _layers(tables: Tables) -> str:
    rows = []
    for row in tables.layers:
        values = ", ".join(f".{name}{JOINT}={JOINT}{str(value).upper()}" for name, value in row.items())
        rows += textwrap.wrap(f"{{{values}}},", WIDTH, initial_indent="    ", subsequent_indent="     ")
    return "static const layer layers[LAYERS] = {\n" + "\n".join(rows).replace(JOINT, " ") + "\n};"


def _memory(memory: Memory) -> str:
    sums = [f"static sum sums[{memory.sums}];"] if memory.sums else []
    rings = f"static union {{\n    uint8_t ring[{memory.ring_bytes}];\n    int32_t logits[LOGITS];\n}} memory;"
    return "\n".join(["static cursor cursors[LAYERS];", *sums, rings])


def _header(network: IntegerNetwork, stem: str, comment: str) -> str:
    c, h, w = network.image_shape
    upper = stem.upper()
    planes = f"{c} planes of {h} x {w} pixels" if c > 1 else f"{h} x {w} pixels"
    row = f"the row of each of the {c} planes in turn" if c > 1 else "its pixels from left to right"
    return f"""{comment}
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#define {upper}_CHANNELS {c}
#define {upper}_ROWS {h}
#define {upper}_COLUMNS {w}
#define {upper}_CLASSES {network.classes}

#ifdef __cplusplus
extern "C" {{
#endif

/* An image row by row: begin, then push each row from the top, {row},
 * 0 to 255; then finish. */
void {stem}_begin(void);
void {stem}_push_row(const uint8_t *row);

/* Returns the class of the image; where `logits` is not NULL, they are written there. Returns -1, and writes nothing,
 * unless exactly {upper}_ROWS rows have come since begin. */
int {stem}_finish(int32_t *logits);

/* The same for a whole image in memory: {planes}, 0 to 255. */
int {stem}_predict(const uint8_t *image, int32_t *logits);

#ifdef __cplusplus
}}
#endif

#endif
"""
