"""An epoch of progressive-3 on a quiet machine, and beside as many busy processes as there are cores.

    PENNYWEIGHT_DATA=... python benchmarks/busy_machine.py

Quiet and busy epochs take turns; each figure is the median of five. A fair share of the cores makes an epoch twice as
long; threads that spin while they wait make it far longer (docs/LOG.md).
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from machine import load_average, surroundings, write_report

from pennyweight.base.machine import usable_cores
from pennyweight.data.augment import homographies
from pennyweight.data.dataset import load
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.native import NativeEngine
from pennyweight.engines.protocol import TrainingJob, initial_state
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.training.loop import SLICE_STEPS

ROUNDS = 5


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many cores busy while the block runs."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    time.sleep(0.5)
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


def main() -> None:
    load_before, cores = load_average(), usable_cores()
    data, recipe = load("mnist"), find_recipe("progressive-3")
    images = len(data.train_labels)
    job = TrainingJob(
        plan=recipe.plan(),
        optimizer=recipe.optimizer,
        batch_images=recipe.batch_images,
        label_smoothing=0.0,
        fill=0,
        seed=0,
        normalisation=Normalisation((0.1307,), (0.3081,)),
        images=data.train_images,
        labels=data.train_labels,
    )
    engine = NativeEngine(job)
    engine.load_state(initial_state(job.plan, recipe.optimizer, 0), 0)

    def epoch() -> float:
        """Train an epoch in the slices of a run, as the loop does."""
        started = time.perf_counter()
        order = np.random.default_rng(0).permutation(images)
        places = homographies(recipe.augmentation, images, 28, 28, seed=0, epoch=1)
        slice_images = SLICE_STEPS * recipe.batch_images
        for first in range(0, images, slice_images):
            part = slice(first, first + slice_images)
            steps = -(-len(order[part]) // recipe.batch_images)
            engine.train_steps(0, order[part], places[part], np.full(steps, 1e-3), np.full(steps, 0.9))
        return time.perf_counter() - started

    epoch()
    quiet, shared = [], []
    for _ in range(ROUNDS):
        quiet.append(epoch())
        with busy(cores):
            shared.append(epoch())
        print(f"quiet {quiet[-1]:.2f} s, busy {shared[-1]:.2f} s", flush=True)
    alone, beside = statistics.median(quiet), statistics.median(shared)
    lines = [
        "# An epoch beside other busy processes",
        "",
        f"{surroundings(load_before)}; progressive-3 with its augmentation, {engine.threads} threads, medians of "
        f"{ROUNDS}.",
        "",
        f"| quiet, s | beside {cores} busy processes, s | ratio | slowest busy epoch, s |",
        "|---:|---:|---:|---:|",
        f"| {alone:.2f} | {beside:.2f} | {beside / alone:.2f} | {max(shared):.2f} |",
    ]
    print(write_report("busy_machine", lines))


if __name__ == "__main__":
    main()
