"""Frozen values as text and back: `Conv(8, kernel=3)`; closed sets only, nothing is ever executed."""

import ast
import dataclasses
import types
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from pennyweight.base.errors import UsageError, unknown_name_error

LONGEST_TEXT = 10_000
LONGEST_SHOWN = 80
LONGEST_BITS = 1_000
"""Whole numbers beyond are refused: they fit no setting, no float, and Python does not even print the longest."""
Kind = TypeVar("Kind")


def to_text(value: object) -> str:
    """Return a frozen value as the shortest text that `from_text` reads back: fields at their default are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}({', '.join(_field_texts(value))})"
    if isinstance(value, tuple):
        inner = ", ".join(to_text(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def from_text(
    text: str, kinds: Mapping[str, type], constants: Mapping[str, object], elsewhere: Mapping[str, str] = {}
) -> object:
    """Read one value of the closed set `kinds`; bare names may only be those in `constants`.

    `elsewhere` is what to say of names that are kinds in other places, see `unknown_name_error`. Raises UsageError that
    names what is unknown, of the wrong type, or not readable.
    """
    if len(text) > LONGEST_TEXT:
        raise UsageError(f"'{text[:40]}...' is {len(text):,} characters long; at most {LONGEST_TEXT:,} are read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # what Python would warn of is refused below
            tree = ast.parse(text.strip(), mode="eval")
        return _build(tree.body, _Names(kinds, constants, elsewhere))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise UsageError(f"Cannot read '{text[:80]}'; write it like Name(value, field=value).") from error


def make(kind: type[Kind], fields: Mapping[str, object], prefix: str | None = None) -> Kind:
    """Build a frozen value of `kind`, checking every field's name and type.

    Raises UsageError naming every field that is wrong, what was given and what is expected; `prefix` stands before a
    field's name there, so that it is the key one types: `optimizer.`. Without one it is the kind's name.
    """
    prefix = f"{kind.__name__}." if prefix is None else prefix
    if not isinstance(fields, Mapping):
        raise UsageError(f"{_shown(fields)} stands where the fields of {kind.__name__} are expected.")
    hints = _hints(typing.cast(type, kind))
    known = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    checked, problems = {}, []
    for name, given in fields.items():
        try:
            if not known:
                raise UsageError(f"{kind.__name__} takes no values, so '{name}' cannot be given.")
            if name not in known:
                raise unknown_name_error(f"{kind.__name__} field", name, known)
            checked[name] = coerce(f"{prefix}{name}", given, hints[name])
        except UsageError as error:
            problems.append(str(error))
    for name, field in known.items():
        if name not in fields and field.default is field.default_factory is dataclasses.MISSING:
            problems.append(f"{kind.__name__} needs a value for '{name}'.")
    if problems:
        raise UsageError(" ".join(problems))
    return kind(**checked)


@cache
def _hints(kind: type) -> Mapping[str, object]:
    """Return the types of a kind's fields, which are looked up for every row of every record."""
    return typing.get_type_hints(kind)


