"""The shape of what every command prints with `--json`, from the frozen values it prints."""

import dataclasses
import typing
from collections.abc import Mapping
from types import NoneType
from typing import Any, TypeAlias

from pennyweight.base.exports import Export
from pennyweight.base.records import Limit, RunRecord
from pennyweight.base.streaming import StreamedCost
from pennyweight.documents.kinds import Claim
from pennyweight.judging.ablation import AblationStep
from pennyweight.judging.audit import Audit
from pennyweight.judging.checks import Check
from pennyweight.judging.compare import Comparison, Ranking
from pennyweight.judging.seeds import SeedsJudgement
from pennyweight.judging.verdict import Problem, RunJudgement
from pennyweight.nets.measure import Measurement
from pennyweight.settings.recipe import Origin
from pennyweight.tables.markdown import to_markdown
from pennyweight.tables.table import Column, Table, table

Shape: TypeAlias = Any
"""A type, or of what no frozen value has: a dictionary of shapes by key, a list of one shape, or ByName."""


def fields_of(kind: type) -> dict[str, Shape]:
    """Return the fields of a frozen value with their types."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@dataclasses.dataclass(frozen=True)
class ByName:
    """The shape of an object whose keys are names of things, all with values of one shape."""

    value: Shape


MORE = "..."
"""A key that stands for further ones, which follow from what an object calls its kind."""

OUTPUTS: Mapping[str, tuple[Shape, ...]] = {
    "list": (
        [
            {
                "name": str,
                "params": int,
                "claim": float | None,
                "claim_words": str,
                "macs": int,
                "receptive_field": int,
                "epochs": int,
                "document": str,
            }
        ],
    ),
    "show": (
        {
            "name": str,
            **fields_of(Measurement),
            "settings": Mapping[str, object],
            "from": Mapping[str, str],
            "variant": str,
            "trained": str,
            "origin": Origin,
        },
        {"name": str, **fields_of(StreamedCost)},
    ),
    "train": (RunRecord, [RunRecord]),
    "judge": (
        {
            "met": bool | None,
            "runs": tuple[RunJudgement, ...],
            "groups": tuple[SeedsJudgement, ...],
            "problems": tuple[Problem, ...],
        },
    ),
    "audit": (
        Audit,
        [
            {
                "target": str,
                "recipe": str | None,
                "met": bool | None,
                "limits": tuple[Limit, ...],
                "error": str,
            }
        ],
    ),
    "ablate": ([AblationStep],),
    "verify": ({"agrees": bool, "folder": str, "checks": tuple[Check, ...], "on_trust": tuple[tuple[str, ...], ...]},),
    "claims": (ByName([{"kind": str, **fields_of(Claim), MORE: object, "verdict": str, "reason": str}]),),
    "compare": (Comparison, Ranking),
    "report": (
        {
            "page": str,
            "size_bytes": int,
            "markdown": str,
            "steps": tuple[str, ...],
            "notes": tuple[str, ...],
        },
    ),
    "export": (
        {"folder": str, "exports": tuple[Export, ...]},
        [{"name": str, "content": str, "needs": str, "judge": str}],
    ),
    "predict": (
        {
            "run": str,
            "preprocess": str,
            "temperature": float | None,
            "not_calibrated": str,
            "images": [
                {
                    "file": str,
                    "label": str,
                    "probability": float,
                    "runner_up": str,
                    "runner_up_probability": float,
                    "note": str,
                }
            ],
            "problems": [{"file": str, "message": str, "exit_code": int}],
        },
    ),
    "fetch": ({"name": str, "folder": str, "train_images": int, "test_images": int, "digest": str},),
    "doctor": (ByName({"ok": bool, "what": str}),),
}
"""What each command prints: one shape, or first that of one target and then that of several."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return a JSON Schema (draft 2020-12) of what each command prints, by command."""
    return {verb: _document(verb, shapes) for verb, shapes in OUTPUTS.items()}


def _document(verb: str, shapes: tuple[Shape, ...]) -> dict[str, Any]:
    kinds: dict[str, type] = {}
    for shape in shapes:
        _collect_kinds(shape, kinds)
    one, *more = map(_schema, shapes)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"pennyweight {verb} --json",
        **({"anyOf": [one, *more]} if more else one),
        "$defs": {
            name: {"description": sentence(kind), **_object_schema(fields_of(kind))}
            for name, kind in sorted(kinds.items())
        },
    }


