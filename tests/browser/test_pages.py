"""Pages as they are seen: wide, light and dark, on a phone, zoomed, printed, without JavaScript, by keyboard.

Needs a Chromium of the system's and `npm ci` in this folder (`make browser`).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_browser import AXE, HERE, VIEWS, chromium, measured, opened, serious_barriers
from playwright.sync_api import Browser, ViewportSize
from support import TINY

import pennyweight as pw

pytestmark = pytest.mark.slow

PAGES = ("journey", "recipe", "run", "students")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from chromium()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a document's page, a recipe's, that of a run with its images, and three students' side by side."""
    folder = tmp_path_factory.mktemp("pages")
    for seed, student in enumerate(("anna", "ben", "carla-with-quite-a-long-name")):
        pw.train(TINY, dataset="digits", engine="torch", seed=seed, out=folder / student)
    written = {
        "journey": pw.report("progressive", out=folder / "journey.html"),
        "recipe": pw.report("skip-3", out=folder / "recipe.html"),
        "run": pw.report(folder / "anna", out=folder / "run.html"),
        "students": pw.report(
            folder / "anna", folder / "ben", folder / "carla-with-quite-a-long-name", out=folder / "students.html"
        ),
    }
    return {name: Path(page.page) for name, page in written.items()}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overlaps_is_cut_or_scrolls_sideways(
    name: str, view: str, browser: Browser, pages: dict[str, Path]
) -> None:
    with opened(browser, pages[name], **VIEWS[view]) as page:
        assert measured(page, "scrollsSideways", "overlaps", "cut", "headings", "pictures", "small") == []
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert measured(page, "scrollsSideways", "overlaps", "cut") == []


