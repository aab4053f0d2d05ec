"""A page cut into comparable pieces: words, attributes and drawn points, each with the section it stands in."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

GEOMETRY = ("d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points", "transform", "viewbox")
"""Attributes of drawings that hold coordinates."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
TEXT, LABEL, POINT, STROKE, RULE, MARK = "text", "label", "point", "stroke", "rule", "mark"
"""The kinds of pieces: a word; of a drawing a word, a coordinate, other markup; style and script; markup."""
HEADINGS = ("<h1>", "<h2>", "<h3>", "<figcaption>", "<title>")
"""Elements whose words name the section they stand in."""
DRAWN = (LABEL, POINT, STROKE, RULE)
"""Those that another version of what draws may lay out otherwise."""


@dataclass(frozen=True)
class Token:
    """A piece of a page and its kind."""

    kind: str
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


def heading_of(section: Section) -> str:
    """Return the words of the first heading or caption in a section; of a drawing alone, its title; else nothing."""
    words, inside = list[str](), False
    for token in section.tokens:
        if token.text in HEADINGS:
            inside = True
        elif inside and token.text.startswith("</"):
            return " ".join(words)
        elif inside and token.kind in (TEXT, LABEL):
            words.append(token.text)
    return ""


class _Cutter(HTMLParser):
    """Cuts what it is fed."""

    def __init__(self) -> None:
        """Begin before the first section."""
        super().__init__(convert_charrefs=True)
        self.sections = [Section("head of the page")]
        self._drawings = 0
        self._rules = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take an element: its identifier may begin a section, its attributes are pieces."""
        name = dict(attributes).get("id")
        if tag in ("section", "figure") and name:
            self.sections.append(Section(name))
        self._drawings += tag == "svg"
        self._rules += tag in ("style", "script")
        self._markup(f"<{tag}>")
        for name, value in attributes:
            self._attribute(name, value or "")

    def handle_endtag(self, tag: str) -> None:
        """Take the end of an element."""
        self._markup(f"</{tag}>")
        self._drawings -= tag == "svg"
        self._rules -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        """Take text, word by word."""
        kind = RULE if self._rules > 0 else LABEL if self._drawings > 0 else TEXT
        for word in data.split():
            self._add(kind, word)

    def handle_comment(self, data: str) -> None:
        """Take a comment."""
        self._markup(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        """Take the declaration of the document's type."""
        self._markup(decl)

    def unknown_decl(self, data: str) -> None:
        """Take what is no HTML."""
        self._markup(data)

    def handle_pi(self, data: str) -> None:
        """Take a processing instruction."""
        self._markup(data)

    def _attribute(self, name: str, value: str) -> None:
        if self._drawings > 0 and name in GEOMETRY:
            for number in NUMBER.findall(value):
                self._add(POINT, number)
            value = NUMBER.sub("#", value)
        self._markup(f"{name}={value}")

    def _markup(self, text: str) -> None:
        self._add(STROKE if self._drawings > 0 else MARK, text)

    def _add(self, kind: str, text: str) -> None:
        self.sections[-1].tokens.append(Token(kind, text))
