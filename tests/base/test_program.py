"""How a command that is printed for the user begins."""

import sys

import pytest

from pennyweight.base.program import command_line_words, program_words


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


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/elsewhere/pennyweight/__main__.py", [sys.executable, "-m", "pennyweight"]),
        ("/nowhere/bin/pennyweight", ["/nowhere/bin/pennyweight"]),
        ("/usr/lib/python3/ipykernel_launcher.py", ["pennyweight"]),
        ("a_script_of_mine.py", ["pennyweight"]),
    ],
)
def test_a_command_of_ours_is_not_started_by_the_program_of_the_user(
    program: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "judge"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert command_line_words() == words
