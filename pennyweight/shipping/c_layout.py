"""The bytes of integer C before it is compiled: its types, its tables in flash and its state in memory."""

from dataclasses import dataclass
from functools import cached_property

from pennyweight.shipping.c_tables import LANES, Tables, tables_of
from pennyweight.shipping.integer import IntegerNetwork
from pennyweight.shipping.memory_plan import Memory, plan_memory, ring_size
from pennyweight.shipping.schedule import Stream, schedule

LAYER_SIZES, LAYER_COUNTS, LAYER_BYTES = 9, 12, 6
"""How many numbers of each type the record of a layer has, in `c/int8/types.c`; so has that of where a layer stands."""
CURSOR_SIZES, CURSOR_COUNTS = 1, 4
TOTAL_BYTES = 4
UINT8_MAX = 255
BIAS_BYTES, MULTIPLIER_BYTES, ADDITION_BYTES = 4, 2, 12


@dataclass(frozen=True, eq=False)
class Layout:
    """A network as integer C lays it out."""

    network: IntegerNetwork
    stream: Stream
    memory: Memory
    tables: Tables

    @cached_property
    def size_bytes(self) -> int:
        """The bytes of a number that counts values or weights."""
        tables, memory = self.tables, self.memory
        return 2 if max(len(tables.weights), memory.ring_bytes, memory.sums, len(tables.biases)) < 1 << 15 else 4

    @cached_property
    def count_bytes(self) -> int:
        """The bytes of a number that counts rows or columns."""
        layers = self.stream.layers
        return 1 if max(side for layer in layers for side in (layer.rows, layer.columns, *layer.pool)) < 255 else 2

    @cached_property
    def features(self) -> dict[str, bool]:
        """What the network asks of the functions in `c/int8/`."""
        layers = self.stream.layers
        kinds = {layer.kind for layer in layers}
        return {
            "POOLS": any(layer.is_pooled for layer in layers),
            "PADS": any(layer.padding for layer in layers),
            "PAD_TABLE": self.tables.has_pad_table,
            "BRANCHES": any(layer.padding or len(layer.targets) > 1 for layer in layers),
            "STRIDES": any(layer.stride > 1 for layer in layers),
            "PRODUCTS": "product" in kinds,
            "DEPTHWISES": "depthwise" in kinds,
            "MEANS": "mean" in kinds,
            "COPIES": bool(kinds & {"copy", "add"}),
            "ADDS": "add" in kinds,
            "RESCALES": bool(self.tables.multipliers),
            "BOUNDS": self.tables.has_bounds,
            "TALL": self.network.image_shape[1] >= UINT8_MAX,
            "SUMMED": self.stream.lifetimes[-1].first == 0,
        }

    @cached_property
    def constant_bytes_by_layer(self) -> list[int]:
        """The bytes of each layer's record and of its numbers in the tables."""
        record = self._struct(
            LAYER_SIZES * self.size_bytes + LAYER_COUNTS * self.count_bytes + LAYER_BYTES + self.tables.has_pad_table
        )
        channel = BIAS_BYTES + MULTIPLIER_BYTES + (2 if self.tables.has_bounds else 0)
        sizes = []
        for layer, used in zip(self.stream.layers, self.tables.used, strict=True):
            numbers = used.weights + channel * used.channels + ADDITION_BYTES * used.additions
            # a head has neither multipliers nor bounds
            numbers -= (channel - BIAS_BYTES) * used.channels if layer.is_head else 0
            sizes.append(record + numbers + max(len(layer.targets), len(self.stream.layers) == 1))
        return sizes

    @cached_property
    def ring_bytes_by_layer(self) -> list[int]:
        """The bytes of each layer's ring; what adds to a held map does so in the ring of that."""
        each = {"add": 0, "mean": self.memory.sum_bytes}
        return [ring_size(layer) * each.get(layer.kind, 1) for layer in self.stream.layers]

    @cached_property
    def constant_bytes(self) -> int:
        """The bytes of all constants, which flash holds."""
        return sum(self.constant_bytes_by_layer) + (len(self.tables.pads) if self.tables.has_pad_table else 0)

    @cached_property
    def ram_bytes(self) -> int:
        """The bytes of static memory: rings over each other, sums, where each layer stands, totals, rows to come."""
        cursor = self._struct(
            CURSOR_SIZES * self.size_bytes + CURSOR_COUNTS * self.count_bytes + self.features["BRANCHES"]
        )
        parts = (
            self.memory.ring_bytes,
            self.memory.sum_bytes * self.memory.sums,
            cursor * len(self.stream.layers),
            TOTAL_BYTES * LANES if self.features["PRODUCTS"] else 0,
            4 if self.features["TALL"] else 1,
        )
        return sum(-(-part // 4) * 4 for part in parts)

    def _struct(self, size: int) -> int:
        """Return the bytes of a struct whose fields take `size`: whole multiples of the longest."""
        longest = max(self.size_bytes, self.count_bytes)
        return -(-size // longest) * longest


def layout_of(network: IntegerNetwork) -> Layout:
    """Return the layout of a network; raises UsageError naming a layer that cannot be streamed."""
    stream = schedule(network)
    memory = plan_memory(stream, network.classes)
    return Layout(network, stream, memory, tables_of(stream, memory))
