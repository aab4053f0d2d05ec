"""The drawing of a network holds against its plan: every weight in a block, every sum with its arcs."""

import numpy as np
import pytest
from figure_gallery import nested_layers
from support import mnist_plan

from pennyweight.base.errors import UsageError
from pennyweight.figures.network import blocks_of, network, network_words
from pennyweight.figures.svg import points_of, text_of, to_svg
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, Relu, Residual
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Add
from pennyweight.recipes.catalogue import RECIPES


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_blocks_hold_all_parameters_all_sums_and_the_last_receptive_field(recipe) -> None:  # type: ignore[no-untyped-def]
    plan = recipe.plan()
    blocks, measured = blocks_of(plan), measure(plan)
    assert sum(block.params for block in blocks) == measured.params
    assert sum(block.kind == "sum" for block in blocks) == sum(isinstance(node.operation, Add) for node in plan.nodes)
    assert blocks[-1].receptive_field == measured.layers[-1].receptive_field
    assert blocks[-1].shape == plan.nodes[-1].output_shape
    assert blocks[0].kind == "image"
    assert f"{measured.params:,}" in network_words(plan).title


def test_a_block_is_as_high_as_its_map_and_as_wide_as_its_channels() -> None:
    plan = RECIPES[2].plan()
    blocks = blocks_of(plan)
    drawn = points_of(to_svg(network(plan), words=network_words(plan), name="n"))
    boxes = [np.array(drawn[f"block-{number}"]).reshape(-1, 2) for number in range(len(blocks))]
    sizes = np.array([box.max(axis=0) - box.min(axis=0) for box in boxes])
    large = [number for number, block in enumerate(blocks) if block.shape[1] > 1 and block.shape[0] > 1]
    for one in large:
        assert sizes[one, 1] / blocks[one].shape[1] == pytest.approx(132 / 28, abs=0.01)
        assert sizes[one, 0] / blocks[one].shape[0] == pytest.approx(
            sizes[large[0], 0] / blocks[large[0]].shape[0], abs=0.01
        )


@pytest.mark.parametrize("width", [360, 1040])
def test_every_output_and_receptive_field_is_written(width: int) -> None:
    plan = RECIPES[-1].plan()
    words = text_of(to_svg(network(plan, width=width), words=network_words(plan), name="n"))
    for block in blocks_of(plan):
        assert str(block.receptive_field) in words
        shape = [f"{block.shape[1]}×{block.shape[2]}", f"{block.shape[0]}×{block.shape[1]}×{block.shape[2]}"]
        assert shape[width < 480] in words


def test_a_skip_reads_the_block_that_the_sum_does() -> None:
    """The shortcut of the outer residual is a convolution, that of the others nothing at all."""
    blocks = blocks_of(mnist_plan(nested_layers()))
    sums = [(number, block.reads) for number, block in enumerate(blocks) if block.kind == "sum"]
    assert len(sums) == 3
    for number, reads in sums:
        assert len(reads) == 2
        assert all(0 <= one < number for one in reads)
    words = network_words(mnist_plan(nested_layers())).title
    assert "3 skip connections" in words


def test_many_layers_are_drawn_downwards_and_too_many_refused() -> None:
    deep = (*(Conv(4, padding=1), Relu()) * 30, Conv(CLASSES), GlobalAvgPool())
    figure = network(mnist_plan(deep), width=1040)
    assert figure.get_size_inches()[1] * 72 > 1_000
    too_deep = (*(Residual((Conv(4, padding=1),), (Conv(4, kernel=1),)),) * 140, Conv(CLASSES), GlobalAvgPool())
    with pytest.raises(UsageError, match="more than 400 cannot be drawn"):
        network(mnist_plan(too_deep))
