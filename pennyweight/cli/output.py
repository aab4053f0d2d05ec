"""Where words go: results to stdout, messages and progress to stderr."""

import json
import shutil
import sys
from dataclasses import asdict, is_dataclass
from typing import Any

PIPE_COLUMNS = 1_000
"""Columns of what no terminal shows."""


def say(sentence: str) -> None:
    """Print a message for the user on stderr."""
    print(sentence, file=sys.stderr, flush=True)


def result(text: str) -> None:
    """Print a result on stdout."""
    print(text, flush=True)


def columns() -> int:
    """Return how wide the terminal is; where there is none, wide enough for `grep` to find a row in one line.

    $COLUMNS wins over both.
    """
    return shutil.get_terminal_size(fallback=(PIPE_COLUMNS, 24)).columns


def result_json(value: Any) -> None:
    """Print a result as JSON on stdout; frozen values become objects, what is not a number becomes null."""
    result(json.dumps(_plain(value), indent=1, allow_nan=False))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
