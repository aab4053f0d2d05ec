"""The page itself: a pure function of its evidence, which it carries."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pennyweight.base.printable import valid_text
from pennyweight.base.version import VERSION
from pennyweight.figures.style import css
from pennyweight.pages.blocks import Block, to_json
from pennyweight.pages.compact import compacted
from pennyweight.pages.content import page_content
from pennyweight.pages.embedding import to_blocks
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.keeper import require_packages
from pennyweight.pages.live_content import live_content
from pennyweight.tables.html import to_html

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
OPENING, CLOSING = '<script type="application/json" id="evidence">', "</script>"
"""What stands about the evidence in a page."""


def render(evidence: Evidence) -> str:
    """Return the page as one HTML file that asks for nothing else; same evidence and versions, same bytes.

    Raises UnavailableError where Jinja or matplotlib is missing.
    """
    return with_evidence(render_body(evidence), to_blocks(evidence))


def render_body(evidence: Evidence, written_by: Mapping[str, str] | None = None) -> str:
    """Return the page without what it carries; `written_by` are the versions it names, unless given those of now."""
    environment = _environment()
    blocks = to_blocks(evidence)
    body = environment.get_template("live.html" if evidence.live else "page.html").render(
        page=live_content(evidence) if evidence.live else page_content(evidence),
        evidence=evidence,
        blocks=[(name, _kind(block), block.sha256) for name, block in blocks.items()],
        versions=versions() if written_by is None else written_by,
        style=css() + (TEMPLATES / "page.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "page.js").read_text(encoding="utf-8"),
    )
    body, rules = compacted(body)
    return valid_text(body.replace("</style>", f"{rules}\n</style>", 1))


def with_evidence(body: str, blocks: Mapping[str, Block]) -> str:
    """Return a page with its evidence put into the element that is there for it."""
    before, opening, after = body.partition(OPENING)
    return f"{before}{opening}{to_json(blocks, versions())}{after}"


@cache
def versions() -> Mapping[str, str]:
    """Return the versions that decide the bytes of a page, by package."""
    require_packages()
    import jinja2
    import matplotlib
    import numpy

    return {
        "pennyweight": VERSION,
        "matplotlib": matplotlib.__version__,
        "numpy": numpy.__version__,
        "jinja2": jinja2.__version__,
    }


def _kind(block: Block) -> str:
    """Return what a block holds as words."""
    if isinstance(block.content, str):
        return f"{len(block.content.encode()):,} bytes of text"
    return f"{block.content.dtype.name} {'x'.join(map(str, block.content.shape))}"


@cache
def _environment() -> "Environment":
    versions()  # which says what is missing
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["table"] = to_html
    environment.filters["tied"] = lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%")
    return environment
