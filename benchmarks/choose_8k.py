"""How `pennyweight-8k` was chosen: candidates of at most 8,000 parameters, on held-out training images alone.

    PENNYWEIGHT_DATA=... python benchmarks/choose_8k.py --seeds 2 plain-26 padded-28

Every candidate trains on 50,000 images for 15 epochs and is looked at on the 10,000 held out, never on the test set.
Runs are kept under runs/ and go on where they were stopped; the table of all that are there goes to
benchmarks/choose_8k_HARDWARE_DATE.md. Candidates are told apart by the mean over the last five epochs, over seeds: it
moves less than one epoch does.
"""

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from machine import load_average, surroundings, write_report

import pennyweight as pw
from pennyweight.base.records import RunRecord
from pennyweight.data.augment import Augmentation
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import make_plan
from pennyweight.nets.rows import (
    CLASSES,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Relu,
    Row,
)
from pennyweight.training.averaging import Averaging
from pennyweight.training.optimizers import AdamW
from pennyweight.training.recipe import Recipe
from pennyweight.training.schedules import OneCycle

EPOCHS, HELD_OUT = 15, 10_000


def block(channels: int, padding: int = 0, kernel: int = 3) -> tuple[Row, ...]:
    return Conv(channels, kernel=kernel, padding=padding), BatchNorm(), Relu()


def separable(channels: int, padding: int = 1) -> tuple[Row, ...]:
    return Depthwise(3, padding=padding), BatchNorm(), *block(channels, kernel=1)


HEAD = (GlobalAvgPool(), Linear(CLASSES))
PLAIN = (*block(10), *block(12), MaxPool(), *block(14), *block(16), MaxPool(), *block(18), *HEAD)
PADDED = (*block(10, 1), *block(12, 1), MaxPool(), *block(14, 1), *block(16, 1), MaxPool(), *block(18, 1), *HEAD)
NARROW_START = (*block(8), *block(10), MaxPool(), *block(16), *block(16), MaxPool(), *block(18), *HEAD)
SEPARABLE = (
    *(*block(10), *block(14), MaxPool()),
    *(*separable(24), *separable(32), MaxPool()),
    *(*separable(36), *separable(36), *HEAD),
)
MOVED = Augmentation(rotation_degrees=5.0, shift_fraction=0.05, scale_low=0.95, scale_high=1.05)
BASE = Recipe(
    name="plain",
    layers=PLAIN,
    epochs=EPOCHS,
    optimizer=AdamW(learning_rate=0.02, weight_decay=1e-4),
    schedule=OneCycle(warmup_fraction=0.2),
    augmentation=MOVED,
    averaging=Averaging(decay=0.998),
    validation_images=HELD_OUT,
)
CANDIDATES = {
    one.name: one
    for one in (
        BASE,
        replace(BASE, name="padded", layers=PADDED),
        replace(BASE, name="narrow-start", layers=NARROW_START),
        replace(BASE, name="separable", layers=SEPARABLE),
        replace(BASE, name="plain-no-average", averaging=Averaging()),
        replace(BASE, name="plain-batch-64", batch_images=64, optimizer=AdamW(learning_rate=0.01, weight_decay=1e-4)),
        replace(BASE, name="plain-dropout", layers=(*PLAIN[:-1], Dropout(0.05), PLAIN[-1])),
        replace(BASE, name="plain-moved-more", augmentation=replace(MOVED, rotation_degrees=8.0, shift_fraction=0.08)),
        replace(BASE, name="plain-smoothed", label_smoothing=0.05),
        replace(BASE, name="plain-rate-0.01", optimizer=AdamW(learning_rate=0.01, weight_decay=1e-4)),
        replace(BASE, name="plain-decay-0.01", optimizer=AdamW(learning_rate=0.02, weight_decay=0.01)),
    )
}


def train(task: tuple[str, int]) -> RunRecord:
    name, seed = task
    record = pw.train(CANDIDATES[name], seed=seed, measure_test=False)
    print(f"{name} seed {seed}: {record.epochs[-1].val_accuracy:.2f} %", flush=True)
    return record


def last_five(record: RunRecord) -> float:
    return float(np.mean([row.val_accuracy for row in record.epochs[-5:]]))


def line(name: str, records: list[RunRecord]) -> tuple[float, str]:
    costs = measure(make_plan(CANDIDATES[name].layers))
    finals = [float(record.epochs[-1].val_accuracy or 0) for record in records]
    means, lowest = (
        [last_five(one) for one in records],
        [min(r.val_accuracy or 0 for r in one.epochs[-5:]) for one in records],
    )
    cells = f"{np.mean(means):.3f} | {np.mean(finals):.3f} | {np.mean(lowest):.3f} | {len(records)}"
    return float(np.mean(means)), f"| {name} | {costs.params:,} | {costs.macs:,} | {cells} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(CANDIDATES), help="candidates; all unless given")
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    load_before = load_average()
    tasks = [(name, seed) for seed in range(arguments.seeds) for name in arguments.names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        records = dict(zip(tasks, pool.map(train, tasks), strict=True))
    groups = {name: [records[task] for task in tasks if task[0] == name] for name in arguments.names}
    rows = sorted((line(name, group) for name, group in groups.items()), reverse=True)
    head = "| candidate | parameters | MACs | mean of the last five epochs, % | last, % | lowest of these, % | seeds |"
    lines = [
        "# Choosing pennyweight-8k",
        "",
        f"{surroundings(load_before)}; accuracy on {HELD_OUT:,} held-out training images, {EPOCHS} epochs.",
        "",
        head,
        "|---|---:|---:|---:|---:|---:|---:|",
        *(text for _, text in rows),
    ]
    print(write_report("choose_8k", lines))


if __name__ == "__main__":
    main()
