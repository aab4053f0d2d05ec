"""What is told of a page that was written; it loads nothing that draws."""

from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass(frozen=True)
class WrittenPage:
    """A page that was written: its path and size, the same as Markdown, the steps, and in sentences what it lacks."""

    page: str
    size_bytes: int
    markdown: str
    steps: tuple[str, ...]
    notes: tuple[str, ...]

    def _repr_html_(self) -> str:
        """Return what a notebook shows: where the page is, and the page itself in a frame, if it still is there."""
        name = f"<p>{escape(self.page)}</p>"
        try:
            page = Path(self.page).read_text(encoding="utf-8")
        except OSError:
            return name
        return (
            f'{name}\n<iframe srcdoc="{escape(page)}" title="{escape(self.page)}" width="100%" height="800"></iframe>'
        )
