"""What the stream that a text goes to can show: its width, colours, a line that moves, and which characters."""

import codecs
import os
import sys
from contextlib import suppress
from typing import TextIO

from pennyweight.base.notebook import in_notebook
from pennyweight.base.printable import printable
from pennyweight.base.wrapping import lines_of

PIPE_COLUMNS = 1_000
"""Columns of what no terminal shows: wide enough for `grep` to find a row of a table in one line."""
NOTEBOOK_COLUMNS = 80
ASCII_WORDS = {"±": "+-", "×": "x", "…": "...", "→": "->", "≤": "<=", "≥": ">=", "–": "-", "—": "-", "µ": "u"}
ASCII_ROOM = 4
"""Columns left free where characters are written as several ASCII ones: more than any line of ours needs."""


def width_of(stream: TextIO) -> int:
    """Return how many columns a stream has: $COLUMNS, else its terminal's, else PIPE_COLUMNS."""
    stated = os.environ.get("COLUMNS", "")
    width = int(stated) if stated.isdecimal() and int(stated) > 0 else _terminal_width(stream)
    return width - ASCII_ROOM if width < PIPE_COLUMNS and is_ascii(stream) else width


def _terminal_width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or NOTEBOOK_COLUMNS
    except (OSError, ValueError):
        return NOTEBOOK_COLUMNS if in_notebook() else PIPE_COLUMNS


def is_watched() -> bool:
    """Return whether a person reads stderr while we work: in a terminal, or in a notebook."""
    return sys.stderr.isatty() or in_notebook()


def has_colours(stream: TextIO) -> bool:
    """Return whether to write colours: where a terminal has them. $FORCE_COLOR asks for them, $NO_COLOR wins."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and not _is_dumb())


def has_moving_line(stream: TextIO) -> bool:
    """Return whether a line may be written over: on a terminal that is not `dumb`, and in a notebook."""
    return (stream.isatty() and not _is_dumb()) or in_notebook()


def fresh_line(stream: TextIO) -> str:
    """Return what puts the next text on a line of its own: on a terminal it wipes a progress line and an echoed ^C."""
    return f"\r{'':<{width_of(stream) - 1}}\r" if stream.isatty() else ""


def tell(text: str) -> None:
    """Print a sentence on stderr, in lines of the terminal's width."""
    print("\n".join(lines_of(printable(text), width_of(sys.stderr), rest="  ")), file=sys.stderr, flush=True)


def is_ascii(stream: TextIO) -> bool:
    """Return whether a stream takes nothing but ASCII."""
    try:
        "±…".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def write_readably(stream: TextIO) -> None:
    """Let a stream write what its encoding lacks in ASCII instead of failing; ASCII alone where the locale is C.

    Python writes UTF-8 in the locale C; whoever set that by name has a terminal that may not show it.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        codecs.register_error("pennyweight", _in_ascii)
        named_c = stream.isatty() and _locale() in ("C", "POSIX") and not os.environ.get("PYTHONIOENCODING")
        with suppress(OSError):  # what cannot be sought in, though Python thinks so, stays as it is
            reconfigure(errors="pennyweight", **({"encoding": "ascii"} if named_c else {}))


def _locale() -> str:
    """Return the locale that was set; Python itself sets $LC_CTYPE to a UTF-8 one where $LANG is C."""
    for name in ("LC_ALL", "LANG"):
        if value := os.environ.get(name):
            return value
    return ""


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    with suppress(UnicodeEncodeError):  # bytes in the name of a file stay as they are
        return letters.encode("ascii", "surrogateescape"), error.end
    return "".join(ASCII_WORDS.get(letter) or _plain(letter) for letter in letters), error.end


def _plain(letter: str) -> str:
    import unicodedata  # where it is needed, which is seldom

    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"


def _is_dumb() -> bool:
    return os.environ.get("TERM") == "dumb"
