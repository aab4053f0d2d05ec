"""Named blocks of bytes inside a page: compressed, each with its digest, as one JSON value.

A block is text, or an array with its type and shape. Sizes are written down, so that reading never unpacks more than a
page may hold, whoever wrote it.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import MismatchError

FORMAT, SCHEMA = "pennyweight-page", 1
LARGEST_BYTES = 256 << 20
"""The most that the blocks of one page may hold together, unpacked."""
TYPES = ("uint8", "int32", "float32")
"""The types an array may have; written little-endian."""

Array: TypeAlias = NDArray[Any]
Content: TypeAlias = str | Array


@dataclass(frozen=True, eq=False)
class Block:
    """The content of a block, and the SHA-256 of its bytes."""

    content: Content
    sha256: str


def make_block(content: Content) -> Block:
    """Return a block of text, or of an array of one of TYPES; raises ValueError for another type."""
    if not isinstance(content, str) and content.dtype.name not in TYPES:
        raise ValueError(f"a block holds {', '.join(TYPES)}, not {content.dtype.name}")
    return Block(content, sha256(_bytes(content)).hexdigest())


def to_json(blocks: Mapping[str, Block], versions: Mapping[str, str]) -> str:
    """Return blocks by name as JSON on one line, in which no `<` can end the element that holds it."""
    listed = [_written(name, block) for name, block in blocks.items()]
    text = json.dumps({"format": FORMAT, "schema": SCHEMA, "versions": dict(versions), "blocks": listed})
    return text.replace("<", "\\u003c")


def from_json(text: str, source: str) -> tuple[dict[str, Block], dict[str, str]]:
    """Read blocks by name, and the versions they were written by.

    Raises MismatchError naming `source` and the block that is damaged, or whose digest is not that of its content.
    """
    try:
        held = json.loads(text)
        if held["format"] != FORMAT or held["schema"] != SCHEMA:
            found = f"{held['format']} {held['schema']}"
            raise MismatchError(f"{source} holds {found}, this version of pennyweight reads {FORMAT} {SCHEMA}.")
        versions = {str(name): str(version) for name, version in held["versions"].items()}
        left, blocks = LARGEST_BYTES, dict[str, Block]()
        for item in held["blocks"]:
            name, content, size_bytes = _read(item, left, source)
            left -= size_bytes
            blocks[name] = content
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MismatchError(f"The evidence in {source} cannot be read: {type(error).__name__}: {error}.") from error
    return blocks, versions


def _bytes(content: Content) -> bytes:
    if isinstance(content, str):
        return content.encode()
    return np.ascontiguousarray(content, content.dtype.newbyteorder("<")).tobytes()


def _written(name: str, block: Block) -> dict[str, object]:
    raw = _bytes(block.content)
    kind: dict[str, object] = {}
    if not isinstance(block.content, str):
        kind = {"dtype": block.content.dtype.name, "shape": list(block.content.shape)}
    packed = base64.b64encode(zlib.compress(raw, 9)).decode()
    return {"name": name, **kind, "bytes": len(raw), "sha256": block.sha256, "zlib": packed}


def _read(item: Mapping[str, Any], left: int, source: str) -> tuple[str, Block, int]:
    name, size_bytes = str(item["name"]), int(item["bytes"])
    where = f"The block '{name[:80]}' in {source}"
    if not 0 <= size_bytes <= left:
        raise MismatchError(f"{where} states {size_bytes:,} bytes; a page holds at most {LARGEST_BYTES:,}.")
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(item["zlib"], validate=True), size_bytes + 1)
    except (zlib.error, binascii.Error, TypeError) as error:
        raise MismatchError(f"{where} is damaged: {error}.") from error
    if len(raw) != size_bytes:
        holds = "more" if len(raw) > size_bytes else f"{len(raw):,}"
        raise MismatchError(f"{where} states {size_bytes:,} bytes and holds {holds}.")
    found, stated = sha256(raw).hexdigest(), str(item["sha256"])
    if found != stated:
        raise MismatchError(f"{where} has SHA-256 {found[:12]}, it states {stated[:12]}: it was changed.")
    return name, Block(_content(item, raw, where), stated), size_bytes


def _content(item: Mapping[str, Any], raw: bytes, where: str) -> Content:
    if "dtype" not in item:
        return raw.decode()
    if item["dtype"] not in TYPES:
        raise MismatchError(f"{where} is of type {str(item['dtype'])[:40]}; known: {', '.join(TYPES)}.")
    dtype, shape = np.dtype(item["dtype"]).newbyteorder("<"), tuple(int(size) for size in item["shape"])
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != len(raw):
        raise MismatchError(f"{where} states the shape {shape} and holds {len(raw):,} bytes.")
    return np.frombuffer(raw, dtype).reshape(shape).astype(item["dtype"])
