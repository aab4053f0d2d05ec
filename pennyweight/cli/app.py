"""The commands put together; nothing heavy is imported here, so that help answers at once."""

from typing import Annotated

import typer

from pennyweight.cli import (
    ablate,
    audit,
    claims,
    compare,
    doctor,
    export,
    fetch,
    judge,
    predict,
    report,
    show,
    train,
    verify,
)
from pennyweight.cli import help as help_command
from pennyweight.cli import list as list_command
from pennyweight.cli.commands import Command, Commands

app = typer.Typer(
    cls=Commands,
    help="Train, judge and ship convolutional image classifiers under a hard budget.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
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
app.command("export")(export.export)
app.command("claims")(claims.claims)
app.command("report")(report.report)
app.command("predict")(predict.predict)
app.command("fetch")(fetch.fetch)
app.command("doctor")(doctor.doctor)
app.command("help")(help_command.help_of)
for each in app.registered_commands:
    each.cls = Command


@app.callback(
    invoke_without_command=True,
    epilog="First steps: 'pennyweight list', then 'pennyweight train pennyweight-8k'.",
)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Train, judge and ship convolutional image classifiers under a hard budget."""
    if version:
        from pennyweight.base.version import VERSION

        typer.echo(f"pennyweight {VERSION}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)
