"""Seconds that a whole training of each recipe takes, with nothing else running: the README's last column.

PENNYWEIGHT_DATA=... python benchmarks/training_time.py

Every recipe trains a few epochs of real MNIST in a process of its own, on all cores; the median epoch, with its
evaluation, times the recipe's epochs is written to records/training_seconds.json. Compiling and starting are not in it.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import load_average, surroundings

from pennyweight.recipes.catalogue import RECIPES
from pennyweight.settings.recipe import Recipe

EPOCHS = 3
REPORT = Path(__file__).parent.parent / "records" / "training_seconds.json"


def training_seconds(recipe: Recipe) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = ["train", recipe.name, "--epochs", str(EPOCHS), "--out", f"{folder}/run", "--json"]
        command = [sys.executable, "-m", "pennyweight", *words, "--engine", "native"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return statistics.median(epoch["seconds"] for epoch in json.loads(done.stdout)["epochs"]) * recipe.epochs


def main() -> None:
    where = surroundings(load_average())
    seconds = {}
    for recipe in RECIPES:
        seconds[recipe.name] = round(training_seconds(recipe), 1)
        print(f"{recipe.name}: {seconds[recipe.name]} s", flush=True)
    REPORT.write_text(json.dumps({"where": where, "epochs": EPOCHS, "seconds": seconds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
