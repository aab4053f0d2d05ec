"""A table as aligned text: what does not fit a width is wrapped by cell, or its column is left out."""

from itertools import zip_longest

from pennyweight.base.wrapping import lines_of
from pennyweight.tables.table import Table

GAP = 2
"""Spaces between two columns."""
SHORTEST_CELL = 16
"""A column that wraps is not made narrower than its longest word, or this, while there is another to leave out."""


def to_text(table: Table, width: int | None = None, indent: str = "") -> str:
    """Return the table as lines of at most `width` characters; a table whose headers are all empty has no header line.

    Columns that may be dropped go before a word of one that wraps is broken. What can neither wrap nor be dropped is
    never cut: only such columns can make a line longer than `width`.
    """
    kept, widths = _layout(table, None if width is None else width - len(indent))
    rows = [table.headers, *table.rows] if any(table.headers) else table.rows
    lines = []
    for row in rows:
        cells = [_cell_lines(row[column], wide) for column, wide in zip(kept, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            aligned = [
                part.rjust(wide) if table.columns[column].align == "right" else part.ljust(wide)
                for part, column, wide in zip(parts, kept, widths, strict=True)
            ]
            lines.append(f"{indent}{(' ' * GAP).join(aligned)}".rstrip())
    return "\n".join(lines)


def dropped_columns(table: Table, width: int, indent: str = "") -> tuple[str, ...]:
    """Return the headers of the columns that `to_text` leaves out at this width."""
    kept, _ = _layout(table, width - len(indent))
    return tuple(header for column, header in enumerate(table.headers) if column not in kept)


def _layout(table: Table, width: int | None) -> tuple[list[int], list[int]]:
    """Return the columns that are shown, by number, and how wide each of them is."""
    texts = list(zip(table.headers, *table.rows, strict=True))
    longest = [max(map(len, cells)) for cells in texts]
    kept = list(range(len(table.columns)))
    if width is None:
        return kept, longest
    words = [max((len(word) for cell in cells for word in cell.split()), default=0) for cells in texts]
    while True:
        narrow = [table.columns[column].narrow for column in kept]
        room = width - GAP * (len(kept) - 1)
        room -= sum(longest[column] for column, kind in zip(kept, narrow, strict=True) if kind != "wrap")
        wrapping = [column for column, kind in zip(kept, narrow, strict=True) if kind == "wrap"]
        shortest = [min(words[column], SHORTEST_CELL) for column in wrapping]
        if room >= sum(shortest) or "drop" not in narrow:
            break
        kept.pop(len(kept) - 1 - narrow[::-1].index("drop"))
    shares = iter(_shares([longest[column] for column in wrapping], shortest, room))
    pairs = zip(kept, narrow, strict=True)
    return kept, [next(shares) if kind == "wrap" else longest[column] for column, kind in pairs]


def _shares(longest: list[int], shortest: list[int], room: int) -> list[int]:
    """Return the widths at which columns share `room`: the one with the longest cell for its width grows next."""
    widths = shortest if sum(shortest) <= room else [min(wide, 1) for wide in longest]
    for _ in range(room - sum(widths)):
        broken = [column for column, wide in enumerate(longest) if widths[column] < wide]
        if not broken:
            break
        widths[max(broken, key=lambda column: longest[column] / widths[column])] += 1
    return widths


def _cell_lines(cell: str, width: int) -> list[str]:
    """Return a cell in lines of at most `width` characters; a figure stays with its percent sign."""
    return [cell] if len(cell) <= width else lines_of(cell, width)
