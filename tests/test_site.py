"""The documentation site builds strictly and without a network, and every link in it leads somewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import typer
from build_site import mended
from built_site import NO_NETWORK

import pennyweight as pw
from pennyweight.cli.app import app
from pennyweight.figures.svg import text_of

ROOT = Path(__file__).parent.parent


class Links(HTMLParser):
    """Collects what a page names, and what can be named of it."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        self.anchors |= {held[name] for name in ("id", "name") if name in held}
        self.targets += [held[name] for name in ("href", "src") if name in held]
        if tag == "link" and held.get("rel") not in ("canonical", "index", "search", "next", "prev", "author"):
            self.loaded.append(held["href"])
        self.loaded += [held["src"]] if "src" in held else []


def links_of(page: Path) -> Links:
    links = Links()
    links.feed(page.read_text())
    return links


def test_control_the_site_is_built_where_a_connection_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert "the site may not ask" in done.stderr


def test_there_is_a_page_for_every_command_and_a_line_in_the_index() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    pages = {path.stem for path in (ROOT / "docs" / "commands").glob("*.md")}
    assert pages == commands | {"index"}
    index = (ROOT / "docs" / "commands" / "index.md").read_text()
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == commands


def test_the_python_reference_names_all_that_the_package_offers() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    named = re.findall(r"^\.\. auto\w+:: pennyweight\.(\w+)$", page, re.MULTILINE)
    assert sorted(named) == sorted(set(pw.__all__) - {"__version__", "plots"})
    assert ".. automodule:: pennyweight.figures.plots\n" in page


def test_the_pictures_of_the_readme_are_there_and_name_every_step() -> None:
    pictures = re.findall(r"docs/pictures/([\w-]+)\.svg", (ROOT / "README.md").read_text())
    families = dict.fromkeys(one.name.split("-")[0] for one in pw.published_recipes() if one.origin.document)
    assert pictures == [*(f"{family}-small" for family in families), "frontier"]
    for family in families:
        for end in ("", "-small"):
            shown = text_of((ROOT / "docs" / "pictures" / f"{family}{end}.svg").read_text())
            steps = {one.name for one in pw.published_recipes() if one.name.startswith(f"{family}-")}
            assert steps <= set(shown), family + end


def test_what_the_theme_leaves_out_is_written_into_a_page() -> None:
    page = (
        '<aside class="sidebar-drawer"><p class="caption" role="heading">Start</p></aside>\n'
        '<pre>a</pre><div class="table-wrapper docutils container">b</div>\n'
        "<dt>f(<dl>\n<dd><em>one</em>,</dd>\n<dd>two</dd>\n</dl>)</dt>\n<dl><dt>kept</dt><dd>as it is</dd></dl>"
    )
    assert mended(page) == (
        '<aside class="sidebar-drawer" aria-label="All pages">'
        '<p class="caption" role="heading" aria-level="2">Start</p></aside>\n'
        '<pre tabindex="0">a</pre><div class="table-wrapper docutils container" tabindex="0">b</div>\n'
        '<dt>f(<ul class="signature">\n<li><em>one</em>,</li>\n<li>two</li>\n</ul>)</dt>\n'
        "<dl><dt>kept</dt><dd>as it is</dd></dl>"
    )
    assert mended(mended(page)) == mended(page)


@pytest.mark.slow
def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    pages = {page: links_of(page) for page in site.rglob("*.html")}
    assert len(pages) > 40
    for page, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert there.exists(), f"{page.relative_to(site)}: {target}"
            if parts.fragment and there in pages:
                assert unquote(parts.fragment) in pages[there].anchors, f"{page.relative_to(site)}: {target}"


@pytest.mark.slow
def test_no_page_of_the_site_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for target in links_of(page).loaded:
            assert not urlsplit(target).netloc, f"{page.relative_to(site)}: {target}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", sheet.read_text()), sheet


@pytest.mark.slow
def test_the_site_shows_the_journeys_and_what_the_notebooks_print(site: Path) -> None:
    for title in pw.claims():
        family = next(one.name.split("-")[0] for one in pw.published_recipes() if one.origin.document == title)
        assert f"journeys/{family}.html" in (site / "gallery.html").read_text()
        assert title.split()[0] in (site / "journeys" / f"{family}.html").read_text()
    notebook = (site / "examples" / "journey.html").read_text()
    assert notebook.count("cell_output") >= 8
