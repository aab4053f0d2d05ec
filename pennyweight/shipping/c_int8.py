"""Integer C: one header and one file of C99 that compute a network in whole numbers while its image arrives row by row.

The functions are plain C, kept in `c/int8/`; what is written of a network are its tables, and which functions it needs.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pennyweight.shipping.c_judge import SOURCES, run_c
from pennyweight.shipping.c_tables import KINDS, LANES, Tables, tables_of
from pennyweight.shipping.c_text import banner, integer_array
from pennyweight.shipping.integer import IntegerNetwork
from pennyweight.shipping.memory_plan import Memory, plan_memory
from pennyweight.shipping.parity import Judged
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.schedule import Stream, schedule
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

COUNT_BYTES = (1, 2)
SIZE_BYTES = (2, 4)


def write(subject: Subject, stem: str) -> Written:
    """Return `STEM.h` and `STEM.c`; raises UsageError naming a layer that has no such form."""
    network = quantised(subject)
    source, facts = c_source(network, stem)
    said = [
        f"Whole numbers, {network.bits}-bit weights. Constants {facts['constant_bytes']:,} bytes of flash, "
        f"{facts['ram_bytes']:,} bytes of static RAM; code and stack come on top. "
        "It needs no library, no heap and no other header. The state is static: one image at a time."
    ]
    header = _header(network, stem, banner(subject, f"{stem}.h", said))
    return Written(
        {f"{stem}.h": header.encode(), f"{stem}.c": f"{banner(subject, f'{stem}.c', said)}\n\n{source}".encode()},
        facts,
    )


def run(subject: Subject, stem: str, folder: Path, images: NDArray[np.uint8]) -> Judged:
    """Return the logits of `images` by the written files, compiled; raises what `run_c` raises."""
    return run_c(folder, stem, images, len(subject.model.classes), output="int32_t")


def c_source(network: IntegerNetwork, stem: str) -> tuple[str, dict[str, int]]:
    """Return the C of a network, without the comment at its top, and the bytes of its constants and its static RAM."""
    stream = schedule(network)
    memory = plan_memory(stream, network.classes)
    tables = tables_of(stream, memory)
    largest_count = max(value for layer in stream.layers for value in (layer.rows, layer.columns, *layer.pool)) + 1
    largest_size = max(len(tables.weights), memory.ring_bytes, memory.sums, len(tables.biases))
    count_bytes = COUNT_BYTES[largest_count >= 1 << 8]
    size_bytes = SIZE_BYTES[largest_size >= 1 << 15]
    features = _features(stream, tables)
    types = [
        f"typedef uint{8 * size_bytes}_t size;",
        f"typedef uint{8 * count_bytes}_t count;",
        *([f"typedef uint{8 * memory.sum_bytes}_t sum;"] if memory.sums else []),
    ]
    text = "\n\n".join(
        [
            f'#include "{stem}.h"',
            "\n".join(types),
            _constants(network, stream),
            _piece("types", features),
            *_arrays(tables, features),
            _layers(tables),
            _memory(memory),
            *(_piece(name, features) for name in _pieces(features)),
            _piece("api", features).replace("PREFIX", stem),
        ]
    )
    layer_bytes = 9 * size_bytes + 12 * count_bytes + 6
    cursor_bytes = size_bytes + 4 * count_bytes + features["BRANCHES"]
    align = size_bytes
    layer_bytes, cursor_bytes = (-(-one // align) * align for one in (layer_bytes, cursor_bytes))
    constant_bytes = (
        len(tables.weights)
        + 4 * len(tables.biases)
        + 2 * len(tables.multipliers)
        + (2 * len(tables.lows) if tables.has_bounds else 0)
        + 12 * len(tables.additions)
        + len(tables.targets)
        + (len(tables.pads) if tables.has_pad_table else 0)
        + layer_bytes * len(stream.layers)
    )
    total_bytes = 4 * (LANES + 1) if features["PRODUCTS"] else 0
    ram_bytes = (
        total_bytes
        + -(-memory.ring_bytes // 4) * 4
        + memory.sum_bytes * memory.sums
        + cursor_bytes * len(stream.layers)
    )
    return text + "\n", {"constant_bytes": constant_bytes, "ram_bytes": ram_bytes}


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


def _features(stream: Stream, tables: Tables) -> dict[str, bool]:
    """Return what the network asks of the functions."""
    layers = stream.layers
    kinds = {layer.kind for layer in layers}
    return {
        "POOLS": any(layer.is_pooled for layer in layers),
        "PADS": any(layer.padding for layer in layers),
        "PAD_TABLE": tables.has_pad_table,
        "BRANCHES": any(layer.padding or len(layer.targets) > 1 for layer in layers),
        "STRIDES": any(layer.stride > 1 for layer in layers),
        "PRODUCTS": "product" in kinds,
        "DEPTHWISES": "depthwise" in kinds,
        "MEANS": "mean" in kinds,
        "COPIES": bool(kinds & {"copy", "add"}),
        "ADDS": "add" in kinds,
        "BOUNDS": tables.has_bounds,
        "SUMMED": stream.lifetimes[-1].first == 0,
    }


def _constants(network: IntegerNetwork, stream: Stream) -> str:
    c, h, w = network.image_shape
    values = {"CHANNELS": c, "ROWS": h, "COLUMNS": w, "LOGITS": network.classes, "LAYERS": len(stream.layers)}
    said = ", ".join(f"{name} = {value}" for name, value in values.items())
    return f"enum {{ {said} }};\nenum {{ {', '.join(kind.upper() for kind in KINDS)} }};"


def _arrays(tables: Tables, features: Mapping[str, bool]) -> list[str]:
    arrays = [
        ("uint8_t", "weights", tables.weights, True),
        ("int32_t", "biases", tables.biases, True),
        ("uint16_t", "multipliers", tables.multipliers, bool(tables.multipliers)),
        ("uint8_t", "lows", tables.lows, features["BOUNDS"]),
        ("uint8_t", "highs", tables.highs, features["BOUNDS"]),
        ("uint8_t", "pads", tables.pads, features["PAD_TABLE"]),
        ("uint8_t", "targets", tables.targets, bool(tables.targets)),
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
        values = ", ".join(f".{name} = {str(value).upper()}" for name, value in row.items())
        rows.append(f"    {{{values}}},")
    return "static const layer layers[LAYERS] = {\n" + "\n".join(rows) + "\n};"


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

/* An image row by row: begin, then push each row from the top, {row}, 0 to 255; then finish. */
void {stem}_begin(void);
void {stem}_push_row(const uint8_t *row);

/* Returns the class of the image; where `logits` is not NULL, they are written there. */
int {stem}_finish(int32_t *logits);

/* The same for a whole image in memory: {planes}, 0 to 255. */
int {stem}_predict(const uint8_t *image, int32_t *logits);

#ifdef __cplusplus
}}
#endif

#endif
"""
