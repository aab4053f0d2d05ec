"""What is printed of others' text keeps to its line, and what is written of it is valid Unicode."""

import pytest

from pennyweight.base.errors import UnavailableError
from pennyweight.base.printable import printable, valid_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ±1 % of 7/é", "plain, ±1 % of 7/é"),
        ("two  blanks", "two  blanks"),
        ("a\nb\tc\rd\u2028e", "a b c d e"),
        ("\x1b[31mred\x07\x9b0m", "?[31mred??0m"),
        ("turned\u202eround", "turned?round"),
        ("\udcff", "\udcff"),
    ],
)
def test_it_stands_on_one_line_and_moves_no_cursor(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_an_error_is_one_line_and_what_another_program_said_below_it() -> None:
    assert str(UnavailableError("no a\nb:", ["first \x1b[1m", "second"])) == "no a b:\nfirst ?[1m\nsecond"


def test_bytes_that_are_no_text_are_written_as_such() -> None:
    assert valid_text("a\udcff\udc80b\ud800é") == "a\\xff\\x80b\N{REPLACEMENT CHARACTER}é"
