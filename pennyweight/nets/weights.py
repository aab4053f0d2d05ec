"""Weight files: safetensors with a SHA-256 over everything they say, refused when damaged or of another network.

safetensors has no content digest of its own, so a flipped bit would load as wrong weights. Here one metadata entry
holds a JSON text with our own metadata and a digest of it and of every tensor's name, type, shape and bytes.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.base.files import write_atomically
from pennyweight.base.reading import NotAFile, TooLarge, read_unlinked
from pennyweight.nets.arrays import Arrays
from pennyweight.nets.plan import Plan

Metadata: TypeAlias = Mapping[str, Any]

_ENTRY = "pennyweight"
LARGEST_FILE_BYTES = 1 << 30
ROOM_BYTES = 1 << 26
"""Beside the tensors: for the history of the longest run, and for another network's file to be named for what it is."""


def seal(tensors: Arrays, metadata: Metadata) -> bytes:
    """Return the bytes of a sealed file: `tensors` by name, `metadata` as JSON, and a digest over both."""
    text = _canonical({**metadata, "sha256": content_digest(tensors, metadata)})
    return save_safetensors({name: np.ascontiguousarray(array) for name, array in tensors.items()}, {_ENTRY: text})


def unseal(content: bytes, source: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the tensors and metadata of a sealed file; raises MismatchError naming `source` when one bit is wrong."""
    try:
        tensors = load_safetensors(content)
        metadata = json.loads(_header(content)["__metadata__"][_ENTRY])
        stated = metadata.pop("sha256")
        found = content_digest(tensors, metadata)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MismatchError(f"{source} is damaged or was not written by pennyweight ({_one_line(error)}).") from error
    if found != stated:
        raise MismatchError(f"{source} is damaged: its content has SHA-256 {found[:12]}, it states {str(stated)[:12]}.")
    return tensors, metadata


def content_digest(tensors: Arrays, metadata: Metadata) -> str:
    """Return the SHA-256 over the metadata and over every tensor's name, type, shape and bytes."""
    digest = sha256(_canonical(metadata).encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_sealed(path: Path, largest_bytes: int = LARGEST_FILE_BYTES) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a sealed file of at most `largest_bytes`, which is seen before memory is taken; no link is followed.

    Raises UnavailableError when it cannot be read, MismatchError when it is damaged or larger.
    """
    try:
        content = read_unlinked(path, min(largest_bytes, LARGEST_FILE_BYTES))
    except FileNotFoundError as error:
        raise UnavailableError(f"{path} is missing.") from error
    except TooLarge as error:
        raise MismatchError(f"{path} is damaged, or of another network: {error.strerror}.") from error
    except NotAFile as error:
        raise UnavailableError(f"{path} is not a file of this folder: {error.strerror}.") from error
    except OSError as error:
        raise UnavailableError(f"Cannot read {path}: {error.strerror}.") from error
    return unseal(content, str(path))


def save_weights(path: Path, plan: Plan, weights: Arrays, metadata: Metadata) -> None:
    """Write the weights and buffers of `plan` to `path` in one step, with `metadata` about where they come from."""
    wanted = {tensor.name: weights[tensor.name] for tensor in plan.weights + plan.buffers}
    write_atomically(path, seal(wanted, {"format": "pennyweight-weights", "schema": 1, **metadata}))


def load_weights(path: Path, plan: Plan, owner: str) -> dict[str, NDArray[np.float32]]:
    """Read the weights of `plan` from `path`; raises MismatchError naming the first layer that does not fit `owner`."""
    tensors, _ = read_sealed(path, largest_file(shapes_of(plan)))
    check_fit(tensors, plan, path, owner)
    return tensors


def shapes_of(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight and buffer of `plan` by its name."""
    return {tensor.name: tensor.shape for tensor in plan.weights + plan.buffers}


def largest_file(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return the most bytes that are read of a file of float32 tensors of these shapes; see ROOM_BYTES."""
    return sum(4 * prod(shape) for shape in shapes.values()) + ROOM_BYTES


def check_fit(tensors: Arrays, plan: Plan, path: Path, owner: str) -> None:
    """Raise MismatchError naming the first layer where `tensors` are not exactly those of `plan`, or not finite."""
    check_tensors(tensors, shapes_of(plan), plan, path, owner)


def check_tensors(tensors: Arrays, shapes: Mapping[str, tuple[int, ...]], plan: Plan, path: Path, owner: str) -> None:
    """Raise MismatchError naming the first tensor that is not float32 of its shape and finite, or that is too many.

    A name is that of a tensor of `plan`, or ends in one: `optimizer.momentum.3.weight`.
    """
    labels = {tensor.name: node.label for node in plan.nodes for tensor in node.weights + node.buffers}
    for name, shape in shapes.items():
        held, label = tensors.get(name), labels[".".join(name.split(".")[-2:])]
        if held is None or held.shape != shape or held.dtype != np.float32:
            holds = "nothing" if held is None else f"{held.dtype} {held.shape}"
            raise MismatchError(
                f"{path} does not fit {owner}: {label} holds {holds} for '{name}', the network needs float32 {shape}."
            )
        if not np.isfinite(held).all():
            raise MismatchError(f"{path} cannot be used: {label} holds a number that is not finite in '{name}'.")
    if extra := sorted(set(tensors) - set(shapes)):
        raise MismatchError(
            f"{path} does not fit {owner}: it also holds '{extra[0]}', which the network does not have."
        )


def _header(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header


def _canonical(metadata: Metadata) -> str:
    return json.dumps(metadata, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
