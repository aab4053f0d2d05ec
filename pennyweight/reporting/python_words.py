"""What Python users read: sentences that name flags, said in arguments; and arguments of a wrong type, named at once.

Every sentence is written once, in the words of the command line; the facade passes its own through here.
"""

import inspect
import re
import shlex
from collections.abc import Callable
from functools import cache, wraps
from itertools import pairwise
from typing import Any, get_type_hints

from pennyweight.base.errors import PennyweightError
from pennyweight.base.values import coerce
from pennyweight.reporting.console import Console

SWITCHES = {"again": "again=True", "unchecked": "checked=False", "no-test": "use_test=False", "replay": "replay=True"}
VALUES = {
    "accuracy": r"[\d.]*\d",
    "data": r"/[^\s,;]+",
    "dataset": r"digits",
    "device": r"cpu|cuda",
    "engine": r"native|torch",
    "epochs": r"-?\d+",
    "initial-weights": r"/[^\s,;]+",
    "out": r"/[^\s,;]+",
    "planned-seeds": r"\d+",
    "prefix": r"[A-Za-z_]\w*",
    "preprocess": r"mnist|none",
    "records": r"/[^\s,;]+",
    "seed": r"\d+",
}
"""What follows a flag in a sentence when it is its value; anything else is the next word."""
_FLAG = re.compile(
    "`?--(?:"
    + "|".join([*SWITCHES, *(f"{flag}(?:[ =](?:{value}))?" for flag, value in VALUES.items())])
    + r")(?![\w-])`?"
)
_SETTING = r"-s [\w.]+=(?:\.\.\.|[^\s,;]*[^\s,;.])"
_SETTINGS = re.compile(f"{_SETTING}(?: {_SETTING})*")
_COMMAND = re.compile(r"(?:(?:'[^']*'|\S+) -m )?pennyweight train (.*)$", re.MULTILINE)


def in_python(text: str) -> str:
    """Return a sentence with flags as arguments: `--engine torch` is `engine="torch"`, `-s a.b=1` `settings={...}`."""
    command = _COMMAND.search(text)
    if command and " -- " in f" {command[1]}":
        return in_python(text[: command.start()]) + _call(shlex.split(command[1]))
    text = _SETTINGS.sub(lambda found: _settings(found[0].removeprefix("-s ").split(" -s ")), text)
    return _FLAG.sub(lambda found: _argument(found[0].strip("`")), text)


def _call(words: list[str]) -> str:
    """Return the words behind `pennyweight train`, as `Request.words` writes them, as a call."""
    target = words[words.index("--") + 1]
    flags = [word for word in words[: words.index("--")] if word.startswith("--")]
    changes = [word for before, word in pairwise(words) if before == "-s"]
    return (
        f"pw.train({', '.join([_shown(target), *map(_argument, flags), *([_settings(changes)] if changes else [])])})"
    )


def _argument(flag: str) -> str:
    name, _, value = flag.removeprefix("--").replace("=", " ", 1).partition(" ")
    return SWITCHES.get(name) or f"{name.replace('-', '_')}={_shown(value) if value else '...'}"


def _settings(changes: list[str]) -> str:
    pairs = (change.split("=", 1) for change in changes)
    return "settings={" + ", ".join(f'"{key}": {_shown(value)}' for key, value in pairs) + "}"


def _shown(value: str) -> str:
    return value if re.fullmatch(r"\.\.\.|-?\d[\d.]*(e-?\d+)?", value) else f'"{value}"'


class PythonConsole(Console):
    """Shows a run to whoever trains it from Python, in arguments instead of flags."""

    def message(self, text: str) -> None:
        """Print one sentence."""
        super().message(in_python(text))


@cache
def for_python(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that checks the types of its options first, and whose errors speak of arguments."""
    hints, signature = get_type_hints(function), inspect.signature(function)
    # what the first may be, the function says in words of its own
    options = {name for name, one in list(signature.parameters.items())[1:] if one.default is not one.empty}

    @wraps(function)
    def call(*arguments: object, **named: object) -> Any:
        try:
            for name, value in signature.bind(*arguments, **named).arguments.items():
                if name in options:
                    coerce(name, value, hints[name])
            return function(*arguments, **named)
        except PennyweightError as error:
            error.args = (in_python(str(error)), *error.args[1:])
            raise

    return call
