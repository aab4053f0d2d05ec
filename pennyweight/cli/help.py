"""`pennyweight help`: the help of a command, for who asks in words."""

from typing import Annotated

import typer
from typer.core import TyperGroup

from pennyweight.base.errors import unknown_name_error
from pennyweight.cli.output import result


def help_of(
    context: typer.Context,
    verb: Annotated[str | None, typer.Argument(metavar="[COMMAND]", help="A command; default: all of them.")] = None,
) -> None:
    """Explain a command, as --help does.

    Example: pennyweight help train
    """
    above = context.parent
    assert above is not None
    assert isinstance(above.command, TyperGroup)
    if verb is None:
        result(above.get_help())
        return
    if verb not in above.command.commands:
        raise unknown_name_error("command", verb, above.command.commands)
    command = above.command.commands[verb]
    result(command.get_help(type(above)(command, info_name=verb, parent=above)))
