"""C in, shared library out, cached by everything that decides its bytes.

It knows nothing of networks: any C of one file and a folder of headers is compiled and kept alike.
"""

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter, sleep

from pennyweight.base.errors import UnavailableError
from pennyweight.base.files import FULL, write_atomically
from pennyweight.base.lock import file_lock, is_free
from pennyweight.base.reading import NotAFile
from pennyweight.base.stop import Stop, heed, never
from pennyweight.native.cache import CACHE, cache_folders, trusted_content
from pennyweight.native.compiler import (
    compiler_command,
    compiler_flags,
    compiler_version,
    not_run,
    processor_features,
)

LINK = ("-shared", "-lm", "-lpthread")
SHOWN_LINES = 8
LOCK_SECONDS = 900.0
LOCK_SUFFIX, WORK_SUFFIX = ".lock", ".tmp"
COMPILER_POLL_SECONDS = 0.01
COMPILER_BYTES = 16 << 20
"""More than a compiler writes of one network, temporary files included."""


class CacheFolderError(UnavailableError):
    """A folder for compiled networks cannot be written or loaded from; the message is a sentence without its end."""


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


def build(source: CSource, say: Callable[[str], None], stop: Stop = never) -> Built:
    """Return the shared library of `source`, compiled now or taken from the cache; processes compile it once.

    Raises UnavailableError when there is no compiler, when it fails (with its last lines and where the source is), or
    when no folder takes the library; Interrupted when `stop` says so.
    """
    command, flags = compiler_command(), compiler_flags()
    version = compiler_version(tuple(command))
    headers = [header.read_text() for header in sorted(source.headers.glob("*.h"))]
    target = [*flags, version, processor_features()]
    key = _digest([source.text, *headers, *target])[:24]
    refusals = []
    for folder in cache_folders(say):
        library = folder / f"net-{key}.so"
        try:
            if not _usable(library, say):
                _compile_once(source, library, [*command, *flags], say, stop)
            _load(library)
        except CacheFolderError as error:
            refusals.append(str(error))
            say(f"{error}.")
        else:
            return Built(library, f"{version}, {_digest(target)[:12]}", shlex.join([*command, *flags]))
    raise UnavailableError(
        f"No folder for compiled networks can be written and loaded from{_listed(refusals)}; name one with ${CACHE}."
    )


def _listed(refusals: Sequence[str]) -> str:
    return f" ({'; '.join(refusals)})" if refusals else ""


def _digest(texts: Sequence[str]) -> str:
    return sha256("\0".join(texts).encode()).hexdigest()


def _compile_once(
    source: CSource, library: Path, command: Sequence[str], say: Callable[[str], None], stop: Stop
) -> None:
    """Compile the library unless another process does it meanwhile; raises CacheFolderError where the folder does."""
    _remove_leftovers(library.parent)
    lock = library.with_suffix(LOCK_SUFFIX)
    try:
        with file_lock(lock, say, LOCK_SECONDS, doing="compiling this network", stop=stop):
            if not _usable(library, say):
                _compile(source, library, command, say, stop)
    except UnavailableError as error:
        if isinstance(error.__cause__, OSError):  # of whatever the folder did not take
            raise _refused(library.parent, error.__cause__) from error
        raise


def _compile(source: CSource, library: Path, command: Sequence[str], say: Callable[[str], None], stop: Stop) -> None:
    """Compile in a folder of its own next to the final place, and move the result there with its digest.

    Raises CacheFolderError where the disk is full, UnavailableError where the compiler fails.
    """
    started = perf_counter()
    written = library.with_suffix(".c")
    write_atomically(written, source.text.encode())
    try:
        work = Path(tempfile.mkdtemp(prefix=f"{library.stem}.", suffix=WORK_SUFFIX, dir=library.parent))
    except OSError as error:
        raise _refused(library.parent, error) from error
    name = "zig cc" if "ziglang" in command else Path(command[0]).name
    say(f"Compiling the network with {name}, once; this takes some seconds.")
    try:
        half = work / library.name
        pieces = [work / f"{part}.o" for part in range(source.parts)]
        common = [*command, "-I", str(source.headers), "-fPIC", "-c", str(written)]
        _run([[*common, f"-DPART={part}", "-o", str(piece)] for part, piece in enumerate(pieces)], work, written, stop)
        _run([[*command, *map(str, pieces), "-o", str(half), *LINK]], work, written, stop)
        _put(half, library, command)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    seconds = perf_counter() - started
    say(f"Compiled the network with {name} in {seconds:.1f} s; it is kept in {library.parent}.")


def _put(half: Path, library: Path, command: Sequence[str]) -> None:
    """Move a library to its place behind its digest, writable by nobody else."""
    digest = _digest_file(library)
    try:
        content = half.read_bytes()
    except FileNotFoundError:
        raise UnavailableError(f"The C compiler '{command[0]}' wrote no library; name another with $CC.") from None
    write_atomically(digest, sha256(content).hexdigest().encode())
    try:
        digest.chmod(0o644)
        half.chmod(0o755)
        os.replace(half, library)
    except OSError as error:
        raise _refused(library.parent, error) from error


def _run(commands: Sequence[Sequence[str]], work: Path, source_file: Path, stop: Stop) -> None:
    """Run compilers side by side, their temporary files in `work`.

    Raises UnavailableError with the last lines of the first that fails, CacheFolderError where that disk is full.
    """
    surroundings = {**os.environ, "TMPDIR": str(work), "LC_ALL": "C"}
    with ExitStack() as ended:
        started = []
        for command in commands:
            said = ended.enter_context(tempfile.TemporaryFile(dir=work))
            try:
                # in a group of its own: ended, the compiler takes with it the programs that it runs
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=surroundings, process_group=0
                )
            except OSError as error:
                raise not_run(command, error) from error
            ended.callback(_kill, process)
            started.append((process, said))
        while any(process.poll() is None for process, _ in started):
            heed(stop, "compiling the network")
            sleep(COMPILER_POLL_SECONDS)
        for process, said in started:
            if process.returncode:
                _require_space(work)
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()[-SHOWN_LINES:]
                raise UnavailableError(
                    f"The C compiler '{commands[0][0]}' failed on {source_file} (exit {process.returncode}):",
                    [*lines, "Name another compiler with $CC."],
                )


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _require_space(folder: Path) -> None:
    """Raise CacheFolderError where a disk has no room for what a compiler writes: its own words may not say so."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(COMPILER_BYTES))
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> CacheFolderError:
    """Return why a folder cannot be written, in the system's words, with the free space where its disk is full."""
    room = ""
    if error.errno in FULL:
        room = f" (up to {COMPILER_BYTES:,} bytes needed, {shutil.disk_usage(folder).free:,} free)"
    return CacheFolderError(f"{folder} cannot be written: {error.strerror or error}{room}")


def _load(library: Path) -> None:
    """Raise CacheFolderError where the system loads no library from where it lies, as file systems are mounted."""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        raise CacheFolderError(f"{library} cannot be loaded: {error}") from error


def _remove_leftovers(folder: Path) -> None:
    """Delete what killed compiles left in the cache: the folders they worked in, where their locks are free."""
    for work in folder.glob(f"net-*{WORK_SUFFIX}"):
        key = work.name.partition(".")[0]
        if is_free(folder / f"{key}{LOCK_SUFFIX}"):
            shutil.rmtree(work, ignore_errors=True)


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


def _digest_file(library: Path) -> Path:
    return library.with_suffix(".sha256")
