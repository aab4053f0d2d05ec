"""Colours lie on verdicts, errors, commands and context, and take nothing away."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennyweight.reporting.colour import CYAN, GREEN, GREY, PLAIN, RED, YELLOW, coloured
from pennyweight.reporting.progress import Progress, progress_text

ESCAPE = re.compile(r"\x1b\[\d+m")
PIECES = [
    "NOT MET",
    "met",
    "  ",
    "\n",
    "kept",
    "Error:",
    "taken on trust",
    "    pennyweight list",
    "ETA 3 s",
    "\\\n",
    "x",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cc", "Cs"])), max_size=12))
def test_colours_are_only_added(pieces: list[str]) -> None:
    assert ESCAPE.sub("", coloured("".join(pieces))) == "".join(pieces)


@pytest.mark.parametrize(
    ("text", "colour", "word"),
    [
        ("Error: There is no recipe 'x'.", RED, "Error:"),
        ("  epochs  3   at most 2  NOT MET", RED, "NOT MET"),
        ("  epochs  2   at most 2  met", GREEN, "met"),
        ("runs/seed-0: budget kept on mnist", GREEN, "budget kept"),
        ("runs/seed-0: budget broken on mnist: too short", RED, "budget broken"),
        ("runs/seed-0  kept", GREEN, "kept"),
        ("runs/seed-0  broken  epochs 3", RED, "broken"),
        ("  verdict on the recipe: met", GREEN, "met"),
        ("  verdict on the recipe: not met", RED, "not met"),
        ("  verdict on the recipe: not shown", YELLOW, "not shown"),
        ("verdict: not judged, x has no budget", YELLOW, "not judged"),
        ("x: every rule holds", GREEN, "every rule holds"),
        ("x: a rule fails", RED, "a rule fails"),
        ("x.py  FAIL    parameters", RED, "FAIL"),
        ("x: 1 of 29 checks disagrees", RED, "1 of 29 checks disagrees"),
        ("x: 3 of 29 checks disagree", RED, "3 of 29 checks disagree"),
        ("x: 29 of 29 checks agree", GREEN, "29 of 29 checks agree"),
        ("    pennyweight train skip-3 \\\n      --seeds 0-4", CYAN, "pennyweight train skip-3 \\\n      --seeds 0-4"),
        ("epoch 1/2  loss 0.5  ETA 3 s", GREY, "  ETA 3 s"),
    ],
)
def test_every_verdict_has_its_colour(text: str, colour: str, word: str) -> None:
    assert coloured(text) == text.replace(word, f"{colour}{word}{PLAIN}", 1)


def test_what_stands_below_the_context_is_not_grey() -> None:
    text = "  taken on trust, a\n    few words\n  budget: x\n  epochs  3  NOT MET"
    grey = f"{GREY}  taken on trust, a\n    few words{PLAIN}"
    assert coloured(text) == f"{grey}\n  budget: x\n  epochs  3  {RED}NOT MET{PLAIN}"


def test_prose_with_the_same_words_stays_as_it_is() -> None:
    for text in (
        "the budget kept by 2 of 3 seeds is met in no other way, true or false",
        "which is better cannot be told: one has a single seed",
        "which is better\n  cannot be told: one has a single seed",
    ):
        assert coloured(text) == text


def test_the_head_of_a_table_is_no_verdict() -> None:
    text = progress_text(Progress({"tiny": 1.0}, 1, 0.0), 0.0)
    assert "kept" in text
    assert coloured(text) == text
