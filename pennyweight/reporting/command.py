"""Command lines for the user to paste into a shell."""

import re
import shlex
import sys

from pennyweight.base.program import program_words
from pennyweight.reporting.colour import COMMAND

JOINT = re.compile("[/+=,]")
"""Behind what a word that is longer than a line is best broken: the parts of a path."""


AGAIN = "--again"


def same_command(*, begun: bool) -> str:
    """Return the command this process was started with, for the user to run; without `--again` where it has `begun`."""
    return shlex.join(program_words() + [word for word in sys.argv[1:] if not (begun and word == AGAIN)])


def same_command_words() -> str:
    """Return how a sentence names the command that goes on with what has begun."""
    return f"the same command{' without --again' if AGAIN in sys.argv else ''}"


def command_lines(command: str, width: int, indent: str = COMMAND) -> str:
    """Return a command in lines of at most `width` characters, which a shell reads as one.

    A word that is longer than a line goes on at the very start of the next, as a shell wants it.
    """
    room = width - len(indent) - 2
    words = [_broken(word, room - 2) for word in shlex.split(command)]
    lines = [words[0]]
    for word in words[1:]:
        if "\n" not in word and len(lines[-1].split("\n")[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}")
    return " \\\n".join(indent + line for line in lines)


def _broken(word: str, longest: int) -> str:
    """Return a word as a shell reads it, in pieces of at most `longest` characters on lines that a shell joins."""
    quoted = shlex.quote(word)
    if len(quoted) <= longest or len(word) == 1:
        return quoted
    joints = [found.end() for found in JOINT.finditer(word[:-1])]
    half = min(joints or [len(word) // 2], key=lambda place: abs(2 * place - len(word)))
    return f"{_broken(word[:half], longest)}\\\n{_broken(word[half:], longest)}"
