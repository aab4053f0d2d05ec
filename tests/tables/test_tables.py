"""One table value as text, Markdown and HTML: nothing is lost, nothing is too wide, nothing is markup."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennyweight.tables.html import to_html
from pennyweight.tables.markdown import to_markdown
from pennyweight.tables.table import Column, Table, right, table
from pennyweight.tables.text import GAP, dropped_columns, to_text

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
"""Any characters, line breaks and control characters too."""
WORDS = st.lists(st.sampled_from(["99.4 %", "of", "a-name", "runs/seed-0", "|", "<b>", "x" * 30]), max_size=8)
CELLS = ANY | WORDS.map(" ".join)
COLUMNS = st.builds(
    Column,
    ANY.map(lambda text: table([Column("")], [[text]]).rows[0][0]),
    st.sampled_from(["left", "right"]),
    st.sampled_from(["keep", "wrap", "drop"]),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(COLUMNS, min_size=1, max_size=6))
    rows = st.lists(st.tuples(*[CELLS] * len(columns)), max_size=5)
    return table(columns, draw(rows))


def solid(text: str) -> str:
    """A cell without its spaces: where a line is broken, one goes."""
    return "".join(text.split())


def columns_of(text: str, shown: Table, widths: list[int]) -> list[list[str]]:
    """What stands in every column of a rendered table, line by line, by the columns' widths."""
    starts = [sum(widths[:number]) + GAP * number for number in range(len(widths))]
    lines = [line.ljust(sum(widths) + GAP * len(widths)) for line in text.split("\n")]
    return [[line[start : start + wide] for line in lines] for start, wide in zip(starts, widths, strict=True)]


@given(value=tables(), width=st.integers(1, 120))
def test_text_is_never_wider_than_asked_where_a_column_may_wrap(value: Table, width: int) -> None:
    longest = [max(map(len, cells)) for cells in zip(value.headers, *value.rows, strict=True)]
    kinds = [column.narrow for column in value.columns]
    fixed = sum(wide for wide, kind in zip(longest, kinds, strict=True) if kind == "keep")
    wrapping = kinds.count("wrap")
    kept = wrapping + kinds.count("keep")
    least = fixed + wrapping + GAP * max(0, kept - 1)
    lines = to_text(value, width).split("\n")
    if wrapping and width >= least:
        assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


@given(value=tables(), width=st.none() | st.integers(1, 120))
def test_text_loses_nothing_but_what_its_dropped_columns_hold(value: Table, width: int | None) -> None:
    dropped = [] if width is None else list(dropped_columns(value, width))
    headers = list(value.headers)
    for header in dropped:
        headers.remove(header)
    text = to_text(value, width)
    kept = [number for number, column in enumerate(value.columns) if column.narrow != "drop"]
    cells = [row[number] for row in (value.headers, *value.rows) for number in kept]
    assert sorted(solid(text)) == sorted(solid("".join(cells_shown(value, dropped))))
    assert all(all(part in text for part in cell.split() if width is None) for cell in cells)


def cells_shown(value: Table, dropped: list[str]) -> list[str]:
    """The cells of all columns but those dropped: the last ones that may be, as many as there are."""
    may_drop = [number for number, column in enumerate(value.columns) if column.narrow == "drop"]
    gone = may_drop[len(may_drop) - len(dropped) :]
    assert [value.headers[number] for number in gone] == dropped
    return [cell for row in (value.headers, *value.rows) for number, cell in enumerate(row) if number not in gone]


@given(cells=st.lists(CELLS, min_size=1, max_size=5), width=st.integers(5, 60))
def test_a_cell_that_is_wrapped_reads_whole_below_its_header(cells: list[str], width: int) -> None:
    value = table([Column("n"), Column("", narrow="wrap")], enumerate(cells))
    wrapped: list[str] = []
    for line in to_text(value, width).split("\n")[1:]:
        assert len(line) <= width
        if line[:1].strip():
            wrapped.append("")
        wrapped[-1] += line[1 + GAP :]
    assert list(map(solid, wrapped)) == [solid(cell) for _, cell in value.rows]


@given(value=tables())
def test_without_a_width_a_row_is_a_line_and_a_column_starts_where_its_header_does(value: Table) -> None:
    text = to_text(value)
    widths = [max(map(len, cells)) for cells in zip(value.headers, *value.rows, strict=True)]
    rows = [*([value.headers] if any(value.headers) else []), *value.rows]
    if not rows:
        assert text == ""
        return
    assert len(text.split("\n")) == len(rows)
    for column, cells in enumerate(columns_of(text, value, widths)):
        for row, cell in zip(rows, cells, strict=True):
            alone, wide = row[column], widths[column]
            assert cell == (alone.rjust(wide) if value.columns[column].align == "right" else alone.ljust(wide))


