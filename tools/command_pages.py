"""The reference of every command as Markdown, read from the command line itself."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from pennyweight.cli.app import app
from pennyweight.reporting.outputs import OUTPUTS

EXAMPLES = re.compile(r"Examples?: ")
RENDERED = "Rendered by `python tools/render_docs.py` from the command line itself"


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield the names and texts of docs/commands: an index, and a page for each command."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    above = group.make_context("pennyweight", [], resilient_parsing=True)
    yield "index", _index(group.commands)
    for name, command in group.commands.items():
        yield name, _page(name, command, group.context_class(command, info_name=name, parent=above))


def _index(commands: Mapping[str, Any]) -> str:
    firsts = {name: _escaped(command.help.partition("\n")[0]) for name, command in commands.items()}
    lines = [f"- [`pennyweight {name}`]({name}.md): {first}" for name, first in firsts.items()]
    return "\n".join(
        [
            *("# Commands\n", f"{RENDERED}; `pennyweight help COMMAND` prints the same.", ""),
            *(*lines, "", "What their exit codes mean: [errors and exit codes](../errors.md).", ""),
            *("```{toctree}", ":hidden:", "", *commands, "```", ""),
        ]
    )


def _page(name: str, command: Any, context: Any) -> str:
    """Return what a command is for, how it is called, its examples, arguments and options."""
    first, *paragraphs = [" ".join(part.split()) for part in command.help.split("\n\n")]
    examples = [text.partition(": ")[2].split("; ") for text in paragraphs if EXAMPLES.match(text)]
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    parts = [f"# {name}", _escaped(first), f"```\n{usage}\n```"]
    parts += [_escaped(text) for text in paragraphs if not EXAMPLES.match(text)]
    parts += ["\n".join(["## Examples\n\n```", *lines, "```"]) for lines in examples]
    parts += _parameters("Arguments", command, context)
    parts += _parameters("Options", command, context)
    if command.epilog:
        heading, _, lines = command.epilog.removeprefix("\b\n").partition(":\n")
        parts.append(f"## Features\n\n{' '.join(heading.split())}:\n\n```\n{lines}\n```")
    if name in OUTPUTS:
        schema = f"[JSON Schema](../schemas/{name}.json)"
        parts.append(f"## JSON\n\nWhat `--json` prints: [by key](../json.md#{name}), and as {schema}.")
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"[\\<*`\[\]]", r"\\\g<0>", text)


def _parameters(title: str, command: Any, context: Any) -> list[str]:
    """Return a list of the arguments or options of a command, none where it has none."""
    kind = title.removesuffix("s").lower()
    told = [one.get_help_record(context) for one in command.get_params(context) if one.param_type_name == kind]
    lines = [f"- `{flag}`: {_meaning(text)}" if text else f"- `{flag}`" for flag, text in filter(None, told)]
    return [f"## {title}\n\n" + "\n".join(lines)] if lines else []


def _meaning(text: str) -> str:
    """Return what a flag means, with `[required]` and `[default: 0]` behind it in round brackets."""
    words, _, extra = " ".join(text.split()).partition(" [")
    return f"{_escaped(words)} ({_escaped(extra.removesuffix(']'))})" if extra.endswith("]") else _escaped(text)
