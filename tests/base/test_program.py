"""How a command that is printed for the user begins."""

import sys

import pytest

from pennyweight.base.program import program_words


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("-c", ["pennyweight"]),
        ("", ["pennyweight"]),
        ("/elsewhere/pennyweight/__main__.py", [sys.executable, "-m", "pennyweight"]),
        ("tools/choose.py", [sys.executable, "tools/choose.py"]),
        ("/nowhere/bin/pennywise", ["/nowhere/bin/pennywise"]),
    ],
)
def test_a_printed_command_begins_as_this_program_was_started(
    program: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "judge"])
    assert program_words() == words
