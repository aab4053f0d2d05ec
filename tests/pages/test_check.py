"""A page is checked by what it carries: any edit of its text, its drawings or its evidence is found and named."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import pennyweight as pw
from pennyweight.base.errors import MismatchError, UnavailableError, UsageError
from pennyweight.judging.verify import Verification
from pennyweight.pages.check import check_page
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.inspection import inspect_run
from pennyweight.pages.render import CLOSING, OPENING, render, render_body, versions

pytestmark = pytest.mark.usefixtures("page")


def checked(page: str, folder: Path) -> Verification:
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return check_page(path)


def disagreeing(found: Verification) -> list[tuple[str, str, str]]:
    return [(one.name, one.written, one.found) for one in found.checks if one.agrees is False]


def test_a_page_agrees_with_what_it_carries(page: str, tmp_path: Path) -> None:
    found = checked(page, tmp_path)
    assert found.agrees, disagreeing(found)
    words = next(one.found for one in found.checks if one.name == "text of the page")
    assert int(words.split()[0].replace(",", "")) > 500
    points = next(one.found for one in found.checks if one.name == "drawings")
    assert int(points.split()[0].replace(",", "")) > 1_000


def test_the_same_evidence_gives_the_same_bytes(evidence: Evidence, page: str) -> None:
    assert render(evidence) == page


def body_of(page: str) -> tuple[str, str]:
    """Return a page before its evidence, and the rest."""
    place = page.index(OPENING)
    return page[:place], page[place:]


def numbers_in_text(page: str) -> list[tuple[int, int]]:
    """Return where the numbers of the text stand: between tags, outside of style, script and drawings."""
    body, _ = body_of(page)
    hidden = [match.span() for match in re.finditer(r"<(style|svg|title)\b.*?</\1>", body, re.DOTALL)]
    found = []
    for text in re.finditer(r">([^<]+)<", body):
        if not any(start <= text.start() < end for start, end in hidden):
            found += [(text.start(1) + one.start(), text.start(1) + one.end()) for one in re.finditer(r"\d+", text[1])]
    return found


@pytest.mark.slow
def test_every_number_of_the_text_that_is_edited_is_found(page: str, evidence: Evidence, tmp_path: Path) -> None:
    """One in forty of them by a check of the whole page; all of them are compared."""
    places = numbers_in_text(page)
    assert len(places) > 150
    for start, end in places[::40]:
        old = page[start:end]
        new = str((int(old[-1]) + 1) % 10)
        edited = page[: end - 1] + new + page[end:]
        found = disagreeing(checked(edited, tmp_path))
        assert found, page[start - 60 : end + 20]
        assert any(old[:-1] + new in written and old in again for _, written, again in found)


def in_drawing(page: str, name: str) -> str:
    match = re.search(rf'<figure id="{name}-figure">.*?</figure>', page, re.DOTALL)
    assert match
    return match[0]


def test_a_plotted_point_that_is_moved_is_found(page: str, tmp_path: Path) -> None:
    drawing = in_drawing(page, "step-1-curves")
    path = re.search(r' d="M (\d+)', drawing)
    assert path
    moved = drawing.replace(path[0], f' d="M {int(path[1]) + 1}', 1)
    found = disagreeing(checked(page.replace(drawing, moved), tmp_path))
    assert found[0][0].startswith("drawing under 'tiny: ")


def test_what_differs_is_named_by_the_heading_a_reader_sees_and_the_words_before_it(page: str, tmp_path: Path) -> None:
    count = re.search(r"<td>parameters</td><td[^>]*>404", page)
    assert count
    found = disagreeing(checked(page.replace(count[0], count[0].replace("404", "403")), tmp_path))
    ((name, written, again),) = found
    assert (written, again) == ("403", "404")
    assert re.fullmatch(r"text under 'tiny: .*': 'Result: .*', after '.* parameters'", name)
    assert "step-1" not in name


def test_markdown_carries_no_evidence_to_verify(tmp_path: Path) -> None:
    (tmp_path / "STEP.md").write_text("# A step")
    with pytest.raises(UsageError, match="Markdown, which carries no evidence"):
        pw.verify(tmp_path / "STEP.md")


EDITS: list[tuple[str, Callable[[str], str]]] = [
    ("a word of the verdict", lambda page: page.replace("its budget", "his budget", 1)),
    ("a label in a drawing", lambda page: page.replace("epoch</text>", "epocs</text>", 1)),
    ("a hidden paragraph", lambda page: page.replace("<p>", '<p style="display:none">', 1)),
    ("a rule of style", lambda page: page.replace("margin: 0 0 16px", "display: none", 1)),
    ("a script", lambda page: page.replace("<script>\n", "<script>\nalert(1);", 1)),
    ("a comment", lambda page: page.replace("<main", "<!-- a --><main", 1)),
    (
        "a section left out",
        lambda page: re.sub(r'<section id="step-1-analysis".*?</section>', "", page, flags=re.DOTALL),
    ),
    ("a section added", lambda page: page.replace("</main>", '<section id="more">99.99 %</section></main>')),
    ("text behind the evidence", lambda page: page.replace("</body>", "<p>100 %</p></body>")),
    ("a picture from elsewhere", lambda page: page.replace("</main>", '<img src="https://example.org/x.png"></main>')),
]


@pytest.mark.parametrize("edit", [edit for _, edit in EDITS], ids=[name for name, _ in EDITS])
def test_an_edit_is_found(page: str, tmp_path: Path, edit: Callable[[str], str]) -> None:
    edited = edit(page)
    assert edited != page
    assert disagreeing(checked(edited, tmp_path))


def test_edited_evidence_is_refused(page: str, tmp_path: Path) -> None:
    _, rest = body_of(page)
    packed = re.search(r'"zlib": "([^"]{80,})"', rest)
    assert packed
    spoilt = packed[1][:40] + ("A" if packed[1][40] != "A" else "B") + packed[1][41:]
    with pytest.raises(MismatchError, match=r"page\.html"):
        checked(page.replace(packed[1], spoilt), tmp_path)


def test_the_evidence_of_another_page_does_not_pass(page: str, evidence: Evidence, tmp_path: Path) -> None:
    """Digests of the other evidence agree; what the page says does not."""
    chapter = evidence.chapters[0]
    fewer = replace(chapter, step=replace(chapter.step, records=chapter.step.records[:2]))
    other = render(replace(evidence, chapters=(fewer,)))
    body, _ = body_of(page)
    assert disagreeing(checked(body + body_of(other)[1], tmp_path))


@pytest.mark.parametrize(
    "content", ["", "<!doctype html><p>hello", f"{OPENING}", f"{OPENING}{{}}{CLOSING}", f"{OPENING}[]{CLOSING}"]
)
def test_what_is_no_page_of_ours_is_refused_in_a_sentence(content: str, tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match=r"page\.html"):
        checked(content, tmp_path)


def test_a_page_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="Cannot read the page"):
        check_page(tmp_path / "none.html")
    (tmp_path / "image.html").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MismatchError, match="not UTF-8"):
        check_page(tmp_path / "image.html")


def test_pictures_are_said_to_be_from_their_run(page: str, evidence: Evidence, tmp_path: Path) -> None:
    trusted = dict(checked(page, tmp_path).on_trust)
    one = evidence.chapters[0].inspection
    assert one is not None
    assert one.weights_sha256[:16] in trusted["pictures of tiny"]
    assert "records" in trusted["runs of tiny"]


def test_the_body_of_a_page_is_rendered_without_what_it_carries(evidence: Evidence) -> None:
    assert f"{OPENING}{CLOSING}" in render_body(evidence)


def test_pictures_are_computed_again_from_their_run(page: str, evidence: Evidence, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    one = evidence.chapters[0].inspection
    assert one is not None
    found = pw.verify(tmp_path / "page.html", run=runs / f"seed-{one.seed}")
    assert found.agrees, disagreeing(found)
    assert {"kernels of tiny", "feature maps of tiny", "probability bytes of tiny"} <= {
        one.name for one in found.checks
    }
    with pytest.raises(pw.UsageError, match="has pictures of tiny seed"):
        pw.verify(tmp_path / "page.html", run=runs / f"seed-{(one.seed + 1) % 3}")
    with pytest.raises(pw.UsageError, match="is no page"):
        pw.verify(runs / "seed-0", run=runs / "seed-0")


def test_pictures_of_another_run_that_claim_to_be_of_this_one_are_found(
    evidence: Evidence, runs: Path, tmp_path: Path
) -> None:
    chapter = evidence.chapters[0]
    one = chapter.inspection
    assert one is not None
    other = inspect_run(runs / f"seed-{(one.seed + 1) % 3}", pw.dataset("digits"))
    forged = replace(other, run=one.run, seed=one.seed, weights_sha256=one.weights_sha256)
    (tmp_path / "page.html").write_text(render(replace(evidence, chapters=(replace(chapter, inspection=forged),))))
    alone = disagreeing(pw.verify(tmp_path / "page.html"))
    assert [name for name, _, _ in alone] == ["predictions of tiny"]  # which its record lists; the kernels it does not
    found = disagreeing(pw.verify(tmp_path / "page.html", run=runs / f"seed-{one.seed}"))
    assert {"kernels of tiny", "predicted of tiny"} <= {name for name, _, _ in found}


def as_if_written_by(page: str, name: str, version: str) -> str:
    """Return a page that names another version, in what it says and in what it carries."""
    held = versions()[name]
    body, rest = body_of(page)
    above, footer, below = body.partition("<footer>")
    body = above + footer + below.replace(f"{name} {held}", f"{name} {version}")
    return body + rest.replace(f'"{name}": "{held}"', f'"{name}": "{version}"')


@pytest.mark.slow
@pytest.mark.parametrize("name", ["matplotlib", "pennyweight", "numpy"])
def test_a_page_of_another_version_is_compared_as_far_as_that_goes(page: str, tmp_path: Path, name: str) -> None:
    older = as_if_written_by(page, name, "0.0.1")
    found = checked(older, tmp_path)
    assert found.agrees
    assert [one.name for one in found.checks if one.agrees is None] == ["versions"]
    label = older.replace("epoch</text>", "Epoche</text>", 1)
    assert checked(label, tmp_path).agrees  # another version may have called the axis so
    _, end = numbers_in_text(older)[40]
    edited = older[: end - 1] + str((int(older[end - 1]) + 1) % 10) + older[end:]
    assert disagreeing(checked(edited, tmp_path))
    word = older.replace("its budget", "his budget", 1)
    assert checked(word, tmp_path).agrees == (name == "pennyweight")
