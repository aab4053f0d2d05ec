"""Layers as text, and rows lowered to nodes: what is impossible is named by its layer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import any_row, mnist_plan, networks

from pennyweight.base.errors import UsageError
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.measure import measure, window
from pennyweight.nets.plan import Add, make_plan
from pennyweight.nets.text import layers_from_text, layers_to_text
from pennyweight.nets.torch_module import torch_module
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

HEAD: Layers = (Conv(CLASSES), GlobalAvgPool())


@given(rows=st.lists(any_row, max_size=6).map(tuple))
def test_rows_written_line_by_line_are_read_back_equal(rows: Layers) -> None:
    lines = layers_to_text(rows)
    assert len(lines) == len(rows)
    assert layers_from_text(lines) == rows


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_every_published_network_is_text_both_ways(name: str) -> None:
    rows = find_recipe(name).layers
    assert layers_from_text(layers_to_text(rows)) == rows
    assert all(line.count("\n") == 0 for line in layers_to_text(rows))


def test_wrong_lines_are_all_named_by_their_number() -> None:
    with pytest.raises(UsageError) as refused:
        layers_from_text(["Conv(8)", "Rleu()", "Relu()", "MaxPool(sise=2)", "3", 3])  # type: ignore[list-item]
    assert str(refused.value) == (
        "layers, line 2: There is no kind 'Rleu'. Did you mean 'Relu'? "
        "layers, line 4: There is no MaxPool field 'sise'. Did you mean 'size'? "
        "layers, line 5: '3' is not a layer; write it like Conv(8). "
        'layers, line 6: 3 is not text; write it like "Conv(8, kernel=3)".'
    )


IMPOSSIBLE: list[tuple[str, Layers, str]] = [
    ("kernel larger than the map", (Conv(8, kernel=29), *HEAD), "layer 1 (Conv): a 29x29 kernel with padding 0"),
    (
        "kernel larger than what is left",
        (MaxPool(14), Relu(), Depthwise(3), *HEAD),
        "layer 3 (Depthwise): a 3x3 kernel with padding 0 does not fit a 2x2 map.",
    ),
    ("kernel of 0", (Conv(8, kernel=0), *HEAD), "layer 1 (Conv): kernel is 0; it must be from 1 to 31."),
    ("kernel of 32", (Conv(8, kernel=32, padding=31), *HEAD), "kernel is 32; it must be from 1 to 31."),
    ("stride of 0", (Conv(8, stride=0), *HEAD), "layer 1 (Conv): stride is 0; it must be from 1 to 8."),
    ("padding below 0", (Conv(8, padding=-1), *HEAD), "layer 1 (Conv): padding is -1; it must be from 0 to 4096."),
    ("padding wider than any image", (Conv(8, padding=4_097), *HEAD), "layer 1 (Conv): padding is 4097; it must be"),
    ("no channels", (Conv(0), *HEAD), "layer 1 (Conv): channels is 0; it must be from 1 to 65536."),
    ("too many channels", (Conv(65_537), *HEAD), "layer 1 (Conv): channels is 65537"),
    ("no features", (Linear(0), Linear(CLASSES)), "layer 1 (Linear): features is 0"),
    ("pool larger than the map", (MaxPool(29), *HEAD), "layer 1 (MaxPool): size is 29; it must be from 1 to 28."),
    ("pool of 0", (AvgPool(0), *HEAD), "layer 1 (AvgPool): size is 0; it must be from 1 to 28."),
    (
        "dropout of 1",
        (Relu(), Dropout(1.0), *HEAD),
        "layer 2 (Dropout): rate is 1.0; it must be at least 0 and below 1.",
    ),
    ("dropout below 0", (Dropout(-0.1), *HEAD), "layer 1 (Dropout): rate is -0.1"),
    ("dropout of nan", (Dropout(float("nan")), *HEAD), "layer 1 (Dropout): rate is nan"),
    (
        "residual with other channels",
        (Conv(8), Residual((Conv(16, padding=1), BatchNorm())), *HEAD),
        "layer 4 (Residual): the body gives 16x26x26, the shortcut 8x26x26; both must be equal.",
    ),
    (
        "residual with another size",
        (Conv(8), Residual((Conv(8),), (Conv(8, stride=2),)), *HEAD),
        "layer 4 (Residual): the body gives 8x24x24, the shortcut 8x12x12; both must be equal.",
    ),
    (
        "residual inside a residual",
        (Conv(8), Residual((Residual((MaxPool(),)),)), *HEAD),
        "layer 3 (Residual): the body gives 8x13x13, the shortcut 8x26x26",
    ),
    ("error inside a residual", (Residual((Relu(), Conv(1, kernel=31))), *HEAD), "layer 2 (Conv): a 31x31 kernel"),
    ("no head", (Conv(10), GlobalAvgPool()), "exactly one head, Conv(CLASSES, ...) or Linear(CLASSES), outside of"),
    ("nothing at all", (), "this one has 0."),
    ("two heads", (Conv(CLASSES), Relu(), Conv(CLASSES), GlobalAvgPool()), "this one has 2."),
    ("head in a residual", (Residual((Conv(CLASSES),), (Conv(CLASSES),)), GlobalAvgPool()), "this one has 2."),
    ("head in a residual beside one", (Residual((), (Linear(CLASSES),)), *HEAD), "this one has 2."),
    ("ends in a map", (Conv(8), Conv(CLASSES)), "The network ends in 10x24x24, not in 10 logits (10x1x1)"),
    ("ends in another width", (Conv(CLASSES), GlobalAvgPool(), Linear(12)), "The network ends in 12x1x1"),
]


@pytest.mark.parametrize(("rows", "words"), [case[1:] for case in IMPOSSIBLE], ids=[case[0] for case in IMPOSSIBLE])
def test_an_impossible_network_is_refused_by_its_layer(rows: Layers, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        mnist_plan(rows)
    assert words in str(refused.value)


POSSIBLE: list[tuple[str, Layers]] = [
    ("a kernel as large as the map", (Conv(CLASSES, kernel=28),)),
    ("a kernel that fits with its padding", (MaxPool(14), Conv(CLASSES, kernel=3, padding=1), GlobalAvgPool())),
    ("padding wider than a kernel", (Conv(4, kernel=1, padding=1), Conv(CLASSES, 3, 40, 8), GlobalAvgPool())),
    ("a pool as large as the map", (Conv(CLASSES, kernel=1), AvgPool(28))),
    ("a pool that drops a last row", (Conv(CLASSES, kernel=4), MaxPool(2), MaxPool(12))),
    ("a linear layer alone", (Linear(CLASSES),)),
    ("rows behind the head", (Linear(CLASSES), BatchNorm(), Relu())),
    ("a residual first", (Residual((Relu(),)), *HEAD)),
    ("an empty residual", (Residual(()), *HEAD)),
    ("dropout of 0", (Dropout(0.0), *HEAD)),
]


@pytest.mark.parametrize("rows", [case[1] for case in POSSIBLE], ids=[case[0] for case in POSSIBLE])
def test_what_just_fits_is_accepted_and_runs(rows: Layers) -> None:
    import torch

    plan = mnist_plan(rows)
    assert torch_module(plan, initial_weights(plan, 0))(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("classes", [2, 10, 47])
def test_the_head_takes_its_width_from_the_dataset(classes: int) -> None:
    for rows in (HEAD, (Linear(CLASSES),)):
        plan = make_plan(rows, classes, (1, 28, 28))
        assert plan.nodes[-1].output_shape == (classes, 1, 1)
        assert plan.weights[0].shape[0] == classes


def readers(nodes, number: int) -> list[int]:
    return [node.number for node in nodes if number in node.inputs]


@given(rows=networks)
def test_last_use_is_the_last_step_that_reads_a_value(rows: Layers) -> None:
    nodes = mnist_plan(rows).nodes
    for node in nodes:
        assert node.last_use == max(readers(nodes, node.number), default=node.number)


@given(rows=networks)
def test_steps_are_numbered_from_one_and_read_only_what_came_before(rows: Layers) -> None:
    nodes = mnist_plan(rows).nodes
    shapes = {0: (1, 28, 28)}
    for number, node in enumerate(nodes, start=1):
        assert node.number == number
        assert all(value < number for value in node.inputs)
        assert len(node.inputs) == (2 if isinstance(node.operation, Add) else 1)
        assert {shapes[value] for value in node.inputs} == {node.input_shape}
        shapes[number] = node.output_shape
        for tensor in node.weights + node.buffers:
            assert tensor.name.startswith(f"{number}.")
    assert all(readers(nodes, node.number) for node in nodes[:-1])
    assert node.label == f"layer {len(nodes)} (GlobalAvgPool)"


@given(rows=networks)
def test_no_value_is_dropped_before_its_last_reader(rows: Layers) -> None:
    """The torch module forgets a value at its last use; with a wrong one it could not run."""
    import torch

    plan = mnist_plan(rows)
    module = torch_module(plan, initial_weights(plan, 0))
    image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    values = {0: image}
    with torch.no_grad():
        for node in plan.nodes:
            values[node.number] = module.get_submodule(str(node.number))(*(values[value] for value in node.inputs))
        assert torch.equal(module(image), values[len(plan.nodes)].flatten(1))


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_last_use_of_every_published_network_is_right(name: str) -> None:
    nodes = mnist_plan(find_recipe(name).layers).nodes
    assert [node.last_use for node in nodes] == [
        max(readers(nodes, node.number), default=node.number) for node in nodes
    ]
    assert sum(isinstance(node.operation, Add) for node in nodes) == (2 if name == "skip-3" else 0)


def test_a_residual_adds_what_its_body_and_shortcut_give() -> None:
    plan = mnist_plan((Conv(8), Residual((Conv(4), Relu()), (Conv(4),)), *HEAD))
    assert [(type(node.operation).__name__, node.inputs) for node in plan.nodes] == [
        ("Conv", (0,)),
        ("Conv", (1,)),
        ("Relu", (2,)),
        ("Conv", (1,)),
        ("Add", (3, 4)),
        ("Conv", (5,)),
        ("GlobalAvgPool", (6,)),
    ]
    assert plan.nodes[0].last_use == 4


@pytest.mark.parametrize(
    ("rows", "params", "buffers", "macs"),
    [
        ((Conv(8), GlobalAvgPool(), Linear(CLASSES)), 72 + 90, 0, 72 * 676 + 80),
        ((Conv(CLASSES, kernel=28, bias=True),), 7_850, 0, 7_840),
        ((Depthwise(3, padding=1), BatchNorm(), Linear(CLASSES, bias=False)), 9 + 2 + 7_840, 2, 9 * 784 + 7_840),
        ((Residual((Depthwise(1),), (Depthwise(1),)), Linear(CLASSES)), 2 + 7_850, 0, 2 * 784 + 7_840),
    ],
)
def test_costs_are_the_arithmetic_done_by_hand(rows: Layers, params: int, buffers: int, macs: int) -> None:
    measured = measure(mnist_plan(rows))
    assert (measured.params, measured.buffers, measured.macs) == (params, buffers, macs)


@pytest.mark.parametrize("shape", [(1, 20, 36), (1, 36, 20)])
def test_the_window_of_a_whole_rectangular_map_is_measured_along_its_longer_side(shape: tuple[int, int, int]) -> None:
    for layers in ((Conv(CLASSES), GlobalAvgPool()), (Linear(CLASSES),)):
        plan = make_plan(layers, 3, shape)
        assert measure(plan).layers[-1].receptive_field == 36
        assert window(plan.nodes[-1])[0] == plan.nodes[-1].input_shape[1:]
    assert measure(make_plan((Conv(CLASSES), GlobalAvgPool()), 3, (1, 20, 20))).receptive_field == 3
