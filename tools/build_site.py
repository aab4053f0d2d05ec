"""Build the documentation site into build/site: docs/, examples/ and the pages of the five journeys.

python tools/build_site.py

Nothing is fetched from a network. A warning, a link to nowhere or a notebook that fails ends it with exit code 1.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pennyweight as pw
from pennyweight.reporting.claims import verdict_counts

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
SOURCE, SITE = BUILD / "site-source", BUILD / "site"
MENDED = (
    (re.compile(r'(<p class="caption" role="heading")>'), r'\1 aria-level="2">'),
    (re.compile(r"<pre>"), '<pre tabindex="0">'),
    (re.compile(r'(<div class="table-wrapper[^"]*")>'), r'\1 tabindex="0">'),
    (re.compile(r"<table>"), '<table tabindex="0">'),  # of a notebook, which has no wrapper to scroll
    (re.compile(r'(<aside class="sidebar-drawer")>'), r'\1 aria-label="All pages">'),
    (re.compile(r'(<aside class="toc-drawer[^"]*")>'), r'\1 aria-label="On this page">'),
)
"""What the theme and its tools leave out that a keyboard or a screen reader needs."""
SIGNATURE = re.compile(r"<dl>\n((?:<dd>.*?</dd>\n)+)</dl>", re.DOTALL)
"""A signature over several lines: a list, and none of definitions."""
LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")


def gather() -> None:
    """Copy what the site is built from into one folder, with the links between its parts."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE)
    (SOURCE / "examples").mkdir()
    for path in (ROOT / "examples").glob("*.ipynb"):
        shutil.copy(path, SOURCE / "examples")
    shutil.copy(ROOT / "CHANGELOG.md", SOURCE / "CHANGELOG.md")
    for path in SOURCE.rglob("*.md"):
        path.write_text(relinked(path.read_text(), path.relative_to(SOURCE)))
    for path in SOURCE.rglob("*.ipynb"):
        notebook = json.loads(path.read_text())
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = relinked("".join(cell["source"]), path.relative_to(SOURCE))
        path.write_text(json.dumps(notebook))
    (SOURCE / "gallery.md").write_text(gallery())


def relinked(text: str, page: Path) -> str:
    """Return a page's text whose links, which hold in the repository, are those between the copies.

    `page` is relative to the copies: what lies in docs/ is one folder further up there, all else is where it was.
    """
    original = page if page.parts[0] in ("examples", "CHANGELOG.md") else Path("docs") / page

    def moved(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(original.parent / found[2]))
        copy = target.relative_to("docs") if target.parts[0] == "docs" else target
        return f"{found[1]}{Path(os.path.relpath(copy, page.parent)).as_posix()}{found[3]}"

    return LINK.sub(moved, text)


def gallery() -> str:
    """Return the page that shows the five journeys."""
    parts = [
        "# The five journeys",
        "Five public write-ups build networks for MNIST step by step. Here each is retold with our own runs: what "
        "every step changed, what that gained, and which of its claims hold. A page is one file that works offline; "
        "`pennyweight report FAMILY` makes it, `pennyweight verify PAGE.html` checks every number on it.",
    ]
    for title, family in journeys().items():
        number, _, name = title.partition(" ")
        claims = pw.claims(number)[title]
        parts += [f"## {number}: {name}".replace("<", "\\<"), f"![{name}](pictures/{family}.svg)"]
        parts += [f"Of its {len(claims)} claims: {verdict_counts(claims)}."]
        parts += [f'<a href="journeys/{family}.html">The whole journey</a>, made by `pennyweight report {family}`.']
    return "\n\n".join(parts) + "\n"


def journeys() -> dict[str, str]:
    """Return the family of recipes, as `progressive`, by its document's title."""
    named = {recipe.origin.document: recipe.name.partition("-")[0] for recipe in pw.published_recipes()}
    return {title: family for title, family in named.items() if title in pw.claims()}


def mend() -> None:
    """Write into every page of the site what a keyboard or a screen reader needs."""
    for page in SITE.rglob("*.html"):
        page.write_text(mended(page.read_text(encoding="utf-8")), encoding="utf-8")


def mended(page: str) -> str:
    """Return a page whose headings have a level, whose frames have names, and in which what scrolls can be focused."""
    for found, instead in MENDED:
        page = found.sub(instead, page)
    return SIGNATURE.sub(_listed, page)


def _listed(signature: re.Match[str]) -> str:
    lines = signature[1].replace("<dd>", "<li>").replace("</dd>", "</li>")
    return f'<ul class="signature">\n{lines}</ul>'


def make_journeys() -> None:
    """Write the page of every journey beside the pages that link to it."""
    for family in journeys().values():
        page = SITE / "journeys" / f"{family}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pennyweight", "report", family, "--out", str(page)]
        subprocess.run(command, check=True, cwd=BUILD, stdout=subprocess.DEVNULL)


def main() -> int:
    """Build the site anew; return the exit code of Sphinx."""
    gather()
    shutil.rmtree(SITE, ignore_errors=True)
    built = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet"),
            *("--fresh-env", "--doctree-dir", str(BUILD / "site-doctrees"), str(SOURCE), str(SITE)),
        ],
        cwd=BUILD,
    )
    if built.returncode == 0:
        mend()
        make_journeys()
        print(SITE / "index.html")
        print(f"The search of the site needs a server: {sys.executable} -m http.server --directory {SITE}")
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
