"""A page cut into comparable pieces: words, attributes and drawn points, each with the section it stands in."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = ("meta", "link", "br", "img", "hr", "input")
GEOMETRY = ("d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points", "transform", "viewbox")
"""Attributes of drawings that hold coordinates."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Token:
    """A piece of a page: a word of its text, or an attribute or a coordinate of an element."""

    kind: str
    """`text`, `label` (a word in a picture), `point` (what is plotted) or `mark` (everything else)."""
    text: str


@dataclass
class Section:
    """The pieces between the start of an element with an identifier and that of the next, in order."""

    name: str
    tokens: list[Token] = field(default_factory=list)


def sections_of(page: str) -> list[Section]:
    """Return a page cut at every section and figure that has an identifier, what they hold in order."""
    cutter = _Cutter()
    cutter.feed(page)
    cutter.close()
    return cutter.sections


class _Cutter(HTMLParser):
    """Cuts what it is fed."""

    def __init__(self) -> None:
        """Begin before the first section."""
        super().__init__(convert_charrefs=True)
        self.sections = [Section("head of the page")]
        self._within: list[str] = []
        self._drawing = 0
        self._svg_text = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take an element: its identifier may begin a section, its attributes are pieces."""
        held = dict(attributes)
        if tag in ("section", "figure") and held.get("id"):
            self.sections.append(Section(str(held["id"])))
        if tag == "svg":
            self._drawing += 1
        self._svg_text += tag in ("text", "title", "desc") and self._drawing > 0
        self._add("mark", f"<{tag}>")
        for name, value in attributes:
            self._attribute(name, value or "")

    def handle_endtag(self, tag: str) -> None:
        """Take the end of an element."""
        self._svg_text -= tag in ("text", "title", "desc") and self._drawing > 0
        self._drawing -= tag == "svg"
        self._add("mark", f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Take text, word by word."""
        kind = "label" if self._drawing else "text"
        for word in data.split():
            self._add(kind, word)

    def handle_comment(self, data: str) -> None:
        """Take a comment."""
        self._add("mark", f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        """Take the declaration of the document's type."""
        self._add("mark", decl)

    def unknown_decl(self, data: str) -> None:
        """Take what is no HTML."""
        self._add("mark", data)

    def handle_pi(self, data: str) -> None:
        """Take a processing instruction."""
        self._add("mark", data)

    def _attribute(self, name: str, value: str) -> None:
        if self._drawing and name in GEOMETRY:
            for number in NUMBER.findall(value):
                self._add("point", number)
            self._add("mark", f"{name}={NUMBER.sub('#', value)}")
        else:
            self._add("mark", f"{name}={value}")

    def _add(self, kind: str, text: str) -> None:
        self.sections[-1].tokens.append(Token(kind, text))
