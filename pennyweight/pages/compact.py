"""Drawings made shorter without a change of what they show: styles become classes, generated identifiers short ones."""

import re
from collections.abc import Iterator
from itertools import count

DRAWING = re.compile(r'<svg class="figure".*?</svg>', re.DOTALL)
_STYLE = re.compile(r' style="([^"]*)"')
_GENERATED = re.compile(r'(?<=[#"])([\w-]+?-)(?:[pm]|image)[0-9a-f]{10}(?=["\)])')
"""A name that matplotlib made of what it names: of a clip, a marker or an image."""
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
_EMPTY = re.compile(r"<g/>\n?")
_ALONE = re.compile(r"<g>\n(<(?:path|text|use)\b[^>]*(?:/>|>[^<]*</text>))\n</g>")
"""One element in a group that says nothing of it."""


def compacted(body: str) -> tuple[str, str]:
    """Return a page with its drawings made shorter, and the rules that give their classes the styles they had."""
    classes: dict[str, str] = {}

    def shorter(drawing: re.Match[str]) -> str:
        text = _UNTURNED.sub("", _EMPTY.sub("", drawing[0]))
        while (unwrapped := _ALONE.sub(r"\1", text)) != text:
            text = unwrapped
        text = _STYLE.sub(lambda style: f' class="{classes.setdefault(style[1], f"d{len(classes)}")}"', text)
        return _with_short_names(text)

    body = DRAWING.sub(shorter, body)
    return body, "\n".join(f".{name} {{ {style} }}" for style, name in classes.items())


def _with_short_names(drawing: str) -> str:
    """Return a drawing in which generated identifiers are short, and those that nothing refers to are left out."""
    numbers: Iterator[int] = count()
    names: dict[str, str] = {}
    text = _GENERATED.sub(lambda name: names.setdefault(name[0], f"{name[1]}{next(numbers)}"), drawing)
    used = set(re.findall(r"#([\w-]+)", text))
    unused = (name for name in names.values() if name not in used)
    for name in unused:
        text = text.replace(f' id="{name}"', "")
    return text