@pytest.mark.parametrize("view", ["wide, light", "wide, dark", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_barrier(name: str, view: str, browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages[name], **VIEWS[view]) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        page.add_script_tag(path=AXE)
        assert serious_barriers(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing(name: str, browser: Browser, pages: dict[str, Path]) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(pages[name].absolute().as_uri())
    page.wait_for_timeout(300)
    context.close()
    assert [url for url in asked if not url.startswith("data:")] == [pages[name].absolute().as_uri()]
    assert wrong == []


def test_without_javascript_nothing_is_lost_but_sorting_and_copying(browser: Browser, pages: dict[str, Path]) -> None:
    texts = []
    for enabled in (True, False):
        context = browser.new_context(java_script_enabled=enabled)
        page = context.new_page()
        page.goto(pages["journey"].absolute().as_uri())
        texts.append(page.inner_text("main").replace("Copy as Markdown", "").split())
        context.close()
    assert texts[0] == texts[1]
    assert len(texts[0]) > 500


def test_a_table_is_sorted_by_click_and_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["journey"]) as page:
        table = page.locator("table:visible").filter(has_text="progressive-2").first
        head = table.locator("thead th", has_text="parameters").first
        column = head.evaluate("cell => cell.cellIndex")
        numbers = f"rows => rows.map(row => Number(row.cells[{column}].innerText.replace(/,/g, '')))"
        read = lambda: table.locator("tbody tr").evaluate_all(numbers)  # noqa: E731
        head.locator("button").click()
        rising = read()
        assert rising == sorted(rising)
        assert head.get_attribute("aria-sort") == "ascending"
        head.locator("button").focus()
        page.keyboard.press("Enter")
        assert read() == sorted(rising, reverse=True) != rising
        assert head.get_attribute("aria-sort") == "descending"


def test_a_table_is_copied_as_markdown(browser: Browser, pages: dict[str, Path]) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(pages["journey"].absolute().as_uri())
    page.locator("button.copy:visible").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    context.close()
    lines = copied.splitlines()
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert set(lines[1]) <= set("|-: ")
    assert "progressive-1" in copied


def test_the_keyboard_reaches_everything_that_does_something(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["recipe"]) as page:
        targets = page.evaluate(
            "[...document.querySelectorAll('a[href], button, summary')].filter(one => one.checkVisibility()).length"
        )
        reached: set[str] = set()
        for _ in range(targets + 20):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate(
                    """() => { const one = document.activeElement;
                    if (!one.matches('a[href], button, summary')) return '';
                    const style = getComputedStyle(one);
                    if (style.outlineStyle === 'none') return 'no outline: ' + one.outerHTML;
                    return String([...document.querySelectorAll('*')].indexOf(one)); }"""
                )
            )
        reached.discard("")
        assert [one for one in reached if one.startswith("no outline")] == []
        assert len(reached) == targets


@pytest.mark.parametrize("name", PAGES)
def test_printed_everything_but_the_evidence_is_unfolded_and_fits_the_paper(
    name: str, browser: Browser, pages: dict[str, Path]
) -> None:
    paper = ViewportSize(width=688, height=1000)  # A4 less its margins, at 96 pixels to the inch
    with opened(browser, pages[name], viewport=paper) as page:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert measured(page, "folded", "scrollsSideways", "overlaps", "cut") == []
        assert page.locator("button.copy:visible").count() == 0
        printed = page.pdf(format="A4", prefer_css_page_size=True)
        assert printed.startswith(b"%PDF")
        assert len(printed) > 50_000


def test_on_paper_headings_keep_with_what_follows_small_tables_are_whole_and_evidence_is_closed(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with opened(browser, pages["recipe"], viewport=ViewportSize(width=688, height=1000)) as page:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        styles = "one => [getComputedStyle(one).breakAfter, getComputedStyle(one).breakInside]"
        headings = page.locator("h1, h2, h3, figcaption").evaluate_all(f"found => found.map({styles})")
        assert set(map(tuple, headings)) == {("avoid", "avoid")}
        assert page.locator("#step-1-target .scroll").evaluate(styles)[1] == "avoid"
        assert page.locator("#step-1-architecture .scroll").last.evaluate(styles)[1] == "auto"
        assert page.locator("#proof details[open]").count() == 0


def test_the_result_of_a_requirement_is_seen_on_a_phone_and_type_grows_on_a_projector(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with opened(browser, pages["run"], viewport=ViewportSize(width=390, height=844)) as page:
        result = page.locator("#step-1-target tbody td:nth-child(2)").first
        box = result.bounding_box()
        assert result.inner_text() in ("pass", "fail")
        assert box is not None
        assert box["x"] + box["width"] <= 390
    sizes = []
    for width in (1280, 1920):
        with opened(browser, pages["run"], viewport=ViewportSize(width=width, height=1080)) as page:
            font = float(page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)"))
            sizes.append((font, page.locator("#opening svg").first.bounding_box()["width"]))  # type: ignore[index]
    assert sizes[1][0] >= 1.2 * sizes[0][0]
    assert sizes[1][1] >= 1.2 * sizes[0][1]


def test_light_and_dark_are_two_pages_to_the_eye(browser: Browser, pages: dict[str, Path]) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with opened(browser, pages["journey"], color_scheme=scheme) as page:
            found = page.evaluate(
                "[getComputedStyle(document.documentElement).backgroundColor, "
                "getComputedStyle(document.querySelector('svg text')).fill]"
            )
            colours.append(found)
    assert colours[0] != colours[1]
    assert colours[0][0] == "rgb(255, 255, 255)"
    assert all(light != dark for light, dark in zip(*colours, strict=True))


def test_the_measures_find_what_is_planted(browser: Browser, tmp_path: Path) -> None:
    """A measure that finds nothing anywhere would say nothing of the pages."""
    planted = tmp_path / "planted.html"
    planted.write_text(
        "<!doctype html><html lang=en><title>a</title><h1>One</h1><h3>Skips</h3>"
        "<p style='position:absolute;top:200px'>first words here</p>"
        "<p style='position:absolute;top:204px'>second words</p>"
        "<div style='overflow:hidden;width:50px;white-space:nowrap'>far too long for this</div>"
        "<div style='width:3000px'>wide</div><svg viewBox='0 0 10 10'></svg>"
        "<p style='font-size:7px'>tiny</p><details><summary>more</summary><p>inside</p></details>"
    )
    with opened(browser, planted) as page:
        for name in ("scrollsSideways", "overlaps", "cut", "headings", "pictures", "folded", "small"):
            assert measured(page, name), name


def test_axe_is_the_pinned_version() -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core: make browser")
    pinned = json.loads((HERE / "package.json").read_text())["dependencies"]["axe-core"]
    assert f"axe v{pinned}" in AXE.read_text()[:200]
