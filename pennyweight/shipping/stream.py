"""The layers of a network that is computed while its image still arrives, pixel by pixel.

A convolution needs only the pixels that its kernel still covers. Each layer keeps them in a ring: k - 1 rows and k
pixels of what it reads, or k rows where a pool in front collects there. A pixel that completes a window gives a pixel
of the next layer, which may complete a window there, and so on.

A pool is part of whoever reads it: arriving pixels are combined in place until their window is complete. Where several
layers read a value, a copy of one pixel hands it on. Of the two maps of a sum the one that comes first is held in a
ring, and the other is added to it there.
"""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pennyweight.nets.plan import Shape
from pennyweight.shipping.integer import IntegerLayer, IntegerNetwork, Maximum, Mean, Product, Sum

Kind: TypeAlias = Literal["product", "depthwise", "mean", "copy", "hold", "add"]
Pair: TypeAlias = tuple[int, int]


@dataclass(eq=False, kw_only=True)
class StreamLayer:
    """One layer of the stream: what it reads, in pixels with the padding, and to whom it gives its pixels.

    `rows` and `columns` are of what it reads, behind a pool, with the padding. `made` are the rows and columns of the
    pixels that it gives, without those that no window of a pool behind it reads.
    """

    kind: Kind
    layer: IntegerLayer
    """Where its numbers are from; a copy that only hands on has that of whoever reads it."""
    channels: int
    outputs: int
    rows: int
    columns: int
    made: Pair
    padding: int = 0
    stride: int = 1
    kernel: Pair = (1, 1)
    pool: Pair = (1, 1)
    held_pixels: int = 1
    """Most pixels that wait in a hold, known when the stream has run once."""
    targets: list[int] = field(default_factory=list)
    late: int = 0
    """Of a sum, which of its two maps comes last: 0 or 1."""

    @property
    def ring_pixels(self) -> int:
        """Return the pixels of its ring."""
        if self.kind in ("hold", "add"):
            return self.held_pixels
        return self.kernel[0] * self.columns if self.is_pooled else self.span

    @property
    def span(self) -> int:
        """Return how many pixels back from the newest, it included, the first pixel of a window lies."""
        return (self.kernel[0] - 1) * self.columns + self.kernel[1]

    @property
    def first(self) -> Pair:
        """Return row and column of the pixel that completes the first window; those of a hold come after its last."""
        return (1, 1) if self.kind == "hold" else (self.kernel[0] - 1, self.kernel[1] - 1)

    @property
    def last(self) -> Pair:
        """Return row and column of the pixel that completes the last window."""
        if self.kind == "hold":
            return 0, 0
        return self.first[0] + (self.made[0] - 1) * self.stride, self.first[1] + (self.made[1] - 1) * self.stride

    @property
    def is_pooled(self) -> bool:
        """Return whether arriving pixels are combined before they count."""
        return self.pool != (1, 1)

    @property
    def is_head(self) -> bool:
        """Return whether its sums are the logits."""
        return isinstance(self.layer.operation, Product) and self.layer.operation.rescale is None and not self.targets


def stream_layers(network: IntegerNetwork, swapped: Set[int] = frozenset()) -> list[StreamLayer]:
    """Return the layers in an order in which each comes after those that it reads; the image goes to the first.

    Of a sum the second map is held until the first comes; of those whose numbers are in `swapped`, the first map.
    """
    lowering = _Lowering(network)
    for layer in _ordered(network, swapped):
        if layer.number not in lowering.merged:
            lowering.append(layer, layer.number in swapped)
    return lowering.layers


def _ordered(network: IntegerNetwork, swapped: Set[int]) -> list[IntegerLayer]:
    """Return the layers with the late map of a sum first: the deepest layer runs first, and it must not be late."""
    above: dict[int, set[int]] = {0: set()}
    order = list(network.layers)
    for layer in network.layers:
        above[layer.number] = {layer.number}.union(*(above[value] for value in layer.inputs))
        if layer.number in swapped:
            body, shortcut = (above[value] for value in layer.inputs)
            moved = [one for one in order if one.number in shortcut - body]
            rest = [one for one in order if one not in moved]
            start = next((index for index, one in enumerate(rest) if one.number in body - shortcut), len(rest))
            order = [*rest[:start], *moved, *rest[start:]] if start < len(rest) else order
    return order


