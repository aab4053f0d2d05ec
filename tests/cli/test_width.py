"""What the command line prints of results fits the terminal it is asked for."""

import pytest
from support import TINY

from pennyweight.settings.recipe_text import recipe_to_text

NARROW = [
    ("list",),
    ("show", "progressive-3"),
    ("show", "evolution-v1"),
    ("show", "progressive-3", "-s", "optimizer.learning_rate=0.02"),
    ("claims", "004"),
    ("compare", "progressive-3", "skip-3"),
    ("compare", "progressive-3", "skip-3", "iteration-3"),
    ("judge", "--allow-unjudged", "skip-3"),
    ("audit", "compact-regularized", "--require", "batchnorm,dropout,gap"),
]


@pytest.mark.parametrize("words", NARROW, ids=" ".join)
@pytest.mark.parametrize("width", [80, 100])
def test_results_fit_the_terminal(words: tuple[str, ...], width: int, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = command(*words).out.splitlines()
    assert len(lines) > 1
    assert [line for line in lines if len(line) > width] == []


def test_a_column_that_does_not_fit_is_named(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "columns left out for want of room: jump, bytes; --wide shows them" in command("show", "progressive-3").out
    monkeypatch.setenv("COLUMNS", "120")
    wide = command("show", "progressive-3").out
    assert "left out" not in wide
    assert "21,632" in wide


@pytest.mark.slow
def test_the_lines_of_several_runs_fit_behind_what_names_each(command, here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    said = command("train", "tiny.toml", "--dataset", "digits", "--seeds", "0-1", "--jobs", 1).err.splitlines()
    assert [line for line in said if len(line) > 80] == []
    epochs = [line for line in said if "| epoch" in line]
    assert len(epochs) == 4
    assert all("test" in line for line in epochs), said
    assert not any(line.startswith("  ") for line in said)