def check_types(value: object, prefix: str | None = None) -> None:
    """Raise UsageError naming the fields of a frozen value, at any depth, that are not of their declared type.

    Python does not check what a recipe file written in it gives: `Relu` for `Relu()`, a list for a tuple, `"3"` for 3.
    Fields are named as the keys one types, behind `prefix`; those of an item of a tuple behind the name of its kind.
    """
    if isinstance(value, tuple):
        for item in value:
            check_types(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if vars(make(type(value), given, prefix)) != vars(value):
            listed = ", ".join(name for name, item in given.items() if isinstance(item, list))
            where = f"{type(value).__name__}." if prefix is None else prefix
            raise UsageError(f"{where}{listed} is a list; use a tuple, in parentheses.")
        for name, item in given.items():
            check_types(item, None if prefix is None or isinstance(item, tuple) else f"{prefix}{name}.")


def coerce(where: str, value: object, hint: object) -> object:
    """Return `value` if it fits the type `hint` (a whole number fits a float), else raise UsageError naming `where`."""
    if value == "" and Path in typing.get_args(hint):
        raise UsageError(f"{where} is an empty text, which is no path; leave it out, or give one.")
    if fits(value, hint):
        return value
    if fits(value, int) and fits(float(typing.cast(int, value)), hint):
        return float(typing.cast(int, value))
    if isinstance(value, list) and typing.get_origin(hint) is tuple and fits(tuple(value), hint):
        return tuple(value)
    if isinstance(value, list | tuple) and typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        wrong = next(one for one in value if not fits(one, item))
        raise UsageError(f"{where} holds {_shown(wrong)}, but each item must be {describe(item)}.")
    raise UsageError(f"{where} is {_shown(value)}, but must be {describe(hint)}.")


def fits(value: object, hint: object) -> bool:
    """Return whether `value` is of the type `hint`: a class, a union, `tuple[X, ...]` or a forward reference."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, option) for option in typing.get_args(hint))
    if origin is tuple:
        item = typing.get_args(hint)[0]
        return isinstance(value, tuple) and all(fits(one, item) for one in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(fits(key, typing.get_args(hint)[0]) for key in value)
    if origin is Sequence:
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        return is_list and all(fits(one, typing.get_args(hint)[0]) for one in typing.cast(Sequence[object], value))
    if origin is Callable:
        return callable(value)
    if isinstance(hint, typing.ForwardRef):
        return dataclasses.is_dataclass(value)
    if hint in (int, float):
        small = not isinstance(value, int) or value.bit_length() <= LONGEST_BITS
        return isinstance(value, hint) and not isinstance(value, bool) and small
    return isinstance(value, hint)  # type: ignore[arg-type]


def describe(hint: object) -> str:
    """Return a type as words a user reads: `a whole number`, `a number or none`."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(describe(option) for option in typing.get_args(hint))
    kinds = {tuple: "a list", Sequence: "a list", Mapping: "a dict", Callable: "a function"}
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "none"}
    if typing.get_origin(hint) in kinds:
        return kinds[typing.get_origin(hint)]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(repr(member) for member in hint)
    return words.get(hint, getattr(hint, "__name__", str(hint)))  # type: ignore[call-overload, no-any-return]


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print numbers of thousands of digits
        return "a number too long to print"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _field_texts(value: object) -> list[str]:
    texts = []
    positional = True
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        given = getattr(value, field.name)
        if field.default is not dataclasses.MISSING and given == field.default:
            positional = False
            continue
        required = field.default is dataclasses.MISSING
        texts.append(to_text(given) if positional and required else f"{field.name}={to_text(given)}")
    return texts


class _Names(NamedTuple):
    """The names a text may hold, and what to say of those that mean something elsewhere."""

    kinds: Mapping[str, type]
    constants: Mapping[str, object]
    elsewhere: Mapping[str, str]


def _build(node: ast.expr, names: _Names) -> object:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            if name not in names.kinds:
                raise unknown_name_error("kind", name, names.kinds, names.elsewhere)
            return make(names.kinds[name], _fields_of(node, names))
        case ast.Name(id=name):
            if name in names.kinds:
                raise UsageError(f"'{name}' needs parentheses: {name}().")
            if name not in names.constants:
                raise unknown_name_error("constant", name, names.constants)
            return names.constants[name]
        case ast.Tuple(elts=items):
            return tuple(_build(item, names) for item in items)
        case _:
            return ast.literal_eval(node)


def _fields_of(node: ast.Call, names: _Names) -> dict[str, object]:
    kind = names.kinds[typing.cast(ast.Name, node.func).id]
    fields = [field.name for field in dataclasses.fields(kind)]
    if len(node.args) > len(fields):
        raise UsageError(f"{kind.__name__} takes at most {len(fields)} values, {len(node.args)} were given.")
    given = {name: _build(argument, names) for name, argument in zip(fields, node.args, strict=False)}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in given:
            raise UsageError(f"{kind.__name__} is given '{keyword.arg or '**'}' twice or in a way that cannot be read.")
        given[keyword.arg] = _build(keyword.value, names)
    return given