class _Lowering:
    """The stream's layers so far, and which of them gives each value of the network."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.by_number = {layer.number: layer for layer in network.layers}
        self.shapes = {0: network.image_shape, **{layer.number: layer.output_shape for layer in network.layers}}
        reads = Counter(value for layer in network.layers for value in layer.inputs)
        self.merged = {
            layer.inputs[0]
            for layer in network.layers
            if isinstance(layer.operation, Product)
            and reads[layer.inputs[0]] == 1
            and layer.inputs[0] > 0
            and isinstance(self.by_number[layer.inputs[0]].operation, Maximum)
        }
        """Maxima whose only reader is a product, which collects them."""
        self.reads = Counter(
            self._source(value)[0]
            for layer in network.layers
            if layer.number not in self.merged
            for value in layer.inputs
        )
        self.layers: list[StreamLayer] = []
        self.givers: dict[int, int] = {}

    def append(self, layer: IntegerLayer, swap: bool) -> None:
        """Append what computes a layer of the network."""
        match layer.operation:
            case Product():
                self._append_product(layer, layer.operation)
            case Mean(rows=rows, columns=columns):
                self._append_pool(layer, "mean", (rows, columns))
            case Maximum(size=size):
                self._append_pool(layer, "copy", (size, size))
            case Sum():
                self._append_sum(layer, swap)

    def _append_product(self, layer: IntegerLayer, product: Product) -> None:
        value, size = self._source(layer.inputs[0])
        c, h, w = layer.input_shape
        padding, kernel = product.padding, (product.weights.shape[2], product.weights.shape[3])
        rows, columns = h + 2 * padding, w + 2 * padding
        made = tuple((side - k) // product.stride + 1 for side, k in ((rows, kernel[0]), (columns, kernel[1])))
        giver = self._giver(value, layer, (h * size, w * size))
        self._link(
            giver,
            StreamLayer(
                kind="product" if product.weights.shape[1] == c else "depthwise",
                layer=layer,
                channels=c,
                outputs=len(product.weights),
                rows=rows,
                columns=columns,
                made=(made[0], made[1]),
                padding=padding,
                stride=product.stride,
                kernel=kernel,
                pool=(size, size),
            ),
        )
        self._given(layer)

    def _append_pool(self, layer: IntegerLayer, kind: Kind, pool: Pair) -> None:
        c, h, w = layer.output_shape
        giver = self._giver(layer.inputs[0], layer, (h * pool[0], w * pool[1]))
        self._link(giver, _copy(layer, (c, h, w), kind, pool))
        self._given(layer)

    def _append_sum(self, layer: IntegerLayer, swap: bool) -> None:
        late, early = reversed(layer.inputs) if swap else layer.inputs
        held, added = (self._giver(value, layer, layer.output_shape[1:]) for value in (early, late))
        self._link(held, _copy(layer, layer.output_shape, "hold"))
        self._link(added, _copy(layer, layer.output_shape, "add"))
        self.layers[-1].late = int(swap)
        self._given(layer)

    def _source(self, value: int) -> tuple[int, int]:
        """Return the value behind the pool that its reader collects, and the pool's size; else itself and 1."""
        if value not in self.merged:
            return value, 1
        pool = self.by_number[value]
        assert isinstance(pool.operation, Maximum)
        return pool.inputs[0], pool.operation.size

    def _giver(self, value: int, reader: IntegerLayer, needed: Pair) -> int | None:
        """Return the layer that gives `needed` rows and columns of a value to a reader; None for the image itself."""
        if value == 0 and 0 not in self.givers and self.reads[0] > 1:
            self._link(None, _copy(reader, self.shapes[0]))
            self.givers[0] = 0
        giver = self.givers.get(value)
        shape = self.shapes[value]
        if needed == shape[1:]:
            return giver
        if giver is not None and self.reads[value] == 1:
            self.layers[giver].made = needed
            return giver
        self._link(giver, _copy(reader, shape))
        self.layers[-1].made = needed
        return len(self.layers) - 1

    def _link(self, giver: int | None, layer: StreamLayer) -> None:
        if giver is not None:
            self.layers[giver].targets.append(len(self.layers))
        self.layers.append(layer)

    def _given(self, layer: IntegerLayer) -> None:
        """Note that the last layer gives this one's value, by a copy where it gives to one and several read it."""
        if self.reads[layer.number] > 1 and self.layers[-1].kind not in ("copy", "add"):
            self._link(len(self.layers) - 1, _copy(layer, layer.output_shape))
        self.givers[layer.number] = len(self.layers) - 1


def _copy(layer: IntegerLayer, shape: Shape, kind: Kind = "copy", pool: Pair = (1, 1)) -> StreamLayer:
    """Return a layer that gives what it reads, a map of `shape` behind a pool, pixel by pixel."""
    c, h, w = shape
    return StreamLayer(kind=kind, layer=layer, channels=c, outputs=c, rows=h, columns=w, made=(h, w), pool=pool)
