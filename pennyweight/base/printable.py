"""Text of others, such as names of files, made fit for a terminal and for JSON."""

import re

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def printable(text: str) -> str:
    """Return text on one line, without characters that would move a terminal's cursor or change its colours.

    Blanks of every kind become spaces, what cannot be printed becomes `?`; bytes of a name that are no UTF-8 stay.
    """
    return "".join(
        letter if letter.isprintable() or is_byte(letter) else " " if letter.isspace() else "?" for letter in text
    )


def is_byte(letter: str) -> bool:
    """Return whether a letter stands for a byte that is no UTF-8, as in names of files (PEP 383)."""
    return "\udc80" <= letter <= "\udcff"


def valid_text(text: str) -> str:
    r"""Return text that every reader of UTF-8 and JSON takes: a byte of a name that is no UTF-8 becomes `\xff`."""
    return _SURROGATE.sub(
        lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}" if is_byte(found[0]) else "\N{REPLACEMENT CHARACTER}", text
    )
