"""Cycles of a Cortex-M0 for one image, estimated: every instruction that was executed, by the table of the manual.

Arm, "Cortex-M0 Technical Reference Manual" (DDI 0432C), section 3.3, for memory without wait states and the multiplier
of one cycle that the nRF51 has. The emulator writes down every instruction it executes (-singlestep); what each is says
the disassembly.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chips.build import Program, run
from chips.emulate import emulator_words
from chips.stack import FUNCTION, functions_of

_TRACE = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
_LIST = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Instruction:
    """One instruction: address, the function it is in, what it is, and the address of the next."""

    address: int
    function: str
    mnemonic: str
    operands: str
    following: int

    @property
    def ends_block(self) -> bool:
        """Return whether it may go on elsewhere than at the next instruction."""
        jumps = self.mnemonic.startswith("b") and self.mnemonic.split(".")[0] not in ("bic", "bics", "bkpt")
        return jumps or (self.mnemonic == "pop" and "pc" in self.operands)

    def cycles(self, is_taken: bool) -> int:
        """Return what it takes."""
        name = self.mnemonic.split(".")[0]
        if name == "bl":
            return 4
        if name in ("b", "bx", "blx"):
            return 3
        if self.ends_block and name != "pop":
            return 3 if is_taken else 1
        if name in ("push", "pop", "ldmia", "stmia", "ldm", "stm"):
            count = sum(_registers(one.strip()) for one in _LIST.search(self.operands)[1].split(","))  # type: ignore[index]
            return 1 + count + (3 if "pc" in self.operands else 0)
        return 2 if name.startswith(("ldr", "str")) else 4 if name in ("mrs", "msr", "dsb", "dmb", "isb") else 1


def _registers(text: str) -> int:
    first, dash, last = text.partition("-")
    return int(last[1:]) - int(first[1:]) + 1 if dash else 1


@dataclass(frozen=True)
class Cycles:
    """Instructions and estimated cycles for one image, by the function they are spent in."""

    instructions: Counter[str]
    cycles: Counter[str]

    @property
    def per_instruction(self) -> float:
        """Return the mean cycles of an instruction."""
        return self.cycles.total() / self.instructions.total()


def estimate(program: Program, image: NDArray[np.uint8], entries: Iterable[str]) -> Cycles:
    """Return the network's instructions for one image, from `entries` on, and the cycles they are estimated at."""
    (program.folder / "images.bin").write_bytes(image.tobytes())
    inside = _reachable(program, entries)
    by_address = {one.address: one for one in disassembly(program)}
    instructions, cycles = Counter[str](), Counter[str]()
    for address, following in pairwise(_addresses(program)):
        one = by_address.get(address)
        if one is not None and one.function in inside:
            instructions[one.function] += 1
            cycles[one.function] += one.cycles(is_taken=following != one.following)
    return Cycles(instructions, cycles)


def _addresses(program: Program) -> Iterator[int]:
    """Yield the address of every instruction in the order they are executed, as the emulator tells them."""
    words = [*emulator_words(program), "-singlestep", "-d", "exec,nochain"]
    with subprocess.Popen(words, cwd=program.folder, stderr=subprocess.PIPE, text=True) as emulator:
        assert emulator.stderr is not None
        for line in emulator.stderr:
            if match := _TRACE.match(line):
                yield int(match[1], 16)
    if emulator.returncode:
        raise RuntimeError(f"{program.stem} ended with {emulator.returncode} on {program.board.name}")


def _reachable(program: Program, entries: Iterable[str]) -> set[str]:
    functions = functions_of(program)
    found, waiting = set[str](), list(entries)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += functions[name].calls
    return found


def disassembly(program: Program) -> Iterator[Instruction]:
    """Yield every instruction of the program."""
    function = ""
    for line in run([f"{program.board.prefix}objdump", "-d", program.elf], program.folder).splitlines():
        fields = line.split("\t")
        if header := FUNCTION.match(line):
            function = header[1]
        elif len(fields) > 2:
            address = int(fields[0].strip().rstrip(":"), 16)
            bytes_long = len(fields[1].replace(" ", "")) // 2
            yield Instruction(address, function, fields[2].strip(), " ".join(fields[3:]), address + bytes_long)
