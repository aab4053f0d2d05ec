"""The memory of a streamed network: its rings, laid over each other where they are not needed at the same time."""

from dataclasses import dataclass
from math import prod

from pennyweight.shipping.schedule import Lifetime, Stream
from pennyweight.shipping.stream import StreamLayer

LOGIT_BYTES = 4


@dataclass(frozen=True)
class Memory:
    """Where each ring begins and how many bytes all take; the rings of means are counted apart, in sums."""

    offsets: tuple[int, ...]
    ring_bytes: int
    sums: int
    sum_bytes: int


def plan_memory(stream: Stream, classes: int) -> Memory:
    """Return where each ring lies: two overlap only if they never hold something at the same step.

    The logits lie at the beginning. The largest rings are placed first, each as low as it can.
    """
    layers, lifetimes = stream.layers, stream.lifetimes
    placed: list[tuple[int, int, Lifetime]] = [(0, LOGIT_BYTES * classes, lifetimes[-1])]
    offsets = dict.fromkeys(range(len(layers)), 0)
    for i in sorted(offsets, key=lambda i: -ring_size(layers[i])):
        if layers[i].kind in ("mean", "add"):
            continue
        size, at = ring_size(layers[i]), 0
        for start, end in sorted((start, end) for start, end, other in placed if lifetimes[i].overlaps(other)):
            if at + size <= start:
                break
            at = max(at, end)
        offsets[i] = at
        placed.append((at, at + size, lifetimes[i]))
    sums, most = 0, 0
    for i, layer in enumerate(layers):
        if layer.kind == "add":
            offsets[i] = offsets[i - 1]  # it adds to what is held there
        elif layer.kind == "mean":
            offsets[i], sums = sums, sums + ring_size(layer)
            most = max(most, 255 * prod(layer.pool))
    return Memory(
        offsets=tuple(offsets.values()),
        ring_bytes=max(end for _, end, _ in placed),
        sums=sums,
        sum_bytes=2 if most < 1 << 16 else 4,
    )


def ring_size(layer: StreamLayer) -> int:
    """Return how many values the ring of a layer holds."""
    return layer.ring_pixels * layer.channels
