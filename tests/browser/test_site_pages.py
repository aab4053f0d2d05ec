"""Pages of the documentation site as they are seen: no serious barrier, and nothing scrolls sideways.

Needs what test_pages.py needs (`make browser`), and builds the site.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from in_browser import AXE, VIEWS, chromium, measured, opened, serious_barriers
from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
PAGES = (
    "index.html",
    "tutorial.html",
    "gallery.html",
    "guides/make_a_page.html",
    "commands/train.html",
    "api.html",
    "CLAIMS.html",
    "examples/journey.html",
)
"""One of each kind: the start, prose, pictures, a task, a command, signatures, a wide table, an executed notebook."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from chromium()


@pytest.mark.parametrize("view", ["wide, light", "wide, dark", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_barrier_on_the_site(name: str, view: str, browser: Browser, site: Path) -> None:
    with opened(browser, site / name, **VIEWS[view]) as page:
        page.add_script_tag(path=AXE)
        assert serious_barriers(page) == []


@pytest.mark.parametrize("view", ["wide, light", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_the_site_scrolls_sideways(name: str, view: str, browser: Browser, site: Path) -> None:
    with opened(browser, site / name, **VIEWS[view]) as page:
        assert measured(page, "scrollsSideways") == []


def test_a_planted_barrier_on_a_page_of_the_site_is_found(browser: Browser, site: Path, tmp_path: Path) -> None:
    page = (site / "tutorial.html").read_text(encoding="utf-8")
    (tmp_path / "planted.html").write_text(page.replace("</article>", '<img src="nothing.png"></article>', 1))
    with opened(browser, tmp_path / "planted.html") as planted:
        planted.add_script_tag(path=AXE)
        assert any(one.startswith("image-alt") for one in serious_barriers(planted))
