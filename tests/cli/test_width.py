"""What the command line prints of results fits the terminal it is asked for."""

import pytest

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