def _schema(shape: Shape) -> dict[str, Any]:
    container, part = _container(shape)
    if container == "value":
        return {"$ref": f"#/$defs/{shape.__name__}"}
    if container == "object":
        return _object_schema(shape)
    if container == "by name":
        return {"type": "object", "additionalProperties": _schema(part)}
    if container == "list":
        return {"type": "array", "items": _schema(part)}
    if options := typing.get_args(shape):
        return {"anyOf": [_schema(option) for option in options]}
    return {} if shape is object else {"type": JSON_TYPES[shape]}


def _object_schema(keys: Mapping[str, Shape]) -> dict[str, Any]:
    named = {key: _schema(shape) for key, shape in keys.items() if key != MORE}
    return {"type": "object", "properties": named, "required": list(named), "additionalProperties": MORE in keys}


JSON_TYPES: Mapping[Shape, str | list[str]] = {
    str: "string",
    int: "integer",
    float: ["number", "null"],
    bool: "boolean",
    NoneType: "null",
}
"""What is not a finite number is printed as null."""


def _container(shape: Shape) -> tuple[str, Shape]:
    """Return what a shape is, and the shape of its parts where all have one; a plain type or a union is neither."""
    origin: object = typing.get_origin(shape)
    if isinstance(shape, type) and dataclasses.is_dataclass(shape):
        return "value", None
    if isinstance(shape, dict):
        return "object", None
    if isinstance(shape, ByName):
        return "by name", shape.value
    if isinstance(shape, list):
        return "list", shape[0]
    if origin is tuple:
        return "list", typing.get_args(shape)[0]
    return ("by name", typing.get_args(shape)[1]) if origin is Mapping else ("", None)


def words(shape: Shape) -> str:
    """Return a shape as words: `list of Limit`, `number or null`."""
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: "null", object: "any"}
    container, part = _container(shape)
    if container in ("list", "by name"):
        return f"{'list of' if container == 'list' else 'object, by name, of'} {words(part)}"
    if container == "object":
        return "object"
    if options := typing.get_args(shape):
        return " or ".join(words(option) for option in options)
    return names.get(shape, getattr(shape, "__name__", ""))


def outputs_page() -> str:
    """Return the page that documents every output: a section for each command, then every value they hold."""
    sections = []
    for verb, shapes in OUTPUTS.items():
        lines = [
            f"## {verb}",
            f"Prints: {', or '.join(words(shape) for shape in shapes)} ([schema](schemas/{verb}.json)).",
        ]
        lines += [to_markdown(_keys_table(keys)) for shape in shapes if (keys := _keys(shape))]
        sections.append("\n\n".join(lines))
    kinds: dict[str, type] = {}
    for shape in (shape for shapes in OUTPUTS.values() for shape in shapes):
        _collect_kinds(shape, kinds)
    for name, kind in sorted(kinds.items()):
        sections.append(f"## {name}\n\n{sentence(kind)}\n\n{to_markdown(_keys_table(fields_of(kind)))}")
    return "\n\n".join(sections)


def sentence(kind: type) -> str:
    """Return what a frozen value is, from its docstring."""
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def _keys_table(keys: Mapping[str, Shape]) -> Table:
    return table((Column("key"), Column("value")), ((key, words(shape)) for key, shape in keys.items()))


def _keys(shape: Shape) -> Mapping[str, Shape]:
    """Return the keys of the objects without a name of their own that a shape consists of."""
    if isinstance(shape, dict):
        return shape
    part = _container(shape)[1]
    return {} if part is None else _keys(part)


def _collect_kinds(shape: Shape, kinds: dict[str, type]) -> None:
    """Add the frozen values in a shape, at any depth, by name."""
    container, part = _container(shape)
    if container == "value":
        if shape.__name__ not in kinds:
            kinds[shape.__name__] = shape
            _collect_kinds(fields_of(shape), kinds)
    elif container == "object":
        for value in shape.values():
            _collect_kinds(value, kinds)
    else:
        for option in typing.get_args(shape) if part is None else (part,):
            _collect_kinds(option, kinds)
