"""The emulated boards: how a program is compiled for each, and how it is started."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORTEX_M = ROOT / "examples" / "cortex-m"
RISCV = ROOT / "examples" / "riscv"
ARM_CFLAGS = ("-mthumb", "-mfloat-abi=soft")


@dataclass(frozen=True)
class Board:
    """One emulated board. A tick of its clock is `tick_instructions` instructions under `-icount shift=0`.

    There one instruction takes a nanosecond of virtual time, so a clock of 16 MHz ticks every 62.5 of them; RISC-V
    counts instructions itself.
    """

    name: str
    words: str
    prefix: str
    """Of the compiler's programs: `arm-none-eabi-`."""
    flags: tuple[str, ...]
    sources: tuple[Path, ...]
    linker_script: Path
    emulator: tuple[str, ...]
    tick_instructions: float
    formats: tuple[str, ...]
    """What it can be shown to run: `c`, `c-int8`."""
    defines: tuple[str, ...] = ()
    library_flags: tuple[str, ...] = ()
    """What chooses the compiler's own routines, where it has none for exactly these flags."""


MICROBIT = Board(
    name="microbit",
    words="BBC micro:bit, Cortex-M0, 256 KB flash, 16 KB RAM",
    prefix="arm-none-eabi-",
    flags=("-mcpu=cortex-m0", *ARM_CFLAGS),
    sources=(CORTEX_M / "startup.c",),
    linker_script=CORTEX_M / "microbit.ld",
    emulator=("qemu-system-arm", "-M", "microbit"),
    tick_instructions=62.5,
    formats=("c-int8",),
    defines=("BOARD_NRF51",),
)
CORTEX_M3 = Board(
    name="cortex-m3",
    words="MPS2 AN385, Cortex-M3",
    prefix="arm-none-eabi-",
    flags=("-mcpu=cortex-m3", *ARM_CFLAGS),
    sources=(CORTEX_M / "startup.c",),
    linker_script=CORTEX_M / "mps2.ld",
    emulator=("qemu-system-arm", "-M", "mps2-an385"),
    tick_instructions=40,
    formats=("c-int8",),
    defines=("BOARD_MPS2",),
)
CORTEX_M4F = Board(
    name="cortex-m4f",
    words="MPS2 AN386, Cortex-M4 with a float unit",
    prefix="arm-none-eabi-",
    flags=("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    sources=(CORTEX_M / "startup.c",),
    linker_script=CORTEX_M / "mps2.ld",
    emulator=("qemu-system-arm", "-M", "mps2-an386"),
    tick_instructions=40,
    formats=("c", "c-int8"),
    defines=("BOARD_MPS2",),
)
RV32IMC = Board(
    name="rv32imc",
    words="QEMU virt, RV32IMC",
    prefix="riscv64-unknown-elf-",
    flags=("-march=rv32imc_zicsr", "-mabi=ilp32", "-mcmodel=medany"),
    library_flags=("-march=rv32im", "-mabi=ilp32"),
    sources=(RISCV / "start.S",),
    linker_script=RISCV / "virt.ld",
    emulator=(
        *("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
        *("-cpu", "rv32,a=false,f=false,d=false"),
    ),
    tick_instructions=1,
    formats=("c-int8",),
)
RV32EC = Board(
    name="rv32ec",
    words="QEMU virt, RV32EC: 16 registers, no multiplication",
    prefix="riscv64-unknown-elf-",
    flags=("-march=rv32ec_zicsr", "-mabi=ilp32e", "-mcmodel=medany"),
    library_flags=("-march=rv32e", "-mabi=ilp32e"),
    sources=(RISCV / "start.S",),
    linker_script=RISCV / "virt.ld",
    emulator=(
        *("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
        *("-cpu", "rv32,i=false,e=true,m=false,a=false,f=false,d=false,h=false"),
    ),
    tick_instructions=1,
    formats=("c-int8",),
)
BOARDS = (MICROBIT, CORTEX_M3, CORTEX_M4F, RV32IMC, RV32EC)
