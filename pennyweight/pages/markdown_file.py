"""A page as Markdown, ready to paste into coursework, with its figures as files beside it."""

from collections.abc import Iterator
from pathlib import Path

from pennyweight.base.files import write_atomically
from pennyweight.base.printable import valid_text
from pennyweight.pages.content import page_content
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.headline import page_headline
from pennyweight.pages.step import Picture, journey_markdown, step_markdown
from pennyweight.pages.step_content import StepContent, before_of, walk_of
from pennyweight.tables.markdown import escaped


def write_markdown(evidence: Evidence, path: Path, figures: str | None) -> None:
    """Write the steps of a page as Markdown; `figures` is `png` or `svg`, None for no files of figures.

    The files lie in a folder beside it that has its name. Raises UnavailableError where one cannot be written.
    """
    pictures: dict[str, list[Picture]] = {}
    if figures:
        for step in page_content(evidence).steps:
            pictures[step.chapter.label] = list(_written(step, path, figures))
    write_atomically(path, valid_text(markdown_of(evidence, pictures)).encode())


def markdown_of(evidence: Evidence, pictures: dict[str, list[Picture]]) -> str:
    """Return the steps of a page as Markdown, with pictures by the names that steps have on the page."""
    walk, chapters = walk_of(evidence), evidence.chapters
    befores = [before_of(evidence, one) for one in chapters]
    refused = [(one.source, one.message) for one in evidence.problems]
    if len(chapters) == 1 and not refused:
        (only,) = chapters
        text = step_markdown(only.step, befores[0], walk, pictures.get(only.label, ()))
        return f"# {escaped(only.label)}\n{text.partition(chr(10))[2]}"
    return journey_markdown(
        evidence.title,
        [one.step for one in chapters],
        walk,
        pictures,
        names=[one.label for one in chapters],
        befores=befores,
        opening=page_headline(evidence).text,
        refused=refused,
    )


def _written(step: StepContent, path: Path, kind: str) -> Iterator[Picture]:
    """Write the figures of a step and yield what the Markdown says of each."""
    for one in step.drawings:
        file = path.with_suffix("") / f"{one.name}.{kind}"
        write_atomically(file, one.file(kind))
        yield Picture(f"{file.parent.name}/{file.name}", f"{one.words.title}. {one.words.description}")
