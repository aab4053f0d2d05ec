"""Writing a page: what it is about, where it is put, and what it lacks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pennyweight.base.files import write_atomically
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.gather import gather
from pennyweight.pages.render import render
from pennyweight.pages.targets import Document, find_target
from pennyweight.pages.written import WrittenPage
from pennyweight.recipes.catalogue import family
from pennyweight.settings.recipe import Recipe

PAGE, RUNS = "report.html", Path("runs")


def write_page(targets: Sequence[str | Path | Recipe], out: Path | None, data: Path | None) -> WrittenPage:
    """Gather, render and write a page; raises what `gather` raises, and UnavailableError where it cannot be written."""
    evidence = gather(targets, data)
    page = render(evidence).encode()
    path = out or page_path(targets)
    write_atomically(path, page)
    return WrittenPage(str(path), len(page), tuple(one.label for one in evidence.chapters), tuple(_notes(evidence)))


def page_path(targets: Sequence[str | Path | Recipe]) -> Path:
    """Return where a page goes that nobody placed: into the folder it is about, else into `runs/NAME`."""
    if len(targets) != 1:
        return RUNS / PAGE
    target = find_target(targets[0])
    if isinstance(target, Path):
        return target / PAGE if target.is_dir() else RUNS / PAGE
    name = family(target.recipes[0]) if isinstance(target, Document) else target.name
    return RUNS / name / PAGE


def _notes(evidence: Evidence) -> Iterator[str]:
    """Yield what a page lacks, and the command that adds it."""
    said = set[str]()
    for chapter in evidence.chapters:
        command = f" 'pennyweight {chapter.command}' makes them." if chapter.command else ""
        if chapter.missing and chapter.missing not in said:
            said.add(chapter.missing)
            yield f"{chapter.label}: no pictures of its weights and test images. {chapter.missing}{command}"
    for problem in evidence.problems:
        yield f"Left out: {problem.message}"
