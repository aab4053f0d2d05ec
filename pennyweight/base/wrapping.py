"""Prose in lines of a width: words stay whole, paths break at their slashes, a figure stays with its percent sign."""

import re
import textwrap

_JOINT = re.compile(r"[^/+=,]*[/+=,]+|[^/+=,]+")
"""Where a word that is longer than a line may be broken: behind what joins the parts of a path or a setting."""


def lines_of(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Return text in lines of at most `width` characters, indented by `first`, then by `rest`.

    A word that is longer than a line is broken at its joints, and elsewhere only where a part is longer than a line.
    """
    wrapper = _Wrapper(width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in wrapper.wrap(text.replace(" %", "\u00a0%"))]


class _Wrapper(textwrap.TextWrapper):
    def _split(self, text: str) -> list[str]:
        room = self.width - max(len(self.initial_indent), len(self.subsequent_indent))
        return [
            part for word in super()._split(text) for part in (_JOINT.findall(word) if len(word) > room else [word])
        ]
