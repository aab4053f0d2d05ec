"""Where a program keeps its maps: every array that is used is there once, and is large enough for all it holds."""

import re

import pytest
from hypothesis import given, settings
from support import mnist_plan, networks

from pennyweight.native.generate import KERNELS, generate
from pennyweight.native.memory import Memory, layout_of
from pennyweight.native.program import make_program
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, GlobalAvgPool, Layers, Linear, MaxPool, Relu, Residual
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

DECLARED = re.compile(r"^ +(?:vec|float|Moments|GradientSums|ChannelNorm) (\w+)\[", re.M)
ALWAYS = {"workspace", "compact_gradient"}
"""Scratch that is there whether it is needed or not."""


def fields(text: str, struct: str) -> str:
    body = re.search(rf"typedef struct {{\n((?: .*\n)+)}} {struct};", text)
    assert body is not None
    return re.sub(r"/\*.*?\*/", "", body[1], flags=re.S)


def sizes(rows: Layers) -> dict[str, str]:
    """The declared size of every map of a network, as C writes it."""
    plan = mnist_plan(rows)
    text = "\n".join(Memory(make_program(plan), layout_of(plan), lanes=16).structs())
    return dict(re.findall(r"^ +\w+ (\w+)((?:\[\w+\])+) ", text, re.M))


def test_weights_and_buffers_lie_end_to_end() -> None:
    layout = layout_of(mnist_plan((Conv(4, bias=True), BatchNorm(), Linear(CLASSES))))
    assert layout.offsets == {
        "1.weight": 0,
        "1.bias": 36,
        "2.weight": 40,
        "2.bias": 44,
        "3.weight": 48,
        "3.bias": 48 + 27_040,
        "2.running_mean": 0,
        "2.running_var": 4,
    }
    assert (layout.parameters, layout.buffers) == (48 + 27_040 + 10, 8)


def test_maps_have_the_sizes_that_their_shapes_and_borders_give() -> None:
    held = sizes((Conv(4, 3, 1), BatchNorm(), Relu(), MaxPool(), Conv(6, 5, 2), GlobalAvgPool(), Linear(CLASSES)))
    assert held["value0"] == f"[GROUPS][{30 * 30}]"
    assert held["conv_output1"] == f"[GROUPS][{4 * 28 * 28}]"
    assert held["value4"] == f"[GROUPS][{4 * 18 * 18}]"
    assert "gradient4" not in held  # it takes the place of convolution output 5, which holds more
    assert held["conv_output5"] == f"[GROUPS][{6 * 14 * 14}]"
    assert held["padded_gradient5"] == f"[{6 * 18 * 18}]"
    assert held["moments2"] == held["sums2"] == "[GROUPS][4]"
    assert held["norm2"] == "[4]"
    assert held["value6"] == "[GROUPS][6]"
    assert held["value7"] == held["gradient7"] == "[GROUPS][10]"


def test_a_convolution_output_has_room_for_the_larger_gradient_that_takes_its_place() -> None:
    held = sizes((Conv(8), Relu(), MaxPool(), Conv(2), GlobalAvgPool(), Linear(CLASSES)))
    assert held["conv_output4"] == f"[GROUPS][{8 * 13 * 13}]"


def test_what_is_recomputed_is_kept_by_threads_and_not_for_every_group() -> None:
    held = sizes((Conv(4), Relu(), Conv(5, padding=1), Relu(), GlobalAvgPool(), Linear(CLASSES)))
    assert held["value2"] == f"[{4 * 28 * 28}]"


def test_a_value_that_two_read_keeps_its_own_gradient() -> None:
    held = sizes((Conv(4), Relu(), Residual((Conv(4, padding=1),)), Linear(CLASSES)))
    assert held["gradient2"] == f"[GROUPS][{4 * 26 * 26}]"
    assert held["value2"] == f"[GROUPS][{4 * 28 * 28}]"


def check_arrays(rows: Layers) -> None:
    source = generate(mnist_plan(rows), 32, 16).text
    for pointer, struct in (("n->v.", "Values"), ("t->", "Scratch")):
        names = DECLARED.findall(fields(source, struct))
        used = set(re.findall(re.escape(pointer) + r"(\w+)", source.replace("(n)->v.", "n->v.")))
        assert len(names) == len(set(names))
        assert used <= set(names)
        assert set(names) - used <= ALWAYS


@settings(max_examples=30)
@given(rows=networks)
def test_every_array_of_any_network_is_declared_once_and_used(rows: Layers) -> None:
    check_arrays(rows)


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_every_array_of_a_published_network_is_declared_once_and_used(name: str) -> None:
    check_arrays(find_recipe(name).layers)


def without_zone(text: str) -> set[str]:
    """The arrays of a network that have no zone behind them, or one that is not poisoned (`kernels/zones.h`)."""
    structs = "".join(fields(text, struct) for struct in ("Values", "Scratch", "ImageWorkspace", "Net"))
    arrays = set(re.findall(r"(\w+)(?:\[[^]]*\])+", structs)) - {"scratch"}  # each of which ends in a zone
    zones = set(re.findall(r"\] (?:__attribute__\S+ \* LANES\)\)\) )?RED_ZONE\((\w+)\)", structs))
    assert len(arrays) > 20
    return arrays - (zones & set(re.findall(r"POISON\(\w+->red_(\w+)\);", text)))


def test_a_poisoned_zone_lies_behind_every_array_of_a_network() -> None:
    rows: Layers = (Conv(4, 3, 1), BatchNorm(), Relu(), Conv(9, 3, 1), Relu(), Conv(4, 1, 0, 2), Linear(CLASSES))
    text = generate(mnist_plan(rows), 32, 16).text + "".join(path.read_text() for path in KERNELS.glob("*.h"))
    assert without_zone(text) == set()
    for name in ("value0", "workspace", "norm2", "slot1", "frame", "grey"):
        assert without_zone(text.replace(f" RED_ZONE({name})", "")) == {name}
        assert without_zone(re.sub(rf"POISON\(\w+->red_{name}\);", "", text)) == {name}
