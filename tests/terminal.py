"""A command in a terminal of its own: what it prints there, with a width, colours and a Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

ROWS = 24
PATIENCE_SECONDS = 300
ESCAPES = re.compile(r"\x1b\[\d*m")


@dataclass(frozen=True)
class Screen:
    """How a command ended, and everything it wrote to its terminal."""

    code: int
    written: str

    @property
    def plain(self) -> str:
        """What was written without colours, every line that was written over as a line of its own."""
        return ESCAPES.sub("", self.written).replace("\r\n", "\n").replace("\r", "\n")

    @property
    def lines(self) -> list[str]:
        """The lines that are left to read: what was written over them counts."""
        read = []
        for line in ESCAPES.sub("", self.written).replace("\r\n", "\n").split("\n"):
            cells = ""
            for over in line.split("\r"):
                cells = over + cells[len(over) :]
            read.append(cells.rstrip())
        return read


def screen(
    *words: str,
    columns: int = 80,
    folder: Path | None = None,
    encoding: str = "utf-8",
    interrupt: str = "",
    environment: Mapping[str, str] | None = None,
) -> Screen:
    """Run `pennyweight WORDS` in a terminal, forked from this process; Ctrl-C is typed once `interrupt` is written."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: those of the test runner
        process, terminal = pty.fork()
    if process == 0:
        _child(words, columns, folder, encoding, {"TERM": "xterm", **(environment or {})})
    written, patience, status = b"", monotonic() + PATIENCE_SECONDS, None
    try:
        while True:
            readable, _, _ = select.select([terminal], [], [], 0.1)
            if readable:
                try:
                    written += os.read(terminal, 1 << 16)
                except OSError:  # how Linux says that nobody has the terminal open any more
                    break
            if interrupt and interrupt.encode() in written:
                os.write(terminal, b"\x03")
                interrupt = ""
            assert monotonic() < patience, written.decode()
        _, status = os.waitpid(process, 0)
    finally:
        os.close(terminal)
        if status is None:  # a failed test leaves nothing that goes on
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    return Screen(os.waitstatus_to_exitcode(status), written.decode())


def _child(
    words: tuple[str, ...], columns: int, folder: Path | None, encoding: str, environment: dict[str, str]
) -> None:
    code = 70
    try:
        # as a shell starts it: a test runner in the background ignores Ctrl-C, and its children would as well
        signal.signal(signal.SIGINT, signal.default_int_handler)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "LANG", "PYTHONIOENCODING"):
            os.environ.pop(name, None)
        os.environ.update(environment)
        os.chdir(folder or "/")
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding=encoding)  # noqa: SIM115
            for number, mode in enumerate("rww")
        )
        sys.argv = ["pennyweight", *words]
        from pennyweight.cli.main import run

        run()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
