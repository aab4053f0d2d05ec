"""A table in HTML."""

from collections.abc import Sequence
from html import escape

from pennyweight.tables.table import Column, Table


def to_html(table: Table) -> str:
    """Return the table as an HTML element; every cell is escaped, and figures have the class `right`."""
    head = _row("th", table.columns, table.headers)
    body = [_row("td", table.columns, row) for row in table.rows]
    return "\n".join(["<table>", f"<thead>{head}</thead>", "<tbody>", *body, "</tbody>", "</table>"])


def _row(tag: str, columns: Sequence[Column], cells: Sequence[str]) -> str:
    classes = [' class="right"' if column.align == "right" else "" for column in columns]
    inner = "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(classes, cells, strict=True))
    return f"<tr>{inner}</tr>"
