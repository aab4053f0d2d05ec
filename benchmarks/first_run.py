"""What the first run of a network costs: compiling each recipe into an empty cache, and the memory of a whole run.

PENNYWEIGHT_DATA=... python benchmarks/first_run.py
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from machine import load_average, surroundings, write_report

from pennyweight.native.cache import CACHE
from pennyweight.native.generate import generate
from pennyweight.native.library import CSource, build
from pennyweight.native.network import lanes_for
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import RECIPES

ROUNDS = 3


def compile_seconds(source: CSource) -> float:
    with tempfile.TemporaryDirectory() as cache:
        os.environ[CACHE] = cache
        started = time.perf_counter()
        build(source, lambda text: None)
        return time.perf_counter() - started


def run_megabytes() -> tuple[float, float]:
    """Train progressive-3 on MNIST from its first epoch to its record; return its largest resident size and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        command = [sys.executable, "-m", "pennyweight", "train", "progressive-3", "--engine", "native"]
        process = subprocess.Popen([*command, "--out", f"{folder}/run"], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit("the run failed")
        return used.ru_maxrss / 1024, time.perf_counter() - started


def main() -> None:
    load_before = load_average()
    rows = []
    for recipe in RECIPES:
        plan = recipe.plan()
        source = generate(plan, recipe.batch_images, lanes_for(recipe.batch_images))
        seconds = statistics.median(compile_seconds(source) for _ in range(ROUNDS))
        rows.append(f"| {recipe.name} | {measure(plan).params:,} | {seconds:.1f} |")
        print(rows[-1], flush=True)
    del os.environ[CACHE]
    # the compiler's memory is not the run's: it is compiled before
    build(generate(RECIPES[2].plan(), 128, 16), print)
    megabytes, seconds = run_megabytes()
    lines = [
        "# The first run of a network",
        "",
        f"{surroundings(load_before)}; medians of {ROUNDS}.",
        "",
        f"A whole run of progressive-3 (15 epochs of MNIST, {seconds:.0f} s) takes at most {megabytes:.0f} MB.",
        "",
        "| recipe | parameters | seconds to compile into an empty cache |",
        "|---|---:|---:|",
        *rows,
    ]
    print(write_report("first_run", lines))


if __name__ == "__main__":
    main()
