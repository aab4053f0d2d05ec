"""Recipes as TOML and back, and budgets of whoever judges."""

import dataclasses
import tomllib
import typing
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, TypeVar, cast

import tomli_w

from pennyweight.base.budget import Budget, check_budget
from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.base.values import make
from pennyweight.nets.layers import Layers
from pennyweight.nets.text import layers_from_text, layers_to_text
from pennyweight.settings.keys import kinds_of, value_kinds
from pennyweight.settings.optimizers import SGD
from pennyweight.settings.recipe import Recipe

LARGEST_RECIPE_BYTES = 1 << 20
"""What is read of a recipe's file, in TOML or Python; thousands of layers take less."""

Table = dict[str, Any]
Part = TypeVar("Part")


def recipe_to_text(recipe: Recipe) -> str:
    """Return the recipe as TOML that `recipe_from_text` reads back to an equal recipe."""
    return tomli_w.dumps(_table(recipe), multiline_strings=False)


def recipe_from_text(text: str, source: str) -> Recipe:
    """Read a recipe from TOML; raises UsageError naming `source` and everything that is wrong in it."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not TOML: {error}.") from error
    problems: list[str] = []
    readers = _readers(Recipe)
    parts: Table = {name: value for name, value in table.items() if name not in readers}
    stand_in = Recipe(name="stand-in", layers=(), epochs=1, optimizer=SGD())
    for name, read in readers.items():
        if name in table:
            value = _collect(problems, name, lambda read=read, name=name: read(table[name]))  # type: ignore[misc]
            # what could not be read is stood in for, so that the other keys are looked at too
            parts[name] = getattr(stand_in, name) if value is None else value
    recipe = _collect(problems, "recipe", lambda: make(Recipe, parts, prefix=""))
    if problems or recipe is None:
        raise UsageError(f"{source}: " + " ".join(problems))
    return recipe


def budget_from_text(text: str, source: str) -> Budget:
    """Read a budget of whoever judges from TOML: an accuracy, and what else is given of its fields.

    Raises UsageError naming `source` and everything that is wrong in it.
    """
    try:
        budget = make(Budget, {"dataset": "any", **_unnamed(Budget), **tomllib.loads(text)}, prefix="")
        check_budget(budget)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not TOML: {error}.") from error
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from error
    return budget


def _table(recipe: Recipe) -> Table:
    table = {name: value for name, value in _plain(recipe).items() if name != "layers"}
    for name in kinds_of(type(recipe)):
        table[name] = {"kind": type(getattr(recipe, name)).__name__, **table[name]}
    ordered = {"name": table.pop("name"), "layers": layers_to_text(recipe.layers)}
    return {**ordered, **dict(sorted(table.items(), key=lambda item: isinstance(item[1], dict | list)))}


def _plain(value: object) -> Table:
    """Return a frozen value's fields as TOML knows them: None is left out, values nested are tables."""
    plain: Table = {}
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        held = getattr(value, field.name)
        if dataclasses.is_dataclass(held):
            plain[field.name] = _plain(held)
        elif isinstance(held, tuple):
            plain[field.name] = [_plain(one) if dataclasses.is_dataclass(one) else one for one in held]
        elif held is not None:
            plain[field.name] = held
    return plain


def _collect(problems: list[str], name: str, read: Callable[[], Part]) -> Part | None:
    try:
        return read()
    except UsageError as error:
        problems.append(f"[{name}] {error}")
        return None


def _readers(recipe: type) -> Mapping[str, Callable[[object], object]]:
    """Return what reads each field of a recipe that TOML has as tables or lists, by the field's type."""
    hints = typing.get_type_hints(recipe)
    readers = {item.name: _reader(item.name, hints[item.name]) for item in dataclasses.fields(recipe)}
    return {name: read for name, read in readers.items() if read is not None}


def _reader(name: str, hint: Any) -> Callable[[object], object] | None:
    if hint == Layers:
        return lambda value: layers_from_text(cast(list[str], _items(value)))
    if typing.get_origin(hint) is tuple:
        kind = typing.get_args(hint)[0]
        return (lambda value: tuple(_read(kind, item) for item in _items(value))) if value_kinds(kind) else None
    kinds = value_kinds(hint)
    if len(kinds) > 1:
        return lambda value: _read_kind(name, {kind.__name__: kind for kind in kinds}, value)
    return (lambda value: _read(kinds[0], value)) if kinds else None


def _read(kind: type, value: object) -> object:
    """Read a frozen value, and those in it, from a table."""
    table, readers = {**_unnamed(kind), **_mapping(value)}, _readers(kind)
    return make(kind, {name: readers[name](item) if name in readers else item for name, item in table.items()}, "")


def _read_kind(name: str, kinds: Mapping[str, type], value: object) -> object:
    """Read a frozen value whose table names its kind."""
    table = dict(_mapping(value))
    kind = table.pop("kind", None)
    if kind is None:
        raise UsageError(f'It needs a kind, as kind = "{next(iter(kinds))}".')
    if not isinstance(kind, str) or kind not in kinds:
        raise unknown_name_error(name, str(kind), kinds)
    return make(kinds[kind], table, prefix="")


def _unnamed(kind: type) -> Table:
    """Return the fields that have no default and may be None: TOML knows no None, so a file leaves them out."""
    hints = typing.get_type_hints(kind)
    required = [item.name for item in dataclasses.fields(kind) if item.default is dataclasses.MISSING]
    return {name: None for name in required if NoneType in typing.get_args(hints[name])}


def _mapping(value: object) -> Table:
    if not isinstance(value, dict):
        raise UsageError(f"{value!r} must be a table.")
    return value


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise UsageError(f"{value!r} must be a list.")
    return value
