"""Changed content: bytes anywhere, or the parts of a JSON, TOML, CSV, safetensors or IDX file."""

import gzip
import itertools
import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from support import mutants

EXTREMES: list[Any] = [
    *(None, True, False, "", "x", "é\u202e\u0000", "x" * 10_000, -1, 0, 1, 2**31, 2**63, 10**30, 10**400, -0.0, 1e308),
    *(float("nan"), float("inf"), [], {}, [[]], [None], {"a": 1}, "../../elsewhere", "1e999"),
]


def mutate(content: bytes, ending: str, chance: Random) -> tuple[str, bytes]:
    """Return in words what was done, and the changed content."""
    if chance.random() < 0.4 and content:
        number = chance.randrange(7)
        changed = next(itertools.islice(mutants(content, 7, chance.randrange(1 << 30)), number, None))
        return f"bytes, way {number}", changed
    structured = {".json": _json, ".toml": _lines, ".csv": _lines, ".safetensors": _safetensors, ".gz": _idx}
    if chance.random() < 0.15 or ending not in structured:
        return _whole(content, chance)
    return structured[ending](content, chance)


def _whole(content: bytes, chance: Random) -> tuple[str, bytes]:
    way = chance.choice(list(WHOLE))
    return way, WHOLE[way](content)


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(1 << 27), 1, mtime=0)


WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "doubled": lambda content: content * 2,
    "a line more": lambda content: content + b"\n",
    "zeros behind": lambda content: content + bytes(1_000),
    "gzipped": lambda content: gzip.compress(content, mtime=0),
    "deep": lambda content: b"[" * 100_000,
    "deep objects": lambda content: b'{"a":' * 100_000,
    "a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "as UTF-16": lambda content: content.decode("latin-1").encode("utf-16"),
    "with Windows' line ends": lambda content: content.replace(b"\n", b"\r\n"),
    "a zip bomb": lambda content: _bomb(),
}


def _json(content: bytes, chance: Random) -> tuple[str, bytes]:
    held = json.loads(content)
    words = change_part(held, chance)
    return words, json.dumps(held, indent=1).encode()


def change_part(held: Any, chance: Random) -> str:
    """Change one part of a JSON value in place, at any depth; return in words what was done."""
    where = ""
    while True:
        keys: list[Any] = list(held) if isinstance(held, dict) else list(range(len(held)))
        if not keys:
            return f"{where} is empty"
        key = chance.choice(keys)
        where += f".{key}"
        if isinstance(held[key], dict | list) and held[key] and chance.random() < 0.8:
            held = held[key]
            continue
        way = chance.choice(["extreme", "extreme", "extreme", "gone", "twice"])
        if way == "gone":
            del held[key]
        elif way == "twice" and isinstance(held, list):
            held.insert(key, held[key])
        elif way == "twice":
            held[f"{key}x"] = held[key]
        else:
            held[key] = chance.choice(EXTREMES)
            way = f"{held[key]!r:.40}"
        return f"{where}: {way}"


def _lines(content: bytes, chance: Random) -> tuple[str, bytes]:
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    key, equals, _ = lines[at].partition(b"=")
    way = chance.choice(["gone", "twice", "first", "extreme", "extreme"])
    if way == "gone":
        del lines[at]
    elif way == "twice":
        lines.insert(at, lines[at])
    elif way == "first":
        lines.insert(0, lines.pop(at))
    else:
        value = chance.choice(EXTREMES)
        way = f"{value!r:.40}"
        text = json.dumps(value).encode() if equals else str(value).encode("utf-8", "replace")
        lines[at] = key + b"= " + text + b"\n" if equals else text + b"," + lines[at]
    return f"line {at + 1}: {way}", b"".join(lines)


def _safetensors(content: bytes, chance: Random) -> tuple[str, bytes]:
    length = int.from_bytes(content[:8], "little")
    if chance.random() < 0.3:
        other = chance.choice([0, 1, length - 1, length + 1, len(content), 2**31, 2**40, 2**63, 2**64 - 1])
        return f"header of {other}", other.to_bytes(8, "little") + content[8:]
    header = json.loads(content[8 : 8 + length])
    words = change_part(header, chance)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return f"header{words}", len(text).to_bytes(8, "little") + text + content[8 + length :]


def _idx(content: bytes, chance: Random) -> tuple[str, bytes]:
    held = bytearray(gzip.decompress(content))
    if chance.random() < 0.5:
        at = chance.randrange(4)
        held[at] = chance.choice([0, 1, 2, 3, 4, 8, 9, 13, 14, 255])
        words = f"byte {at}: {held[at]}"
    else:
        at, other = 4 * chance.randint(1, held[3]), chance.choice([0, 1, 27, 28, 29, 59, 61, 2**16, 2**31, 2**32 - 1])
        held[at : at + 4] = other.to_bytes(4, "big")
        words = f"size at {at}: {other}"
    return words, gzip.compress(bytes(held), mtime=0)
