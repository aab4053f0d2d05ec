"""A browser for the tests that look at pages: Chromium of the system, the views, and what axe-core finds."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

HERE = Path(__file__).parent / "browser"
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VIEWS: dict[str, dict[str, Any]] = {
    "wide, light": {"viewport": ViewportSize(width=1280, height=900)},
    "wide, dark": {"viewport": ViewportSize(width=1280, height=900), "color_scheme": "dark"},
    "tablet": {"viewport": ViewportSize(width=820, height=1180)},
    "phone": {"viewport": ViewportSize(width=390, height=844), "has_touch": True},
    "zoomed to 200 %": {"viewport": ViewportSize(width=640, height=450), "device_scale_factor": 2},
    "a projector": {"viewport": ViewportSize(width=1920, height=1080)},
}


def chromium() -> Iterator[Browser]:
    """Yield a browser, or skip where the system has none or axe-core is missing."""
    if CHROMIUM is None or not AXE.exists():
        pytest.skip("needs a Chromium and axe-core: make browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def opened(browser: Browser, path: Path, **options: Any) -> Iterator[Page]:
    """Open a file as a page that can be measured (measure.js)."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(path.absolute().as_uri())
    page.add_script_tag(path=HERE / "measure.js")
    yield page
    context.close()


def measured(page: Page, *names: str) -> list[str]:
    """Return what these measures of measure.js find on a page."""
    return [f"{name}: {sentence}" for name in names for sentence in page.evaluate(f"measure.{name}()")]


def serious_barriers(page: Page) -> list[str]:
    """Return what axe-core, which the page holds, calls serious or critical; fails where it looked at nothing."""
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(result["passes"]) > 10  # it did look
    return [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:120]})"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
    ]
