"""The settings of a recipe by the keys one types: all of them, changed by text, and held against another recipe's."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from pennyweight.base.budget import Budget
from pennyweight.base.errors import UsageError, unknown_name_error
from pennyweight.base.values import make
from pennyweight.nets.text import layers_to_text
from pennyweight.settings.recipe import DESCRIPTION, Recipe

BUDGETS_CHANGED = "budgets=changed"
LAYERS_CHANGED = "layers=changed"
"""What version 0.1 wrote of other layers, whichever they were."""
_ELSEWHERE = {
    **dict.fromkeys(("lr", "optimizer.lr"), "It is optimizer.learning_rate here."),
    **dict.fromkeys(("batch_size", "batch"), "It is batch_images here."),
    **dict.fromkeys(("step_size", "schedule.step_size"), "It is schedule.step_epochs here."),
    **dict.fromkeys(("betas", "optimizer.betas"), "They are optimizer.beta1 and optimizer.beta2 here."),
    **dict.fromkeys(("eps", "optimizer.eps"), "It is optimizer.epsilon here."),
}
"""What PyTorch calls settings, and what is to be said here."""


def kinds_of(recipe: type) -> Mapping[str, Mapping[str, type]]:
    """Return the fields of a recipe that take one of several kinds, each with its kinds by name."""
    hints = typing.get_type_hints(recipe)
    options = {item.name: value_kinds(hints[item.name]) for item in dataclasses.fields(recipe)}
    return {name: {kind.__name__: kind for kind in kinds} for name, kinds in options.items() if len(kinds) > 1}


def setting_names(recipe: type) -> tuple[str, ...]:
    """Return the fields that `-s` may change, plain values before parts; layers are changed in a recipe file."""
    hints = typing.get_type_hints(recipe)
    names = [item.name for item in dataclasses.fields(recipe) if item.name not in (*DESCRIPTION, "layers")]
    return tuple(sorted(names, key=lambda name: bool(value_kinds(hints[name]))))


def value_kinds(hint: Any) -> tuple[type, ...]:
    """Return the kinds of frozen values that a field's type allows: itself, or those of a union."""
    if typing.get_origin(hint) is tuple:
        return ()
    kinds = typing.get_args(hint) or (hint,)
    return tuple(kind for kind in kinds if isinstance(kind, type) and dataclasses.is_dataclass(kind))


KINDS = kinds_of(Recipe)


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
        kinds = value_kinds(hints[name])
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
    if key.partition(".")[0] == "layers":
        raise UsageError(
            f"-s does not change layers, as '{key}' would: write a recipe file with other ones and name it in place of "
            "the recipe; see docs/adding_a_recipe.md. Every run folder holds one, its recipe.toml, to start from."
        )
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
