"""What is released says one version everywhere, and is all that git holds."""

import re
import tomllib
from pathlib import Path

import pennyweight as pw
from pennyweight.base.version import VERSION

ROOT = Path(__file__).parent.parent
REQUIRED = ("cff-version", "message", "title", "authors")
"""Keys that every citation file must have, by the schema of version 1.2.0."""
KNOWN = (*REQUIRED, "type", "version", "license", "abstract", "keywords", "date-released", "repository-code", "url")


def citation() -> dict[str, str]:
    """Return CITATION.cff by its keys; a list or a folded text is its lines as they stand."""
    found: dict[str, str] = {}
    for line in (ROOT / "CITATION.cff").read_text().splitlines():
        if line.startswith(" "):
            found[list(found)[-1]] += f"\n{line.strip()}"
        else:
            key, colon, value = line.partition(":")
            assert colon, line
            assert key not in found, f"{key} is there twice"
            found[key] = value.strip()
    return found


def test_the_version_is_one_and_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "pennyweight.base.version.VERSION"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert pw.__version__ == VERSION == citation()["version"]


def test_the_newest_release_notes_are_of_this_version() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in (VERSION, f"{VERSION}, unreleased")
    versions = [tuple(map(int, re.match(r"[\d.]+", heading)[0].split("."))) for heading in headings]  # type: ignore[index]
    assert versions == sorted(versions, reverse=True)


def test_the_citation_file_has_what_its_format_asks_for() -> None:
    held = citation()
    assert set(REQUIRED) <= set(held) <= set(KNOWN)
    assert held["cff-version"] == "1.2.0"
    assert held["type"] == "software"
    assert held["authors"] == "\n- name: The Pennyweight authors"
    assert held["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    assert held["abstract"].startswith(">-\n")
    assert ": " not in held["message"], "a colon needs quotes in YAML"
