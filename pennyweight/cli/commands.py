"""What every command has from us: its words are checked, its usage errors fit the terminal, its help reads plainly."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand, TyperGroup

from pennyweight.base.errors import UsageError
from pennyweight.base.printable import printable
from pennyweight.base.terminal import width_of
from pennyweight.reporting.text import wrapped

VALUES = {"int": "N", "float": "NUMBER", "path": "PATH", "str": "TEXT"}
"""What the help calls values of options that have no word of their own."""
_TYPE = re.compile(r"<(?:list\[)?(\w+)\]?[^>]*>")


class Commands(TyperGroup):
    """All commands."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """Read the words before the command."""
        _refuse_empty(args)
        with _wrapped_errors():
            return super().make_context(info_name, args, *more, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read the words after the command, and carry it out."""
        with _wrapped_errors():
            return super().invoke(ctx)


class Command(TyperCommand):
    """One command, whose help names arguments and values by what they are."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what stands behind the command in the line of its usage."""
        return ["[OPTIONS]", *(_argument(one) for one in self.get_params(ctx) if one.param_type_name == "argument")]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options, each with what it is."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            shown = [(one, one.get_help_record(ctx)) for one in self.get_params(ctx) if one.param_type_name == kind]
            rows = [(_argument(one) if kind == "argument" else _option(row[0]), row[1]) for one, row in shown if row]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _argument(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _option(words: str) -> str:
    """Return an option's names and value, which typer may write as `--jobs <int>`, as `--jobs N`."""
    return _TYPE.sub(lambda found: VALUES.get(found[1], found[1].upper()), words)


def _refuse_empty(words: list[str]) -> None:
    """Raise UsageError for an empty word: as a path it would be the current folder, which nobody meant."""
    for word in words:
        if not word or (word.startswith("--") and word.endswith("=")):
            where = f"{word[:-1]} has no value" if word else "One of the words of the command is empty"
            raise UsageError(f"{where}, as where a shell's variable is not set; give one, or leave it out.")


@contextmanager
def _wrapped_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # the class of usage errors has no public name in typer
        if sentence := getattr(error, "format_message", None):
            lines = printable(sentence())
            if sys.stderr.isatty():
                lines = wrapped(f"Error: {lines}", width=width_of(sys.stderr)).removeprefix("Error: ")
            error.format_message = lambda: lines  # type: ignore[attr-defined]
        raise
