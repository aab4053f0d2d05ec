"""Hold every export of every recipe against its network on ten thousand images, and write down what differs.

    make exhaustive RUNS=runs

`runs/RECIPE/seed-N` are finished runs; where one is missing, the run that comes with the package is taken. Images are
the test images of MNIST, and those of Fashion-MNIST, which these networks were not made for. The rules are written here
a second time, by themselves. Every network goes into docs/agreement.json as soon as it is finished; others stay.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from int8_loss import finished_seeds
from numpy.typing import NDArray

import pennyweight as pw
from pennyweight.base.errors import PennyweightError, UnavailableError
from pennyweight.data.dataset import Dataset
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.runs.model import TrainedModel, load_trained
from pennyweight.runs.provenance import commit
from pennyweight.runs.published import published_run
from pennyweight.shipping.formats import FORMATS
from pennyweight.shipping.integer_agreement import reference_logits
from pennyweight.shipping.parity import Judged
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.subject import Subject

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "agreement.json"
DATASETS = ("mnist", "fashion-mnist")
TOLERANCE = 1e-4
STEPS = 255
TORCH = "torch"
TORCH_IMAGES = 1_000
WHOLE = ("onnx-int8", "c-int8")


@dataclass(frozen=True)
class OtherLabel:
    """An image whose label is not that of the reference: its index, both labels, the lead of the reference's best."""

    image: int
    reference: int
    exported: int
    gap: float


@dataclass(frozen=True, kw_only=True)
class Check:
    """One format on one set of images, held against the original, formats in whole numbers against theirs.

    `largest_difference` is that of a logit divided by max(1, |logit|); in whole numbers it is in steps of one 255th of
    the range of all logits. `bit_equal` is of integer C alone. `fault` says in words what is against the rules, or "".
    """

    format: str
    dataset: str
    judge: str
    images: int
    original_correct: int
    correct: int
    largest_difference: float
    other_labels: tuple[OtherLabel, ...]
    bit_equal: bool | None
    fault: str


def finished_run(name: str, runs: Path | None) -> Path:
    """Return the run folder of a recipe: of the lowest seed in `runs` that is finished, else the published one."""
    found = finished_seeds(runs / name) if runs else []
    return found[0] if found else published_run(name)


def checks_of(model: TrainedModel, dataset: Dataset, folder: Path) -> list[Check]:
    """Return the original by PyTorch and every format by its judge, on the test images of `dataset`."""
    subject, images = Subject(model, dataset), dataset.test_images
    by_torch = torch_logits(model, images)
    found = [Check(**_floats(subject, by_torch.logits), format=TORCH, dataset=dataset.name, judge=by_torch.judge)]
    for one in FORMATS:
        stem = f"net{one.suffix}"
        for name, content in one.write(subject, stem).files.items():
            (folder / name).write_bytes(content)
        judged = one.run(subject, stem, folder, images)
        facts = (_wholes if one.name in WHOLE else _floats)(subject, judged.logits)
        check = Check(**facts, format=one.name, dataset=dataset.name, judge=judged.judge)
        # what quantisation loses is a matter of the images that a network was made for
        refused = one.agree(subject, judged.logits).reasons if dataset.name == model.record.dataset else ()
        found.append(replace(check, fault=" ".join([check.fault, *refused]).strip()))
        print(
            f"{model.recipe.name} {one.name} {dataset.name}: {found[-1].fault or 'agrees'}", file=sys.stderr, flush=True
        )
    return found


def torch_logits(model: TrainedModel, images: NDArray[np.uint8]) -> Judged:
    """Return the logits of the network by PyTorch."""
    import torch

    module = model.torch_module().eval()
    with torch.no_grad():
        parts = [
            module(torch.from_numpy(model.normalisation.apply(images[start : start + TORCH_IMAGES]))).numpy()
            for start in range(0, len(images), TORCH_IMAGES)
        ]
    return Judged(np.concatenate(parts), f"torch {torch.__version__}")


def _floats(subject: Subject, logits: NDArray[np.floating]) -> dict[str, object]:
    reference = subject.logits
    share = np.abs(logits - reference) / np.maximum(1, np.abs(reference))
    return _facts(subject, logits, reference, float(share.max()), TOLERANCE, TOLERANCE)


