"""Generated networks on emulated boards answer as on the host, and what is measured there is right."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chips.boards import BOARDS, CORTEX_M, CORTEX_M4F, MICROBIT, ROOT, RV32EC, RV32IMC, Board
from chips.build import Program, build, run, sizes_of
from chips.cycles import estimate
from chips.emulate import emulate
from chips.figures import Generated, _defines, measure
from chips.networks import generated
from chips.stack import routines_of, worst_stack

import pennyweight as pw

NEEDED = sorted({f"{board.prefix}gcc" for board in BOARDS} | {board.emulator[0] for board in BOARDS})
MISSING = [name for name in NEEDED if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}; make chip-tools installs them")
ALLOWED_ROUTINES = {"__mulsi3"}
"""On a core without multiplication; nothing of 64 bits, no division, no float."""
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 4), dtype=np.uint8)

TOY = """#include "toy.h"
static const uint8_t weights[100] = {1, 2, 3};
static volatile int32_t kept[25];
static volatile uint8_t changed[8] = {1, 1, 1, 1, 1, 1, 1, 1};
int32_t toy_deep(const uint8_t *image);
__attribute__((noinline)) int32_t toy_deep(const uint8_t *image) {
    volatile uint8_t room[200];
    int32_t sum = 0;
    for (int i = 0; i < 200; i++) room[i] = weights[i % 100];
    for (int i = 0; i < 16; i++) sum += image[i] + room[i] * changed[i % 8];
    return sum;
}
void toy_wait(void);
__attribute__((naked, noinline)) void toy_wait(void) {
    __asm__ volatile(WAIT);
}
int toy_predict(const uint8_t *image, int32_t *logits) {
    toy_wait();
    kept[0] = toy_deep(image);
    logits[0] = kept[0];
    logits[1] = 1000;
    return logits[1] > logits[0];
}
"""
HEADER = "#include <stdint.h>\nint toy_predict(const uint8_t *image, int32_t *logits);\n"
WAITS = {
    "arm": r'".syntax unified\n movs r3, #100\n 1: subs r3, #1\n bne 1b\n bx lr"',
    "riscv64": r'"li t0, 100\n 1: addi t0, t0, -1\n bnez t0, 1b\n ret"',
}
WAIT_INSTRUCTIONS = 1 + 2 * 100 + 1
WAIT_CYCLES = 1 + 100 * 1 + 99 * 3 + 1 + 3
"""movs, subs, bne taken and at last not taken, bx."""


def toy(board: Board, folder: Path, source: str = TOY) -> tuple[Program, Generated]:
    folder.mkdir(exist_ok=True)
    (folder / "toy.h").write_text(HEADER)
    (folder / "toy.c").write_text(source.replace("WAIT", WAITS[board.prefix.partition("-")[0]]))
    sums = IMAGES.reshape(3, 16).sum(axis=1, dtype=np.int32) + 6
    logits = np.stack([sums, np.full_like(sums, 1000)], axis=1)
    one = Generated("toy", "c", folder / "toy.c", "int32_t", np.int32, IMAGES, logits)
    return build(board, one.source, folder / "build", _defines(one)), one


boards = pytest.mark.parametrize("board", BOARDS, ids=[board.name for board in BOARDS])


@boards
def test_a_program_on_a_board_answers_and_is_measured(board: Board, tmp_path: Path) -> None:
    program, one = toy(board, tmp_path)
    answered = emulate(program, one.images, one.dtype)
    assert np.array_equal(answered.logits, one.logits)
    sizes, stated = sizes_of(program), worst_stack(program, one.entries)
    assert (sizes.data, sizes.rodata >= 100, sizes.bss) == (8, True, 100)
    assert sizes.flash == sizes.text + sizes.rodata + 8
    assert 200 < answered.stack_bytes <= stated < 300
    assert WAIT_INSTRUCTIONS < answered.instructions < 20_000
    without, _ = toy(
        board, tmp_path, TOY.replace("    toy_wait();\n", "").replace("void toy_wait(void) {", "void w(void) {")
    )
    less = emulate(without, one.images, one.dtype).instructions
    assert answered.instructions - less == pytest.approx(WAIT_INSTRUCTIONS + 1, abs=5 + board.tick_instructions)


def test_cycles_are_those_of_the_manual(tmp_path: Path) -> None:
    program, one = toy(MICROBIT, tmp_path)
    found = estimate(program, one.images[0], one.entries)
    assert (found.instructions["toy_wait"], found.cycles["toy_wait"]) == (WAIT_INSTRUCTIONS, WAIT_CYCLES)
    timer = emulate(program, one.images[:1], one.dtype).instructions
    assert found.instructions.total() == pytest.approx(timer, abs=2 * MICROBIT.tick_instructions)


def test_a_clock_of_another_speed_is_noticed(tmp_path: Path) -> None:
    program, one = toy(MICROBIT, tmp_path)
    slower = replace(program, board=replace(MICROBIT, tick_instructions=62))
    with pytest.raises(RuntimeError, match=r"the clock of microbit counts 198,\d+ of 200,000 steps"):
        emulate(slower, one.images, one.dtype)


def test_the_routines_of_the_compiler_are_named(tmp_path: Path) -> None:
    divides = TOY.replace("return sum;", "return (int32_t)((int64_t)sum * 1000003 / (image[0] + 1000003));")
    assert "__divdi3" in routines_of(toy(RV32EC, tmp_path, divides)[0])
    assert "__aeabi_ldivmod" in routines_of(toy(MICROBIT, tmp_path / "arm", divides)[0])


def test_a_stack_deeper_than_the_paint_is_no_figure(tmp_path: Path) -> None:
    deeper = TOY.replace("room[200]", "room[6000]").replace("i < 200", "i < 6000")
    program, one = toy(CORTEX_M4F, tmp_path, deeper)
    assert worst_stack(program, one.entries) > 6000
    with pytest.raises(RuntimeError, match="toy takes all 4,096 bytes of stack that are painted"):
        emulate(program, one.images, one.dtype)


def test_a_network_that_calls_itself_has_no_worst_stack(tmp_path: Path) -> None:
    recursive = TOY.replace("return sum;", "return sum == 77 ? toy_deep(image + 1) * toy_deep(image + 2) : sum;")
    program, one = toy(RV32IMC, tmp_path, recursive)
    with pytest.raises(RuntimeError, match="toy calls itself"):
        worst_stack(program, one.entries)


def test_a_board_that_answers_otherwise_is_seen(tmp_path: Path) -> None:
    _, one = toy(RV32IMC, tmp_path)
    wrong = replace(one, logits=one.logits[::-1].copy())
    assert measure(wrong, RV32IMC, tmp_path / "other").largest_difference > 0


def check(name: str, kind: str, board: Board, count: int, mnist_folder: Path, folder: Path) -> Program:
    (one,) = generated(name, (kind,), pw.dataset("mnist", mnist_folder), folder / "c", count)
    program = build(board, one.source, folder / "build", _defines(one))
    answered = emulate(program, one.images, one.dtype)
    assert len(answered.logits) == count
    assert np.array_equal(answered.logits.argmax(axis=1), one.logits.argmax(axis=1))
    if kind == "c-int8":
        assert np.array_equal(answered.logits, one.logits)
        assert set(routines_of(program)) <= ALLOWED_ROUTINES
    assert answered.stack_bytes <= worst_stack(program, one.entries)
    few = emulate(program, one.images[:2], one.dtype).instructions
    assert answered.instructions == pytest.approx(
        few, rel=0.5
    )  # an image of more ink takes longer; a count that overflows is far off
    return program


@pytest.mark.slow
def test_progressive_3_answers_on_a_cortex_m0_bit_for_bit(mnist_folder: Path, tmp_path: Path) -> None:
    program = check("progressive-3", "c-int8", MICROBIT, 200, mnist_folder, tmp_path)
    assert sizes_of(program).flash <= 9 * 1024


@pytest.mark.slow
def test_skip_3_answers_on_a_cortex_m4_as_on_the_host(mnist_folder: Path, tmp_path: Path) -> None:
    check("skip-3", "c", CORTEX_M4F, 50, mnist_folder, tmp_path)


@pytest.mark.slow
def test_a_core_of_sixteen_registers_without_multiplication_is_enough(mnist_folder: Path, tmp_path: Path) -> None:
    program = check("progressive-3", "c-int8", RV32EC, 20, mnist_folder, tmp_path)
    listing = run([f"{RV32EC.prefix}objdump", "-d", program.elf], program.folder)
    fields = [line.split("\t")[2:] for line in listing.splitlines() if line.count("\t") >= 2]
    mnemonics = {one[0].strip() for one in fields}
    registers = {
        name for one in fields for name in re.findall(r"\b(?:a[67]|s(?:[2-9]|1[01])|t[3-6]|x\d+)\b", " ".join(one[1:]))
    }
    assert len(mnemonics) > 20
    assert not {name for name in mnemonics if name.startswith(("mul", "div", "rem"))}
    assert not registers  # of the integer ABI, those above x15


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "kind", "words"),
    [("cortex-m", "c-int8", ()), ("cortex-m", "c", ("BOARD=mps2",)), ("riscv", "c-int8", ())],
    ids=["microbit", "mps2", "riscv"],
)
def test_an_example_recognises_its_drawing_and_nothing_warns(
    folder: str, kind: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    """By the lines of its own README and Makefile."""
    shutil.copytree(CORTEX_M.parent, tmp_path / "examples")
    place = tmp_path / "examples" / folder
    lines = (place / "README.md").read_text().splitlines()
    assert f"pennyweight export pennyweight-8k --to {kind} --prefix digit --out network" in lines
    assert " ".join(("make", "run", *words)) in lines
    digits = pw.dataset("digits")
    pw.export("pennyweight-8k", to=kind, prefix="digit", out=place / "network", dataset=digits, checked=False)
    done = subprocess.run(["make", "run", *words], cwd=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert (done.stdout + done.stderr).splitlines()[-1] == "7"


@pytest.mark.parametrize("kind", ["c", "c-int8"])
@pytest.mark.parametrize("name", ["progressive-3", "skip-3"])
def test_the_stated_bytes_are_those_of_a_chips_compiler(name: str, kind: str, tmp_path: Path) -> None:
    """But for constants that it folds into the code, and what aligns a table or a variable: less than a word each."""
    exported = pw.export(name, to=kind, prefix="net", out=tmp_path, dataset=pw.dataset("digits"), checked=False)
    (facts,) = (one.facts for one in exported.exports)
    stem = Path(exported.exports[0].files[0].name).stem
    unit = [f"{MICROBIT.prefix}gcc", *MICROBIT.flags, "-std=c99", "-Os", "-c", f"{stem}.c", "-o", "net.o"]
    subprocess.run(unit, cwd=tmp_path, check=True)
    listing = subprocess.run([f"{MICROBIT.prefix}size", "-A", "net.o"], cwd=tmp_path, capture_output=True, text=True)
    sizes = [words[:2] for line in listing.stdout.splitlines() if len(words := line.split()) == 3]
    constants = sum(int(size) for section, size in sizes if section.startswith(".rodata"))
    state = sum(int(size) for section, size in sizes if section.startswith((".bss", ".data")))
    source = (tmp_path / f"{stem}.c").read_text()
    if kind == "c":
        folded = 36 * source.count("static const window ") + 4 * 2
        assert 0 <= facts["constant_bytes"] - constants <= folded < facts["constant_bytes"] / 20
        assert state == facts["arena_bytes"]
    else:
        tables = len(re.findall(r"^static const \w+ \w+\[", source, re.MULTILINE))
        variables = len(re.findall(r"^static (?:\w+ )+\w+(?:\[\w+\])?;|^} memory;", source, re.MULTILINE))
        assert 0 <= constants - facts["constant_bytes"] <= 3 * tables
        assert 0 <= facts["ram_bytes"] - state <= 3 * variables
        assert tables >= 5
        assert variables >= 4


ARDUINO = """
#include <stddef.h>
#include <stdint.h>
struct Port {
  void begin(long baud);
  void setTimeout(unsigned long milliseconds);
  size_t readBytes(uint8_t *to, size_t count);
  size_t println(int value);
};
extern Port Serial;
"""
"""What the sketch uses of the Arduino core, whose headers are those of a board."""


def test_the_sketch_compiles_with_the_exported_network(tmp_path: Path) -> None:
    pw.export("progressive-3", to=["c-int8"], prefix="digit", out=tmp_path, checked=False)
    (tmp_path / "Arduino.h").write_text(ARDUINO)
    compiler = [
        f"{MICROBIT.prefix}g++",
        *MICROBIT.flags,
        "-ffreestanding",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-I",
        tmp_path,
    ]
    sketch = ["-include", "Arduino.h", "-x", "c++", "-c", ROOT / "examples" / "arduino" / "arduino.ino"]
    run([*compiler, *sketch, "-o", "sketch.o"], tmp_path)
