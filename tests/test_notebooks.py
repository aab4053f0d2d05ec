"""The notebooks of examples/ run from top to bottom, and hold no output that could be of another version."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pennyweight as pw

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))


def read(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text())


def code_of(notebook: Any) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def executed(path: Path) -> Any:
    """Execute a notebook in its folder, in a kernel of this Python; return it with what it printed."""
    code = (
        "import sys, nbformat; from nbclient import NotebookClient; path = sys.argv[1];"
        "notebook = nbformat.read(path, as_version=4);"
        "NotebookClient(notebook, timeout=300, kernel_name='python3').execute(); nbformat.write(notebook, path)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=path.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(path.read_text())


def test_there_is_a_journey_and_a_notebook_for_every_document() -> None:
    documents = [title.split()[0] for title in pw.claims()]
    assert [name.split("_")[0] for name in NOTEBOOKS] == [*documents, "journey.ipynb"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_holds_no_output(name: str) -> None:
    for cell in read(name)["cells"]:
        assert cell["cell_type"] == "markdown" or (cell["outputs"] == [] and cell["execution_count"] is None)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_of_a_document_retells_each_of_its_steps(name: str) -> None:
    if name == "journey.ipynb":
        assert 8 <= len(code_of(read(name))) <= 14
        return
    title = next(title for title in pw.claims() if title.startswith(name.split("_")[0]))
    steps = [recipe.name for recipe in pw.published_recipes() if recipe.origin.document == title]
    assert title.split(" ", 1)[1] in "".join(read(name)["cells"][0]["source"])
    code = "\n".join(code_of(read(name)))
    assert re.findall(r'pw\.recipe\("([\w-]+)"\)', code) == steps


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())
    notebook = executed(tmp_path / name)
    shown = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert not [output for output in shown if output["output_type"] == "error"]
    html = ["".join(output["data"]["text/html"]) for output in shown if "text/html" in output.get("data", {})]
    assert sum("<svg" in one for one in html) >= 4
    assert sum("<table" in one for one in html) >= 2


@pytest.mark.slow
def test_control_a_cell_that_fails_is_seen(tmp_path: Path) -> None:
    notebook = read("journey.ipynb")
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][:1]
    notebook["cells"][0]["source"] = ["import pennyweight as pw\n", "pw.recipe('progresive-3')"]
    (tmp_path / "broken.ipynb").write_text(json.dumps(notebook))
    with pytest.raises(AssertionError, match=r"Did you mean 'progressive-3'"):
        executed(tmp_path / "broken.ipynb")
