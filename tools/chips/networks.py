"""The networks that are shown on boards: exported as the command does it, and computed on the host beside that."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import pennyweight as pw
from chips.figures import Generated
from pennyweight.data.dataset import Dataset
from pennyweight.shipping.c_judge import OUTPUTS, run_c
from pennyweight.shipping.formats import FORMATS

NETWORKS = ("progressive-3", "pennyweight-8k", "skip-3", "iteration-3")
IMAGES = 200
OUTPUT = {"c": "float", "c-int8": "int32_t"}
"""The type of a logit in C."""


def generated(
    name: str, formats: Sequence[str], dataset: Dataset, folder: Path, count: int = IMAGES
) -> list[Generated]:
    """Export a published network and return what the boards are to run, with the answers of this machine's compiler."""
    prefix = name.replace("-", "_")
    pw.export(name, to=list(formats), out=folder, prefix=prefix, checked=False)
    images = np.ascontiguousarray(dataset.test_images[:count])
    found = []
    for one in FORMATS:
        if one.name in formats:
            stem, output = prefix + one.suffix, OUTPUT[one.name]
            logits = run_c(folder, stem, images, dataset.classes, output=output).logits
            found.append(Generated(name, one.name, folder / f"{stem}.c", output, OUTPUTS[output], images, logits))
    return found
