"""A table in GitHub's Markdown."""

import re
from collections.abc import Sequence

from pennyweight.tables.table import Table

_SPECIAL = re.compile(r"[\\|<*`~\[\]]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
"""What would be markup; an underscore inside of a word is none."""


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown; what would be markup in a cell is escaped."""
    rules = ["---:" if column.align == "right" else "---" for column in table.columns]
    return "\n".join([_row(table.headers), f"|{'|'.join(rules)}|", *map(_row, table.rows)])


def escaped(text: str) -> str:
    """Return plain text with a backslash before everything that would be markup."""
    return _SPECIAL.sub(lambda special: chr(92) + special[0], text)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"
