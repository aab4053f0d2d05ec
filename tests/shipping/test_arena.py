"""Where values lie: nothing is overwritten that somebody still reads, and nothing lies outside."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from network_cases import CASES, Network, random_networks, random_weights
from support import mnist_plan

from pennyweight.nets.fold import fold_batchnorm
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, MaxPool, Relu, Residual
from pennyweight.nets.plan import Plan
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.shipping.arena import Arena, plan_arena


def overwritten_reads(plan: Plan, arena: Arena) -> list[str]:
    """Carry out the plan on a memory of names: whoever reads must find every cell of what it reads still there."""
    memory = np.full(arena.size, -1)
    memory[arena.offsets[0] : arena.offsets[0] + prod(plan.image_shape)] = 0
    sizes = {0: prod(plan.image_shape), **{node.number: prod(node.output_shape) for node in plan.nodes}}
    found = []
    for node in plan.nodes:
        for value in node.inputs:
            start = arena.offsets[value]
            if (memory[start : start + sizes[value]] == value).sum() != sizes[value]:
                found.append(f"node {node.number} reads {value}")
        if node.number in arena.offsets:
            start = arena.offsets[node.number]
            element_by_element = type(node.operation).__name__ in ("Relu", "BatchNorm", "Add")
            for value in node.inputs if not element_by_element else ():
                other = arena.offsets[value]
                if start < other + sizes[value] and other < start + sizes[node.number]:
                    found.append(f"node {node.number} writes over {value} that it reads")
            memory[start : start + sizes[node.number]] = node.number
    return found


def folded(network: Network) -> Plan:
    return fold_batchnorm(network.plan, random_weights(network.plan, 0)).plan


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_overwritten_before_its_last_use(name: str) -> None:
    plan = folded(CASES[name])
    assert overwritten_reads(plan, plan_arena(plan)) == []


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(network=random_networks())
def test_nothing_is_overwritten_in_random_networks(network: Network) -> None:
    plan = folded(network)
    assert overwritten_reads(plan, plan_arena(plan)) == []


def test_values_on_top_of_each_other_are_found() -> None:
    plan = mnist_plan((Conv(4), Residual((Conv(4, padding=1),)), Conv(CLASSES), GlobalAvgPool()))
    right = plan_arena(plan)
    assert overwritten_reads(plan, Arena({**right.offsets, 2: right.offsets[1]}, right.size)) != []


def test_the_last_value_is_the_callers() -> None:
    plan = mnist_plan((Conv(CLASSES), GlobalAvgPool(), Relu()))
    assert max(plan_arena(plan).offsets) == len(plan.nodes)


def test_no_recipe_takes_more_than_its_two_largest_neighbours_and_what_is_kept() -> None:
    """The bound below which no plan can go: for some node, what it reads and writes and what others read later."""
    for recipe in RECIPES:
        plan = recipe.plan()
        assert plan_arena(plan).size <= 1.25 * least_cells(plan), recipe.name


def least_cells(plan: Plan) -> int:
    """Return the cells alive at the worst node, when ReLU, BatchNorm and sums write over what nobody reads later."""
    sizes = {0: prod(plan.image_shape), **{node.number: prod(node.output_shape) for node in plan.nodes}}
    last = {0: max(node.number for node in plan.nodes if 0 in node.inputs)}
    last |= {node.number: node.last_use for node in plan.nodes}
    worst = 0
    for node in plan.nodes[:-1]:
        alive = {value for value in last if value < node.number and last[value] >= node.number}
        dying = [value for value in node.inputs if last[value] == node.number]
        reuses = type(node.operation).__name__ in ("Relu", "BatchNorm", "Add") and bool(dying)
        worst = max(worst, sum(sizes[value] for value in alive) + (0 if reuses else sizes[node.number]))
    return worst


def test_a_pooled_network_takes_exactly_the_least() -> None:
    plan = mnist_plan((Conv(8), Relu(), Conv(8), Relu(), MaxPool(), Conv(CLASSES), GlobalAvgPool()))
    assert plan_arena(plan).size == least_cells(plan)
