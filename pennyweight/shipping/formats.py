"""The formats a network is exported to: what each is, what judges it, and the functions that write and run it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennyweight.shipping import c_float, c_int8, onnx_float, onnx_int8
from pennyweight.shipping.integer_agreement import agree_exactly, agree_nearly
from pennyweight.shipping.parity import Agreement, Judged, agree_float
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written


@dataclass(frozen=True)
class Format:
    """One format. `write` and `run` get the stem, which names files and, in C, functions: the prefix and `suffix`."""

    name: str
    suffix: str
    content: str
    """What is written, in a phrase."""
    needs: str
    """What runs it."""
    judge: str
    """What runs it here, to compare it with the original."""
    write: Callable[[Subject, str], Written]
    """Returns the files; raises UsageError naming a layer that the format cannot express."""
    run: Callable[[Subject, str, Path, NDArray[np.uint8]], Judged]
    """Returns the logits of images by the files in a folder; raises UnavailableError where the judge is missing."""
    agree: Callable[[Subject, NDArray[Any]], Agreement]
    """Compares the logits of all test images with those they must be."""
    reads_images: bool = False
    """Whether it is written with a look at training images."""


FORMATS = (
    Format(
        name="onnx",
        suffix="",
        content="ONNX, opset 18, normalisation inside",
        needs="an ONNX runtime",
        judge="onnxruntime",
        write=onnx_float.write,
        run=onnx_float.run,
        agree=agree_float,
    ),
    Format(
        name="onnx-int8",
        suffix="_int8",
        content="ONNX, 8-bit weights and values (QDQ)",
        needs="an ONNX runtime",
        judge="onnxruntime",
        write=onnx_int8.write,
        run=onnx_int8.run,
        agree=agree_nearly,
        reads_images=True,
    ),
    Format(
        name="c",
        suffix="",
        content="C99 in float, no library, no malloc",
        needs="a C99 compiler",
        judge="a C compiler",
        write=c_float.write,
        run=c_float.run,
        agree=agree_float,
    ),
    Format(
        name="c-int8",
        suffix="_int8",
        content="C99 in whole numbers, reads the image row by row",
        needs="a C99 compiler",
        judge="a C compiler",
        write=c_int8.write,
        run=c_int8.run,
        agree=agree_exactly,
        reads_images=True,
    ),
)
"""In the order of `export --list` and of `--to all`."""
