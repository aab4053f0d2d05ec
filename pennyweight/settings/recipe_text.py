"""Recipes as TOML and back, and single keys changed by text: `optimizer.learning_rate=0.05`."""

import dataclasses
import tomllib
import typing
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import NoneType
from typing import Any, TypeVar, cast

import tomli_w

from pennyweight.base.budget import Budget, check_budget
from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.base.values import make
from pennyweight.nets.layers import Layers
from pennyweight.nets.text import layers_from_text, layers_to_text
from pennyweight.settings.optimizers import SGD
from pennyweight.settings.recipe import DESCRIPTION, Recipe

LARGEST_RECIPE_BYTES = 1 << 20
"""What is read of a recipe's file, in TOML or Python; thousands of layers take less."""

Table = dict[str, Any]
Part = TypeVar("Part")

BUDGETS_CHANGED = "budgets=changed"
LAYERS_CHANGED = "layers=changed"
"""What version 0.1 wrote of other layers, whichever they were."""
_ELSEWHERE = {
    **dict.fromkeys(("lr", "optimizer.lr"), "It is optimizer.learning_rate here."),
    **dict.fromkeys(("batch_size", "batch"), "It is batch_images here."),
    **dict.fromkeys(("step_size", "schedule.step_size"), "It is schedule.step_epochs here."),
    **dict.fromkeys(("betas", "optimizer.betas"), "They are optimizer.beta1 and optimizer.beta2 here."),
    **dict.fromkeys(("eps", "optimizer.eps"), "It is optimizer.epsilon here."),
    "layers": "Layers are changed in a recipe file; see docs/adding_a_recipe.md.",
}
"""What PyTorch calls settings, and what is to be said here."""


def kinds_of(recipe: type) -> Mapping[str, Mapping[str, type]]:
    """Return the fields of a recipe that take one of several kinds, each with its kinds by name."""
    hints = typing.get_type_hints(recipe)
    options = {item.name: _value_kinds(hints[item.name]) for item in dataclasses.fields(recipe)}
    return {name: {kind.__name__: kind for kind in kinds} for name, kinds in options.items() if len(kinds) > 1}


def setting_names(recipe: type) -> tuple[str, ...]:
    """Return the fields that `-s` may change, plain values before parts; layers are changed in a recipe file."""
    hints = typing.get_type_hints(recipe)
    names = [item.name for item in dataclasses.fields(recipe) if item.name not in (*DESCRIPTION, "layers")]
    return tuple(sorted(names, key=lambda name: bool(_value_kinds(hints[name]))))


def _value_kinds(hint: Any) -> tuple[type, ...]:
    """Return the kinds of frozen values that a field's type allows: itself, or those of a union."""
    if typing.get_origin(hint) is tuple:
        return ()
    kinds = typing.get_args(hint) or (hint,)
    return tuple(kind for kind in kinds if isinstance(kind, type) and dataclasses.is_dataclass(kind))


KINDS = kinds_of(Recipe)


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


def settings_of(recipe: Recipe) -> dict[str, object]:
    """Return every setting `-s` can change by its key: `{"epochs": 15, "optimizer": "Adam", ...}`."""
    settings: dict[str, object] = {}
    for name in setting_names(type(recipe)):
        settings |= _settings_below(name, getattr(recipe, name), name in kinds_of(type(recipe)))
    return settings


def setting_keys(recipe: type) -> tuple[str, ...]:
    """Return every key that `-s` may change in some recipe, whatever kinds it has."""
    hints = typing.get_type_hints(recipe)
    keys: list[str] = []
    for name in setting_names(recipe):
        kinds = _value_kinds(hints[name])
        keys += [name] if len(kinds) != 1 else []
        keys += [f"{name}.{item.name}" for kind in kinds for item in dataclasses.fields(kind)]
    return tuple(dict.fromkeys(keys))


def values_apart(assignment: str) -> tuple[str, ...]:
    """Return `a=1` and `a=2` for `a=1,2`, whose key takes one value in a run; nothing for one value or no key."""
    key, _, text = assignment.partition("=")
    values = [value.strip() for value in text.split(",")]
    several = key.strip() in setting_keys(Recipe) and len(values) > 1 and all(values)
    return tuple(f"{key.strip()}={value}" for value in values) if several else ()


def _settings_below(name: str, value: object, has_kinds: bool) -> dict[str, object]:
    """Return a field's value by its key, or its kind, where it has several, and every field of its own."""
    if not dataclasses.is_dataclass(value):
        return {name: value}
    kind: dict[str, object] = {name: type(value).__name__} if has_kinds else {}
    return kind | {f"{name}.{item.name}": getattr(value, item.name) for item in dataclasses.fields(value)}


