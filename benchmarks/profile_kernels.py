"""Where an epoch of the native engine goes: samples of every kernel call, taken on one thread with Linux perf.

    PENNYWEIGHT_DATA=... python benchmarks/profile_kernels.py progressive-3 skip-3

The network is built with line numbers; each sample belongs to the line of the generated C that it came from. For
convolutions the rate beside it is that of the multiply-adds that the floor counts, to be held against the peak of one
core; Winograd's need half of them.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from machine import load_average, surroundings, write_report
from work import epoch_flop

from pennyweight.recipes.catalogue import find_recipe

KINDS = {
    "conv_forward": "convolution, forward",
    "conv_input_gradient": "convolution, input gradient",
    "conv_weight_gradient": "convolution, weight gradient",
    "moments": "BatchNorm statistics, forward",
    "epilogue_forward": "BatchNorm, ReLU, pooling, dropout, forward and recomputed",
    "epilogue_sums": "BatchNorm sums, backward",
    "epilogue_backward": "BatchNorm, ReLU, pooling, dropout, backward",
    "load_group": "sampling of images",
}
OTHER = "loss, optimizer, joining, waiting"
HERTZ, EPOCHS = 2_000, 3
TRAIN = """
import sys
import numpy as np
from pennyweight.data.augment import homographies
from pennyweight.data.dataset import load
from pennyweight.data.normalisation import Normalisation
from pennyweight.recipes.catalogue import find_recipe
from pennyweight.engines.protocol import TrainingJob, initial_state
from pennyweight.engines.native import NativeEngine
recipe, data = find_recipe(sys.argv[1]), load("mnist")
plan = recipe.plan()
job = TrainingJob(
    plan=plan,
    optimizer=recipe.optimizer,
    batch_images=recipe.batch_images,
    label_smoothing=0.0,
    fill=0,
    seed=0,
    normalisation=Normalisation((0.13,), (0.31,)),
    images=data.train_images,
    labels=data.train_labels,
)
engine = NativeEngine(job)
engine.load_state(initial_state(plan, recipe.optimizer, 0), 0)
if sys.argv[2:]:
    moves = recipe.augmentation.moves_images
    places = homographies(recipe.augmentation, 60_000, 28, 28, seed=0, epoch=1) if moves else None
    for _ in range(int(sys.argv[2])):
        steps = -(-60_000 // recipe.batch_images)
        engine.train_steps(0, np.arange(60_000), places, np.full(steps, 1e-3), np.full(steps, 0.9))
"""


def profile(name: str, folder: Path) -> dict[str, float]:
    """Return the seconds an epoch spends in every kind of kernel, on one thread."""
    environment = {**os.environ, "PENNYWEIGHT_CFLAGS": "-g", "OMP_NUM_THREADS": "1", "PENNYWEIGHT_CACHE": str(folder)}
    command, data = [sys.executable, "-c", TRAIN, name], str(folder / "perf.data")
    subprocess.run(command, check=True, env=environment)  # compiles
    record = ["perf", "record", "-q", "-o", data, "-e", "cpu-clock", "-F", str(HERTZ), *command, str(EPOCHS)]
    subprocess.run(record, check=True, env=environment)
    library = next(folder.glob("net-*.so"))
    source = library.with_suffix(".c").read_text().splitlines()
    seconds: Counter[str] = Counter()
    for line, samples in generated_lines(library, source, sampled(data, library)).items():
        seconds[kind(source[line - 1])] += samples / HERTZ / EPOCHS
    return dict(seconds)


def sampled(data: str, library: Path) -> Counter[int]:
    """Return how often each address of the library was met."""
    symbols = {}
    for line in subprocess.run(["nm", str(library)], capture_output=True, text=True, check=True).stdout.splitlines():
        words = line.split()
        if len(words) == 3:
            symbols[words[2]] = int(words[0], 16)
    script = ["perf", "script", "-i", data, "-F", "ip,sym,symoff,dso"]
    text = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    found = re.findall(rf"^\s*[0-9a-f]+ (\S+)\+0x([0-9a-f]+) \({re.escape(str(library))}\)", text, re.M)
    return Counter(symbols[name] + int(offset, 16) for name, offset in found if name in symbols)


def generated_lines(library: Path, source: list[str], addresses: Counter[int]) -> Counter[int]:
    """Return how often each line of the generated C was met, with the kernels inlined into it.

    Sampling is a function of its own and counts as the line that calls for it.
    """
    sampling = next(n for n, line in enumerate(source, start=1) if "load_group(" in line)
    order = list(addresses)
    command = ["addr2line", "-a", "-i", "-e", str(library)]
    text = subprocess.run(command, input="\n".join(map(hex, order)), capture_output=True, text=True, check=True).stdout
    lines: Counter[int] = Counter()
    for address, block in zip(order, re.split(r"^0x[0-9a-f]+\n", text, flags=re.M)[1:], strict=True):
        own = re.findall(rf"{library.stem}\.c:(\d+)", block)
        lines[sampling if "image.h" in block else int(own[-1]) if own else 1] += addresses[address]
    return lines


def kind(line: str) -> str:
    called = re.match(r"\s*(?:case \d+: )?(\w+)\(", line)
    name = re.sub("winograd_|depthwise_", "conv_", called[1]) if called else ""
    if name == "conv_forward" and "flipped" in line:
        name = "conv_input_gradient"
    return KINDS.get(name, OTHER)


def work(name: str) -> dict[str, float]:
    """Return the FLOP of an epoch by kind of kernel."""
    return dict(zip(list(KINDS.values())[:3], epoch_flop(find_recipe(name).plan()), strict=True))


def table(name: str, seconds: dict[str, float]) -> list[str]:
    total, flop = sum(seconds.values()), work(name)
    lines = [
        "",
        f"## {name}: {total:.2f} s on one thread",
        "",
        "| what | seconds | share | GFLOP/s |",
        "|---|---:|---:|---:|",
    ]
    for what, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        rate = f"{flop[what] / spent / 1e9:.0f}" if what in flop else ""
        lines.append(f"| {what} | {spent:.2f} | {100 * spent / total:.0f} % | {rate} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+", help="recipes to profile")
    load_before, lines = load_average(), []
    for name in parser.parse_args().recipes:
        with tempfile.TemporaryDirectory() as folder:
            lines += table(name, profile(name, Path(folder)))
        print("\n".join(lines[-12:]), flush=True)
    head = [
        "# Where an epoch of the native engine goes",
        "",
        f"{surroundings(load_before)}; sampled by perf at {HERTZ} Hz.",
    ]
    print(write_report("profile_kernels", head + lines))


if __name__ == "__main__":
    main()
