"""Writing a page: what it is about, where it is put, and what it lacks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pennyweight.base.files import write_atomically
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.gather import gather
from pennyweight.pages.markdown_file import write_markdown
from pennyweight.pages.render import render
from pennyweight.pages.targets import Document, find_target
from pennyweight.pages.written import WrittenPage
from pennyweight.recipes.catalogue import family
from pennyweight.settings.recipe import Recipe

PAGE, MARKDOWN, RUNS = "report.html", "STEP.md", Path("runs")


def write_page(
    targets: Sequence[str | Path | Recipe], out: Path | None, data: Path | None, figures: str | None = None
) -> WrittenPage:
    """Gather, render and write a page, and beside it the same as Markdown, with `figures` as `png` or `svg` files.

    Raises what `gather` raises, and UnavailableError where a file cannot be written.
    """
    evidence = gather(targets, data)
    page = render(evidence).encode()
    path = out or page_path(targets)
    write_atomically(path, page)
    markdown = path.with_name(MARKDOWN) if path.name == PAGE else path.with_suffix(".md")
    write_markdown(evidence, markdown, figures)
    labels = tuple(one.label for one in evidence.chapters)
    return WrittenPage(str(path), len(page), str(markdown), labels, tuple(_notes(evidence)))


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
        yield f"{problem.source}: refused. {problem.message}"
