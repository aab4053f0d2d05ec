"""Running a program on its emulated board over images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chips.build import Program, run

LOOP_INSTRUCTIONS = 200_000
"""What `known_loop` of measure.c takes, but for the call."""
LOOP_TOLERANCE = 0.001
PAINTED_BYTES = 4_096
"""How far below the stack measure.c paints."""
ICOUNT = ("-icount", "shift=0")
SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")


@dataclass(frozen=True, eq=False)
class Emulation:
    """What the board answered: logits (n, classes), instructions for an image, and the deepest stack in bytes."""

    logits: NDArray[np.generic]
    instructions: float
    stack_bytes: int


def emulate(program: Program, images: NDArray[np.uint8], output: DTypeLike, seconds: float = 600) -> Emulation:
    """Return what `program` answers for uint8 `images`; raises RuntimeError where it, or its clock, goes wrong."""
    (program.folder / "images.bin").write_bytes(np.ascontiguousarray(images).tobytes())
    run(emulator_words(program), program.folder, seconds)
    done, ticks, stack, loop_ticks = np.fromfile(program.folder / "figures.bin", np.uint64).tolist()
    looped = loop_ticks * program.board.tick_instructions
    if abs(looped / LOOP_INSTRUCTIONS - 1) > LOOP_TOLERANCE:
        raise RuntimeError(f"the clock of {program.board.name} counts {looped:,.0f} of {LOOP_INSTRUCTIONS:,} steps")
    if done != len(images):
        raise RuntimeError(f"{program.board.name} answered for {done} of {len(images)} images")
    if stack >= PAINTED_BYTES:
        raise RuntimeError(f"{program.stem} takes all {PAINTED_BYTES:,} bytes of stack that are painted, or more")
    logits = np.fromfile(program.folder / "logits.bin", output).reshape(len(images), -1)
    return Emulation(logits, ticks * program.board.tick_instructions / len(images), stack)


def emulator_words(program: Program) -> list[str]:
    """Return the command that starts the emulator with the program, one nanosecond an instruction."""
    shown = ("-display", "none", "-monitor", "none", "-serial", "none")
    return [*program.board.emulator, *shown, *ICOUNT, *SEMIHOSTING, "-kernel", str(program.elf)]
