"""The compiler driver: C in, shared library out, cached by everything that decides its bytes.

It knows nothing of networks: any C of one file and a folder of headers is compiled and kept alike.
"""

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from pennyweight.base.errors import UnavailableError
from pennyweight.base.files import write_atomically
from pennyweight.base.reading import NotAFile
from pennyweight.native.cache import CACHE, cache_folders, trusted_content

FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-std=gnu11", "-fvisibility=hidden")
LINK = ("-shared", "-lm", "-lpthread")
SHOWN_LINES = 8
EXTRA_FLAGS = "PENNYWEIGHT_CFLAGS"
"""For those who build the kernels with a sanitizer or for a profiler."""


def find_compiler() -> list[str] | None:
    """Return the command of the C compiler: $CC, clang, gcc, cc, else the one in the `ziglang` package; or None."""
    named = os.environ.get("CC", "").strip()
    if named:
        return shlex.split(named)
    for name in ("clang", "gcc", "cc"):
        if found := shutil.which(name):
            return [found]
    if find_spec("ziglang"):
        return [sys.executable, "-P", "-m", "ziglang", "cc"]
    return None


@cache
def compiler_version(command: tuple[str, ...]) -> str:
    """Return the first line a compiler says of itself; raises UnavailableError when it cannot be run."""
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"The C compiler '{shlex.join(command)}' cannot be run: {error}.") from error
    return done.stdout.splitlines()[0] if done.stdout else "unknown"


def vector_lanes() -> int:
    """Return how many float32 fill the widest vector that the compiler has on this processor: 16, 8 or 4.

    Wider vectors than the processor's compile too, to code that takes several times as long. Raises UnavailableError
    without a compiler that can be run.
    """
    return _vector_lanes(tuple(_command()), tuple(_flags()))


@cache
def _vector_lanes(command: tuple[str, ...], flags: tuple[str, ...]) -> int:
    words = [*command, *flags, "-dM", "-E", "-x", "c", "-"]
    try:
        done = subprocess.run(words, input="", capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"The C compiler '{shlex.join(command)}' cannot be run: {error}.") from error
    widths = {"#define __AVX512F__ ": 16, "#define __AVX__ ": 8}
    return next((lanes for macro, lanes in widths.items() if macro in done.stdout), 4)


def _command() -> list[str]:
    command = find_compiler()
    if command is None:
        raise UnavailableError(
            "No C compiler was found. Install one (gcc or clang), or the package that brings one: "
            "pip install 'pennyweight[compiler]'."
        )
    return command


def _flags() -> list[str]:
    return [*FLAGS, *shlex.split(os.environ.get(EXTRA_FLAGS, ""))]


@dataclass(frozen=True)
class CSource:
    """One file of C, the folder of the headers it includes, and the parts that it is compiled in side by side.

    The compiler sees the number of a part as the macro PART.
    """

    text: str
    headers: Path
    parts: int = 1


@dataclass(frozen=True)
class Built:
    """A library, and what compiled it: the command, and a version that stands for compiler, flags and processor.

    Beside its source, they decide a library's arithmetic.
    """

    library: Path
    version: str
    command: str


def build(source: CSource, say: Callable[[str], None]) -> Built:
    """Return the shared library of `source`, compiled now or taken from the cache.

    Raises UnavailableError when there is no compiler, or when it fails: with its last lines and where the source is.
    """
    command, flags = _command(), _flags()
    version = compiler_version(tuple(command))
    headers = [header.read_text() for header in sorted(source.headers.glob("*.h"))]
    target = [*flags, version, _processor()]
    key = _digest([source.text, *headers, *target])[:24]
    for folder in cache_folders(say):
        library = folder / f"net-{key}.so"
        there = _usable(library, say) or _compile(source, library, [*command, *flags], say)
        if there and _loads(library, say):
            return Built(library, f"{version}, {_digest(target)[:12]}", shlex.join([*command, *flags]))
    raise UnavailableError(f"No folder for compiled networks can be written and loaded from; name one with ${CACHE}.")


def _digest(texts: Sequence[str]) -> str:
    return sha256("\0".join(texts).encode()).hexdigest()


def _compile(source: CSource, library: Path, command: Sequence[str], say: Callable[[str], None]) -> bool:
    """Compile next to the final place and move the result there with its digest; False when the folder refuses."""
    started = perf_counter()
    written = library.with_suffix(".c")
    half = library.with_suffix(f".{os.getpid()}.tmp")
    try:
        write_atomically(written, source.text.encode())
    except UnavailableError:
        return False
    name = "zig cc" if "ziglang" in command else Path(command[0]).name
    say(f"Compiling the network with {name}, once; this takes some seconds.")
    pieces = [half.with_suffix(f".{part}.o") for part in range(source.parts)]
    try:
        common = [*command, "-I", str(source.headers), "-fPIC", "-c", str(written)]
        _run([[*common, f"-DPART={part}", "-o", str(piece)] for part, piece in enumerate(pieces)], written)
        _run([[*command, *map(str, pieces), "-o", str(half), *LINK]], written)
        if not _put(half, library):
            return False
    finally:
        for path in (half, *pieces):
            path.unlink(missing_ok=True)
    seconds = perf_counter() - started
    say(f"Compiled the network with {name} in {seconds:.1f} s; it is kept in {library.parent}.")
    return True


def _put(half: Path, library: Path) -> bool:
    """Move a library to its place behind its digest, writable by nobody else; False when the folder refuses."""
    digest = _digest_file(library)
    try:
        write_atomically(digest, sha256(half.read_bytes()).hexdigest().encode())
        digest.chmod(0o644)
        half.chmod(0o755)
        os.replace(half, library)
    except (OSError, UnavailableError):
        return False
    return True


def _run(commands: Sequence[Sequence[str]], source_file: Path) -> None:
    """Run compilers side by side; raises UnavailableError with the last lines of the first that fails."""
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, errors="replace")
        for command in commands
    ]
    try:
        said = [process.communicate()[0] for process in started]
    finally:  # an interruption leaves no compiler behind
        for process in started:
            process.kill()
            process.wait()
    for command, process, text in zip(commands, started, said, strict=True):
        if process.returncode:
            last = "\n".join(text.strip().splitlines()[-SHOWN_LINES:])
            raise UnavailableError(
                f"The C compiler '{command[0]}' failed on {source_file} (exit {process.returncode}):\n{last}\n"
                "Name another compiler with $CC."
            )


def _usable(library: Path, say: Callable[[str], None]) -> bool:
    """Return whether a cached library is whole and one's own: its bytes have the digest that was written beside it."""
    try:
        whole = sha256(trusted_content(library)).hexdigest().encode() == trusted_content(_digest_file(library))
    except NotAFile as error:
        say(f"{error.filename} is not used, {error.strerror}; the network is recompiled.")
        return False
    except OSError:
        return False
    if not whole:
        say(f"{library} is damaged and is recompiled.")
    return whole


def _loads(library: Path, say: Callable[[str], None]) -> bool:
    """Return whether the system loads a library from where it lies; some file systems are mounted not to."""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        say(f"{library} cannot be loaded: {error}.")
        return False
    return True


def _digest_file(library: Path) -> Path:
    return library.with_suffix(".sha256")


@cache
def _processor() -> str:
    """Return what -march=native depends on: the processor's model and features."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return f"{platform.machine()} {platform.processor()}"
    lines = cpuinfo.read_text(errors="replace").splitlines()
    return "\n".join(
        sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})
    )
