"""What 8 bits cost in accuracy, over the seeds of every recipe in a folder of finished runs: docs/int8_loss.json.

    python tools/int8_loss.py RUNS [--recipes progressive-3 ...] [--seeds 10]

Every run is quantised as `export --to c-int8` does it, on the first of its own training images, and its C is run over
all test images beside the original. A recipe's runs replace those that the report held of it; other recipes stay.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import pennyweight as pw
from pennyweight.base.errors import PennyweightError
from pennyweight.data.dataset import Dataset
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.runs.model import load_trained
from pennyweight.runs.provenance import commit
from pennyweight.shipping import c_int8
from pennyweight.shipping.subject import Subject

REPORT = Path(__file__).parent.parent / "docs" / "int8_loss.json"
SEEDS = 10


@dataclass(frozen=True)
class Loss:
    """One run: how many test images its original and its 8-bit form have right, and how many each has alone."""

    seed: int
    weights_sha256: str
    images: int
    original_correct: int
    correct: int
    lost: int
    won: int


def finished_seeds(folder: Path) -> list[Path]:
    """Return the finished runs in a recipe's folder, by seed."""
    found = {int(path.parent.name.removeprefix("seed-")): path.parent for path in folder.glob("seed-*/record.json")}
    return [found[seed] for seed in sorted(found)]


def loss_of(run: Path, dataset: Dataset) -> Loss:
    """Return what quantisation costs a run; raises what reading and exporting it raise."""
    model = load_trained(run)
    subject, labels = Subject(model, dataset), dataset.test_labels
    with tempfile.TemporaryDirectory() as work:
        for name, content in c_int8.write(subject, "net").files.items():
            Path(work, name).write_bytes(content)
        logits = c_int8.run(subject, "net", Path(work), dataset.test_images).logits
    was_right, is_right = subject.logits.argmax(axis=1) == labels, logits.argmax(axis=1) == labels
    return Loss(
        seed=model.record.seed,
        weights_sha256=model.record.weights_sha256,
        images=len(labels),
        original_correct=int(was_right.sum()),
        correct=int(is_right.sum()),
        lost=int(np.sum(was_right & ~is_right)),
        won=int(np.sum(~was_right & is_right)),
    )


def main() -> int:
    """Quantise and run, write the report after every recipe."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("runs", type=Path, help="a folder with finished runs, RECIPE/seed-N")
    asked.add_argument("--recipes", nargs="+", default=RECIPE_NAMES, choices=RECIPE_NAMES)
    asked.add_argument("--seeds", type=int, default=SEEDS, help="the lowest so many seeds of each recipe")
    asked.add_argument("--data", type=Path, help="the folder that holds mnist/")
    asked.add_argument("--report", type=Path, default=REPORT)
    given = asked.parse_args()
    try:
        dataset = pw.dataset("mnist", given.data)
        for recipe in given.recipes:
            found = list[Loss]()
            for run in finished_seeds(given.runs / recipe)[: given.seeds]:
                found.append(loss_of(run, dataset))
                print(f"{recipe}: {found[-1]}", file=sys.stderr, flush=True)
            if not found:
                print(f"{recipe}: no finished run in {given.runs / recipe}, left as it was", file=sys.stderr)
                continue
            held = json.loads(given.report.read_text())["recipes"] if given.report.exists() else {}
            held[recipe] = {"commit": commit(), "runs": [asdict(one) for one in found]}
            ordered = {name: held[name] for name in RECIPE_NAMES if name in held}
            text = json.dumps({"dataset": dataset.name, "recipes": ordered}, indent=1)
            given.report.write_text(f"{text}\n")
    except PennyweightError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
