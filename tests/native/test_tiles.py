"""Register tiles fit the registers, and the sums that the kernels have room for."""

import pytest

from pennyweight.native.tiles import (
    MOST_OUTPUTS,
    MOST_SUMS,
    REGISTERS,
    forward_tile,
    weight_tile,
    winograd_strip,
    winograd_tile,
)

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 10, 13, 16, 24, 31, 32, 64, 100, 257)


@pytest.mark.parametrize("channels", CHANNELS)
def test_a_forward_tile_stays_in_registers_and_in_the_map(channels: int) -> None:
    for columns in range(1, 41):
        outputs, width = forward_tile(channels, columns)
        assert 1 <= outputs <= channels
        assert 1 <= width <= columns
        assert outputs * width <= REGISTERS <= MOST_SUMS


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 7, 9, 13, 28, 31, 64])
def test_a_weight_tile_has_a_sum_for_every_weight_of_a_kernel_row(kernel: int) -> None:
    for outputs in CHANNELS:
        for inputs in CHANNELS:
            o, i = weight_tile(outputs, inputs, kernel)
            assert 1 <= o <= min(outputs, MOST_OUTPUTS)
            assert 1 <= i <= inputs
            assert o * i * kernel <= MOST_SUMS


def test_a_winograd_tile_has_at_most_four_outputs_and_no_tile_more_than_needed() -> None:
    for channels in range(1, 300):
        tile = winograd_tile(channels).channels
        assert 1 <= tile <= 4
        assert -(-channels // tile) == -(-channels // 4)


def test_a_strip_is_part_of_a_row_and_not_empty() -> None:
    for rows in range(1, 80):
        for columns in range(1, 80):
            assert 1 <= winograd_strip(rows, columns) <= -(-columns // 4)
