"""Which BatchNorm is folded into which layer: wherever it is exact, and nowhere else."""

from pathlib import Path
from types import ModuleType

import pytest
from network_cases import Network, far_folded_values, random_weights

from pennyweight.nets import fold as fold_module
from pennyweight.nets.fold import Fold, fold_batchnorm, folds_of, remaining_batchnorms
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from pennyweight.nets.plan import make_plan

SHAPE = (3, 11, 12)
HEAD: Layers = (MaxPool(2), Linear(CLASSES))

EXPECTED: dict[str, tuple[Layers, list[Fold], list[int], Layers]] = {
    # rows, their folds, the BatchNorms that remain, and the rows that make the folded plan
    "into the convolution before": (
        (Conv(4), BatchNorm(), Relu(), *HEAD),
        [Fold(2, 1)],
        [],
        (Conv(4, bias=True), Relu(), *HEAD),
    ),
    "into a depthwise convolution": (
        (Depthwise(3, 1, 2), BatchNorm(), *HEAD),
        [Fold(2, 1)],
        [],
        (Depthwise(3, 1, 2, bias=True), *HEAD),
    ),
    "into the head": ((Linear(CLASSES, bias=False), BatchNorm()), [Fold(2, 1)], [], (Linear(CLASSES),)),
    "through dropout": (
        (Conv(4, bias=True), Dropout(0.2), BatchNorm(), Dropout(0.1), *HEAD, Dropout(0.3)),
        [Fold(3, 1)],
        [],
        (Conv(4, bias=True), *HEAD),
    ),
    "two into one convolution": (
        (Conv(4), BatchNorm(), BatchNorm(), *HEAD),
        [Fold(2, 1), Fold(3, 1)],
        [],
        (Conv(4, bias=True), *HEAD),
    ),
    "into the convolution behind": (
        (Conv(4), Relu(), BatchNorm(), Conv(5), *HEAD),
        [Fold(3, 4)],
        [],
        (Conv(4), Relu(), Conv(5, bias=True), *HEAD),
    ),
    "of the images": ((BatchNorm(), Conv(5), *HEAD), [Fold(1, 2)], [], (Conv(5, bias=True), *HEAD)),
    "into the depthwise convolution behind": (
        (Relu(), BatchNorm(), Depthwise(3), *HEAD),
        [Fold(2, 3)],
        [],
        (Relu(), Depthwise(3, bias=True), *HEAD),
    ),
    "into the linear layer behind": (
        (MaxPool(), BatchNorm(), Linear(CLASSES)),
        [Fold(2, 3)],
        [],
        (MaxPool(), Linear(CLASSES)),
    ),
    "two into the layer behind": (
        (Relu(), BatchNorm(), Dropout(0.1), BatchNorm(), Conv(4, 1), *HEAD),
        [Fold(4, 5), Fold(2, 5)],
        [],
        (Relu(), Conv(4, 1, bias=True), *HEAD),
    ),
    "before rather than behind, and both into one": (
        (BatchNorm(), Conv(3), BatchNorm(), Conv(4), *HEAD),
        [Fold(3, 2), Fold(1, 2)],
        [],
        (Conv(3, bias=True), Conv(4), *HEAD),
    ),
    "not before padding": (rows := (Conv(4), Relu(), BatchNorm(), Conv(5, padding=1), *HEAD), [], [3], rows),
    "not before a depthwise layer's padding": (rows := (Relu(), BatchNorm(), Depthwise(3, 1), *HEAD), [], [2], rows),
    "not across pooling": (rows := (Conv(4), MaxPool(), BatchNorm(), AvgPool(2), Linear(CLASSES)), [], [3], rows),
    "not across ReLU": (rows := (Conv(4), Relu(), BatchNorm(), Relu(), *HEAD), [], [3], rows),
    "not behind the last node": (rows := (Linear(CLASSES), Relu(), BatchNorm()), [], [3], rows),
    "not into a convolution that the shortcut reads": (
        rows := (Conv(4), Residual((BatchNorm(), Relu())), *HEAD),
        [],
        [2],
        rows,
    ),
    "not where dropout hides another reader": (
        (Conv(4), Residual((BatchNorm(), Relu()), (Dropout(0.2),)), *HEAD),
        [],
        [2],
        (Conv(4), Residual((BatchNorm(), Relu())), *HEAD),
    ),
    "not two that read one convolution": (
        rows := (Conv(4), Residual((BatchNorm(),), (BatchNorm(),)), *HEAD),
        [],
        [2, 3],
        rows,
    ),
    "not what a sum reads as well": (
        rows := (Relu(), BatchNorm(), Residual((Conv(3, 1),)), *HEAD),
        [],
        [2],
        rows,
    ),
    "not a sum": (rows := (Conv(4), Residual((Relu(),)), BatchNorm(), *HEAD), [], [4], rows),
    "inside a residual": (
        (Conv(4), Residual((Conv(4, 3, 1), BatchNorm()), (Conv(4, 1), BatchNorm())), Relu(), *HEAD),
        [Fold(3, 2), Fold(5, 4)],
        [],
        (Conv(4), Residual((Conv(4, 3, 1, bias=True),), (Conv(4, 1, bias=True),)), Relu(), *HEAD),
    ),
    "into a layer that reads what a sum reads too": (
        (Relu(), Residual((BatchNorm(), Conv(3, 1))), *HEAD),
        [Fold(2, 3)],
        [],
        (Relu(), Residual((Conv(3, 1, bias=True),)), *HEAD),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_folds_are_exactly_those_that_change_no_value(name: str) -> None:
    rows, folds, remaining, folded_rows = EXPECTED[name]
    network = Network(rows, SHAPE, 4)
    plan = network.plan
    assert list(folds_of(plan)) == folds
    assert list(remaining_batchnorms(plan)) == remaining
    assert fold_batchnorm(plan, random_weights(plan, 0)).plan == make_plan(folded_rows, 4, SHAPE)
    assert far_folded_values(network) == {}


PLANTED = {
    "the shift is left out": ("* scale + shift,", "* scale,", "into the convolution before"),
    "the bias is not scaled": ('layer.get("bias", 0.0) * scale', 'layer.get("bias", 0.0)', "through dropout"),
    "another epsilon": ("+ BatchNorm.EPSILON", "+ 1.001e-5", "into the convolution before"),
    "the mean is not scaled": ("- scale * batchnorm", "- batchnorm", "into the convolution before"),
    "folded before padding": ("operation.padding > 0", "False", "not before padding"),
    "folded before a depthwise layer's padding": (
        "Conv | Depthwise) and operation.padding",
        "Conv) and operation.padding",
        "not before a depthwise layer's padding",
    ),
    "other readers of the producer are overlooked": (
        "_readers(edges, source) == [number]",
        "number in _readers(edges, source)",
        "not into a convolution that the shortcut reads",
    ),
    "other readers of BatchNorm are overlooked": (
        "number in edges and len(readers) == 1 and",
        "number in edges and readers and",
        "not what a sum reads as well",
    ),
    "folded across ReLU": (
        "number > 0 and isinstance(plan.nodes[number - 1].operation, Conv | Depthwise | Linear)",
        "number > 0",
        "not across ReLU",
    ),
    "two consumers in the wrong order": ("in reversed(batchnorms)", "in batchnorms", "two into the layer behind"),
    "a channel's scale at every pixel of the row": (
        "1 if depthwise else len(scale), -1)",
        "1 if depthwise else len(scale), -1, order='F')",
        "into the linear layer behind",
    ),
    "the shift of the consumer is left out": (
        "+ (by_channel * shift",
        "+ 0 * (by_channel * shift",
        "into the convolution behind",
    ),
    "the consumer's channels exchanged": ("(1, -1, 1)", "(-1, 1, 1)", "before rather than behind, and both into one"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_caught(name: str) -> None:
    old, new, case = PLANTED[name]
    source = Path(fold_module.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1
    module = ModuleType("planted")
    exec(compile(source.replace(old, new), "planted", "exec"), module.__dict__)
    rows, folds, _, _ = EXPECTED[case]
    network = Network(rows, SHAPE, 4)
    found = [(fold.batchnorm, fold.layer) for fold in module.folds_of(network.plan)]
    assert found != [(fold.batchnorm, fold.layer) for fold in folds] or far_folded_values(network, module)
