"""Rows as text and back: `Conv(8, kernel=3)`, one row a line of a recipe file."""

from collections.abc import Sequence

from pennyweight.base.errors import UsageError
from pennyweight.base.values import from_text, to_text
from pennyweight.nets.rows import CLASSES, ROW_TYPES, Row, Rows

_KINDS = {kind.__name__: kind for kind in ROW_TYPES}
_CONSTANTS = {"CLASSES": CLASSES}


def rows_to_text(rows: Rows) -> list[str]:
    """Return one line of text for every top-level row."""
    return [to_text(row) for row in rows]


def rows_from_text(lines: Sequence[str]) -> Rows:
    """Read rows back from their lines; raises UsageError naming every wrong line by its number, counted from 1."""
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_row(number, line))
        except UsageError as error:
            problems.append(str(error))
    if problems:
        raise UsageError(" ".join(problems))
    return tuple(rows)


def _row(number: int, line: object) -> Row:
    if not isinstance(line, str):
        raise UsageError(f'layers, line {number}: {line!r:.80} is not text; write it like "Conv(8, kernel=3)".')
    try:
        row = from_text(line, _KINDS, _CONSTANTS)
    except UsageError as error:
        raise UsageError(f"layers, line {number}: {error}") from error
    if not isinstance(row, ROW_TYPES):
        raise UsageError(f"layers, line {number}: '{line[:80]}' is not a row; write it like Conv(8).")
    return row
