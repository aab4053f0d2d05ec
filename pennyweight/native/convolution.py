"""How each convolution runs: decided once from its shape and stored, for memory and calls to read."""

from dataclasses import dataclass
from enum import Enum

from pennyweight.native import tiles
from pennyweight.native.tiles import Tile, WeightTile
from pennyweight.nets.plan import Shape


class Algorithm(Enum):
    """The two ways in which the kernels convolve."""

    REGISTER_TILES = "kernels/convolution.h"
    WINOGRAD = "kernels/winograd.h"


@dataclass(frozen=True, kw_only=True)
class ConvGeometry:
    """A convolution as arithmetic: shapes are (channels, rows, columns), the rest is in pixels of the input."""

    input_shape: Shape
    output_shape: Shape
    kernel: int
    stride: int
    padding: int
    depthwise: bool
    reads_image: bool
    """The image has no gradient."""


@dataclass(frozen=True, kw_only=True)
class ConvPlan:
    """What was decided for a convolution: its algorithms, their tiles, and how its output gradient is laid out."""

    forward: Algorithm
    forward_tile: Tile
    input_gradient: Algorithm | None
    """None for a convolution that reads the image."""
    input_gradient_tile: Tile
    weight_gradient: Algorithm
    weight_tile: WeightTile
    strip_tiles: int
    """Times four columns that a weight gradient by Winograd transforms at once."""
    gradient_shape: Shape
    """The output gradient with stride - 1 zeros between its pixels, and the zeros around it that its reader needs."""
    gradient_offset: int
    """Vectors from the first of those zeros to the gradient's first pixel."""
    gradient_start: int
    """Vectors from there to where the input gradient begins: pixels before it were made from padding alone."""

    @property
    def pads_gradient(self) -> bool:
        """Register tiles convolve the padded output gradient with flipped weights."""
        return self.input_gradient is Algorithm.REGISTER_TILES

    @property
    def transforms_weights(self) -> bool:
        """Winograd reads transformed weights, in the forward pass or for the input gradient."""
        return Algorithm.WINOGRAD in (self.forward, self.input_gradient)


def plan_convolution(shape: ConvGeometry) -> ConvPlan:
    """Decide how a convolution runs: by Winograd where that suits its kernel and clearly costs less."""
    (ci, _, input_columns), (co, rows, columns) = shape.input_shape, shape.output_shape
    suits_winograd = shape.kernel == 3 and shape.stride == 1 and not shape.depthwise
    forward = suits_winograd and tiles.winograd_is_faster(ci, co, columns, columns)
    backward = suits_winograd and tiles.winograd_is_faster(co, ci, columns, input_columns)
    weights = suits_winograd and tiles.winograd_weights_are_faster(ci, co, rows, columns)
    input_gradient = None if shape.reads_image else _algorithm(backward)
    is_padded = input_gradient is Algorithm.REGISTER_TILES
    gradient_shape, gradient_offset, gradient_start = _gradient_layout(shape, is_padded)
    return ConvPlan(
        forward=_algorithm(forward),
        forward_tile=tiles.winograd_tile(co) if forward else _direct_tile(shape, co, columns),
        input_gradient=input_gradient,
        input_gradient_tile=tiles.winograd_tile(ci) if backward else _direct_tile(shape, ci, input_columns),
        weight_gradient=_algorithm(weights),
        weight_tile=WeightTile(1, 1) if shape.depthwise else tiles.weight_tile(co, ci, shape.kernel),
        strip_tiles=tiles.winograd_strip(rows, columns) if weights else 0,
        gradient_shape=gradient_shape,
        gradient_offset=gradient_offset,
        gradient_start=gradient_start,
    )


def _algorithm(winograd: bool) -> Algorithm:
    return Algorithm.WINOGRAD if winograd else Algorithm.REGISTER_TILES


def _direct_tile(shape: ConvGeometry, channels: int, columns: int) -> Tile:
    return tiles.forward_tile(1 if shape.depthwise else channels, columns)


def _gradient_layout(shape: ConvGeometry, is_padded: bool) -> tuple[Shape, int, int]:
    co, rows, columns = shape.output_shape
    if not is_padded:
        return (co, (rows - 1) * shape.stride + 1, (columns - 1) * shape.stride + 1), 0, 0
    halo = shape.kernel - 1
    zeros, cut = max(halo - shape.padding, 0), max(shape.padding - halo, 0)
    rows, columns = (size + halo + 2 * cut for size in shape.input_shape[1:])
    return (co, rows, columns), zeros * (columns + 1), cut * (columns + 1)
