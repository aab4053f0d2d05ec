"""Every error ends in a documented exit code, and every name in a message is one a user can type."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import pennyweight
from pennyweight.base import errors
from pennyweight.base.errors import PennyweightError, did_you_mean, unknown_name_error

DOCUMENTED = {
    "PennyweightError": 1,
    "NonFiniteError": 1,
    "UsageError": 2,
    "NoRecipeError": 2,
    "UnavailableError": 3,
    "MismatchError": 4,
    "Interrupted": 130,
}


for module in pkgutil.walk_packages(pennyweight.__path__, "pennyweight."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)  # or the errors of one room alone are not there yet


def subclasses(kind: type[PennyweightError]) -> list[type[PennyweightError]]:
    return [kind, *(found for one in kind.__subclasses__() for found in subclasses(one))]


def test_every_error_ends_in_its_documented_exit_code() -> None:
    public = [kind for kind in subclasses(PennyweightError) if kind.__module__ == errors.__name__]
    assert {kind.__name__: kind.exit_code for kind in public} == DOCUMENTED
    for kind in {*subclasses(PennyweightError)} - {*public}:  # of one room alone, and caught there
        (base,) = (base for base in kind.__bases__ if issubclass(base, PennyweightError))
        assert kind.exit_code == base.exit_code


@pytest.mark.parametrize("kind", subclasses(PennyweightError), ids=lambda kind: kind.__name__)
def test_an_error_says_in_one_sentence_what_it_is_for(kind: type[PennyweightError]) -> None:
    assert kind.__doc__
    assert kind.__doc__.split("\n\n")[0].endswith(".")
    assert str(kind("a plain sentence.")) == "a plain sentence."


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("progresive-3", ["progressive-3", "skip-3"], " Did you mean 'progressive-3'?"),
        ("SDG", ["SGD", "Adam"], " Did you mean 'SGD'?"),
        ("adam", ["SGD", "Adam"], " Did you mean 'Adam'?"),
        ("ADAMW", ["SGD", "Adam", "AdamW"], " Did you mean 'AdamW'?"),
        ("zebra", ["SGD", "Adam"], ""),
        ("", ["SGD"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_name_is_suggested_whatever_its_case(word: str, known: list[str], expected: str) -> None:
    assert did_you_mean(word, known) == expected


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("ReLU6", "There is no layer 'ReLU6'. Known: Conv, Relu."),
        ("Conv2d", "There is no layer 'Conv2d'. It is Conv here."),
        ("Cnov", "There is no layer 'Cnov'. Did you mean 'Conv'?"),
    ],
)
def test_a_name_that_means_another_thing_elsewhere_suggests_no_near_one(word: str, words: str) -> None:
    elsewhere = {"ReLU6": "", "Conv2d": "It is Conv here."}
    assert str(unknown_name_error("layer", word, ["Conv", "Relu"], elsewhere)) == words


def test_an_unknown_name_without_a_near_one_lists_all() -> None:
    assert (
        str(unknown_name_error("optimizer", "zebra", ["SGD", "Adam"]))
        == "There is no optimizer 'zebra'. Known: SGD, Adam."
    )
    assert str(unknown_name_error("optimizer", "SDG", ["SGD"])) == "There is no optimizer 'SDG'. Did you mean 'SGD'?"


SOURCES = sorted(Path(pennyweight.__file__).parent.rglob("*.py"))
RAISED = {"UsageError", "UnavailableError", "MismatchError", "NonFiniteError", "Interrupted"}


def raised_messages() -> list[tuple[str, ast.Call]]:
    """Every call that makes one of our errors, with where it stands."""
    found = []
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                found.append((f"{source.name}:{node.lineno}", node))
    return found


def shown(node: ast.expr) -> str:
    """The text of a message with `{}` where a value goes in; `{}` for a message made elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.BinOp(left=left, right=right):
            return shown(left) + shown(right)
        case _:
            return "{}"


def test_messages_are_found_at_all() -> None:
    assert len(raised_messages()) > 50


@pytest.mark.parametrize(("where", "call"), raised_messages(), ids=[where for where, _ in raised_messages()])
def test_every_message_is_one_text_and_ends_like_a_sentence(where: str, call: ast.Call) -> None:
    """A tuple where a sentence was meant is how equinox and einops went wrong."""
    more = [ast.unparse(part) for part in call.args[1:]]
    # Interrupted takes a command, which a terminal shows on a line of its own; others take lines of another program
    assert not more or more[0] in ("lines", "commands") or more[0].startswith(("[*lines, ", "same_command("))
    assert not call.keywords
    text = shown(call.args[0])
    assert text.endswith((":", "}") if more else (".", "}")), f"{where}: {text}"
    assert "  " not in text
    assert text[0].isupper() or text[0] in "{'-$" or text.split()[0].rstrip(":").islower(), f"{where}: {text}"


def test_the_module_names_nothing_that_is_not_an_error_or_a_helper() -> None:
    public = {name for name in vars(errors) if not name.startswith("_")}
    helpers = {"did_you_mean", "unknown_name_error", "printable"}
    assert public == {*DOCUMENTED, *helpers, "Iterable", "Mapping", "Sequence", "get_close_matches"}
