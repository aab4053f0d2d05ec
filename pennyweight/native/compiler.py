"""Which C compiler there is, by which flags it is run, and what it says of itself and of this processor."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pennyweight.base.errors import UnavailableError

FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-std=gnu11", "-fvisibility=hidden")
EXTRA_FLAGS = "PENNYWEIGHT_CFLAGS"
"""For those who build the kernels with a sanitizer or for a profiler."""


def find_compiler() -> list[str] | None:
    """Return the command of the C compiler: $CC, gcc, clang, cc, else the one in the `ziglang` package; or None.

    Raises UnavailableError where $CC cannot be read as a command.
    """
    if named := _words_of("CC"):
        return named
    for name in ("gcc", "clang", "cc"):  # clang 14 took three times as long an epoch as gcc 12
        if found := shutil.which(name):
            return [found]
    if find_spec("ziglang"):
        return [sys.executable, "-P", "-m", "ziglang", "cc"]
    return None


def _words_of(variable: str) -> list[str]:
    """Return the words in an environment variable; raises UnavailableError where a shell could not split it either."""
    text = os.environ.get(variable, "")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UnavailableError(
            f"${variable} is {text!r}, which cannot be read: {error}. Correct or unset it."
        ) from error


@cache
def compiler_version(command: tuple[str, ...]) -> str:
    """Return the first line a compiler says of itself; raises UnavailableError when it cannot be run."""
    said = _answer([*command, "--version"])
    return said.splitlines()[0] if said else "unknown"


def vector_lanes() -> int:
    """Return how many float32 fill the widest vector that the compiler has on this processor: 16, 8 or 4.

    Wider vectors than the processor's compile too, to code that takes several times as long. Raises UnavailableError
    without a compiler that can be run.
    """
    return _vector_lanes(tuple(compiler_command()), tuple(compiler_flags()))


@cache
def _vector_lanes(command: tuple[str, ...], flags: tuple[str, ...]) -> int:
    macros = _answer([*command, *flags, "-dM", "-E", "-x", "c", "-"])
    if "#define " not in macros:
        raise UnavailableError(
            f"'{shlex.join(command)}' is no C compiler: it did not answer as one. Name another with $CC, or unset it."
        )
    widths = {"#define __AVX512F__ ": 16, "#define __AVX__ ": 8}
    return next((lanes for macro, lanes in widths.items() if macro in macros), 4)


def _answer(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=True)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()[-1:]
        raise UnavailableError(
            f"The C compiler '{command[0]}' refuses what it is asked (exit {error.returncode}): {' '.join(said)} "
            f"Name another with $CC, or correct ${EXTRA_FLAGS}."
        ) from error
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise not_run(command, error) from error
    return done.stdout


def not_run(command: Sequence[str], error: Exception) -> UnavailableError:
    """Return the error for a compiler that the system does not start."""
    return UnavailableError(
        f"The C compiler '{command[0]}' cannot be run: {getattr(error, 'strerror', None) or error}."
    )


def compiler_command() -> list[str]:
    """Return the command of the C compiler; raises UnavailableError where there is none."""
    command = find_compiler()
    if command is None:
        raise UnavailableError(
            "No C compiler was found. Install one (gcc or clang), or the package that brings one: "
            "pip install 'pennyweight[compiler]'."
        )
    return command


def compiler_flags() -> list[str]:
    """Return the flags that everything is compiled with, those of $PENNYWEIGHT_CFLAGS behind ours."""
    return [*FLAGS, *_words_of(EXTRA_FLAGS)]


@cache
def processor_features() -> str:
    """Return what -march=native depends on: the processor's model and features."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return f"{platform.machine()} {platform.processor()}"
    lines = cpuinfo.read_text(errors="replace").splitlines()
    return "\n".join(
        sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})
    )
