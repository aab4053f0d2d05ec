"""The engine's version is raised when its arithmetic changes: another digest of the C asks for one of two answers."""

import re
from hashlib import sha256

from support import mnist_plan

from pennyweight.native.generate import KERNELS, generate
from pennyweight.native.version import ARITHMETIC_DIGEST, ARITHMETIC_VERSION
from pennyweight.nets.layers import (
    CLASSES,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)

EVERYTHING: Layers = (
    *(Conv(8, 3, 1, bias=True), Relu(), BatchNorm(), Dropout(0.1), Conv(16, 5, 2, 2), BatchNorm(), Relu(), MaxPool()),
    *(Residual((Conv(16, 3, 1), BatchNorm(), Relu()), (Conv(16, 1),)), Relu(), Depthwise(3, 1), AvgPool(2)),
    *(Conv(32, 3, 1), BatchNorm(), Relu(), Linear(20), Relu(), Conv(CLASSES, 1), GlobalAvgPool()),
)
"""Every kind of layer, by register tiles and by Winograd."""


def without_comments_and_layout(c: str) -> str:
    """C as words: comments gone, and all white space but the ends of directives."""
    c = re.sub(r"/\*.*?\*/|//[^\n]*", " ", c, flags=re.S).replace("\\\n", " ")
    lines = (" ".join(line.split()) for line in c.splitlines())
    return re.sub(r" ?([^\w#\n]) ?", r"\1", " ".join(f"\n{line}\n" if line.startswith("#") else line for line in lines))


def arithmetic_digest() -> str:
    texts = [path.name + without_comments_and_layout(path.read_text()) for path in sorted(KERNELS.glob("*.h"))]
    texts += [without_comments_and_layout(generate(mnist_plan(EVERYTHING), 40, lanes).text) for lanes in (8, 16)]
    return sha256("\0".join(texts).encode()).hexdigest()


def test_arithmetic_that_changed_has_another_version() -> None:
    assert arithmetic_digest() == ARITHMETIC_DIGEST, (
        f"The C is no longer that of version {ARITHMETIC_VERSION}. If `python tools/weight_digests.py native` prints "
        "the same weights as before, store the new digest in native/version.py; else raise the number there as well."
    )


def test_comments_and_layout_are_no_arithmetic() -> None:
    one = without_comments_and_layout("#define A 1 /* one */\nint f(int x) {\n    return x  + A; // sum\n}\n")
    other = without_comments_and_layout("#define A 1\n/* f */ int f(int x)\n{ return x+A; }")
    assert one == other
    assert one != without_comments_and_layout("#define A 1\nint f(int x) { return x-A; }")
    assert "return x" in one
