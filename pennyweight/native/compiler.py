"""The door to the C compiler: source in, shared library out, cached by everything that decides its bytes."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import platformdirs

from pennyweight.base.errors import EnvironmentRefused
from pennyweight.base.files import write_atomically
from pennyweight.native.generate import PARTS

KERNELS = Path(__file__).parent / "kernels"
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-std=gnu11", "-fvisibility=hidden")
LINK = ("-shared", "-lm", "-lpthread")
SHOWN_LINES = 8
CACHE = "PENNYWEIGHT_CACHE"
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
        return [sys.executable, "-m", "ziglang", "cc"]
    return None


@cache
def compiler_version(command: tuple[str, ...]) -> str:
    """Return the first line a compiler says of itself; raises EnvironmentRefused when it cannot be run."""
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentRefused(f"The C compiler '{shlex.join(command)}' cannot be run: {error}.") from error
    return done.stdout.splitlines()[0] if done.stdout else "unknown"


@dataclass(frozen=True)
class Built:
    """A compiled network: its library, the version of everything that decides its arithmetic, and what compiles it."""

    library: Path
    version: str
    command: str


def build(source: str, say: Callable[[str], None]) -> Built:
    """Return the shared library of `source`, compiled now or taken from the cache.

    Raises EnvironmentRefused when there is no compiler, or when it fails: with its last lines and where the source is.
    """
    command = find_compiler()
    if command is None:
        raise EnvironmentRefused(
            "The native engine needs a C compiler and finds none. Install one (gcc or clang), or the package that "
            "brings one: pip install 'pennyweight[compiler]'; or train with PyTorch: --engine torch."
        )
    flags = [*FLAGS, *shlex.split(os.environ.get(EXTRA_FLAGS, ""))]
    version = compiler_version(tuple(command))
    text = [source, *(header.read_text() for header in sorted(KERNELS.glob("*.h"))), *flags, version, _processor()]
    key = sha256("\0".join(text).encode()).hexdigest()[:24]
    for folder in _cache_folders(say):
        library = folder / f"net-{key}.so"
        if _usable(library, say) or _compile(source, library, [*command, *flags], say):
            return Built(library, f"{version}, {key[:12]}", shlex.join([*command, *flags]))
    raise EnvironmentRefused(f"No folder for compiled networks can be written; name one with ${CACHE}.")


def _compile(source: str, library: Path, command: Sequence[str], say: Callable[[str], None]) -> bool:
    """Compile next to the final place and move the result there with its digest; False when the folder refuses."""
    started = perf_counter()
    written = library.with_suffix(".c")
    half = library.with_suffix(f".{os.getpid()}.tmp")
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(written, source.encode())
    except (OSError, EnvironmentRefused):
        return False
    pieces = [half.with_suffix(f".{part}.o") for part in range(PARTS)]
    try:
        common = [*command, "-I", str(KERNELS), "-fPIC", "-c", str(written)]
        _run([[*common, f"-DPART={part}", "-o", str(piece)] for part, piece in enumerate(pieces)], written)
        _run([[*command, *map(str, pieces), "-o", str(half), *LINK]], written)
        _digest_file(library).write_text(sha256(half.read_bytes()).hexdigest())
        os.replace(half, library)
    except OSError:
        return False
    finally:
        for path in (half, *pieces):
            path.unlink(missing_ok=True)
    seconds = perf_counter() - started
    name = "zig cc" if "ziglang" in command else Path(command[0]).name
    say(f"Compiled the network with {name} in {seconds:.1f} s; it is kept for the next run.")
    return True


def _run(commands: Sequence[Sequence[str]], written: Path) -> None:
    """Run compilers side by side; raises EnvironmentRefused with the last lines of the first that fails."""
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
            raise EnvironmentRefused(
                f"The C compiler '{command[0]}' failed on {written} (exit {process.returncode}):\n{last}\n"
                "Name another compiler with $CC, or train with PyTorch: --engine torch."
            )


def _usable(library: Path, say: Callable[[str], None]) -> bool:
    """Tell whether a cached library is whole: its bytes have the digest that was written beside it."""
    try:
        whole = sha256(library.read_bytes()).hexdigest() == _digest_file(library).read_text()
    except OSError:
        return False
    if not whole:
        say(f"{library} is damaged and is compiled anew.")
    return whole


def _digest_file(library: Path) -> Path:
    return library.with_suffix(".sha256")


def _cache_folders(say: Callable[[str], None]) -> Iterator[Path]:
    """Yield where libraries may be kept: $PENNYWEIGHT_CACHE or the user's cache, then a folder for this process."""
    named = os.environ.get(CACHE)
    first = Path(named) if named else platformdirs.user_cache_path("pennyweight") / "native"
    yield first
    other = Path(tempfile.gettempdir()) / f"pennyweight-native-{os.getuid()}"
    say(f"{first} cannot be written, so the compiled network is kept in {other}.")
    yield other


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
