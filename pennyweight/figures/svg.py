"""Figures as text and bytes: inline SVG that a page can search, restyle and check, and PNG.

The same figure gives the same bytes: no date, no random identifiers, numbers to a hundredth of a pixel.
"""

import re
from hashlib import sha256
from html import escape, unescape
from io import BytesIO, StringIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from pennyweight.figures.style import FONT, INK, LIGHT, PAPER, css, in_style
from pennyweight.figures.words import Words

_COLOURS = {value: f"var(--{name},{value})" for name, value in LIGHT.items()}
_HEX = re.compile("|".join(_COLOURS))
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_TAG = re.compile(r"<[^>]*>")
_IDENTIFIER = re.compile(r' id="([^"]*)"')
_GENERATED = re.compile(
    r"(?:figure|axes|line2d|patch|text|matplotlib\.axis|xtick|ytick|legend|\w*Collection|image)_\d+$"
)
_TEXT = re.compile(r"<text\b[^>]*>(.*?)</text>", re.DOTALL)
_SERIES = re.compile(r'<g id="([^"]*)">(.*?)</g>\s*(?=<g|</g|<defs)', re.DOTALL)


def to_svg(figure: Figure, *, words: Words, name: str, standalone: bool = False) -> str:
    """Return a figure as an SVG element for a page, identifiers beginning with `name`.

    Its colours are CSS variables, which `style.css` gives their values. `standalone` makes it a file of its own, with
    these values and with paper behind it.
    """
    width, height = (round(float(size) * 72) for size in figure.get_size_inches())
    body = _body(_raw(figure), name)
    head = (
        f'<svg class="figure" role="img" aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"'
    )
    if standalone:
        head += ' xmlns="http://www.w3.org/2000/svg"'
        paper = f'<rect width="{width}" height="{height}" style="fill:{_COLOURS[PAPER]}"/>'
        body = f"<style>{css()}</style>\n{paper}\n{body}"
    title = f'<title id="{name}-title">{escape(words.title)}</title>'
    description = f'<desc id="{name}-desc">{escape(words.description)}</desc>'
    return f"{head}>\n{title}\n{description}\n{body}\n</svg>\n"


def to_html(figure: Figure, words: Words) -> str:
    """Return what a notebook shows of a figure: its finding, and the picture on white paper, whatever is around it."""
    content = sha256(to_svg(figure, words=words, name="figure").encode()).hexdigest()
    svg = to_svg(figure, words=words, name=f"figure-{content[:12]}")  # two pictures share no identifier
    caption = f'<figcaption style="font-weight:600;padding:8px 0">{escape(words.title)}</figcaption>'
    return f'<figure style="margin:0;padding:8px;background:{PAPER};color:{INK}">{caption}{svg}</figure>'


def to_png(figure: Figure, *, scale: int = 2) -> bytes:
    """Return a figure as PNG on white paper, `scale` pixels of the picture to a pixel of the figure."""
    file = BytesIO()
    with in_style():
        FigureCanvasAgg(figure)
        figure.savefig(file, format="png", dpi=72 * scale, facecolor=PAPER, metadata={"Software": None})
    return file.getvalue()


def text_of(svg: str) -> list[str]:
    """Return every text in a picture that `to_svg` wrote, in order."""
    return [unescape(_TAG.sub("", found)).strip() for found in _TEXT.findall(svg)]


def points_of(svg: str) -> dict[str, tuple[float, ...]]:
    """Return the numbers of every plotted series of a picture that `to_svg` wrote, by its identifier.

    They are the coordinates in pixels of what is drawn, in order: a path's points, or where its marks stand.
    """
    prefix = _prefix(svg)
    points: dict[str, tuple[float, ...]] = {}
    for identifier, content in _SERIES.findall(svg):
        paths = re.findall(r' d="([^"]*)"', re.sub(r"<defs>.*?</defs>", "", content, flags=re.DOTALL))
        marks = re.findall(r'<use [^>]*x="([^"]*)" y="([^"]*)"', content)
        numbers = [float(number) for path in paths for number in re.findall(r"-?\d+(?:\.\d+)?", path)]
        numbers += [float(number) for mark in marks for number in mark]
        if numbers and identifier.startswith(prefix):
            points[identifier.removeprefix(prefix)] = tuple(numbers)
    return points


def _prefix(svg: str) -> str:
    found = re.search(r'aria-labelledby="(\S+)-title ', svg)
    return f"{found[1]}-" if found else ""


def _raw(figure: Figure) -> str:
    file = StringIO()
    with in_style():
        FigureCanvasSVG(figure)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return file.getvalue()


def _body(raw: str, name: str) -> str:
    """Return what is inside matplotlib's `<svg>`: variables for colours, short numbers, and only identifiers in use."""
    start = raw.index(">", raw.index("<svg")) + 1
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", raw[start : raw.rindex("</svg>")], flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'<style type="text/css">.*?</style>', "", body, flags=re.DOTALL)
    body = body.replace("xlink:href", "href").replace(f"'{FONT}'", "system-ui, sans-serif")
    body = _TAG.sub(lambda tag: _tag(tag[0], name), body)
    body = re.sub(r"<defs>\s*</defs>", "", body)
    return re.sub(r"\n\s*", "\n", body).strip()


def _tag(tag: str, name: str) -> str:
    """Return one tag with variables for colours, short numbers, and identifiers that begin with `name`."""
    tag = _IDENTIFIER.sub(lambda found: "" if _GENERATED.match(found[1]) else f' id="{name}-{found[1]}"', tag)
    tag = re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", tag)
    tag = re.sub(r'href="#([^"]*)"', rf'href="#{name}-\1"', tag)
    if tag.startswith("<image"):
        return _IDENTIFIER.sub("", tag)  # alike pictures would have one identifier, to which nothing refers
    tag = _HEX.sub(lambda found: _COLOURS[found[0]], tag)
    tag = re.sub(r"\s*\n\s*", " ", tag)
    return _NUMBER.sub(lambda found: _short(found[0]), tag)


def _short(number: str) -> str:
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
