"""A table as a value: its columns and the text of every cell; nothing here knows how it is rendered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pennyweight.base.printable import is_byte, printable


@dataclass(frozen=True)
class Column:
    """A column's header, its alignment, and what becomes of it where a table is wider than its page.

    `keep` leaves it as wide as its longest cell, `wrap` breaks its cells into lines, `drop` leaves it out: the last
    such column first.
    """

    header: str
    align: Literal["left", "right"] = "left"
    narrow: Literal["keep", "wrap", "drop"] = "keep"


@dataclass(frozen=True)
class Table:
    """Columns and rows; a cell is one line of printable text.

    Raises ValueError for a row of another length than the columns, or a cell that is not one printable line.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Check the shape and the cells."""
        for row in ((column.header for column in self.columns), *self.rows):
            cells = tuple(row)
            if len(cells) != len(self.columns):
                raise ValueError(f"a row of {len(cells)} cells stands in a table of {len(self.columns)} columns")
            for cell in cells:
                if cell != one_line(cell):
                    raise ValueError(f"{cell!r} is not one line of printable text")

    @property
    def headers(self) -> tuple[str, ...]:
        """Return the headers; all of them may be empty."""
        return tuple(column.header for column in self.columns)


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table of any values, each as one line of printable text."""
    return Table(tuple(columns), tuple(tuple(one_line(str(cell)) for cell in row) for row in rows))


def right(*headers: str) -> tuple[Column, ...]:
    """Return columns of figures, aligned to the right."""
    return tuple(Column(header, "right") for header in headers)


def one_line(text: str) -> str:
    """Return text on one line, with single spaces and without characters that would move a terminal's cursor."""
    return "".join("?" if is_byte(letter) else letter for letter in printable(" ".join(text.split())))