# ---------------------------------------------------------------------------------------- Markdown and HTML


def read_markdown(text: str) -> list[list[str]]:
    """The cells of a table in GitHub's Markdown: split at pipes that are not escaped, escapes taken away."""
    head, _, *body = text.split("\n")
    rows = []
    for line in (head, *body):
        cells = re.findall(r"((?:\\.|[^\\|])*)\|", line.removeprefix("|"))
        rows.append([re.sub(r"\\(.)", r"\1", cell).strip() for cell in cells])
    return rows


class Reader(HTMLParser):
    """The cells of a table in HTML, and every tag it has."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@given(value=tables())
def test_markdown_reads_back_to_the_same_cells(value: Table) -> None:
    assert read_markdown(to_markdown(value)) == [list(value.headers), *map(list, value.rows)]


@given(value=tables())
def test_html_reads_back_to_the_same_cells_and_has_no_tags_of_a_cell(value: Table) -> None:
    reader = Reader()
    reader.feed(to_html(value))
    assert [[cell.strip("\n") for cell in row] for row in reader.rows] == [list(value.headers), *map(list, value.rows)]
    assert reader.tags <= {"table", "thead", "tbody", "tr", "th", "td"}


def test_markup_in_a_cell_is_no_markup_in_markdown() -> None:
    value = table([Column("a_b"), *right("n")], [["*x* `y` _z_ [l](u) <i> a|b \\ p_q", 1]])
    assert to_markdown(value).split("\n") == [
        "| a_b | n |",
        "|---|---:|",
        r"| \*x\* \`y\` \_z\_ \[l\](u) \<i> a\|b \\ p_q | 1 |",
    ]


# ------------------------------------------------------------------------------------------------- by hand

LIMITS = table(
    [Column("limit"), Column("allowed", narrow="wrap"), Column("note", narrow="drop"), *right("n")],
    [("accuracy", "at least 99.4 % in each of the last 5 epochs", "of mnist", 5), ("epochs", "15", "", 1_000)],
)


def test_a_table_by_hand_at_three_widths() -> None:
    assert to_text(LIMITS).split("\n") == [
        "limit     allowed                                       note         n",
        "accuracy  at least 99.4 % in each of the last 5 epochs  of mnist     5",
        "epochs    15                                                      1000",
    ]
    assert to_text(LIMITS, 48, indent="  ").split("\n") == [
        "  limit     allowed               note         n",
        "  accuracy  at least 99.4 % in    of mnist     5",
        "            each of the last 5",
        "            epochs",
        "  epochs    15                              1000",
    ]
    assert to_text(LIMITS, 30).split("\n") == [
        "limit     allowed            n",
        "accuracy  at least           5",
        "          99.4 % in each",
        "          of the last 5",
        "          epochs",
        "epochs    15              1000",
    ]
    assert dropped_columns(LIMITS, 48) == ()
    assert dropped_columns(LIMITS, 30) == ("note",)


def test_a_word_that_is_too_long_is_broken_where_a_path_or_a_setting_has_a_joint() -> None:
    paths = table([Column("run", narrow="wrap"), Column("n")], [["runs/tiny+epochs=2,dataset=digits/seed-0", 1]])
    for width, lines in ((26, ["runs/tiny+epochs=2,", "dataset=digits/seed-0"]), (19, ["runs/tiny+", "epochs=2,"])):
        found = [line[: width - 3].rstrip() for line in to_text(paths, width).split("\n")]
        assert found[1 : 1 + len(lines)] == lines
    assert to_text(table([Column("", narrow="wrap")], [["a reading/writing b"]]), 16) == "a\nreading/writing\nb"
    assert to_text(table([Column("", narrow="wrap")], [["x" * 20]]), 16) == f"{'x' * 16}\n{'x' * 4}"


def test_a_table_without_headers_has_no_header_line() -> None:
    assert to_text(table([Column(""), Column("")], [("a", "b")])) == "a  b"


def test_a_row_of_another_length_and_a_cell_of_two_lines_are_no_table() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells stands in a table of 2 columns"):
        table([Column("a"), Column("b")], [["x"]])
    with pytest.raises(ValueError, match="not one line"):
        Table((Column("a"),), (("x\ny",),))
    assert table([Column("a")], [["x\n\x1b[2Jy"]]).rows == (("x ?[2Jy",),)
