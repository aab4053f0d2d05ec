"""The constants of a streamed network in the order in which integer C reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pennyweight.shipping.integer import Mean, Product, Sum
from pennyweight.shipping.memory_plan import Memory, ring_size
from pennyweight.shipping.schedule import Stream
from pennyweight.shipping.stream import StreamLayer

LANES = 4
HALF_WORD = 16
KINDS = ("product", "depthwise", "mean", "copy", "hold", "add")


@dataclass(frozen=True)
class Used:
    """How many weights, channels and additions a layer has in the tables."""

    weights: int
    channels: int
    additions: int


@dataclass(eq=False)
class Tables:
    """One row of facts for each layer, and the arrays that the rows point into."""

    layers: list[Mapping[str, int | str]] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    biases: list[int] = field(default_factory=list)
    multipliers: list[int] = field(default_factory=list)
    lows: list[int] = field(default_factory=list)
    highs: list[int] = field(default_factory=list)
    additions: list[tuple[int, int, int]] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    pads: list[int] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    has_bounds: bool = False
    """Whether the channels of a layer are cut at bounds of their own."""
    has_pad_table: bool = False
    """Whether the channels of the image are padded with values of their own."""


def tables_of(stream: Stream, memory: Memory) -> Tables:
    """Return the tables of the stream's layers."""
    tables = Tables()
    for layer, offset in zip(stream.layers, memory.offsets, strict=True):
        before = len(tables.weights), len(tables.biases), len(tables.additions)
        numbers = _append_numbers(layer, tables)
        after = len(tables.weights), len(tables.biases), len(tables.additions)
        tables.used.append(Used(*(more - less for more, less in zip(after, before, strict=True))))
        size, pitch = ring_size(layer), layer.columns * layer.channels
        tables.layers.append(
            {
                "kind": layer.kind,
                "ring": offset,
                "ring_size": size,
                "pitch": pitch,
                "run": layer.kernel[1] * layer.channels,
                "behind": size - layer.span * layer.channels,
                "channels": layer.channels,
                "outputs": layer.outputs,
                "rows": layer.rows,
                "columns": layer.columns,
                "padding": layer.padding,
                "stride": layer.stride,
                "kernel_rows": layer.kernel[0],
                "kernel_columns": layer.kernel[1],
                "pool_rows": layer.pool[0],
                "pool_columns": layer.pool[1],
                "first_row": layer.first[0],
                "first_column": layer.first[1],
                "last_row": layer.last[0],
                "last_column": layer.last[1],
                "target": len(tables.targets),
                "targets": len(layer.targets),
                **numbers,
            }
        )
        tables.targets += layer.targets
    return tables


def _append_numbers(layer: StreamLayer, tables: Tables) -> dict[str, int]:
    """Append the numbers of a layer's operation to the tables; return where they are."""
    operation = layer.layer.operation
    row = {"weights": len(tables.weights), "channel": len(tables.biases), "shift": 0, "low": 0, "pad": 0}
    if layer.kind in ("product", "depthwise") and isinstance(operation, Product):
        pack = packed_products if layer.kind == "product" else packed_depthwise
        tables.weights += pack(operation.weights)
        tables.biases += operation.bias.tolist()
        row["pad"] = int(operation.pads[0])
        if layer.padding and len(set(operation.pads.tolist())) > 1:
            tables.has_pad_table = True
            tables.pads = operation.pads.tolist()
            row["reads_image"] = 1
        if operation.rescale is not None:
            rescale = operation.rescale
            tables.multipliers += rescale.multipliers.tolist()
            tables.lows += rescale.low.tolist()
            tables.highs += rescale.high.tolist()
            tables.has_bounds |= bool((rescale.low != rescale.low[0]).any() or (rescale.high != 255).any())
            row |= {"shift": rescale.shift - HALF_WORD, "low": int(rescale.low[0])}
    elif layer.kind == "mean" and isinstance(operation, Mean):
        tables.biases.append(operation.bias)
        tables.multipliers.append(int(operation.rescale.multipliers[0]))
        tables.lows.append(0)
        tables.highs.append(255)
        row |= {"shift": operation.rescale.shift - HALF_WORD, "low": int(operation.rescale.low[0])}
    elif layer.kind == "add" and isinstance(operation, Sum):
        row |= {"weights": len(tables.additions), "shift": operation.shift, "low": operation.low}
        late, early = reversed(operation.multipliers) if layer.late else operation.multipliers
        tables.additions.append((late, early, operation.offset))
    return row


def packed_products(weights: NDArray[np.int8]) -> list[int]:
    """Return weights (o, c, k, l) in the order of C: output channels in fours, then in pairs, side by side.

    The values of a window come row by row, those of a pixel channel by channel. An odd channel has a partner of zeros.
    """
    o = len(weights)
    by_value = weights.transpose(0, 2, 3, 1).reshape(o, -1)
    wide = o // LANES * LANES
    rest = np.pad(by_value[wide:], ((0, o % 2), (0, 0)))
    groups = [by_value[start : start + LANES] for start in range(0, wide, LANES)]
    groups += [rest[start : start + 2] for start in range(0, len(rest), 2)]
    return [int(weight) for group in groups for weight in group.T.ravel()]


def packed_depthwise(weights: NDArray[np.int8]) -> list[int]:
    """Return weights (c, 1, k, l) channel by channel."""
    return [int(weight) for weight in weights.ravel()]