def added_settings(recipe: Recipe) -> dict[str, object]:
    """Return the settings, by key, that runs of earlier versions did not write down, with what they stood for then."""
    added: dict[str, object] = {}
    for item in dataclasses.fields(recipe):
        part = getattr(recipe, item.name)
        if "since" in item.metadata:
            factory = item.default_factory
            default = item.default if factory is dataclasses.MISSING else factory()
            added |= _settings_below(item.name, default, item.name in kinds_of(type(recipe)))
        elif item.name in setting_names(type(recipe)) and dataclasses.is_dataclass(part):
            later = [field for field in dataclasses.fields(part) if "since" in field.metadata]
            added |= {f"{item.name}.{field.name}": field.default for field in later}
    return added


def change(recipe: Recipe, assignments: Sequence[str]) -> Recipe:
    """Apply `key=value` texts in order; raises UsageError for an unknown key, with the nearest one."""
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise UsageError(f"'{assignment}' is not key=value, as in optimizer.learning_rate=0.05.")
        if apart := values_apart(assignment):
            raise UsageError(f"'{assignment}' holds several values, and a run has one: {', then '.join(apart)}.")
        recipe = _change_one(recipe, key.strip(), text.strip())
    return recipe


def _change_one(recipe: Recipe, key: str, text: str) -> Recipe:
    known = settings_of(recipe)
    if key not in known:
        raise unknown_name_error("setting", key, known, _ELSEWHERE)
    name, _, field = key.partition(".")
    part, kinds = getattr(recipe, name), kinds_of(type(recipe)).get(name, {})
    if kinds and not field:
        if text not in kinds:
            raise unknown_name_error(name, text, kinds)
        return make(type(recipe), {**_fields(recipe), name: _as_kind(kinds[text], part)}, prefix="")
    value = _plain_value(text)
    if field:
        return dataclasses.replace(recipe, **{name: make(type(part), {**_fields(part), field: value}, f"{name}.")})
    return make(type(recipe), {**_fields(recipe), name: value}, prefix="")


def _as_kind(kind: type, part: object) -> object:
    """Return a value of `kind` that keeps what `part` has too; every other field is at its default."""
    known = {item.name for item in dataclasses.fields(kind)}
    return part if isinstance(part, kind) else kind(**{k: v for k, v in _fields(part).items() if k in known})


def _fields(value: object) -> dict[str, object]:
    return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}  # type: ignore[arg-type]


def differences(base: Recipe, recipe: Recipe) -> tuple[str, ...]:
    """Return what `recipe` changes of `base`, as sorted `key=value` texts.

    Other layers are `layers=` and a digest of them, other limits of a budget `budgets=changed`; the words of a budget's
    reason say nothing of a run.
    """
    before, after = settings_of(base), settings_of(recipe)
    changed = [f"{key}={value_text(value)}" for key, value in after.items() if before.get(key) != value]
    if base.layers != recipe.layers:
        changed.append(layers_changed(recipe))
    if limits_of(base) != limits_of(recipe):
        changed.append(BUDGETS_CHANGED)
    return tuple(sorted(changed))


def layers_changed(recipe: Recipe) -> str:
    """Return what `differences` says of a recipe whose layers are others: `layers=` and the start of their digest."""
    return f"layers={sha256(chr(10).join(layers_to_text(recipe.layers)).encode()).hexdigest()[:8]}"


def as_in_early_versions(changes: Sequence[str]) -> list[str]:
    """Return changes as version 0.1 wrote them, and named folders by them: it told no layers from others."""
    return [LAYERS_CHANGED if text.startswith("layers=") else text for text in changes]


def kept_by_kinds(base: Recipe, recipe: Recipe) -> tuple[str, ...]:
    """Return a sentence for every part that is of another kind in `recipe`, with what it has kept of the one before."""
    sentences = []
    for name in kinds_of(type(recipe)):
        before, after = getattr(base, name), getattr(recipe, name)
        kept = dict(_fields(before).items() & _fields(after).items())
        if type(before) is not type(after) and kept:
            words = ", ".join(f"{name}.{key}={value_text(value)}" for key, value in sorted(kept.items()))
            sentences.append(f"{name}={type(after).__name__} keeps {words} of {type(before).__name__}.")
    return tuple(sentences)


def limits_of(recipe: Recipe) -> tuple[Budget, ...]:
    """Return the budgets of a recipe without the words that give their reasons."""
    return tuple(dataclasses.replace(budget, reason="") for budget in recipe.budgets)


def _plain_value(text: str) -> object:
    words = {"true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def value_text(value: object) -> str:
    """Return a setting's value as `-s` takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


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
        return (lambda value: tuple(_read(kind, item) for item in _items(value))) if _value_kinds(kind) else None
    kinds = _value_kinds(hint)
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
