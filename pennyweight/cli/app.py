"""The commands put together; nothing heavy is imported here, so that help answers at once."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pennyweight.base.terminal import width_of
from pennyweight.cli import ablate, audit, claims, compare, doctor, fetch, judge, report, show, train, verify
from pennyweight.cli import help as help_command
from pennyweight.cli import list as list_command
from pennyweight.reporting.text import wrapped


class Commands(TyperGroup):
    """The commands, whose usage errors are wrapped where a terminal shows them."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the words before the command."""
        with _wrapped_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read the words after the command, and carry it out."""
        with _wrapped_errors():
            return super().invoke(ctx)


@contextmanager
def _wrapped_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # the class of usage errors has no public name in typer
        if sys.stderr.isatty() and (sentence := getattr(error, "format_message", None)):
            lines = wrapped(f"Error: {sentence()}", width=width_of(sys.stderr)).removeprefix("Error: ")
            error.format_message = lambda: lines  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    cls=Commands,
    help="Train, judge and ship convolutional image classifiers under a hard budget.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)

app.command("list")(list_command.list_recipes)
app.command("show")(show.show)
app.command("train")(train.train)
app.command("judge")(judge.judge)
app.command("compare")(compare.compare)
app.command("audit", epilog=audit.MEANINGS)(audit.audit)
app.command("ablate")(ablate.ablate)
app.command("verify")(verify.verify)
app.command("claims")(claims.claims)
app.command("report")(report.report)
app.command("fetch")(fetch.fetch)
app.command("doctor")(doctor.doctor)
app.command("help")(help_command.help_of)


@app.callback(
    invoke_without_command=True,
    epilog="First steps: 'pennyweight list', then 'pennyweight train pennyweight-8k'.",
)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Train, judge and ship convolutional image classifiers under a hard budget."""
    if version:
        from pennyweight.base.version import VERSION

        typer.echo(f"pennyweight {VERSION}")
        raise typer.Exit
