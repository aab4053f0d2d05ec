"""Render every table of figures in the README, records/ and docs/ from records; `--check` compares.

python tools/render_docs.py
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import command_screens
import record_tables
import shipping_tables
from command_pages import command_pages
from pictures import pictures

from pennyweight.reporting.outputs import schemas

ROOT = Path(__file__).parent.parent
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
TABLES = record_tables.TABLES | command_screens.TABLES | shipping_tables.TABLES
DOCUMENTS = (
    *("README.md", "records/README.md", "docs/CLAIMS.md", "docs/CHOICES.md", "docs/analysis.md", "docs/json.md"),
    *("docs/reliability.md", "docs/run_folders.md", "docs/errors.md", "docs/chips.md", "docs/tutorial.md"),
    *("docs/guides/compare_recipes.md", "docs/export.md", "docs/agreement.md"),
)
"""The files that hold marked tables."""


def render(text: str) -> str:
    """Return `text` with every marked table rendered anew."""
    return MARKED.sub(lambda found: found[1] + "\n".join(TABLES[found[2]]()) + "\n" + found[3], text)


def texts() -> Iterator[tuple[Path, str]]:
    """Yield every file that follows from records and code, with what it should hold."""
    yield from ((ROOT / name, render((ROOT / name).read_text())) for name in DOCUMENTS)
    for verb, schema in schemas().items():
        yield ROOT / "docs" / "schemas" / f"{verb}.json", f"{json.dumps(schema, indent=1)}\n"
    yield from ((ROOT / "docs" / "commands" / f"{name}.md", text) for name, text in command_pages())
    yield from ((ROOT / "docs" / "pictures" / f"{name}.svg", text) for name, text in pictures(ROOT / "records"))


def lost_tables(documents: Mapping[str, str]) -> list[str]:
    """Return in sentences which tables no document holds, and which documents have marks that are none."""
    held = {name: [found[1] for found in MARKED.findall(text)] for name, text in documents.items()}
    lost = {*TABLES}.difference(*held.values())
    ends = {name: text.count("<!-- end -->") for name, text in documents.items()}
    return [f"No document holds the table '{name}'." for name in sorted(lost)] + [
        f"{name} has {ends[name]} ends of tables, and {len(tables)} tables."
        for name, tables in held.items()
        if not 0 < len(tables) == ends[name]
    ]


def main() -> int:
    """Render the documents, or with `--check` return 1 when one of them is out of date or has lost a table."""
    lost = lost_tables({name: (ROOT / name).read_text() for name in DOCUMENTS})
    print("".join(f"{sentence}\n" for sentence in lost), end="")
    stale = [(path, text) for path, text in texts() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        print(f"{path.relative_to(ROOT)} does not agree with records and code; run: python tools/render_docs.py")
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return 1 if lost or (stale and "--check" in sys.argv) else 0


if __name__ == "__main__":
    sys.exit(main())
