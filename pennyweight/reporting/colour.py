"""Colours for verdicts, errors, commands and context, put on finished text: without them it says the same."""

import re
from functools import cache

GREEN, RED, YELLOW, CYAN, GREY, PLAIN = (f"\x1b[{code}m" for code in (32, 31, 33, 36, 90, 0))
COMMAND = "    "
"""The indent of a line that may be pasted into a shell."""


def _cell(*words: str) -> str:
    """Return a pattern for words that are the whole cell of a table."""
    return rf"(?:(?<=  )|^)(?:{'|'.join(words)})(?=  |$)"


MEANINGS = (
    (CYAN, rf"(?<=^{COMMAND})(?:\S*pennyweight\b|\S*python\S* -m pennyweight\b)(?:.*\\\n)*.*"),
    (RED, r"^Error:|\b(?:NOT MET|DISAGREES|FAIL|ERROR|a rule fails|budget broken|\d+ of \d+ checks? disagrees?)\b"),
    (RED, rf"(?<=verdict on the recipe: )not met|{_cell('broken', 'no', 'false')}"),
    (YELLOW, r"\b(?:not judged|not shown|not checkable|no difference is shown)\b"),
    (
        GREEN,
        r"\b(?:budget kept(?= on)|every rule holds|(?<=recipe: )met|\d+ of \d+ checks agree|is better(?!\s+cannot))\b",
    ),
    (GREEN, _cell("met", "kept", "pass", "yes", "true")),
    (GREY, r"^(?:taken on trust|columns left out).*(?:\n  \S.*)*|  (?:rate|ETA) .*$"),
    (GREY, r"^  (?:taken on trust|on other (?:test|validation) sets).*(?:\n    \S.*)*"),
)
"""What each colour is put on; where two would overlap, the first counts."""


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"({pattern})" for _, pattern in MEANINGS), re.MULTILINE)


def coloured(text: str) -> str:
    """Return text with the colours of a terminal."""
    return _pattern().sub(lambda found: f"{MEANINGS[(found.lastindex or 1) - 1][0]}{found[0]}{PLAIN}", text)
