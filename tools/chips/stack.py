"""The worst stack of a network, by what the compiler says of each function and who calls whom."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from chips.build import Program, run

FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
_TARGET = re.compile(r"<([^>+]+)>")
_ARM_PUSH = re.compile(r"\{([^}]+)\}")
_ARM_ROOM = re.compile(r"^sp,(?: sp,)? #(\d+)")
_RISCV_ROOM = re.compile(r"^sp,(?:sp,)?-(\d+)")
_CLONE = re.compile(r"\.(constprop|isra|part|cold).*")
CALLS = ("bl", "blx", "jal", "call")
WORD_BYTES = 4


@dataclass
class Function:
    """A function of the linked program: what it calls or jumps to, and how many bytes its code takes off the stack."""

    calls: set[str] = field(default_factory=set)
    stack_bytes: int = 0


def worst_stack(program: Program, entries: tuple[str, ...]) -> int:
    """Return the bytes of stack that the deepest chain of calls from one of `entries` takes.

    A function's own are those of -fstack-usage, and of one that the compiler brought (libgcc) all that its code pushes.
    Raises RuntimeError for recursion, for a stack whose size is not known, and for a call of an unknown function.
    """
    functions, stated = functions_of(program), stated_usage(program)

    @cache
    def deepest(name: str) -> int:
        function = functions[name]
        own = stated.get(_CLONE.sub("", name), function.stack_bytes)
        return own + max(map(deepest, function.calls), default=0)

    try:
        return max(deepest(entry) for entry in entries)
    except RecursionError as error:
        raise RuntimeError(f"{program.stem} calls itself") from error


def functions_of(program: Program) -> Mapping[str, Function]:
    """Return every function of the linked program, from its disassembly."""
    found: dict[str, Function] = {}
    name = ""
    for line in run([f"{program.board.prefix}objdump", "-d", program.elf], program.folder).splitlines():
        if header := FUNCTION.match(line):
            name = header[1]
        elif len(fields := line.split("\t")) > 2:
            _read(fields[2], " ".join(fields[3:]), name, found.setdefault(name, Function()))
    for function in found.values():
        function.calls &= set(found)
    return found


def _read(mnemonic: str, operands: str, name: str, function: Function) -> None:
    """Add one instruction to the function `name`; a jump to its own start is a loop, a call of itself a recursion."""
    mnemonic = mnemonic.strip()
    target = _TARGET.search(operands)
    if target and mnemonic.startswith(("b", "j", "c", "t")) and (target[1] != name or mnemonic in CALLS):
        function.calls.add(target[1])
    if mnemonic.startswith(("push", "stmdb", "vpush")) and (pushed := _ARM_PUSH.search(operands)):
        function.stack_bytes += WORD_BYTES * sum(_registers(one.strip()) for one in pushed[1].split(","))
    room = {"sub": _ARM_ROOM, "add": _RISCV_ROOM}.get(mnemonic.removeprefix("c.")[:3])
    if room and (taken := room.match(operands)):
        function.stack_bytes += int(taken[1])


def _registers(text: str) -> int:
    """Return how many registers `r4-r7`, `lr` or `d8-d9` are, in words."""
    first, dash, last = text.partition("-")
    count = int(last[1:]) - int(first[1:]) + 1 if dash else 1
    return 2 * count if text.startswith("d") else count


def stated_usage(program: Program) -> dict[str, int]:
    """Return the bytes of stack of each function of the network's object, as the compiler stated them."""
    found = {}
    for line in (program.folder / f"{program.stem}.su").read_text().splitlines():
        place, size_bytes, kind = line.split("\t")
        if kind != "static":
            raise RuntimeError(f"the stack of {place} is {kind}")
        name = _CLONE.sub("", place.rsplit(":", 1)[1])
        found[name] = max(int(size_bytes), found.get(name, 0))
    return found


def routines_of(program: Program) -> tuple[str, ...]:
    """Return the routines of the compiler that the program holds: `__mulsi3` multiplies."""
    return tuple(sorted(name for name in functions_of(program) if name.startswith("__")))
