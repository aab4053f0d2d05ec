"""The run of a stream without its numbers: which ring holds pixels from when to when, and how many wait in a hold.

It takes the same steps as the C it is for: after every pixel of the image all that has become possible, the deepest
layer first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.base.errors import UsageError
from pennyweight.shipping.integer import IntegerNetwork
from pennyweight.shipping.stream import StreamLayer, stream_layers


@dataclass(frozen=True)
class Lifetime:
    """The first and the last step at which a ring, or the logits, holds something."""

    first: int
    last: int

    def overlaps(self, other: "Lifetime") -> bool:
        """Return whether both hold something at one step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, eq=False)
class Stream:
    """The layers, and the lifetimes of their rings and, last, of the logits."""

    layers: tuple[StreamLayer, ...]
    lifetimes: tuple[Lifetime, ...]


class _Early(Exception):
    """A pixel came to be added before the one it is added to."""

    def __init__(self, number: int) -> None:
        self.number = number


def schedule(network: IntegerNetwork) -> Stream:
    """Return the stream of a network.

    Raises UsageError naming a sum of which now one map comes first and now the other.
    """
    swapped: set[int] = set()
    while True:
        layers = stream_layers(network, swapped)
        try:
            lifetimes = _Run(layers).lifetimes()
        except _Early as early:
            if early.number in swapped:
                label = network.layers[early.number - 1].label
                raise UsageError(
                    f"{label}: neither of its two maps always comes first, so none can be held; it cannot be streamed."
                ) from early
            swapped.add(early.number)
        else:
            return Stream(tuple(layers), lifetimes)


@dataclass
class _Cursor:
    x: int = 0
    y: int = 0
    sub_x: int = 0
    sub_y: int = 0
    waiting: bool = False
    """Whether a pixel has been given that is not looked at yet."""
    held: int = 0
    first: int = -1
    last: int = -1


class _Run:
    def __init__(self, layers: Sequence[StreamLayer]) -> None:
        self.layers = layers
        self.cursors = [_Cursor() for _ in layers]
        self.step = 0
        self.logits: list[int] = []

    def lifetimes(self) -> tuple[Lifetime, ...]:
        entry = self.layers[0]
        inner = entry.rows - 2 * entry.padding, entry.columns - 2 * entry.padding
        for _ in range(inner[0] * entry.pool[0] * inner[1] * entry.pool[1]):
            self._settle(len(self.layers) - 1)
            self.step += 1
            self._give(0)
            self._settle(len(self.layers) - 1)
        end = self.step
        rings = [Lifetime(max(cursor.first, 0), cursor.last) for cursor in self.cursors]
        for index, layer in enumerate(self.layers):
            if layer.kind == "add":  # its ring is that of the hold before it
                both = Lifetime(rings[index - 1].first, max(rings[index].last, rings[index - 1].last))
                rings[index - 1] = rings[index] = both
                layer.held_pixels = self.layers[index - 1].held_pixels
        # logits that are added up start at the beginning, with zero
        return (*rings, Lifetime(self.logits[0] if len(self.logits) == 1 else 0, end))

    def _settle(self, i: int) -> None:
        while i >= 0:
            cursor = self.cursors[i]
            if not cursor.waiting and self._is_pad_due(i):
                self._touch(i)
                cursor.waiting = True
            if not cursor.waiting:
                i -= 1
                continue
            cursor.waiting = False
            if self._arrived(i):
                self._fire(i)
                i = max(self.layers[i].targets, default=i)

    def _is_outside(self, i: int) -> bool:
        layer, cursor = self.layers[i], self.cursors[i]
        p = layer.padding
        return not (p <= cursor.x < layer.columns - p and p <= cursor.y < layer.rows - p)

    def _is_pad_due(self, i: int) -> bool:
        return self.cursors[i].y < self.layers[i].rows and self._is_outside(i)

    def _touch(self, i: int) -> None:
        cursor = self.cursors[i]
        cursor.first = self.step if cursor.first < 0 else cursor.first
        cursor.last = self.step

    def _give(self, i: int) -> None:
        layer, cursor = self.layers[i], self.cursors[i]
        assert not cursor.waiting
        self._touch(i)
        cursor.waiting = True
        if layer.kind == "hold":
            cursor.held += 1
            layer.held_pixels = max(layer.held_pixels, cursor.held)
        if layer.kind == "add":
            hold = self.cursors[i - 1]
            if hold.held == 0:
                raise _Early(layer.layer.number)

    def _arrived(self, i: int) -> bool:
        layer, cursor = self.layers[i], self.cursors[i]
        if layer.is_pooled and not self._is_outside(i):
            cursor.sub_x += 1
            if cursor.sub_x < layer.pool[1]:
                return False
            cursor.sub_x = 0
            if cursor.sub_y + 1 < layer.pool[0]:
                cursor.x += 1
                if cursor.x == layer.columns - layer.padding:
                    cursor.x = layer.padding
                    cursor.sub_y += 1
                return False
        if layer.kind == "add":
            self.cursors[i - 1].held -= 1
            self._touch(i - 1)
        first, last = layer.first, layer.last
        ready = first[0] <= cursor.y <= last[0] and first[1] <= cursor.x <= last[1]
        ready = ready and not (cursor.y - first[0]) % layer.stride and not (cursor.x - first[1]) % layer.stride
        cursor.x += 1
        if cursor.x == layer.columns:
            cursor.x, cursor.sub_y = 0, 0
            cursor.y += 1
        return ready

    def _fire(self, i: int) -> None:
        """Give what a window makes: a step in which it is read and what it makes is written."""
        layer = self.layers[i]
        self.step += 1
        self._touch(i)
        for target in layer.targets:
            self._give(target)
        if layer.is_head:
            self.logits.append(self.step)
