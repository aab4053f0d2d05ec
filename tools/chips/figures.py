"""One network on one board: everything that is measured of it, as values that go into docs/chips.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chips.boards import MICROBIT, Board
from chips.build import Program, build, run, sizes_of
from chips.cycles import estimate
from chips.emulate import emulate
from chips.stack import routines_of, worst_stack


@dataclass(frozen=True)
class Generated:
    """A network's C as exported, and what the host computed with it: `logits` (n, classes) of `images`."""

    name: str
    format: str
    source: Path
    output: str
    """The type of a logit in C."""
    dtype: DTypeLike
    images: NDArray[np.uint8]
    logits: NDArray[np.generic]

    @property
    def is_streamed(self) -> bool:
        """Return whether the image is read row by row."""
        return self.format == "c-int8"

    @property
    def entries(self) -> tuple[str, ...]:
        """Return the functions that a program calls."""
        verbs = ("begin", "push_row", "finish") if self.is_streamed else ("predict",)
        return tuple(f"{self.source.stem}_{verb}" for verb in verbs)

    @property
    def row_bytes(self) -> int:
        """Return what a program holds of the image: a row where it is streamed, else all of it."""
        return self.images[0, -1].size if self.is_streamed else self.images[0].size


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a network takes on a board: bytes, instructions an image (mean), and on a Cortex-M0 estimated cycles.

    `ram_bytes` is .data, .bss, the larger of both stacks and the row that is handed in; `routines` are those of libgcc.
    """

    network: str
    format: str
    board: str
    compiler: str
    images: int
    labels_changed: int
    largest_difference: float
    text_bytes: int
    rodata_bytes: int
    data_bytes: int
    bss_bytes: int
    flash_bytes: int
    stack_bytes_stated: int
    stack_bytes_painted: int
    row_bytes: int
    ram_bytes: int
    routines: tuple[str, ...]
    instructions: float
    cycles_estimated: float | None


def measure(generated: Generated, board: Board, folder: Path, optimise: str = "-Os") -> Figures:
    """Build a network for a board, run it over the images, and measure; raises RuntimeError where that fails."""
    program = build(board, generated.source, folder, _defines(generated), optimise)
    sizes = sizes_of(program)
    answered = emulate(program, generated.images, generated.dtype)
    stated = worst_stack(program, generated.entries)
    stack = max(stated, answered.stack_bytes)
    changed = int((answered.logits.argmax(axis=1) != generated.logits.argmax(axis=1)).sum())
    difference = np.abs(answered.logits.astype(np.float64) - generated.logits).max()
    return Figures(
        network=generated.name,
        format=generated.format,
        board=board.name,
        compiler=compiler_words(board),
        images=len(generated.images),
        labels_changed=changed,
        largest_difference=float(difference),
        text_bytes=sizes.text,
        rodata_bytes=sizes.rodata,
        data_bytes=sizes.data,
        bss_bytes=sizes.bss,
        flash_bytes=sizes.flash,
        stack_bytes_stated=stated,
        stack_bytes_painted=answered.stack_bytes,
        row_bytes=generated.row_bytes,
        ram_bytes=sizes.static_ram + stack + generated.row_bytes,
        routines=routines_of(program),
        instructions=answered.instructions,
        cycles_estimated=_cycles(generated, board, program, answered.instructions),
    )


def _cycles(generated: Generated, board: Board, program: Program, instructions: float) -> float | None:
    """Return the mean instructions of an image times the cycles of one, from the trace of the first image."""
    if board != MICROBIT:
        return None
    return instructions * estimate(program, generated.images[0], generated.entries).per_instruction


def _defines(generated: Generated) -> Sequence[str]:
    stem = generated.source.stem
    named = {"HEADER": f'"{stem}.h"', "PREFIX": stem, "OUTPUT": generated.output}
    sizes = {
        "IMAGE_BYTES": generated.images[0].size,
        "ROWS": generated.images.shape[-2],
        "CLASSES": generated.logits.shape[1],
    }
    streamed = ["STREAMED"] if generated.is_streamed else []
    return [*streamed, *(f"{name}={value}" for name, value in {**named, **sizes}.items())]


def compiler_words(board: Board) -> str:
    """Return the compiler and its version, as `arm-none-eabi-gcc 12.2.1`."""
    version = run([f"{board.prefix}gcc", "-dumpfullversion"], Path.cwd()).strip()
    return f"{board.prefix}gcc {version}"
