"""Frozen values as text: both ways, in a closed set, and nothing is ever executed."""

import sys
from dataclasses import dataclass
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import any_row

from pennyweight.base.errors import UsageError
from pennyweight.base.values import LONGEST_TEXT, check_types, coerce, from_text, make, to_text
from pennyweight.nets.layers import (
    CLASSES,
    LAYER_TYPES,
    BatchNorm,
    Conv,
    Dropout,
    Layer,
    Linear,
    MaxPool,
    Relu,
    Residual,
)

KINDS = {kind.__name__: kind for kind in LAYER_TYPES}
CONSTANTS = {"CLASSES": CLASSES}


def read(text: str) -> object:
    return from_text(text, KINDS, CONSTANTS)


@given(row=any_row)
def test_every_row_written_is_read_back_equal(row: Layer) -> None:
    assert read(to_text(row)) == row


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (Conv(8), "Conv(8)"),
        (Conv(8, padding=1, bias=True), "Conv(8, padding=1, bias=True)"),
        (Conv(CLASSES, kernel=1), "Conv(CLASSES, kernel=1)"),
        (MaxPool(), "MaxPool()"),
        (MaxPool(3), "MaxPool(size=3)"),
        (Dropout(0.1), "Dropout(0.1)"),
        (Linear(100, bias=False), "Linear(100, bias=False)"),
        (Residual((Relu(),)), "Residual((Relu(),))"),
        (Residual((Relu(), BatchNorm()), (Relu(),)), "Residual((Relu(), BatchNorm()), shortcut=(Relu(),))"),
    ],
)
def test_text_leaves_out_what_is_at_its_default(row: Layer, text: str) -> None:
    assert to_text(row) == text
    assert read(text) == row


@pytest.mark.parametrize(
    "text", ["Conv( 8 ,kernel = 3)", " Conv(channels=8)", "Conv(8, 3)", "Conv(8,)", "Conv(kernel=3, channels=8)"]
)
def test_spelling_is_free_where_python_is(text: str) -> None:
    assert read(text) == Conv(8)


def test_a_whole_number_is_a_number_but_true_is_not() -> None:
    assert read("Dropout(0)") == Dropout(0.0)
    assert isinstance(read("Dropout(0)").rate, float)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"Dropout\.rate is True, but must be a number"):
        read("Dropout(True)")


