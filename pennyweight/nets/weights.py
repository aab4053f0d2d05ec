"""Weight files: safetensors with a SHA-256 over everything they say, refused when damaged or of another network.

safetensors has no content digest of its own, so a flipped bit would load as wrong weights. Here one metadata entry
holds a JSON text with our own facts and the digest of those facts and of every tensor's name, type, shape and bytes.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from pennyweight.base.errors import EnvironmentRefused, MismatchError
from pennyweight.base.files import write_atomically
from pennyweight.nets.plan import Plan

Tensors: TypeAlias = Mapping[str, NDArray[Any]]
Facts: TypeAlias = Mapping[str, Any]

_ENTRY = "pennyweight"
LARGEST_FILE_BYTES = 1 << 30


def seal(tensors: Tensors, facts: Facts) -> bytes:
    """Return the bytes of a sealed file: `tensors` by name, `facts` as JSON, and a digest over both."""
    text = _canonical({**facts, "sha256": content_digest(tensors, facts)})
    return save_safetensors({name: np.ascontiguousarray(array) for name, array in tensors.items()}, {_ENTRY: text})


def unseal(content: bytes, source: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the tensors and facts of a sealed file; raises MismatchError naming `source` when one bit is wrong."""
    try:
        tensors = load_safetensors(content)
        facts = json.loads(_header(content)["__metadata__"][_ENTRY])
        stated = facts.pop("sha256")
        found = content_digest(tensors, facts)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MismatchError(f"{source} is damaged or was not written by pennyweight ({_one_line(error)}).") from error
    if found != stated:
        raise MismatchError(f"{source} is damaged: its content has SHA-256 {found[:12]}, it states {str(stated)[:12]}.")
    return tensors, facts


def content_digest(tensors: Tensors, facts: Facts) -> str:
    """Return the SHA-256 over the facts and over every tensor's name, type, shape and bytes."""
    digest = sha256(_canonical(facts).encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_sealed(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a sealed file; raises EnvironmentRefused when it cannot be read, MismatchError when it is damaged."""
    try:
        if not path.is_file():
            raise EnvironmentRefused(f"{path} is not a file.")
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise MismatchError(f"{path} holds {path.stat().st_size:,} bytes; at most {LARGEST_FILE_BYTES:,} are read.")
        content = path.read_bytes()
    except OSError as error:
        raise EnvironmentRefused(f"Cannot read {path}: {error.strerror}.") from error
    return unseal(content, str(path))


def save_weights(path: Path, plan: Plan, weights: Tensors, facts: Facts) -> None:
    """Write the weights and buffers of `plan` to `path` in one step, with `facts` about where they come from."""
    wanted = {tensor.name: weights[tensor.name] for tensor in plan.weights + plan.buffers}
    write_atomically(path, seal(wanted, {"format": "pennyweight-weights", "schema": 1, **facts}))


def load_weights(path: Path, plan: Plan, owner: str) -> dict[str, NDArray[np.float32]]:
    """Read the weights of `plan` from `path`; raises MismatchError naming the first layer that does not fit `owner`."""
    tensors, _ = read_sealed(path)
    check_fit(tensors, plan, path, owner)
    return tensors


def check_fit(tensors: Tensors, plan: Plan, path: Path, owner: str) -> None:
    """Raise MismatchError naming the first layer where `tensors` are not exactly those of `plan`, or not finite."""
    labels = {tensor.name: step.label for step in plan.steps for tensor in step.weights + step.buffers}
    for tensor in plan.weights + plan.buffers:
        held = tensors.get(tensor.name)
        if held is None or held.shape != tensor.shape or held.dtype != np.float32:
            holds = "nothing" if held is None else f"{held.dtype} {held.shape}"
            raise MismatchError(
                f"{path} does not fit {owner}: {labels[tensor.name]} holds {holds} for '{tensor.name}', "
                f"the network needs float32 {tensor.shape}."
            )
        if not np.isfinite(held).all():
            raise MismatchError(f"{path} cannot be used: {labels[tensor.name]} holds a number that is not finite.")
    if extra := sorted(set(tensors) - set(labels)):
        raise MismatchError(
            f"{path} does not fit {owner}: it also holds '{extra[0]}', which the network does not have."
        )


def _header(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header


def _canonical(facts: Facts) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
