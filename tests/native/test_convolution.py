"""How a convolution runs: Winograd where it can, register tiles elsewhere; its gradient suits its reader."""

import pytest
from support import mnist_plan

from pennyweight.native.convolution import Algorithm, ConvPlan
from pennyweight.native.program import make_program
from pennyweight.native.tiles import MAX_CACHED_CHANNELS
from pennyweight.nets.layers import CLASSES, Conv, Depthwise, GlobalAvgPool, Layer


def plan_of(layer: Layer, channels: int = 8, reads_image: bool = False) -> ConvPlan:
    """How a convolution of a map of `channels`, or of the image, runs."""
    before = () if reads_image else (Conv(channels, 1),)
    program = make_program(mnist_plan((*before, layer, Conv(CLASSES, 1), GlobalAvgPool())))
    return program.convolutions[len(before)].plan


def algorithms(plan: ConvPlan) -> set[Algorithm | None]:
    return {plan.forward, plan.input_gradient, plan.weight_gradient}


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_a_plain_3x3_convolution_of_some_channels_uses_winograd_throughout(padding: int) -> None:
    plan = plan_of(Conv(8, 3, padding))
    assert algorithms(plan) == {Algorithm.WINOGRAD}
    assert plan.transforms_weights
    assert not plan.pads_gradient


@pytest.mark.parametrize(
    "layer",
    [Conv(8, 1), Conv(8, 2), Conv(8, 5, 2), Conv(8, 3, 1, stride=2), Depthwise(3, 1)],
    ids=["1x1", "2x2", "5x5", "stride 2", "depthwise"],
)
def test_no_other_convolution_does(layer: Layer) -> None:
    plan = plan_of(layer)
    assert algorithms(plan) == {Algorithm.REGISTER_TILES}
    assert plan.pads_gradient
    assert not plan.transforms_weights


@pytest.mark.parametrize("layer", [Conv(8, 3), Conv(8, 5), Depthwise(3)], ids=["3x3", "5x5", "depthwise"])
def test_the_image_has_no_gradient_by_any_algorithm(layer: Layer) -> None:
    plan = plan_of(layer, reads_image=True)
    assert plan.input_gradient is None
    assert not plan.pads_gradient


def test_channels_whose_rows_would_not_fit_the_stack_do_not_use_winograd() -> None:
    assert plan_of(Conv(8, 3), MAX_CACHED_CHANNELS).forward is Algorithm.WINOGRAD
    assert plan_of(Conv(8, 3), MAX_CACHED_CHANNELS + 1).forward is Algorithm.REGISTER_TILES
    assert plan_of(Conv(MAX_CACHED_CHANNELS + 1, 3), 8).input_gradient is Algorithm.REGISTER_TILES


def test_an_output_gradient_has_the_zeros_that_its_reader_needs() -> None:
    padded = plan_of(Conv(6, 5, 2, stride=2))
    assert padded.gradient_shape == (6, 28 + 4, 28 + 4)
    assert padded.gradient_offset == 2 * 32 + 2
    assert padded.gradient_start == 0
    wide = plan_of(Conv(6, 5, 7, stride=2))  # three pixels on each side are made from padding alone
    assert wide.gradient_shape == (6, 28 + 4 + 6, 28 + 4 + 6)
    assert (wide.gradient_offset, wide.gradient_start) == (0, 3 * 38 + 3)
    compact = plan_of(Conv(6, 5, 2, stride=2), reads_image=True)
    assert compact.gradient_shape == (6, 27, 27)
    assert compact.gradient_offset == 0
