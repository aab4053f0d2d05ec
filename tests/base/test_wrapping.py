"""Lines of prose: nothing is lost, nothing is too wide, and a path is broken at its slashes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pennyweight.base.wrapping import lines_of

PATH = "/home/somebody/experiments/of-a-long-summer/runs/progressive-3+optimizer.learning_rate=0.05/seed-0"


def test_a_long_path_in_a_sentence_is_broken_at_its_slashes() -> None:
    lines = lines_of(f"There is no run folder {PATH}; name another.", 60, rest="  ")
    assert all(len(line) <= 60 for line in lines)
    assert "".join(line.strip() for line in lines[1:-1]) in PATH
    for line in lines[:-1]:
        assert re.search(r"[/+=]$|folder$", line), lines


def test_a_path_that_fits_a_line_stays_whole() -> None:
    path = "runs/progressive-3+epochs=5/seed-0"
    lines = lines_of(f"{'word ' * 9}{path} and more", 40, "  ", "    ")
    assert any(path in line for line in lines)
    assert lines[0].startswith("  word")
    assert all(line.startswith("    ") for line in lines[1:])


@given(
    st.lists(st.sampled_from(["a/path/of/some/length", "x" * 50, "95 %", "of", "key=value,other=value"]), min_size=1),
    st.integers(12, 60),
)
def test_no_line_is_wider_and_no_letter_is_lost(words: list[str], width: int) -> None:
    text = " ".join(words)
    lines = lines_of(text, width, " ", "   ")
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert not any(line.strip().startswith("%") for line in lines)
