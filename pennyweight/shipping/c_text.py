"""C as text: names, arrays of numbers, and the comment at the top of a generated file."""

import re
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.version import VERSION
from pennyweight.shipping.subject import Subject

WIDTH = 120
LICENCE = "MIT-0"
LICENCE_WORDS = (
    "SPDX-License-Identifier: MIT-0. You may use, change and pass on this generated file in any way, without a notice "
    'and without conditions. It is provided "as is", without warranty of any kind.'
)
LONGEST_PREFIX = 40
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_STANDARD = re.compile(
    "assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdarg|stdbool|stddef|"
    "stdint|stdio|stdlib|string|tgmath|time|wchar|wctype",
    re.IGNORECASE,
)
"""The headers of C99: one of ours with such a name would be read in its place."""


def c_name(text: str) -> str:
    """Return a name as C spells it: `progressive_3` for `progressive-3`."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:LONGEST_PREFIX]
    return name if _problem(name) is None else f"network_{name}"[:LONGEST_PREFIX]


def check_prefix(prefix: str) -> None:
    """Raise UsageError for what cannot begin the names of C functions and files."""
    problem = _problem(prefix)
    if problem:
        raise UsageError(
            f"--prefix {prefix[: 2 * LONGEST_PREFIX]!r} {problem}; it takes a letter, then letters, digits and _, at "
            f"most {LONGEST_PREFIX}, as {c_name(prefix)}."
        )


def _problem(prefix: str) -> str | None:
    if len(prefix) > LONGEST_PREFIX:
        return f"has {len(prefix)} characters"
    if not _NAME.fullmatch(prefix):
        return "is no name in C"
    return "is the name of a header of C" if _STANDARD.fullmatch(prefix) else None


def float_array(name: str, values: NDArray[np.floating]) -> str:
    """Return `static const float NAME[n] = {...};`, each value in the fewest digits that read back as the same float32.

    Raises MismatchError for values that float32 cannot hold.
    """
    with np.errstate(over="ignore"):
        single = np.ravel(values).astype(np.float32)
    if not np.isfinite(single).all():
        raise MismatchError(f"{name} holds a value that is not finite in 32 bits; the network cannot be written as C.")
    return _array("float", name, [f"{value}f" for value in single])


def integer_array(c_type: str, name: str, values: NDArray[np.integer]) -> str:
    """Return `static const TYPE NAME[n] = {...};`."""
    return _array(c_type, name, [str(value) for value in np.ravel(values)])


def _array(c_type: str, name: str, words: Sequence[str]) -> str:
    lines = textwrap.fill(
        ", ".join(words), WIDTH - 1, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
    )
    return f"static const {c_type} {name}[{len(words)}] = {{\n{lines},\n}};"


def banner(subject: Subject, name: str, facts: Iterable[str]) -> str:
    """Return the comment at the top of a file: which network it is, `facts` about it, and the licence.

    Text from records is kept to characters that cannot end a comment.
    """
    model = subject.model
    record = model.record
    epoch = record.epochs[-1]
    reached = (
        "" if epoch.test_correct is None else f", {epoch.test_correct:,} of {record.test_images:,} test images right"
    )
    said = [
        f"{name}: {record.recipe}{''.join(f' +{change}' for change in record.changes)}, seed {record.seed}, "
        f"{record.params:,} parameters, trained on {record.dataset}{reached}. "
        f"Classes: {', '.join(model.classes)}.",
        f"Weights SHA-256 {record.weights_sha256}.",
        f"Record SHA-256 {record.sha256}." if record.sha256 else "",
        *facts,
        f"Written by pennyweight {VERSION}. {LICENCE_WORDS}",
    ]
    lines = [line for one in said if one for line in textwrap.wrap(_harmless(one), WIDTH - 3, break_on_hyphens=False)]
    return "\n".join(["/*", *(f" * {line}" for line in lines), " */"])


def _harmless(text: str) -> str:
    plain = "".join(letter if letter.isprintable() and letter.isascii() else "?" for letter in text)
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("\\", "/")
