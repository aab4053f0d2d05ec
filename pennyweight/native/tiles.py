"""How large register tiles are, and where Winograd is faster: a small model of the cost in vector instructions.

Costs are for one row of a map, in the time of one vector instruction; a loop of fewer than LATENCY sums waits for them.
"""

from typing import NamedTuple

POINTS, TAPS, COLUMNS = 6, 3, 4
"""Winograd's F(4, 3), as in `kernels/winograd.h`: transformed points, taps of a kernel's row, columns of output."""
MOST_WINOGRAD_CHANNELS = 4
"""Output channels of Winograd's tile: with six sums each, they fill the registers."""
REGISTERS = 28
"""Vectors of a tile that leave room for others in 32 registers."""
MOST_OUTPUTS = 8
"""Most output channels of a weight gradient's tile."""
MOST_SUMS = 64
"""Vectors of sums that the kernels have room for in a tile; one row of the widest kernel, 31 columns, needs as many."""
MAX_CACHED_CHANNELS = 256
"""Channels of which three transformed rows of four columns still fit a near cache, and the stack of any thread."""
WINOGRAD_MARGIN = 0.9
"""Winograd is taken where it costs at most this share of register tiles: the model is no more accurate than that."""
LATENCY = 8
"""Independent sums a core needs under way to be busy: two units, four cycles each."""
STRIP_ROWS = 48
"""Rows of transformed columns that a weight gradient sums at once: long sums whose operands still fit the L2 cache."""
PIXEL_TRANSFORM, OUTPUT_TRANSFORM = 18, 14
"""Loads, sums and stores to transform six pixels of a channel, and to bring six sums back to four pixels."""
WEIGHT_STRIP, WEIGHT_STORE, DIRECT_STORE = 54, 30, 27
"""To add up the lanes of 18 sums for each strip, to transform a kernel back, and to add up the lanes of 9 sums."""


class Tile(NamedTuple):
    """A register tile: output channels x columns of a map."""

    channels: int
    columns: int


class WeightTile(NamedTuple):
    """A register tile of a weight gradient: output channels x input channels x one row of the kernel."""

    outputs: int
    inputs: int


def forward_tile(channels: int, columns: int) -> Tile:
    """Return the tile of a map of that many channels and columns."""
    best = min(
        ((_forward_cost(channels, columns, c, w), -c * w, c, w) for w in range(1, min(columns, 14) + 1)
         for c in range(1, min(channels, REGISTERS // w) + 1)),
    )  # fmt: skip
    return Tile(best[2], best[3])


def weight_tile(outputs: int, inputs: int, kernel: int) -> WeightTile:
    """Return the tile of the weight gradient for one row of the kernel.

    Beside the sums lie a gradient of every output channel and two rows of pixels, as the compiler loads them ahead.
    One channel in and out is always allowed.
    """
    best = min(
        ((_weight_cost(outputs, inputs, kernel, o, i), -o * i, o, i) for o in range(1, min(outputs, MOST_OUTPUTS) + 1)
         for i in range(1, inputs + 1) if o * i * kernel + o + 2 * i * kernel <= max(REGISTERS, 3 * kernel + 1)),
    )  # fmt: skip
    return WeightTile(best[2], best[3])


def winograd_tile(channels: int) -> Tile:
    """Return Winograd's tile: at most four channels of six sums each, in parts of about one size, four columns wide."""
    return Tile(-(-channels // -(-channels // MOST_WINOGRAD_CHANNELS)), COLUMNS)


def winograd_strip(rows: int, columns: int) -> int:
    """Return how many times four columns the weight gradient transforms at once."""
    return min(-(-STRIP_ROWS // rows), -(-columns // COLUMNS))


def winograd_is_faster(inputs: int, outputs: int, winograd_columns: int, direct_columns: int) -> bool:
    """Return whether Winograd clearly beats register tiles for a 3x3 convolution of `inputs` to `outputs` channels.

    The input gradient by Winograd walks over the columns of the output, by register tiles over those of the input.
    """
    if inputs > MAX_CACHED_CHANNELS:
        return False
    direct = 9 * inputs * _forward_cost(outputs, direct_columns, *forward_tile(outputs, direct_columns))
    return _winograd_cost(inputs, outputs, winograd_columns) < WINOGRAD_MARGIN * direct


def winograd_weights_are_faster(inputs: int, outputs: int, rows: int, columns: int) -> bool:
    """Return whether Winograd clearly beats register tiles for the weight gradient of a 3x3 convolution.

    `rows` and `columns` are those of the output.
    """
    products, weights = _weight_cost(outputs, inputs, 3, *weight_tile(outputs, inputs, 3)), inputs * outputs
    tiles = -(-columns // COLUMNS)
    strips = -(-tiles // winograd_strip(rows, columns))
    transforms = PIXEL_TRANSFORM * tiles * (inputs * (rows + 2) + outputs * rows)
    winograd = POINTS * rows * tiles * products + transforms + (WEIGHT_STRIP * strips + WEIGHT_STORE) * weights
    return winograd < WINOGRAD_MARGIN * (3 * rows * columns * products + DIRECT_STORE * weights)


def _winograd_cost(inputs: int, outputs: int, columns: int) -> float:
    products = sum(
        count * max(POINTS * tile, LATENCY + 1) for tile, count in _tiles(outputs, winograd_tile(outputs).channels)
    )
    return -(-columns // COLUMNS) * (TAPS * inputs * products + PIXEL_TRANSFORM * inputs + OUTPUT_TRANSFORM * outputs)


def _forward_cost(channels: int, columns: int, c: int, w: int) -> float:
    return sum(
        count_c * count_w * (max(tile_c * tile_w, LATENCY) + 0.5 * (tile_c + tile_w))
        for tile_c, count_c in _tiles(channels, c)
        for tile_w, count_w in _tiles(columns, w)
    )


def _weight_cost(outputs: int, inputs: int, kernel: int, o: int, i: int) -> float:
    return sum(
        count_o * count_i * (max(tile_o * tile_i * kernel, LATENCY) + 0.5 * (tile_o + tile_i * kernel))
        for tile_o, count_o in _tiles(outputs, o)
        for tile_i, count_i in _tiles(inputs, i)
    )


def _tiles(size: int, tile: int) -> list[tuple[int, int]]:
    """Return (size of a tile, how many of it): the whole ones, and the rest."""
    return [(tile, size // tile)] + ([(size % tile, 1)] if size % tile else [])
