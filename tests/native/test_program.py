"""A plan cut into convolutions and epilogues: which nodes are fused, and that nothing is lost or moved by it."""

import pytest
from hypothesis import given
from support import mnist_plan, networks

from pennyweight.native.abi import Pool
from pennyweight.native.program import Convolution, Epilogue, EpilogueOp, Program, make_program
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layer,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.plan import Plan
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe

HEAD: tuple[Layer, ...] = (Linear(CLASSES),)
SAME = Conv(4, padding=1)


def outline(program: Program) -> list[str]:
    """Every segment as a line: what it reads, what it does, which value it gives; `output` is a convolution's own."""
    return [_line(segment) for segment in program.segments]


def _line(segment: Convolution | Epilogue) -> str:
    if isinstance(segment, Convolution):
        kind = "depthwise" if segment.shape.depthwise else "conv"
        shape = f"{segment.shape.kernel}/{segment.shape.stride}/{segment.shape.padding}"
        return f"{segment.source} {kind} {shape} -> output {segment.number}"
    words = [f"output {segment.source}" if segment.convolution else str(segment.source)]
    words += [f"+ {segment.skip}"] if segment.skip is not None else []
    words += [segment.ops.in_c()] if segment.ops else []
    words += [f"{segment.pool.name} {segment.window[0]}"] if segment.pool else []
    return f"{' '.join(words)} -> {segment.target}"


CASES: list[tuple[str, Layers, list[str]]] = [
    (
        "a linear layer is a 1x1 convolution of a vector",
        (Conv(4, stride=2), Linear(CLASSES)),
        ["0 conv 3/2/0 -> output 1", "output 1 -> 1", "1 conv 1/1/0 -> output 2", "output 2 -> 2"],
    ),
    (
        "everything in order is one epilogue",
        (Conv(4), BatchNorm(), Relu(), MaxPool(), Dropout(0.1), *HEAD),
        [
            "0 conv 3/1/0 -> output 1",
            "output 1 NORMALISE | POST_RELU | DROPOUT MAX_POOL 2 -> 5",
            "5 conv 1/1/0 -> output 6",
            "output 6 -> 6",
        ],
    ),
    (
        "a ReLU right before BatchNorm comes first",
        (Conv(4), Relu(), BatchNorm(), Relu(), AvgPool(2), *HEAD),
        [
            *("0 conv 3/1/0 -> output 1", "output 1 PRE_RELU | NORMALISE | POST_RELU MEAN_POOL 2 -> 5"),
            *("5 conv 1/1/0 -> output 6", "output 6 -> 6"),
        ],
    ),
    (
        "what is out of order starts another epilogue",
        (Depthwise(5, 2), Dropout(0.1), Relu(), MaxPool(2), BatchNorm(), BatchNorm(), *HEAD),
        [
            *(
                "0 depthwise 5/1/2 -> output 1",
                "output 1 DROPOUT -> 2",
                "2 POST_RELU MAX_POOL 2 -> 4",
                "4 NORMALISE -> 5",
            ),
            *("5 NORMALISE -> 6", "6 conv 1/1/0 -> output 7", "output 7 -> 7"),
        ],
    ),
    (
        "an epilogue may start at the image",
        (Relu(), Conv(CLASSES), GlobalAvgPool()),
        ["0 POST_RELU -> 1", "1 conv 3/1/0 -> output 2", "output 2 MEAN_POOL 26 -> 3"],
    ),
    (
        "a block with a skip is two epilogues",
        (Conv(4), BatchNorm(), Relu(), Residual((SAME, BatchNorm())), Relu(), *HEAD),
        [
            *("0 conv 3/1/0 -> output 1", "output 1 NORMALISE | POST_RELU -> 3", "3 conv 3/1/1 -> output 4"),
            *("output 4 + 3 NORMALISE | ADD | POST_RELU -> 7", "7 conv 1/1/0 -> output 8", "output 8 -> 8"),
        ],
    ),
    (
        "a projected skip is the shortcut's epilogue",
        (Conv(4), Relu(), Residual((Conv(6, padding=1), BatchNorm()), (Conv(6, 1), BatchNorm())), Relu(), *HEAD),
        [
            *(
                "0 conv 3/1/0 -> output 1",
                "output 1 POST_RELU -> 2",
                "2 conv 3/1/1 -> output 3",
                "output 3 NORMALISE -> 4",
            ),
            *("2 conv 1/1/0 -> output 5", "output 5 + 4 NORMALISE | ADD | POST_RELU -> 8", "8 conv 1/1/0 -> output 9"),
            "output 9 -> 9",
        ],
    ),
    (
        "an output that two read is stored as it is",
        (Conv(4), Residual((BatchNorm(), Relu(), SAME)), *HEAD),
        [
            *("0 conv 3/1/0 -> output 1", "output 1 -> 1", "1 NORMALISE | POST_RELU -> 3", "3 conv 3/1/1 -> output 4"),
            *("output 4 + 1 ADD -> 5", "5 conv 1/1/0 -> output 6", "output 6 -> 6"),
        ],
    ),
    (
        "a ReLU before a sum does not come after it",
        (Conv(4), Residual((SAME, Relu())), *HEAD),
        [
            *("0 conv 3/1/0 -> output 1", "output 1 -> 1", "1 conv 3/1/1 -> output 2", "output 2 POST_RELU -> 3"),
            *("3 + 1 ADD -> 4", "4 conv 1/1/0 -> output 5", "output 5 -> 5"),
        ],
    ),
    (
        "an empty residual adds a value to itself",
        (Conv(4), Residual(()), *HEAD),
        ["0 conv 3/1/0 -> output 1", "output 1 -> 1", "1 + 1 ADD -> 2", "2 conv 1/1/0 -> output 3", "output 3 -> 3"],
    ),
]


