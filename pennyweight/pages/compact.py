"""Drawings made shorter without a change of what they show.

Styles become classes, generated identifiers short ones, and pictures of few colours a palette or shades of grey.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from io import BytesIO
from itertools import count

import numpy as np
from PIL import Image

DRAWING = re.compile(r'<svg class="figure".*?</svg>', re.DOTALL)
_STYLE = re.compile(r' style="([^"]*)"')
_GENERATED = re.compile(r'(?<=[#"])([\w-]+?-)(?:[pm]|image)[0-9a-f]{10}(?=["\)])')
"""A name that matplotlib made of what it names: of a clip, a marker or an image."""
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
_EMPTY = re.compile(r"<g/>\n?")
_PNG = re.compile(r"(?<=data:image/png;base64,)[^\"]+")
MOST_COLOURS = 256
_ALONE = re.compile(r"<g>\n(<(?:path|text|use)\b[^>]*(?:/>|>[^<]*</text>))\n</g>")
"""One element in a group that says nothing of it."""


def compacted(body: str) -> tuple[str, str]:
    """Return a page with its drawings made shorter, and the rules that give their classes the styles they had."""
    classes: dict[str, str] = {}

    def shorter(drawing: re.Match[str]) -> str:
        text = _UNTURNED.sub("", _EMPTY.sub("", drawing[0]))
        text = _PNG.sub(lambda png: _with_few_colours(png[0]), text)
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


def _with_few_colours(png: str) -> str:
    """Return a PNG in base64 with the same pixels in grey or by a palette, as it was where neither holds them."""
    with Image.open(BytesIO(b64decode(png))) as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    colours, places = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) > MOST_COLOURS or (colours[:, 3] < 255).any():
        return png
    grey = (colours[:, 0] == colours[:, 1]).all() and (colours[:, 1] == colours[:, 2]).all()
    if grey:
        shorter = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]))
    else:
        shorter = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), places.astype(np.uint8).tobytes())
        shorter.putpalette(colours[:, :3].tobytes())
    file = BytesIO()
    shorter.save(file, "PNG", optimize=True)
    return min(png, b64encode(file.getvalue()).decode(), key=len)
