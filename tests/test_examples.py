"""Every public name shows an example, and every example gives what it says."""

import doctest
import inspect
from pathlib import Path

import pytest

import pennyweight as pw

NAMES = [name for name in pw.__all__ if name != "__version__"]
FINDER, FLAGS = doctest.DocTestParser(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def failures(name: str, docstring: str) -> str:
    told: list[str] = []
    example = FINDER.get_doctest(docstring, {"pw": pw}, name, None, None)
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=told.append)
    return "".join(told)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_public_name_gives_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    docstring = inspect.getdoc(getattr(pw, name))
    assert docstring
    assert ">>> " in docstring
    assert name in docstring.partition(">>> ")[2]
    assert failures(name, docstring) == ""


def test_control_an_example_that_gives_something_else_is_seen() -> None:
    assert "Expected" in failures("wrong", ">>> pw.Dropout(0.1).rate\n0.2\n")
