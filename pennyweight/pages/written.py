"""What is told of a page that was written; it loads nothing that draws."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WrittenPage:
    """A page that was written: its path and size, the same as Markdown, the steps, and in sentences what it lacks."""

    page: str
    size_bytes: int
    markdown: str
    steps: tuple[str, ...]
    notes: tuple[str, ...]
