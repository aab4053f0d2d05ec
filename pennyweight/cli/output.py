"""Where words go: results to stdout, messages and progress to stderr; each in the colours and the width it has."""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, TextIO

from pennyweight.base.errors import UnavailableError
from pennyweight.base.printable import printable, valid_text
from pennyweight.base.terminal import PIPE_COLUMNS, fresh_line, has_colours, width_of
from pennyweight.reporting.colour import coloured
from pennyweight.reporting.command import command_lines
from pennyweight.reporting.text import wrapped

if TYPE_CHECKING:
    from pennyweight.judging.verdict import Problem
    from pennyweight.shipping.predict import FileProblem


def say(sentence: str) -> None:
    """Print a message for the user on stderr, wrapped where a terminal shows it."""
    width = width_of(sys.stderr) if sys.stderr.isatty() else PIPE_COLUMNS
    text = "\n".join(wrapped(printable(line), width=width) for line in sentence.splitlines())
    print(_in_colours(text, sys.stderr), file=sys.stderr, flush=True)


def say_error(sentence: str, command: str = "") -> None:
    """Print an error on stderr on lines of its own; on a terminal the `command` it ends in can be pasted."""
    text = "\n".join(map(printable, f"Error: {sentence}".splitlines()))
    if sys.stderr.isatty():
        width = width_of(sys.stderr)
        said = [wrapped(line, width=width) for line in text.removesuffix(command).rstrip().splitlines()]
        text = "\n".join([*said, *([command_lines(command, width)] if command else [])])
    print(fresh_line(sys.stderr) + _in_colours(text, sys.stderr), file=sys.stderr, flush=True)


def end_with_problems(problems: "Sequence[FileProblem | Problem]", as_json: bool) -> None:
    """End with the worst exit code of what could not be dealt with, if anything, and say why unless JSON did."""
    if not as_json:
        for problem in problems:
            say(f"Error: {problem.message}")
    if problems:
        raise SystemExit(max(problem.exit_code for problem in problems))


def result(text: str) -> None:
    """Print a result on stdout in colours, where it has them; raises UnavailableError where a full disk refuses it.

    Names of files in it move no cursor.
    """
    plain_result(_in_colours("\n".join(map(printable, text.split("\n"))), sys.stdout))


def plain_result(text: str) -> None:
    """Print a result on stdout as it is; who closes the pipe, as `head` does, has read enough of it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = _Unread()
    except OSError as error:
        raise UnavailableError(f"Cannot write the results to standard output: {error.strerror}.") from error


def require_reader() -> None:
    """Raise BrokenPipeError where nobody read the results to their end: the folder a run is in is one of them."""
    if isinstance(sys.stdout, _Unread):
        raise BrokenPipeError


class _Unread(io.StringIO):
    """Where results go once nobody reads them any more."""


def columns(wide: bool = False) -> int:
    """Return how wide a result may be: the terminal's width, and everything in full with `wide` or without a terminal.

    $COLUMNS wins over the terminal.
    """
    return PIPE_COLUMNS if wide else width_of(sys.stdout)


def result_json(value: Any) -> None:
    """Print a result as JSON on stdout; frozen values become objects, what is not a number becomes null.

    Every text in it is valid Unicode, also a name of a file that is none.
    """
    plain_result(json.dumps(_plain(value), indent=1, allow_nan=False))


def _in_colours(text: str, stream: TextIO) -> str:
    return coloured(text) if has_colours(stream) else text


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {valid_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
