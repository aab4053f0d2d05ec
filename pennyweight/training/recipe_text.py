"""Recipes as TOML and back, and single keys changed by text: `optimizer.learning_rate=0.05`."""

import dataclasses
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import tomli_w

from pennyweight.base.budget import Budget
from pennyweight.base.errors import UsageError, unknown
from pennyweight.base.values import make
from pennyweight.data.augment import Augmentation
from pennyweight.nets.text import rows_from_text, rows_to_text
from pennyweight.training.averaging import Averaging
from pennyweight.training.optimizers import OPTIMIZERS, SGD
from pennyweight.training.recipe import Claim, Origin, Recipe
from pennyweight.training.schedules import SCHEDULES

_STAND_IN = Recipe(name="stand-in", layers=(), epochs=1, optimizer=SGD())

Table = dict[str, Any]
Part = TypeVar("Part")

KINDS: Mapping[str, Mapping[str, type]] = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}
SETTINGS = (
    *("epochs", "batch_images", "label_smoothing", "validation_images"),
    *("optimizer", "schedule", "augmentation", "averaging"),
)
"""What `-s` may change; layers are changed in a recipe file."""


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
    parts: Table = {name: value for name, value in table.items() if name not in _READERS}
    for name, read in _READERS.items():
        if name in table:
            found = _collect(problems, name, lambda read=read, name=name: read(table[name]))  # type: ignore[misc]
            # what could not be read is stood in for, so that the other keys are looked at too
            parts[name] = getattr(_STAND_IN, name) if found is None else found
    recipe = _collect(problems, "recipe", lambda: make(Recipe, parts))
    if problems or recipe is None:
        raise UsageError(f"{source}: " + " ".join(problems))
    return recipe


def settings_of(recipe: Recipe) -> dict[str, object]:
    """Return every setting `-s` can change by its key: `{"epochs": 15, "optimizer": "Adam", ...}`."""
    settings: dict[str, object] = {}
    for name in SETTINGS:
        value = getattr(recipe, name)
        if name in KINDS:
            settings[name] = type(value).__name__
        if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            settings.update({f"{name}.{field.name}": getattr(value, field.name) for field in fields})
        else:
            settings[name] = value
    return settings


def change(recipe: Recipe, assignments: Sequence[str]) -> Recipe:
    """Apply `key=value` texts in order; raises UsageError for an unknown key, with the nearest one."""
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise UsageError(f"'{assignment}' is not key=value, as in optimizer.learning_rate=0.05.")
        recipe = _change_one(recipe, key.strip(), text.strip())
    return recipe


def _change_one(recipe: Recipe, key: str, text: str) -> Recipe:
    known = settings_of(recipe)
    if key not in known:
        raise unknown("setting", key, known)
    name, _, field = key.partition(".")
    part = getattr(recipe, name)
    if name in KINDS and not field:
        if text not in KINDS[name]:
            raise unknown(name, text, KINDS[name])
        return dataclasses.replace(recipe, **{name: KINDS[name][text]()})
    value = _plain_value(text)
    if field:
        given = {one.name: getattr(part, one.name) for one in dataclasses.fields(part)}
        return dataclasses.replace(recipe, **{name: make(type(part), {**given, field: value})})
    given = {one.name: getattr(recipe, one.name) for one in dataclasses.fields(recipe)}
    return make(Recipe, {**given, name: value})


def differences(base: Recipe, recipe: Recipe) -> tuple[str, ...]:
    """Return what `recipe` changes of `base`, as sorted `key=value` texts; other layers are `layers=changed`."""
    before, after = settings_of(base), settings_of(recipe)
    changed = [f"{key}={_value_text(value)}" for key, value in after.items() if before.get(key) != value]
    return tuple(sorted(changed + ["layers=changed"] * (base.layers != recipe.layers)))


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


def _value_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(recipe: Recipe) -> Table:
    table = {name: value for name, value in _plain(recipe).items() if name != "layers"}
    for name in KINDS:
        table[name] = {"kind": type(getattr(recipe, name)).__name__, **table[name]}
    ordered = {"name": table.pop("name"), "layers": rows_to_text(recipe.layers)}
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


def _read_kind(name: str) -> Callable[[object], object]:
    def read(value: object) -> object:
        fields = dict(_mapping(value))
        kind = fields.pop("kind", None)
        if kind is None:
            raise UsageError(f'It needs a kind, as kind = "{next(iter(KINDS[name]))}".')
        if not isinstance(kind, str) or kind not in KINDS[name]:
            raise unknown(name, str(kind), KINDS[name])
        return make(KINDS[name][kind], fields)

    return read


def _read_origin(value: object) -> Origin:
    fields = dict(_mapping(value))
    if "claim" in fields:
        fields["claim"] = make(Claim, _mapping(fields["claim"]))
    return make(Origin, fields)


def _read_layers(value: object) -> object:
    return rows_from_text(cast(list[str], _items(value)))


def _read_budgets(value: object) -> object:
    return tuple(make(Budget, _mapping(one)) for one in _items(value))


def _mapping(value: object) -> Table:
    if not isinstance(value, dict):
        raise UsageError(f"{value!r} must be a table.")
    return value


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise UsageError(f"{value!r} must be a list.")
    return value


_READERS: Mapping[str, Callable[[object], object]] = {
    "layers": _read_layers,
    "optimizer": _read_kind("optimizer"),
    "schedule": _read_kind("schedule"),
    "augmentation": lambda value: make(Augmentation, _mapping(value)),
    "averaging": lambda value: make(Averaging, _mapping(value)),
    "budgets": _read_budgets,
    "origin": _read_origin,
}
