"""Trained networks for tests that take minutes each: three in CI, every recipe by `make exhaustive`."""

import os
from pathlib import Path

import pytest
from agreement import finished_run

from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.runs.model import TrainedModel, load_trained

IN_CI = ("pennyweight-8k", "progressive-3", "skip-3")

networks_in_ci = pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in IN_CI])
every_network = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in IN_CI else pytest.mark.exhaustive) for name in RECIPE_NAMES],
)


def trained_network(name: str) -> TrainedModel:
    """Return the run of a recipe in the folder $RUNS, else the one that the package brings."""
    runs = os.environ.get("RUNS")
    return load_trained(finished_run(name, Path(runs) if runs else None))
