"""Seconds an epoch: the native engine beside PyTorch's ways to do the same, and the floor that work over peak sets.

    PENNYWEIGHT_DATA=... python benchmarks/epoch_time.py progressive-3 iteration-3 --rounds 5

All sides run in one process, in turn, on a part of real MNIST that takes PyTorch some seconds; the native engine takes
LONGER times that part, so that what a start costs weighs about as much. Each figure is the median of the rounds, scaled
to 60,000 images. The native engine samples its augmentation. PyTorch has the data in memory and no augmentation, in
its variants; the DataLoader loop turns and shifts every image with Pillow, as the documents train. The report goes to
benchmarks/epoch_time_HARDWARE_DATE.md.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from machine import load_average, surroundings, write_report
from peak import Peak
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from work import EPOCH_IMAGES, epoch_flop

from pennyweight.base.machine import usable_cores
from pennyweight.data.augment import homographies
from pennyweight.data.dataset import Dataset, load
from pennyweight.data.normalisation import Normalisation
from pennyweight.engines.native import NativeEngine
from pennyweight.engines.protocol import TrainingJob, initial_state
from pennyweight.nets.initial import initial_weights
from pennyweight.nets.plan import Plan
from pennyweight.nets.torch_module import torch_module
from pennyweight.recipes.catalogue import RECIPE_NAMES, find_recipe
from pennyweight.settings.recipe import Recipe

LOADER = "DataLoader loop"
LONGER = 5
Side = Callable[[], None]


@dataclass(frozen=True)
class Layer:
    recipe: str
    peak: float
    floor: float
    seconds: dict[str, float]


def native_side(recipe: Recipe, plan: Plan, data: Dataset, images: int) -> Side:
    job = TrainingJob(
        plan=plan,
        optimizer=recipe.optimizer,
        batch_images=recipe.batch_images,
        label_smoothing=0.0,
        fill=recipe.augmentation.fill,
        seed=0,
        normalisation=Normalisation((0.1307,), (0.3081,)),
        images=data.train_images,
        labels=data.train_labels,
    )
    engine = NativeEngine(job)
    engine.load_state(initial_state(plan, recipe.optimizer, 0), 0)
    order = np.random.default_rng(0).permutation(EPOCH_IMAGES)[:images]
    steps = images // recipe.batch_images

    def run() -> None:
        moved = recipe.augmentation.moves_images
        places = homographies(recipe.augmentation, images, 28, 28, seed=0, epoch=1) if moved else None
        engine.train_steps(0, order, places, np.full(steps, 1e-3), np.full(steps, 0.9))

    return run


def torch_side(recipe: Recipe, plan: Plan, data: Dataset, images: int, threads: int, variant: str) -> Side:
    """PyTorch as good users write it: data in memory, no augmentation, Adam; `variant` says what is changed."""
    module = torch_module(plan, initial_weights(plan, 0)).train()
    form = torch.channels_last if variant == "channels last" else torch.contiguous_format
    module = module.to(memory_format=form)
    network = torch.compile(module) if variant == "compiled" else module
    optimizer = torch.optim.Adam(module.parameters(), 1e-3, fused=True)
    pixels = ((torch.tensor(data.train_images[:images]).float() / 255 - 0.1307) / 0.3081)[:, None].contiguous(
        memory_format=form
    )
    labels = torch.tensor(data.train_labels[:images]).long()

    def run() -> None:
        torch.set_num_threads(threads)
        for start in range(0, images, recipe.batch_images):
            part = slice(start, start + recipe.batch_images)
            with torch.autocast("cpu", torch.bfloat16, enabled=variant == "bf16"):
                loss = functional.cross_entropy(network(pixels[part]).float(), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


class Pictures(TorchDataset[tuple[torch.Tensor, int]]):
    """MNIST image by image, turned by up to 5 degrees, then shifted by up to 5 % and scaled, with Pillow."""

    def __init__(self, data: Dataset, images: int) -> None:
        self.images, self.labels = data.train_images[:images], data.train_labels[:images]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        angle, right, down, scale = torch.empty(4).uniform_(-1, 1).tolist()
        picture = Image.fromarray(self.images[index]).rotate(5 * angle, Image.Resampling.BILINEAR)
        s = 1 / (1 + 0.05 * scale)
        matrix = (s, 0, 14 - s * (14 + 1.4 * right), 0, s, 14 - s * (14 + 1.4 * down))
        picture = picture.transform((28, 28), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        return (torch.from_numpy(np.array(picture))[None].float() / 255 - 0.1307) / 0.3081, int(self.labels[index])


def loader_side(recipe: Recipe, plan: Plan, data: Dataset, images: int, threads: int) -> Side:
    module = torch_module(plan, initial_weights(plan, 0)).train()
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)
    pictures = Pictures(data, images)
    batches = DataLoader(pictures, recipe.batch_images, shuffle=True, num_workers=threads, persistent_workers=True)

    def run() -> None:
        torch.set_num_threads(threads)
        for pixels, labels in batches:
            optimizer.zero_grad()
            functional.cross_entropy(module(pixels), labels).backward()
            optimizer.step()

    return run


def measure_recipe(name: str, data: Dataset, peak: Peak, rounds: int, budget: float) -> Layer:
    recipe = find_recipe(name)
    plan = recipe.plan()
    flop = sum(epoch_flop(plan))
    # a part of an epoch that takes PyTorch a few seconds, in whole batches
    images = int(min(EPOCH_IMAGES, max(1_024, budget * peak.best_flops * 0.1 / flop * EPOCH_IMAGES)))
    images = images // recipe.batch_images * recipe.batch_images
    torch._dynamo.reset()  # or the compiled variant of the ninth network would run uncompiled
    longer = min(LONGER * images, EPOCH_IMAGES // recipe.batch_images * recipe.batch_images)
    sides = {"native": native_side(recipe, plan, data, longer)}
    for variant in ("eager", "channels last", "bf16", "compiled"):
        sides[f"torch {variant}"] = torch_side(recipe, plan, data, images, peak.cores, variant)
    sides["torch eager, one thread"] = torch_side(recipe, plan, data, images, 1, "eager")
    sides[LOADER] = loader_side(recipe, plan, data, images, peak.cores)
    taken: dict[str, list[float]] = {side: [] for side in sides}
    peaks = []
    for number in range(rounds + 1):
        peaks.append(peak.burst())
        for side, run in sides.items():
            started = time.perf_counter()
            run()
            if number:  # the first round warms up
                done = longer if side == "native" else images
                taken[side].append((time.perf_counter() - started) * EPOCH_IMAGES / done)
    now = statistics.median(peaks)
    row = Layer(name, now, flop / now, {side: statistics.median(seconds) for side, seconds in taken.items()})
    print(
        name, {side: round(seconds, 2) for side, seconds in row.seconds.items()}, f"floor {row.floor:.2f}", flush=True
    )
    return row


def report(rows: list[Layer], peak: Peak, rounds: int, load_before: float) -> list[str]:
    lines = [
        "# Seconds an epoch of 60,000 images",
        "",
        f"{surroundings(load_before)}; PyTorch {torch.__version__}; medians of {rounds} rounds, sides in turn.",
        "",
        f"Peak of {peak.cores} cores: {peak}. It is measured again in every round, as what a machine gives changes "
        "with its neighbours; a recipe's floor is its work (forward, both gradients) over the median of its rounds.",
        "",
        "| recipe | peak, GFLOP/s | floor | native | native / floor | best PyTorch | which | PyTorch / native "
        "| PyTorch / floor | DataLoader loop | loop / native |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        native, loop = row.seconds["native"], row.seconds[LOADER]
        in_memory = {side: seconds for side, seconds in row.seconds.items() if side.startswith("torch ")}
        which, best = min(in_memory.items(), key=lambda item: item[1])
        lines.append(
            f"| {row.recipe} | {row.peak / 1e9:.0f} | {row.floor:.2f} | {native:.2f} | {native / row.floor:.2f} "
            f"| {best:.2f} | {which[6:]} | {best / native:.1f} | {best / row.floor:.1f} "
            f"| {loop:.1f} | {loop / native:.1f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=list(RECIPE_NAMES), help="recipes to measure; all unless given")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of every side")
    parser.add_argument("--seconds", type=float, default=2.0, help="about how long PyTorch takes for one round")
    arguments = parser.parse_args()
    load_before, data = load_average(), load("mnist")
    peak = Peak(usable_cores())
    peak.burst()
    print(f"peak {peak}, load {load_before:.2f}", flush=True)
    rows = [measure_recipe(name, data, peak, arguments.rounds, arguments.seconds) for name in arguments.recipes]
    print(write_report("epoch_time", report(rows, peak, arguments.rounds, load_before)))


if __name__ == "__main__":
    main()
