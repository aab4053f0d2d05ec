"""Train the candidates of a group (choices.py) on held-out training images; the test set is never looked at.

    PENNYWEIGHT_DATA=... python benchmarks/choose.py pennyweight-8k --seeds 2 narrow-start smoothed

Runs are kept under runs/ and go on where they were stopped. Their records are published under records/choices/, from
which `tools/render_docs.py` writes docs/CHOICES.md.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from choices import GROUPS

import pennyweight as pw
from pennyweight.base.errors import unknown
from pennyweight.base.files import write_atomically
from pennyweight.base.records import to_json
from pennyweight.training.recipe import Recipe

CHOICES = Path(__file__).parent.parent / "records" / "choices"


def train(group: str, recipe: Recipe, seed: int) -> None:
    record = pw.train(recipe, seed=seed, measure_test=False)
    write_atomically(CHOICES / group / recipe.name / f"seed-{seed}.json", to_json(replace(record, folder="")).encode())
    print(f"{recipe.name} seed {seed}: {record.epochs[-1].val_accuracy:.2f} %", flush=True)


def chosen(group: str, names: Sequence[str]) -> list[Recipe]:
    by_name = {one.name: one for one in GROUPS[group]}
    if strangers := [name for name in names if name not in by_name]:
        sys.exit(str(unknown("candidate", strangers[0], by_name)))
    return [by_name[name] for name in names or by_name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", choices=list(GROUPS))
    parser.add_argument("names", nargs="*", help="candidates; all of the group unless given")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_intermixed_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    recipes = chosen(arguments.group, arguments.names)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        tasks = [pool.submit(train, arguments.group, one, seed) for seed in range(arguments.seeds) for one in recipes]
        for task in tasks:
            task.result()


if __name__ == "__main__":
    main()