REFUSED = [
    ("Conv(8, kernle=3)", "There is no Conv field 'kernle'. Did you mean 'kernel'?"),
    ("Cnov(8)", "There is no kind 'Cnov'. Did you mean 'Conv'?"),
    ("conv(8)", "Did you mean 'Conv'?"),
    ("BatchNorm(momentum=0.1)", "BatchNorm takes no values, so 'momentum' cannot be given."),
    ("MaxPool(3, stride=2)", "There is no MaxPool field 'stride'. Known: size."),
    ("LSTM(8)", "Known: Conv, Depthwise"),
    ("Conv(CLASES)", "There is no constant 'CLASES'. Did you mean 'CLASSES'?"),
    ("Relu", "'Relu' needs parentheses: Relu()."),
    ("Conv()", "Conv needs a value for 'channels'."),
    ("Conv('8')", "Conv.channels is '8', but must be a whole number or CLASSES."),
    ("Conv(8.0)", "Conv.channels is 8.0, but must be a whole number or CLASSES."),
    ("Conv(8, kernel='3', stride=True)", "Conv.kernel is '3', but must be a whole number. Conv.stride is True"),
    ("Conv(8, bias=1)", "Conv.bias is 1, but must be true or false."),
    ("Conv(None)", "Conv.channels is None"),
    ("Conv(1, 2, 3, 4, True, 6)", "Conv takes at most 5 values, 6 were given."),
    ("Conv(8, channels=8)", "Conv is given 'channels' twice"),
    ("Conv(**{'channels': 8})", "Conv is given '**'"),
    ("Conv(*[8])", "Cannot read"),
    ("Residual(Relu())", "Residual.body is Relu(), but must be a list."),
    ("Residual((Relu(), 3))", "Residual.body holds 3, but each item must be Conv or Depthwise"),
    ("Residual((Relu(), Conv(8, kernel=None)))", "Conv.kernel is None"),
    ("Dropout(1" + "0" * 400 + ")", "Dropout.rate is 1000"),
    ("Conv(0x1" + "0" * 8_000 + ")", "a number too long to print"),
    ("Conv({[]: 1})", "Cannot read"),
    ("Conv({[]})", "Cannot read"),
    ("", "Cannot read"),
    ("#", "Cannot read"),
    ("Conv(8", "Cannot read"),
    ("Conv(8) Conv(8)", "Cannot read"),
    ("Conv(8); Conv(8)", "Cannot read"),
    ("x = Conv(8)", "Cannot read"),
    ("\0", "Cannot read"),
    ("\ud800", "Cannot read"),
    ("Relu()()", "Cannot read"),
    ("lambda: 0", "Cannot read"),
    ("1if 2else 3", "Cannot read"),
    ("[Relu() for _ in (1, 2)]", "Cannot read"),
    ("9" * 5_000, "Cannot read"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[text[:30] for text, _ in REFUSED])
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(text)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300


NESTED = [
    "(" * 5_000,
    "[" * 5_000,
    "((((" * 5_000,
    "-" * 9_000 + "1",
    "Residual((" * 300,
    "1+" * 4_900 + "1",
    "a.b" * 3_000,
]


@pytest.mark.parametrize("text", NESTED, ids=[text[:8] for text in NESTED])
def test_deep_nesting_is_refused_like_anything_else(text: str) -> None:
    with pytest.raises(UsageError):
        read(text)


def test_a_text_longer_than_any_row_is_not_even_parsed() -> None:
    with pytest.raises(UsageError, match="10,001 characters long"):
        read("x" * (LONGEST_TEXT + 1))


CODE = [
    "__import__('os').system('x')",
    "Conv(__import__('os').system('x'))",
    "exec('x')",
    "Conv(8).__class__",
    "(lambda: open('x', 'w'))()",
    "[].append(1)",
    "f'{open(1)}'",
    "Conv(8 if open('x', 'w') else 9)",
    "(y := 3)",
    "Conv(sys.exit())",
]


@pytest.mark.parametrize("text", CODE)
def test_no_code_is_executed(text: str) -> None:
    """Python itself reports every call, import, open and exec; reading a text may cause none but its compilation."""
    events: list[str] = []
    listening = True

    def hook(event: str, _arguments: tuple[object, ...]) -> None:
        if listening:
            events.append(event)

    sys.addaudithook(hook)  # cannot be removed again, hence the switch
    try:
        with pytest.raises(UsageError):
            read(text)
    finally:
        listening = False
    assert set(events) <= {"compile", "object.__getattr__"}


@given(text=st.text(max_size=60) | st.text("ConvRelu()[]{},=0123456789.'\"* -+#\\\n", max_size=40))
def test_any_text_is_a_value_or_a_usage_error(text: str) -> None:
    try:
        read(text)
    except UsageError as error:
        refused = str(error)
    else:
        refused = "."
    assert refused.endswith((".", "?"))


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Sample:
    whole: int
    share: float = 0.5
    word: str = ""
    colours: tuple[Colour, ...] = ()
    perhaps: int | None = None


def test_make_reports_every_field_that_is_wrong() -> None:
    with pytest.raises(UsageError) as refused:
        make(Sample, {"hole": 1, "share": "much", "perhaps": 1.5})
    assert str(refused.value) == (
        "There is no Sample field 'hole'. Did you mean 'whole'? "
        "Sample.share is 'much', but must be a number. "
        "Sample.perhaps is 1.5, but must be a whole number or none. "
        "Sample needs a value for 'whole'."
    )


def test_make_takes_a_list_for_a_tuple_and_none_where_it_may() -> None:
    assert make(Sample, {"whole": 1, "colours": [Colour.RED], "perhaps": None}) == Sample(1, colours=(Colour.RED,))
    with pytest.raises(UsageError, match="colours holds 3, but each item must be"):
        make(Sample, {"whole": 1, "colours": [3]})


def test_make_of_something_without_fields_is_refused() -> None:
    with pytest.raises(UsageError, match="3 stands where the fields of Sample are expected"):
        make(Sample, 3)  # type: ignore[arg-type]


def test_coerce_names_the_place() -> None:
    assert coerce("here", 3, float) == 3.0
    with pytest.raises(UsageError, match="here is nan times, but must be a whole number"):
        coerce("here", type("Odd", (), {"__repr__": lambda _: "nan times"})(), int)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Conv("8"), "Conv.channels is '8'"),  # type: ignore[arg-type]
        (Residual((Relu,)), "Residual.body holds <class"),  # type: ignore[arg-type]
        (Residual((Residual((Conv(8, kernel="3"),)),)), "Conv.kernel is '3'"),  # type: ignore[arg-type]
        (Residual([Relu()]), "Residual.body is a list; use a tuple"),  # type: ignore[arg-type]
        (Dropout(True), "Dropout.rate is True"),
    ],
)
def test_types_are_checked_at_any_depth_where_python_does_not(value: object, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_types(value)
    assert words in str(refused.value)


@given(row=any_row)
def test_what_is_of_its_declared_types_passes(row: Layer) -> None:
    check_types(row)
    check_types((row, Dropout(0)))
