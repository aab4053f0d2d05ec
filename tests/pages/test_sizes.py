"""A page is small enough to be sent around, and quick enough to be waited for."""

from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest
from support import TINY

import pennyweight as pw
from pennyweight.base.record_text import sealed
from pennyweight.pages.gather import gather
from pennyweight.pages.render import render
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.runs.folder import write_record

RECIPE_BYTES, JOURNEY_BYTES, SECONDS = 400_000, 1_200_000, 8.0
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_the_page_of_a_recipe_is_under_400_kilobytes_and_can_be_checked(name: str, tmp_path: Path) -> None:
    """With its pictures, where the package brings its weights."""
    written = pw.report(name, out=tmp_path / "page.html")
    assert written.size_bytes < RECIPE_BYTES
    assert pw.verify(written.page).agrees


@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
def test_the_journey_of_a_document_is_under_1200_kilobytes_and_eight_seconds(number: str, tmp_path: Path) -> None:
    """Seconds of this process, so that what else the machine does is left out."""
    evidence = gather([number])
    render(evidence)  # what is loaded once is loaded
    before = process_time()
    page = render(evidence)
    assert process_time() - before < SECONDS
    assert len(page.encode()) < JOURNEY_BYTES
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert pw.verify(tmp_path / "page.html").agrees


def test_a_thousand_runs_are_a_table_and_a_dozen_in_full(tmp_path: Path) -> None:
    record = pw.train(TINY, dataset="digits", out=tmp_path / "first", progress=False)
    recipe = (tmp_path / "first" / "recipe.toml").read_bytes()
    for number in range(1_000):
        folder = tmp_path / "class" / f"student-{number}"
        folder.mkdir(parents=True)
        (folder / "recipe.toml").write_bytes(recipe)
        write_record(folder, sealed(replace(record, folder="", seed=0)))
    written = pw.report(tmp_path / "class", out=tmp_path / "page.html")
    page = Path(written.page).read_text(encoding="utf-8")
    assert len(written.steps) == 1_000
    assert page.count('class="step"') == 12
    assert "The last 988 of them stand in this table alone" in page
