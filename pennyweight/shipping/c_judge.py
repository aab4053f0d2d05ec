"""The judge of generated C: this machine's compiler builds it with a small program that runs it over images."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pennyweight.base.errors import UnavailableError
from pennyweight.native.compiler import compiler_version, find_compiler
from pennyweight.shipping.parity import Judged

SOURCES = Path(__file__).parent / "c"
"""C that is copied into what is generated, or compiled with it."""
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion")
OPTIMISED = ("-O2",)
SHOWN_LINES = 8
OUTPUTS = {"float": np.float32, "int8_t": np.int8, "int16_t": np.int16, "int32_t": np.int32}


def run_c(
    folder: Path,
    stem: str,
    images: NDArray[np.uint8],
    classes: int,
    *,
    output: str = "float",
    program: Path = SOURCES / "judge.c",
    compiler: Sequence[str] = (),
    flags: Sequence[str] = OPTIMISED,
) -> Judged:
    """Return the logits of uint8 `images` by `STEM_predict(const uint8_t *image, OUTPUT *logits)` of `folder`/STEM.c.

    `program` reads images from its standard input and writes logits. Raises UnavailableError where there is no
    compiler, where it refuses the file, and where the program ends otherwise than it should.
    """
    command = list(compiler) or find_compiler()
    if command is None:
        raise UnavailableError(
            "Exported C is judged by a C compiler, and none was found. Install gcc or clang, or the package that "
            "brings one, pip install 'pennyweight[compiler]'; --unchecked exports without a judge."
        )
    with tempfile.TemporaryDirectory(prefix="pennyweight-") as work:
        binary = Path(work) / "judge"
        macros = {"HEADER": f'"{stem}.h"', "PREDICT": f"{stem}_predict", "PREFIX": stem, "OUTPUT": output}
        sizes = {"IMAGE_BYTES": images[0].size, "CLASSES": classes}
        defines = [f"-DJUDGE_{name}={value}" for name, value in {**macros, **sizes}.items()]
        build = [*command, *STRICT, *flags, *defines, "-I", str(folder), str(folder / f"{stem}.c"), str(program)]
        _run([*build, "-o", str(binary)], b"", f"The C compiler '{command[0]}' refuses {stem}.c")
        said = _run([str(binary)], np.ascontiguousarray(images).tobytes(), f"The program made of {stem}.c failed")
    return Judged(_logits(said, OUTPUTS[output], len(images), classes, stem), compiler_version(tuple(command)))


def _run(command: Sequence[str], given: bytes, failure: str) -> bytes:
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False)
    except OSError as error:
        raise UnavailableError(f"'{command[0]}' cannot be run: {error.strerror}.") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()[:SHOWN_LINES]
        end = ":" if lines else ", and says nothing. Name another compiler with $CC."
        raise UnavailableError(f"{failure} (exit {done.returncode}){end}", lines)
    return done.stdout


def _logits(said: bytes, dtype: DTypeLike, images: int, classes: int, stem: str) -> NDArray[np.floating]:
    logits: NDArray[np.floating] = np.frombuffer(said, dtype)
    if len(logits) != images * classes:
        raise UnavailableError(f"The program made of {stem}.c wrote {len(logits):,} of {images * classes:,} logits.")
    return logits.reshape(images, classes)
