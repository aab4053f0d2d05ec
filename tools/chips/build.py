"""Compiling a generated network for a board, and what of the program is the network's."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import chips
from chips.boards import CORTEX_M, Board

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
SECTIONS = ("-ffunction-sections", "-fdata-sections")
HERE = Path(chips.__file__).parent
KINDS = {".text": "text", ".rodata": "rodata", ".srodata": "rodata", ".data": "data", ".sdata": "data"}
KINDS |= {".bss": "bss", ".sbss": "bss", "COMMON": "bss", ".ARM": "rodata"}


@dataclass(frozen=True)
class Sizes:
    """Bytes of the network's sections in the linked program, routines of the compiler (libgcc) included."""

    text: int
    rodata: int
    data: int
    bss: int

    @property
    def flash(self) -> int:
        """What lies in flash; initial values of .data do as well."""
        return self.text + self.rodata + self.data

    @property
    def static_ram(self) -> int:
        """What lies in RAM the whole time."""
        return self.data + self.bss


@dataclass(frozen=True)
class Program:
    """A linked program, the objects in it that are the network's, and where what the compiler said of it lies."""

    board: Board
    folder: Path
    stem: str

    @property
    def elf(self) -> Path:
        """Return the linked program."""
        return self.folder / "program.elf"

    @property
    def map(self) -> Path:
        """Return what the linker says of it."""
        return self.folder / "program.map"


def run(words: Sequence[object], folder: Path, seconds: float = 600) -> str:
    """Run a program in a folder and return what it prints; raises RuntimeError with its words where it fails."""
    texts = list(map(str, words))
    done = subprocess.run(texts, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(texts)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(board: Board, source: Path, folder: Path, defines: Sequence[str], optimise: str = "-Os") -> Program:
    """Compile `source`, a generated C file, with the program that measures it; everything lands in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    compiler = f"{board.prefix}gcc"
    flags = [*board.flags, optimise, *SECTIONS, "-ffreestanding", "-I", source.parent, "-I", CORTEX_M]
    network = [*flags, *WARNINGS, "-fstack-usage", "-c", source, "-o", f"{source.stem}.o"]
    run([compiler, *network], folder)
    named = [f"-D{one}" for one in (*board.defines, *defines)]
    run([compiler, *flags, "-std=gnu11", "-Wall", *named, "-c", HERE / "measure.c", "-o", "measure.o"], folder)
    run([compiler, *flags, "-std=gnu11", "-Wall", "-c", CORTEX_M / "memory.c", "-o", "memory.o"], folder)
    starts = []
    for start in board.sources:
        run([compiler, *flags, "-c", start, "-o", f"{start.stem}.o"], folder)
        starts.append(f"{start.stem}.o")
    script = ["-L", board.linker_script.parent, "-T", board.linker_script]
    objects = [*starts, "measure.o", f"{source.stem}.o", "memory.o"]
    library = run([compiler, *(board.library_flags or board.flags), "-print-libgcc-file-name"], folder).strip()
    link = [*board.flags, "-nostdlib", "-Wl,--gc-sections", "-Wl,-Map=program.map", *script, *objects, library]
    run([compiler, *link, "-o", "program.elf"], folder)
    return Program(board, folder, source.stem)


_INPUT_SECTION = re.compile(r"^ (\.[\w.$]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$")
_INPUT_OBJECT = re.compile(r"([^/]+\.a\([^)]+\)|[^/]+\.o)$")


def sizes_of(program: Program) -> Sizes:
    """Return the sizes of what is in the program because of the network: its object, libgcc, memset and memcpy."""
    text = program.map.read_text().partition("Linker script and memory map")[2]
    joined = re.sub(r"^( (?:\.[\w.$]+|COMMON))\n\s+", r"\1 ", text, flags=re.MULTILINE)
    found = dict.fromkeys(("text", "rodata", "data", "bss"), 0)
    for line in joined.splitlines():
        match = _INPUT_SECTION.match(line)
        if not match or not int(match[3], 16) or not is_network(match[4], program.stem):
            continue
        kind = next((kind for start, kind in KINDS.items() if match[1].startswith(start)), None)
        if kind:
            found[kind] += int(match[3], 16)
    return Sizes(**found)


def is_network(object_file: str, stem: str) -> bool:
    """Return whether an object of the map is there for the network's sake; start-up and measuring call no libgcc."""
    name = _INPUT_OBJECT.search(object_file)
    return bool(name) and (name[1] in (f"{stem}.o", "memory.o") or name[1].startswith("libgcc.a"))
