"""What is told of a page that was written; it loads nothing that draws."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WrittenPage:
    """A page that was written: its path, its size, the steps on it, and in sentences what it lacks."""

    page: str
    size_bytes: int
    steps: tuple[str, ...]
    notes: tuple[str, ...]
