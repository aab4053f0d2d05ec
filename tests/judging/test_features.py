"""What an audit says a layer is, against what that layer does to numbers in PyTorch.

Every node of a random network is run alone: which outputs depend on which inputs, and by what weights, decides what it
is. SliceResult and BatchNorm are then judged along all paths of the network, listed one by one.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st
from support import TINY, mnist_plan
from torch import nn

from pennyweight.judging.audit import Rules, audit
from pennyweight.judging.features import FEATURES, NAMESAKES
from pennyweight.nets.layers import (
    CLASSES,
    LAYER_TYPES,
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
from pennyweight.nets.plan import Plan, Shape
from pennyweight.nets.torch_module import PlanModule

LARGEST = 7
"""Pixels along a map, behind the first pool."""
WEIGHTED = ("conv", "depthwise", "linear")

# ---------------------------------------------------------------------------------------------------- networks


@st.composite
def windows(draw: st.DrawFn, size: int) -> dict[str, int]:
    """Draw kernel, padding and stride that fit a map; kernels about the size of the map are drawn as often as small."""
    kernel = draw(st.sampled_from([1, 2, 3, max(1, size - 1), size, size + 1, 2 * size - 1]))
    fits, stays_small = max(0, (kernel - size + 1) // 2), (LARGEST - 1 + kernel - size) // 2
    return {"kernel": kernel, "padding": draw(st.integers(fits, stays_small)), "stride": draw(st.integers(1, 3))}


def bodies(channels: int) -> st.SearchStrategy[tuple[Layer, ...]]:
    """Paths of a sum that keep the shape of the map."""
    keeps_shape: st.SearchStrategy[Layer] = st.sampled_from(
        [
            *(Conv(channels, padding=1), Conv(channels, kernel=1), Depthwise(padding=1), Depthwise(1)),
            *(BatchNorm(), Relu(), Dropout(0.3), Dropout(0.0)),
        ]
    )
    plain = st.lists(keeps_shape, max_size=3).map(tuple)
    return st.one_of(plain, st.tuples(plain, plain, plain).map(lambda parts: (*parts[0], Residual(parts[1], parts[2]))))


@st.composite
def networks_by_shape(draw: st.DrawFn) -> Layers:
    """Networks on maps of at most LARGEST pixels a side, with kernels and pools of all sizes that fit."""
    rows: list[Layer] = [MaxPool(4), *draw(st.sampled_from([(), (Conv(3, kernel=1),)]))]
    for _ in range(draw(st.integers(0, 5))):
        channels, size, _ = shape_behind(rows)
        rows.append(
            draw(
                st.one_of(
                    st.builds(lambda wide, window: Conv(wide, **window), st.integers(1, 3), windows(size)),
                    windows(size).map(lambda window: Depthwise(**window)),
                    st.builds(MaxPool, st.integers(1, size)),
                    st.builds(AvgPool, st.integers(1, size)),
                    st.builds(Residual, bodies(channels), bodies(channels)),
                    st.sampled_from([GlobalAvgPool(), BatchNorm(), Relu(), Dropout(0.3), Dropout(0.0), Linear(3)]),
                )
            )
        )
        if draw(st.booleans()):
            rows.append(BatchNorm())
    size = shape_behind(rows)[1]
    heads: list[Layers] = [
        *((Conv(CLASSES, kernel=1), GlobalAvgPool()), (GlobalAvgPool(), Linear(CLASSES))),
        *((Conv(CLASSES, kernel=size),), (Linear(CLASSES),), (AvgPool(size), Conv(CLASSES, kernel=1))),
        (Conv(CLASSES, kernel=2 * size - 1, padding=size - 1), GlobalAvgPool()),
    ]
    return (*rows, *draw(st.sampled_from(heads)))


def shape_behind(rows: list[Layer]) -> Shape:
    return mnist_plan((*rows, Linear(CLASSES))).nodes[-1].input_shape


# ---------------------------------------------------------------------------------------------------- observed


def observed(module: nn.Module, shape: Shape) -> tuple[str, bool]:
    """Return what a module does to maps of `shape`, and whether any of its outputs depends on more than one pixel.

    A weighted sum is told by its values at random maps, its weights by its values at maps of a single one. There are 64
    maps, because the pixels of a few may all be positive, where ReLU does nothing.
    """
    module = module.double().eval()
    zero = module(torch.zeros(1, *shape, dtype=torch.float64))
    sizes = (zero[0].numel(), shape[0] * shape[1] * shape[2])
    weights = (module(torch.eye(sizes[1], dtype=torch.float64).reshape(-1, *shape)) - zero).flatten(1).T
    maps = torch.randn(64, *shape, dtype=torch.float64)
    by_weights = zero + (maps.flatten(1) @ weights.T).reshape(64, *zero.shape[1:])
    outputs = module(maps)
    trained = any(True for _ in module.parameters())
    if not torch.allclose(outputs, by_weights):
        return ("relu" if outputs.shape == maps.shape and torch.equal(outputs, maps.clamp(min=0)) else "maxpool"), False
    depends = (weights != 0).reshape(zero.shape[1], -1, shape[0], shape[1] * shape[2])
    several = bool((depends.any(2).sum(2) > 1).any())
    if trained:
        return _observed_weights(module, depends, shape), several
    return _observed_mean(module, weights.reshape(depends.shape)), several


def _observed_mean(module: nn.Module, weights: torch.Tensor) -> str:
    """Return what a weighted sum without trained weights is; it is a plain mean of pixels of one channel."""
    if (module.train()(torch.ones(1_024, *_one_map(weights), dtype=torch.float64)) == 0).any():
        return "dropout"
    channels, positions, _, pixels = weights.shape
    own = weights[range(channels), :, range(channels)]
    assert torch.allclose(own.sum(), weights.sum())
    counts = (own != 0).sum(2, keepdim=True)
    assert torch.allclose(own, (own != 0).double() / counts)
    if (counts == 1).all():
        return ""
    return "gap" if (counts == pixels).all() and positions == 1 else "avgpool"


def _one_map(weights: torch.Tensor) -> Shape:
    side = round(weights.shape[3] ** 0.5)
    return weights.shape[2], side, side


def _observed_weights(module: nn.Module, depends: torch.Tensor, shape: Shape) -> str:
    trained_on = module.train()(3 * torch.randn(64, *shape, dtype=torch.float64) + 5).transpose(0, 1).flatten(1)
    if bool((trained_on.mean(1).abs() < 1e-9).all()) and bool(
        ((trained_on.var(1, correction=0) - 1).abs() < 1e-3).all()
    ):
        return "batchnorm"
    depends = depends[:, depends.any(3).any(2).any(0)]  # positions made from padding alone depend on nothing
    if not depends.any(3).any(1).all():  # not every channel depends on every channel
        return "depthwise" if (depends.any(2).sum(2) > 1).any() else ""
    return "linear" if depends.all() or depends.shape[1] == 1 else "conv"


def roles_in(plan: Plan) -> dict[int, tuple[str, bool]]:
    module = PlanModule(plan)
    sums = {node.number for node in plan.nodes if len(node.inputs) == 2}
    return {
        node.number: ("", False)
        if node.number in sums
        else observed(module.get_submodule(str(node.number)), node.input_shape)
        for node in plan.nodes
    }


def steps_of(rows: Layers) -> int:
    return sum(1 + (steps_of(row.body + row.shortcut) if isinstance(row, Residual) else 0) for row in rows)


def paths_of_sums(rows: Layers, first: int = 1) -> Iterator[tuple[range, range]]:
    """Yield the numbers of the nodes on both paths of every sum: body, shortcut and sum follow each other."""
    for row in rows:
        if isinstance(row, Residual):
            middle = first + steps_of(row.body)
            yield range(first, middle), range(middle, middle + steps_of(row.shortcut))
            yield from paths_of_sums(row.body, first)
            yield from paths_of_sums(row.shortcut, middle)
        first += steps_of((row,))


def ways_on(value: int, plan: Plan) -> Iterator[list[int]]:
    """Yield every path of nodes from a value to the logits."""
    readers = [node.number for node in plan.nodes if value in node.inputs]
    if not readers:
        yield []
    for reader in readers:
        for rest in ways_on(reader, plan):
            yield [reader, *rest]


def skips_a_convolution(paths: tuple[range, range], roles: dict[int, tuple[str, bool]]) -> bool:
    weighted = [[roles[number] for number in path if roles[number][0] in WEIGHTED] for path in paths]
    first, second = ((len(path), sum(several for _, several in path)) for path in weighted)
    return first != second


def bare_and_asked(plan: Plan, roles: dict[int, tuple[str, bool]]) -> tuple[int, int]:
    """Count the convolutions another layer with weights comes behind, and those of them without BatchNorm between."""
    bare = asked = 0
    for number, (name, _) in roles.items():
        if name in ("conv", "depthwise"):
            sequences = [[roles[node][0] for node in way] for way in ways_on(number, plan)]
            first_met = {next((one for one in way if one in (*WEIGHTED, "batchnorm")), "") for way in sequences} - {""}
            asked += bool(first_met)
            bare += bool(first_met & set(WEIGHTED))
    return bare, asked


@given(networks_by_shape())
def test_an_audit_finds_what_the_layers_do_to_numbers(rows: Layers) -> None:
    torch.manual_seed(0)
    plan = mnist_plan(rows)
    roles = roles_in(plan)
    names = [name for name, _ in roles.values()]
    expected = {name: names.count(name) for name in NAMESAKES}
    expected["residual"] = sum(skips_a_convolution(paths, roles) for paths in paths_of_sums(rows))
    found = audit(replace(TINY, layers=rows), Rules(require=(*expected, "batchnorm-after-conv"))).limits
    assert {limit.name: limit.measured.partition(" found")[0] for limit in found[:-1]} == {
        name: str(number) for name, number in expected.items()
    }
    assert [limit.met for limit in found[:-1]] == [number > 0 for number in expected.values()]
    bare, asked = bare_and_asked(plan, roles)
    assert found[-1].met == (asked > 0 and bare == 0)
    assert found[-1].measured.startswith(f"{asked - bare} of {asked} " if asked else "no convolution")


def test_every_kind_of_row_has_a_feature_of_its_name() -> None:
    assert {*NAMESAKES.values(), Residual} == set(LAYER_TYPES)
    assert {*NAMESAKES, "residual"} < set(FEATURES)
