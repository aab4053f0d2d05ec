"""The examples of docs/python.md run, one after the other, and say all that the package offers."""

import re
from pathlib import Path

import pytest
import typer

import pennyweight as pw
from pennyweight.cli.app import app

PAGE = (Path(__file__).parent.parent / "docs" / "python.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_python_page_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, example in enumerate(EXAMPLES, start=1):
        exec(compile(example, f"docs/python.md, example {number}", "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("runs/progressive-3+epochs=2+dataset=digits")
    assert "('epochs=1', 'optimizer.learning_rate=0.005')" in printed
    assert "(10, 1, 1)" in printed
    assert any(re.fullmatch(r"-?[\d.]+ points, -?[\d.]+ to -?[\d.]+, p [\d.]+", line) for line in printed)
    assert re.fullmatch(r"There is no recipe 'progresive-3'\. Did you mean 'progressive-3'\?.* 2", printed[-1])


def test_the_python_page_names_the_commands_that_are_functions() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    opening = PAGE.split("##")[0]
    assert set(re.findall(r"`pw\.(\w+)`", opening)) == {name for name in commands if hasattr(pw, name)}
    assert "every command" not in opening


def test_the_python_page_names_every_function_of_the_package() -> None:
    functions = {name for name in pw.__all__ if name[0].islower()}
    named = set(re.findall(r"pw\.(\w+)", PAGE))
    assert functions - named <= {"read_budget"}
    assert all(hasattr(pw, name) for name in named)
