"""The published networks, for tests that take minutes a network: some in CI, all by `make exhaustive`."""

import pytest

from pennyweight.runs.published import published_run_names

IN_CI = ("pennyweight-8k", "progressive-3", "skip-3")

every_published_network = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in IN_CI else pytest.mark.exhaustive)
        for name in published_run_names()
    ],
)
