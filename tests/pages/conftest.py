"""Runs to report on: three short ones of a made-up recipe on the embedded digits, trained once."""

from pathlib import Path

import pytest
from support import TINY

import pennyweight as pw
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.gather import gather


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three seeds."""
    folder = tmp_path_factory.mktemp("course") / "tiny"
    for seed in range(3):
        pw.train(TINY, dataset="digits", seed=seed, out=folder / f"seed-{seed}", progress=False)
    return folder


@pytest.fixture(scope="session")
def evidence(runs: Path) -> Evidence:
    """What a page on the three seeds is made from."""
    return gather([runs])


@pytest.fixture(scope="session")
def page(evidence: Evidence) -> str:
    """A page on the three seeds."""
    from pennyweight.pages.render import render

    return render(evidence)
