"""The table of layers that courses ask for is the one document 004 prints, line by line, and fits PyTorch's module."""

from dataclasses import replace

import pytest
from support import mnist_plan

from pennyweight.nets.layers import CLASSES, Conv, Depthwise, GlobalAvgPool, Linear, Relu, Residual
from pennyweight.recipes.catalogue import RECIPES, find_recipe
from pennyweight.reporting.epoch_log import epoch_log
from pennyweight.reporting.torchsummary import torchsummary_text
from pennyweight.runs.published import published_tree
from pennyweight.runs.record_tree import full_runs
from pennyweight.settings.recipe import Recipe

ITERATION_3 = """
            Conv2d-1            [-1, 6, 26, 26]              54
              ReLU-2            [-1, 6, 26, 26]               0
       BatchNorm2d-3            [-1, 6, 26, 26]              12
            Conv2d-4           [-1, 12, 24, 24]             648
              ReLU-5           [-1, 12, 24, 24]               0
       BatchNorm2d-6           [-1, 12, 24, 24]              24
         MaxPool2d-7           [-1, 12, 12, 12]               0
            Conv2d-8           [-1, 12, 10, 10]           1,296
              ReLU-9           [-1, 12, 10, 10]               0
      BatchNorm2d-10           [-1, 12, 10, 10]              24
           Conv2d-11             [-1, 12, 8, 8]           1,296
             ReLU-12             [-1, 12, 8, 8]               0
      BatchNorm2d-13             [-1, 12, 8, 8]              24
        MaxPool2d-14             [-1, 12, 4, 4]               0
           Conv2d-15             [-1, 12, 2, 2]           1,296
             ReLU-16             [-1, 12, 2, 2]               0
      BatchNorm2d-17             [-1, 12, 2, 2]              24
           Conv2d-18             [-1, 10, 1, 1]             480
AdaptiveAvgPool2d-19             [-1, 10, 1, 1]               0
"""
"""The log of document 004."""


def test_the_table_is_that_of_document_004_line_by_line() -> None:
    lines = torchsummary_text(find_recipe("iteration-3").plan()).splitlines()
    assert lines[3:22] == ITERATION_3.strip("\n").splitlines()
    assert lines[1] == "        Layer (type)               Output Shape         Param #"
    assert lines[:3:2] == ["-" * 64, "=" * 64]
    assert lines[23:26] == ["Total params: 5,178", "Trainable params: 5,178", "Non-trainable params: 0"]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_counts_are_those_of_the_torch_module(recipe: Recipe) -> None:
    from pennyweight.nets.torch_module import PlanModule

    plan = recipe.plan()
    module = PlanModule(plan)
    rows = torchsummary_text(plan).splitlines()[3 : 3 + len(plan.nodes)]
    for row, child in zip(rows, module.children(), strict=True):
        name, params = row.split()[0].rpartition("-")[0], int(row.split()[-1].replace(",", ""))
        assert params == sum(weight.numel() for weight in child.parameters())
        assert name in (type(child).__name__, "Linear", "Add")


def test_sizes_are_of_outputs_kept_twice_and_of_floats() -> None:
    text = torchsummary_text(find_recipe("iteration-1").plan())
    outputs = [
        *(10 * 26 * 26,) * 3,
        *(8 * 24 * 24,) * 3,
        *(10 * 22 * 22,) * 3,
        *(10 * 11 * 11,) * 2,
        *(8 * 9 * 9,) * 3,
        10 * 7 * 7,
        10,
    ]
    assert f"Forward/backward pass size (MB): {2 * 4 * sum(outputs) / 2**20:.2f}\n" in text
    assert f"Params size (MB): {4 * 7_998 / 2**20:.2f}\n" in text
    assert f"Estimated Total Size (MB): {(4 * 784 + 8 * sum(outputs) + 4 * 7_998) / 2**20:.2f}\n" in text


def test_a_sum_has_its_line_and_a_vector_is_written_as_one() -> None:
    plan = mnist_plan((Conv(4), Residual((Depthwise(padding=1),)), GlobalAvgPool(), Linear(5), Relu(), Linear(CLASSES)))
    rows = [line.split() for line in torchsummary_text(plan).splitlines()[3:9]]
    assert [row[0] for row in rows] == ["Conv2d-1", "Conv2d-2", "Add-3", "AdaptiveAvgPool2d-4", "Linear-5", "ReLU-6"]
    assert rows[4][1:3] == ["[-1,", "5]"]
    assert rows[5][1:3] == ["[-1,", "5]"]


def test_the_log_has_a_line_an_epoch_with_what_happened() -> None:
    recipe = find_recipe("compact-minimal")
    record = full_runs(published_tree(), recipe.name, recipe.epochs)[0]
    lines = epoch_log(record, recipe).splitlines()
    assert len(lines) == 8
    row = record.epochs[6]
    assert lines[6].startswith(
        f"Epoch [7/8] - Train Loss: {row.train_loss:.4f}, Train Acc: {row.train_accuracy:.2f}% - "
        f"Val Loss: {row.val_loss:.4f}, Val Acc: {row.val_accuracy:.2f}% - "
    )
    assert "[learning rate 0.1 to 0.01]" in lines[6]
    assert sum("learning rate" in line for line in lines) == 1
    blind = replace(record, epochs=tuple(replace(one, val_loss=None, val_accuracy=None) for one in record.epochs))
    assert "Val" not in epoch_log(blind, recipe)