def _wholes(subject: Subject, logits: NDArray[np.number]) -> dict[str, object]:
    """Compare with the integer reference: integer C in every bit, ONNX within steps of the range of its logits."""
    reference, scale = reference_logits(subject), quantised(subject).logit_scale
    step = float(np.ptp(reference)) * scale / STEPS
    if np.issubdtype(logits.dtype, np.integer):
        is_equal = bool(np.array_equal(logits, reference))
        difference = float(np.abs(logits.astype(np.int64) - reference).max()) * scale / step
        facts = _facts(subject, logits * scale, reference * scale, difference, 0.0, 0.0)
        return {**facts, "bit_equal": is_equal, "fault": "" if is_equal else "It is not the reference in every bit."}
    difference = float(np.abs(logits - reference * scale).max()) / step
    return _facts(subject, logits, reference * scale, difference, step, 2.0)


def _facts(
    subject: Subject,
    logits: NDArray[np.number],
    reference: NDArray[np.number],
    difference: float,
    allowed_gap: float,
    allowed_difference: float,
) -> dict[str, object]:
    labels, expected, given = subject.images.test_labels, reference.argmax(axis=1), logits.argmax(axis=1)
    ranked = np.sort(reference, axis=1)
    others = tuple(
        OtherLabel(int(image), int(expected[image]), int(given[image]), float(ranked[image, -1] - ranked[image, -2]))
        for image in np.flatnonzero(expected != given)
    )
    faults = [f"Image {one.image} is {one.exported}, not {one.reference}." for one in others if one.gap >= allowed_gap]
    if not difference <= allowed_difference:
        faults.append(f"A logit differs by {difference:.3g}; at most {allowed_difference:g} is allowed.")
    return {
        "images": len(labels),
        "original_correct": int((subject.logits.argmax(axis=1) == labels).sum()),
        "correct": int((given == labels).sum()),
        "largest_difference": difference,
        "other_labels": others,
        "bit_equal": None,
        "fault": " ".join(faults),
    }


def network_report(folder: Path, datasets: dict[str, Dataset]) -> dict[str, Any]:
    """Return what the report says of one network: which run it is of, and all its checks."""
    model = load_trained(folder)
    made_for, found = datasets[model.record.dataset], list[Check]()
    train = made_for.train_images, made_for.train_labels
    with tempfile.TemporaryDirectory() as work:
        for name, held in datasets.items():
            # quantised on the images that it was trained on, whatever it is shown
            shown = Dataset(name, model.classes, *train, held.test_images, held.test_labels)
            found += checks_of(model, shown, Path(work))
    record = model.record
    return {
        "commit": commit(),
        "seed": record.seed,
        "weights_sha256": record.weights_sha256,
        "parameters": record.params,
        "checks": [asdict(one) for one in found],
    }


def main(words: Sequence[str] | None = None) -> int:
    """Judge the networks, write the report; return 1 where something does not agree."""
    asked = argparse.ArgumentParser(prog="make exhaustive", description=__doc__)
    asked.add_argument("--runs", type=Path, help="a folder with finished runs, RECIPE/seed-N")
    asked.add_argument("--networks", nargs="+", default=RECIPE_NAMES, choices=RECIPE_NAMES)
    asked.add_argument("--data", type=Path, help="the folder that holds mnist/ and fashion-mnist/")
    asked.add_argument("--report", type=Path, default=REPORT)
    given = asked.parse_args(words)
    try:
        folders = {name: finished_run(name, given.runs) for name in given.networks}
    except UnavailableError as error:
        print(f"Error: {error} RUNS=folder names a folder of finished runs, RECIPE/seed-N.", file=sys.stderr)
        return error.exit_code
    try:
        datasets = {name: pw.dataset(name, given.data) for name in DATASETS}
    except PennyweightError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    faults = 0
    for name, folder in folders.items():
        try:
            found = network_report(folder, datasets)
        except PennyweightError as error:
            print(f"Error: {name}: {error}", file=sys.stderr)
            return error.exit_code
        faults += sum(bool(one["fault"]) for one in found["checks"])
        held = json.loads(given.report.read_text())["networks"] if given.report.exists() else {}
        held[name] = found
        ordered = {one: held[one] for one in RECIPE_NAMES if one in held}
        given.report.write_text(json.dumps({"networks": ordered}, indent=1, allow_nan=False) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
