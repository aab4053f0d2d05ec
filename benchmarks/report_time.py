"""Seconds and bytes of report pages, and what `train --report` adds to the seconds of an epoch.

    PENNYWEIGHT_DATA=... python benchmarks/report_time.py

Every page is made by a process of its own, as a user makes it: its seconds begin with the command. Runs with and
without `--report` take turns, and who begins changes from pair to pair. Of each pair the mean epoch is compared, not
the median one, which would not see the few epochs beside which a page is written. Exit code 1 beyond a limit.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import load_average, surroundings, write_report

from pennyweight.recipes.catalogue import DOCUMENTS, RECIPES

RECIPE_BYTES, JOURNEY_BYTES, SECONDS, GROWTH = 400_000, 1_200_000, 8.0, 0.03
"""The limits: bytes of the page of a recipe and of a document, seconds of either, the growth of an epoch."""
NUMBERS = tuple(title.split()[0] for title in DOCUMENTS)


@dataclass(frozen=True)
class Page:
    """A page: what it is about, its size, and the median of the seconds it took."""

    name: str
    size_bytes: int
    seconds: float

    @property
    def most_bytes(self) -> int:
        return JOURNEY_BYTES if self.name in NUMBERS else RECIPE_BYTES

    @property
    def is_within(self) -> bool:
        return self.size_bytes < self.most_bytes and self.seconds < SECONDS


@dataclass(frozen=True)
class Pair:
    """Two runs of one seed: the mean epoch of each in seconds, the second with a page kept fresh beside it."""

    plain: float
    reported: float

    @property
    def growth(self) -> float:
        return self.reported / self.plain - 1


def pennyweight(*words: str) -> Any:
    """Run a command with `--json` and return what it prints."""
    command = [sys.executable, "-m", "pennyweight", *words, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(done.stdout)


def measured_page(name: str, rounds: int) -> Page:
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            started = time.perf_counter()
            written = pennyweight("report", name, "--out", f"{folder}/page.html")
            seconds.append(time.perf_counter() - started)
    return Page(name, written["size_bytes"], statistics.median(seconds))


def measured_pair(words: Sequence[str], plain_first: bool) -> Pair:
    """Train twice from the same seed; the order of the two is the caller's."""
    means = {}
    for kept_fresh in (False, True) if plain_first else (True, False):
        with tempfile.TemporaryDirectory() as folder:
            record = pennyweight("train", *words, "--out", f"{folder}/run", *(["--report"] if kept_fresh else []))
            if kept_fresh and not Path(folder, "run", "report.html").exists():
                raise SystemExit(
                    "The page was not complete in the time that train waits: this machine is too busy to measure."
                )
        means[kept_fresh] = statistics.mean(epoch["seconds"] for epoch in record["epochs"])
    return Pair(means[False], means[True])


def report_lines(where: str, pages: Sequence[Page], pairs: Sequence[Pair], words: Sequence[str]) -> list[str]:
    growth = statistics.median(pair.growth for pair in pairs)
    plain, reported = (statistics.median(getattr(pair, name) for pair in pairs) for name in ("plain", "reported"))
    return [
        "# Report pages: seconds, bytes, and what they cost a training",
        "",
        f"{where}.",
        "",
        f"A page takes less than {SECONDS:g} s from the command to the file; that of a recipe has less than "
        f"{RECIPE_BYTES:,} bytes, that of a document less than {JOURNEY_BYTES:,}. Medians.",
        "",
        "| page | bytes | of the limit | seconds | |",
        "|---|---:|---:|---:|---|",
        *(
            f"| {one.name} | {one.size_bytes:,} | {100 * one.size_bytes / one.most_bytes:.0f} % | {one.seconds:.1f} | "
            f"{'within' if one.is_within else 'beyond'} |"
            for one in pages
        ),
        "",
        f"`train {' '.join(words)}`, {len(pairs)} pairs of runs with and without `--report`: the mean epoch takes "
        f"{plain:.3f} s without and {reported:.3f} s with it (medians of the pairs). It grows by {100 * growth:+.1f} % "
        f"(median; from {100 * min(pair.growth for pair in pairs):+.1f} to "
        f"{100 * max(pair.growth for pair in pairs):+.1f} %), where less than {100 * GROWTH:g} % is asked: "
        f"{'within' if growth < GROWTH else 'beyond'}.",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*(recipe.name for recipe in RECIPES), *NUMBERS]
    parser.add_argument("--pages", nargs="+", default=names, help="recipes and numbers of documents, else all")
    parser.add_argument("--recipe", default="progressive-3", help="which recipe is trained")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs, and times that a page is made")
    parser.add_argument("--out", type=Path, help="where the report is written, else beside this file")
    found = parser.parse_args(arguments)
    where = surroundings(load_average())
    pages = []
    for name in found.pages:
        pages.append(measured_page(name, found.rounds))
        print(f"{name}: {pages[-1].size_bytes:,} bytes, {pages[-1].seconds:.1f} s", flush=True)
    words = [found.recipe, "--dataset", found.dataset, "--epochs", str(found.epochs)]
    measured_pair([*words[:-1], "1"], plain_first=True)  # what is compiled once is compiled
    pairs = []
    for number in range(found.rounds):
        pairs.append(measured_pair(words, plain_first=number % 2 == 0))
        print(f"{pairs[-1].plain:.3f} s, with a page {pairs[-1].reported:.3f} s", flush=True)
    lines = report_lines(where, pages, pairs, words)
    if found.out:
        found.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(found.out or write_report("report_time", lines))
    growth = statistics.median(pair.growth for pair in pairs)
    return 0 if growth < GROWTH and all(page.is_within for page in pages) else 1


if __name__ == "__main__":
    sys.exit(main())
