"""What the documents tell a reader to do works, and their figures are those of the records."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import render_docs

import pennyweight as pw
from pennyweight.nets.measure import measure

ROOT = Path(__file__).parent.parent
CI = ROOT / ".ci" / "run"


def blocks(document: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def commands(document: str) -> list[list[str]]:
    lines = [line for block in blocks(document, "") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("pennyweight ")]


TOO_LONG_FOR_CI = {"chip-all", "exhaustive"}
"""CI runs some of their networks."""


def make_lines(document: str) -> set[str]:
    """The commands a document gives that run make, in its blocks and between its lines."""
    text = (ROOT / document).read_text()
    spans = re.findall(r"`([^`\n]+)`", text) + [line for block in blocks(document, "") for line in block.splitlines()]
    words = [shlex.split(span, comments=True) for span in spans if re.match(r"(\w+=\S+ )?make ", span)]
    return {" ".join(line) for line in words}


def ci_lines() -> list[str]:
    return [line.replace('"$folder"', "folder").replace("$folder", "folder") for line in CI.read_text().splitlines()]


def target_of(line: str) -> str:
    return line.partition("make ")[2].split()[0]


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_adding_a_recipe_works_step_by_step_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(blocks("docs/adding_a_recipe.md", "python")[0])
    steps = commands("docs/adding_a_recipe.md")
    assert len(steps) == 7
    for words in steps:
        done = run(words, tmp_path)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


@pytest.mark.slow
def test_the_commands_of_the_readme_that_only_look_work(tmp_path: Path) -> None:
    looking = [words for words in commands("README.md") if words[1] in ("list", "show", "audit", "doctor")]
    assert {words[1] for words in looking} == {"list", "show", "audit", "doctor"}
    for words in looking:
        done = run(words, tmp_path)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


@pytest.mark.slow
def test_every_command_of_the_readme_has_flags_that_exist(tmp_path: Path) -> None:
    for words in commands("README.md"):
        if words[1].startswith("-"):
            continue
        known = run([words[0], words[1], "--help"], tmp_path).stdout
        for flag in (word for word in words[2:] if word.startswith("-")):
            assert re.search(rf"(^|\s|,){re.escape(flag)}\b", known), f"{flag} of {' '.join(words)}"


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, colour = blocks("README.md", "python")
    assert len(code.strip().splitlines()) == 5
    quick = code.replace("seed=0)", "seed=0, dataset='digits', epochs=1)").replace('"mnist"', '"digits"')
    assert quick.count("digits") == 2
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(quick, "README.md", "exec"), names)
    assert re.match(r"False \[( ?\d){5}\]", capsys.readouterr().out)
    exec(compile(colour, "README.md", "exec"), names)
    assert capsys.readouterr().out == "(7, 1, 1)\n"


def test_the_steps_to_images_of_ones_own_work_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    (command,) = commands("docs/data.md")
    for number, code in enumerate(blocks("docs/data.md", "python")):
        exec(compile(code, "docs/data.md", "exec"), names)
        if number == 0:
            done = run(command, tmp_path)
            assert done.returncode == 0, done.stderr
            assert done.stdout.splitlines()[-1] == "runs/progressive-1+epochs=1+dataset=other-mnist/seed-0"
    assert re.fullmatch(r"runs/signs\+dataset=signs/seed-0 \d+\n", capsys.readouterr().out)


def test_ci_runs_the_lines_of_the_documents_as_they_stand() -> None:
    told = make_lines("README.md") | make_lines("CONTRIBUTING.md")
    targets = {"train", "test", "test-all", "campaign", "docs", "wheel", "browser", "chip-tools", *TOO_LONG_FOR_CI}
    assert {target_of(line) for line in told} == targets
    with_data = {line for line in told if "folder" in line}
    assert len(with_data) == 2
    assert with_data <= set(ci_lines())
    run_here = {target_of(line) for line in ci_lines() if re.match(r"(\w+=\S+ )?make ", line)}
    for target in {target_of(line) for line in told - with_data} - TOO_LONG_FOR_CI:
        parts = re.search(rf"^{target}:(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert parts
        assert target in run_here or (parts[1].split() and set(parts[1].split()) <= run_here), target


def test_ci_names_the_data_by_a_relative_folder_whatever_it_is_given(tmp_path: Path) -> None:
    named = [line for line in CI.read_text().splitlines() if "PENNYWEIGHT_DATA" in line and "make" not in line]
    assert [line.split("=")[0] for line in named] == ["folder", "unset PENNYWEIGHT_DATA"]
    given = {**os.environ, "PENNYWEIGHT_DATA": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", "\n".join([*named, 'echo "$folder${PENNYWEIGHT_DATA:-}"'])],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == os.path.relpath(tmp_path, ROOT) + "\n"


@pytest.mark.slow
def test_the_tests_find_their_data_by_a_relative_folder(mnist_folder: Path) -> None:
    """In a test that works in a folder of its own, where the same words would name another one."""
    case = "test_a_data_folder_one_too_deep_is_named_and_left_alone"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/cli/test_errors.py::{case}"],
        cwd=ROOT,
        env={**os.environ, "PENNYWEIGHT_DATA": os.path.relpath(mnist_folder, ROOT), "CI": ""},
        capture_output=True,
        text=True,
    )
    assert "1 passed" in done.stdout, done.stdout


def test_the_figures_of_the_documents_are_rendered_from_the_records() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "render_docs.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_table_that_lost_its_mark_is_told_and_every_document_with_marks_is_rendered() -> None:
    texts = {name: (ROOT / name).read_text() for name in render_docs.DOCUMENTS}
    assert render_docs.lost_tables(texts) == []
    damaged = texts["docs/agreement.md"].replace("<!-- table: agreement", "<!-- tabel: agreement")
    assert render_docs.lost_tables({**texts, "docs/agreement.md": damaged}) == [
        "No document holds the table 'agreement'.",
        "docs/agreement.md has 1 ends of tables, and 0 tables.",
    ]
    written = [ROOT / "README.md", ROOT / "records" / "README.md", *(ROOT / "docs").rglob("*.md")]
    marked = {str(path.relative_to(ROOT)) for path in written if "<!-- table: " in path.read_text()}
    assert marked == {*render_docs.DOCUMENTS}


def test_the_first_screen_of_the_readme_shows_budget_verdict_layers_and_documents() -> None:
    """In this order, before anything is explained."""
    screen = (ROOT / "README.md").read_text().partition("\n## ")[0].replace("\\<", "<")
    recipe = pw.recipe("pennyweight-8k")
    (budget,) = recipe.budgets
    (judged,) = pw.judge("pennyweight-8k").groups
    wanted = [
        "under a hard budget",
        "budget kept on mnist",
        f"{measure(recipe.plan()).params:,}",
        f"at most {budget.max_params:,}",
        f"at most {budget.max_epochs}",
        f"at least {budget.accuracy} %",
        f"{judged.share.kept} of {judged.share.seeds} seeds on this test set",
        f"verdict on the recipe: {judged.verdict}",
        *(f"{node.number:>2}  {type(node.operation).__name__}" for node in recipe.plan().nodes),
        *(f"| {title.replace(' ', ' | ', 1)} |" for title in pw.claims()),
    ]
    places = [screen.find(words) for words in wanted]
    assert -1 not in places, wanted[places.index(-1)]
    assert places == sorted(places)
    assert len(screen.splitlines()) <= 75


def test_the_tree_of_the_readme_names_every_room() -> None:
    tree = next(block for block in blocks("README.md", "") if block.startswith("pennyweight/"))
    rooms = {path.name for path in (ROOT / "pennyweight").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms <= set(re.findall(r"^  (\w+)/", tree, re.MULTILINE))


def test_no_file_names_this_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert listed
    here = re.compile(re.escape(os.path.expanduser("~") + "/") + "|" + re.escape(str(ROOT)))
    for name in listed:
        text = (ROOT / name).read_text(errors="replace") if (ROOT / name).is_file() else ""
        assert not here.search(text), name