@pytest.mark.parametrize(("rows", "lines"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_steps_are_fused_where_order_and_readers_allow(rows: Layers, lines: list[str]) -> None:
    assert outline(make_program(mnist_plan(rows))) == lines


KEPT: list[tuple[str, Layers, dict[int, int], set[int], dict[int, int]]] = [
    ("a plain chain", (Conv(4), Relu(), SAME, BatchNorm(), Relu(), *HEAD), {2: 3, 5: 6}, {2, 5}, {2: 1}),
    ("pooling is not recomputed", (Conv(4), Relu(), MaxPool(), *HEAD), {3: 4}, set(), {}),
    ("a skip is not recomputed", (Conv(4), Relu(), Residual((SAME,)), *HEAD), {4: 5}, set(), {2: 1}),
    ("two readers share nothing", (Conv(4), Relu(), Residual((SAME,), (Conv(4, 1),)), *HEAD), {5: 6}, set(), {2: 1}),
    ("the widest padding of two", (Conv(4), Relu(), Residual((Conv(4, 5, 2),), (SAME,)), *HEAD), {5: 6}, set(), {2: 2}),
    ("the image keeps its padding", (SAME, Conv(CLASSES), GlobalAvgPool()), {1: 2}, {1}, {0: 1}),
]


@pytest.mark.parametrize(
    ("rows", "sole_reader", "recomputed", "pads"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT]
)
def test_what_is_kept_shared_and_padded(
    rows: Layers, sole_reader: dict[int, int], recomputed: set[int], pads: dict[int, int]
) -> None:
    program = make_program(mnist_plan(rows))
    assert program.sole_reader == sole_reader
    assert program.recomputed == recomputed
    assert {value: pad for value, pad in program.pads.items() if pad} == pads


def formulas(plan: Plan) -> dict[int, str]:
    """Every value of a plan as the formula of what its nodes do, one after the other."""
    found = {0: "x"}
    for node in plan.nodes:
        first, *others = (found[value] for value in node.inputs)
        match node.operation:
            case Conv() | Depthwise() | Linear():
                found[node.number] = f"C{node.number}({first})"
            case BatchNorm():
                found[node.number] = f"N{node.number}({first})"
            case Relu():
                found[node.number] = f"R({first})"
            case MaxPool(size=size):
                found[node.number] = f"max{size}({first})"
            case AvgPool(size=size):
                found[node.number] = f"mean{size}({first})"
            case GlobalAvgPool():
                found[node.number] = f"mean{node.input_shape[1]}({first})"
            case Dropout(rate=rate):
                found[node.number] = f"D{rate}({first})"
            case _:
                found[node.number] = "+".join(sorted([first, *others]))
    return found


def fused_formulas(program: Program) -> dict[int, str]:
    """Every value that a program stores as the formula of what its segments do, in the order of an epilogue."""
    stored, outputs = {0: "x"}, dict[int, str]()
    for segment in program.segments:
        if isinstance(segment, Convolution):
            outputs[segment.number] = f"C{segment.number}({stored[segment.source]})"
            continue
        value = outputs[segment.source] if segment.convolution else stored[segment.source]
        if EpilogueOp.PRE_RELU in segment.ops:
            value = f"R({value})"
        if EpilogueOp.NORMALISE in segment.ops and segment.norm:
            value = f"N{segment.norm.number}({value})"
        if EpilogueOp.ADD in segment.ops and segment.skip is not None:
            value = "+".join(sorted([value, stored[segment.skip]]))
        if EpilogueOp.POST_RELU in segment.ops:
            value = f"R({value})"
        if segment.pool:
            value = f"{'max' if segment.pool is Pool.MAX_POOL else 'mean'}{segment.window[0]}({value})"
        if EpilogueOp.DROPOUT in segment.ops:
            value = f"D{segment.rate}({value})"
        stored[segment.target] = value
    return stored


def check_program(program: Program) -> None:
    plan = program.plan
    wanted, found = formulas(plan), fused_formulas(program)
    assert found == {number: wanted[number] for number in found}
    assert program.epilogues[-1].target == plan.nodes[-1].number
    shapes = {0: plan.image_shape} | {node.number: node.output_shape for node in plan.nodes}
    assert program.shapes == {number: shapes[number] for number in found}
    assert program.recomputed <= set(program.sole_reader)
    for value, reader in program.sole_reader.items():
        epilogue = next(epilogue for epilogue in program.epilogues if epilogue.target == value)
        after = program.segments[program.segments.index(epilogue) + 1]
        assert isinstance(after, Convolution)
        assert (after.number, after.source) == (reader, value)


@given(rows=networks)
def test_any_network_computes_the_same_formula_fused(rows: Layers) -> None:
    check_program(make_program(mnist_plan(rows)))


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_every_published_network_computes_the_same_formula_fused(name: str) -> None:
    check_program(make_program(mnist_plan(find_recipe(name).layers)))


@pytest.mark.parametrize(
    ("rows", "change"),
    [
        (
            (Conv(4), BatchNorm(), Relu(), *HEAD),
            lambda it: setattr(it, "ops", EpilogueOp.PRE_RELU | EpilogueOp.NORMALISE),
        ),
        ((Conv(4), Relu(), MaxPool(), *HEAD), lambda it: setattr(it, "pool", Pool.MEAN_POOL)),
        ((Conv(4), Relu(), MaxPool(3), *HEAD), lambda it: setattr(it, "window", (2, 2))),
        ((Conv(4), Relu(), Dropout(0.2), *HEAD), lambda it: setattr(it, "rate", 0.1)),
    ],
    ids=["ReLU before BatchNorm", "another pool", "another size", "another rate"],
)
def test_control_an_epilogue_that_does_something_else_is_seen(rows: Layers, change) -> None:
    program = make_program(mnist_plan(rows))
    change(program.epilogues[0])
    with pytest.raises(AssertionError):
        check_program(program)
