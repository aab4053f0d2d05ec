"""A line on stderr that is written over while something takes time, on a terminal alone."""

import sys

from pennyweight.base.terminal import has_moving_line, is_ascii, width_of

MOST_CELLS = 24


class MovingLine:
    """One line at the bottom; whatever else is printed goes through `above`, so that it stays the last."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._moves = has_moving_line(sys.stderr)
        self._length = 0

    def show(self, text: str, share: float | None = None, after: str = "") -> None:
        """Show `text`, a bar for the `share` that is done, and what follows it."""
        if not self._moves:
            return
        room = width_of(sys.stderr) - 1
        if share is not None:
            text = f"{text}  {bar(share, min(MOST_CELLS, room - len(text) - len(after) - 6))}  {after}".rstrip()
        text = text[:room].ljust(min(self._length, room))
        print(f"\r{text}", end="", file=sys.stderr, flush=True)
        self._length = len(text)

    def above(self, text: str) -> None:
        """Wipe the line and print a text in its place; the line comes back when it is next shown."""
        self.wipe()
        print(text, file=sys.stderr, flush=True)

    def wipe(self) -> None:
        """Take the line away."""
        if self._moves:
            print(f"\r{'':<{self._length}}\r", end="", file=sys.stderr, flush=True)
        self._length = 0


def bar(share: float, cells: int) -> str:
    """Return a bar of `cells` characters between brackets; nothing where there is no room for one."""
    if cells < 4:
        return ""
    full, empty = ("#", "-") if is_ascii(sys.stderr) else ("\u2588", "\u2591")
    done = max(0, min(cells, int(share * cells)))
    return f"[{full * done}{empty * (cells - done)}]"
