"""A validator of JSON Schema, of the keywords that docs/schemas uses, written from its specification alone.

Any other keyword is an error, so that no schema is believed that is not checked.
"""

from collections.abc import Iterator
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
SAID = {"$schema", "title", "description", "$defs"}
HELD = {"$ref", "anyOf", "type", "properties", "required", "additionalProperties", "items"}


def violations(value: Any, schema: Any, root: Any, where: str = "$") -> Iterator[str]:
    """Yield what in `value` is not as `schema` says, by its place: `$.runs[0].verdict: a key is missing: met`."""
    if isinstance(schema, bool):
        yield from () if schema else (f"{where}: nothing is allowed here",)
        return
    if unknown := schema.keys() - SAID - HELD:
        raise NotImplementedError(f"{where}: {unknown}")
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from violations(value, target, root, where)
    if "anyOf" in schema and all(any(violations(value, one, root, where)) for one in schema["anyOf"]):
        yield f"{where}: {value!r:.200} is none of what is allowed"
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is(value, name) for name in names):
            yield f"{where}: {value!r:.200} is not {' or '.join(names)}"
            return
    if isinstance(value, dict):
        yield from _keys(value, schema, root, where)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from violations(item, schema.get("items", True), root, f"{where}[{number}]")


def _keys(value: dict[str, Any], schema: Any, root: Any, where: str) -> Iterator[str]:
    yield from (f"{where}: a key is missing: {key}" for key in schema.get("required", []) if key not in value)
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, item in value.items():
        if key in properties:
            yield from violations(item, properties[key], root, f"{where}.{key}")
        elif more is False:
            yield f"{where}: a key is not documented: {key}"
        else:
            yield from violations(item, more, root, f"{where}.{key}")


def _is(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
