"""Every number that can be read on a page, and whether it is one that the page's evidence gives.

A page is read as HTML by the standard library; what its evidence gives is computed in page_figures.py.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from page_figures import Figures
from page_points import without_ticks

NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
DIGEST = re.compile(r"[0-9a-f]{12,16}")
SIZES = re.compile(r"\d+(?:[×x-]\d+)+")
AROUND = "\"'()[]{};:,.!?<>=%~|"
SURE, SHA = ("95", "%"), "SHA-256"
"""The confidence of every interval and the name of a digest, which are the method's and not the evidence's."""


@dataclass(frozen=True)
class Word:
    """A word of a page that has a digit, the section or figure it stands in, and the words about it."""

    text: str
    place: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.place}: ... {self.before} >{self.text}< {self.after} ..."


def words_of(page: str) -> list[Word]:
    """Return every word with a digit that can be read on a page: text, labels of drawings and their alternatives.

    Numbers along an axis are left out: what they say is where they stand (page_points.py).
    """
    reader = _Reader()
    reader.feed(without_ticks(page))
    reader.close()
    words = reader.words
    return [
        Word(word, place, " ".join(one for one, _ in words[max(0, at - 4) : at]), words[at + 1][0])
        for at, (word, place) in enumerate(words[:-1])
        if any(letter.isdigit() for letter in word)
    ]


def strange_numbers(page: str, figures: Figures) -> list[str]:
    """Return every number of a page that its evidence does not give, with the words about it."""
    return [str(word) for word in words_of(page) if not is_known(word, figures)]


def is_known(word: Word, figures: Figures) -> bool:
    """Return whether a word is a name from the evidence, or all its numbers are among the figures of its place."""
    text = word.text.strip(AROUND)
    if (text, word.after[:1]) == SURE or text == SHA:
        return True
    if DIGEST.fullmatch(text):
        return text in figures.texts
    if SIZES.fullmatch(text) and not figures.names(text):
        return all(figures.holds(one, word.place) for one in re.split("[×x-]", text))
    if NUMBER.fullmatch(text):
        return figures.holds(text, word.place)
    return figures.names(text) or all(figures.holds(one, word.place) for one in NUMBER.findall(text))


class _Reader(HTMLParser):
    """Collects words with the place they stand in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[tuple[str, str]] = []
        self._places, self._hidden = ["head"], 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag in ("section", "figure"):
            self._places.append(held.get("id") or self._places[-1])
        self._hidden += tag in ("style", "script")
        self.handle_data(held.get("aria-label") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("section", "figure"):
            self._places.pop()
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += [(word, self._places[-1]) for word in data.split()]
