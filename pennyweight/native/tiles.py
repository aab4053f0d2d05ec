"""How a convolution is done, and how large its register tiles are: a small model of the cost in vector instructions."""

from math import inf

from pennyweight.native.segments import Convolution

REGISTERS = 28
"""Vectors of a tile that leave room for others in 32 registers."""
NEAR_CHANNELS = 256
"""Channels of which three transformed rows of four columns still lie near, and fit the stack of any thread."""
CLEARLY = 0.9
"""Winograd is taken where it costs at most this share of register tiles: the model is not more exact than that."""
LATENCY = 8
"""Independent sums a core needs under way to be busy: two units, four cycles each."""


def forward_tile(channels: int, columns: int) -> tuple[int, int]:
    """Return (output channels, output columns) of the forward tile for a map of that many channels and columns."""
    best = min(
        ((_forward_cost(channels, columns, c, w), -c * w, c, w) for w in range(1, min(columns, 14) + 1)
         for c in range(1, min(channels, REGISTERS // w) + 1)),
    )  # fmt: skip
    return best[2], best[3]


def weight_tile(outputs: int, inputs: int, kernel: int) -> tuple[int, int]:
    """Return (output channels, input channels) of the weight gradient's tile for one row of the kernel.

    Beside the sums lie a gradient of every output channel and two rows of pixels, as the compiler loads them ahead.
    One channel in and out is always allowed.
    """
    best = min(
        ((_weight_cost(outputs, inputs, kernel, o, i), -o * i, o, i) for o in range(1, min(outputs, 8) + 1)
         for i in range(1, inputs + 1) if o * i * kernel + o + 2 * i * kernel <= max(REGISTERS, 3 * kernel + 1)),
    )  # fmt: skip
    return best[2], best[3]


def winograd_tile(channels: int) -> int:
    """Return the output channels of Winograd's tile: at most four of six sums each, in parts of about one size."""
    return -(-channels // -(-channels // 4))


def forward_by_winograd(one: Convolution) -> bool:
    """Tell whether the raw value takes clearly less time by `kernels/winograd.h`."""
    if not _suits_winograd(one):
        return False
    ci, (co, _, columns) = one.step.input_shape[0], one.step.output_shape
    return _winograd_cost(ci, co, columns) < CLEARLY * _direct_cost(ci, co, columns)


def backward_by_winograd(one: Convolution) -> bool:
    """Tell whether the input gradient takes clearly less time by `kernels/winograd.h`."""
    if not _suits_winograd(one) or one.source == 0:
        return False
    (ci, _, reached), (co, _, columns) = one.step.input_shape, one.step.output_shape
    return _winograd_cost(co, ci, columns) < CLEARLY * _direct_cost(co, ci, reached)


def backward_by_tiles(one: Convolution) -> bool:
    """Tell whether the input gradient is made by register tiles, from turned weights; the image has none."""
    return one.source != 0 and not backward_by_winograd(one)


def needs_points(one: Convolution) -> bool:
    """Tell whether transformed weights are read."""
    return forward_by_winograd(one) or backward_by_winograd(one)


def weights_by_winograd(one: Convolution) -> bool:
    """Tell whether the weight gradient takes clearly less time by `kernels/winograd.h`."""
    if not _suits_winograd(one):
        return False
    ci, (co, rows, columns) = one.step.input_shape[0], one.step.output_shape
    products, weights = _weight_cost(co, ci, 3, *weight_tile(co, ci, 3)), ci * co
    tiles = -(-columns // 4)
    strips = -(-tiles // winograd_strip(rows, columns))
    own = 6 * rows * tiles * products + 18 * tiles * (ci * (rows + 2) + co * rows) + (54 * strips + 30) * weights
    return own < CLEARLY * (3 * rows * columns * products + 27 * weights)


def winograd_strip(rows: int, columns: int) -> int:
    """Return how many times four columns the weight gradient transforms at once: long sums, but near ones."""
    return min(-(-48 // rows), -(-columns // 4))


def _suits_winograd(one: Convolution) -> bool:
    return one.kernel == 3 and one.stride == 1 and not one.depthwise


def _direct_cost(inputs: int, outputs: int, columns: int) -> float:
    """Return what a row of a 3x3 convolution costs by register tiles."""
    return 9 * inputs * _forward_cost(outputs, columns, *forward_tile(outputs, columns))


def _winograd_cost(inputs: int, outputs: int, columns: int) -> float:
    """Return what a row of a 3x3 convolution costs by Winograd: products, and transforms (loads, sums, stores)."""
    if inputs > NEAR_CHANNELS:
        return inf
    products = sum(count * max(6 * tile, 9) for tile, count in _tiles(outputs, winograd_tile(outputs)))
    return -(-columns // 4) * (3 * inputs * products + 18 * inputs + 14 * outputs)


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
