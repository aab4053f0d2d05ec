"""The tables on exports: whether they agree (docs/agreement.json), and what 8 bits cost (docs/int8_loss.json)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pennyweight.base.stats import points_summary
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.tables.markdown import to_markdown
from pennyweight.tables.table import Column, Table, right, table

DOCS = Path(__file__).parent.parent / "docs"
FLOAT, INT8, TORCH = ("onnx", "c"), ("onnx-int8", "c-int8"), "torch"
Checks = dict[tuple[str, str], dict[str, Any]]


def agreement() -> Iterator[str]:
    """Yield docs/agreement.md: for each set of images two tables, then every image whose label differs."""
    networks = json.loads((DOCS / "agreement.json").read_text())["networks"]
    checks: dict[str, Checks] = {
        name: {(one["dataset"], one["format"]): one for one in held["checks"]} for name, held in networks.items()
    }
    judged = [one for held in checks.values() for one in held.values()]
    faults = [one for one in judged if one["fault"]]
    judges = ", ".join(sorted({one["judge"] for one in judged}))
    counts = f"Networks: {len(networks)}; comparisons: {len(judged)}; against the rules: {len(faults)}."
    yield f"{counts} Judges: {judges}.\n"
    if missing := [name for name in RECIPE_NAMES if name not in networks]:
        yield f"Not judged yet: {', '.join(missing)}.\n"
    yield to_markdown(_networks(networks))
    for dataset in dict.fromkeys(one["dataset"] for one in judged):
        yield f"\n## On the test images of {dataset}\n"
        yield to_markdown(_floats(dataset, checks))
        yield ""
        yield to_markdown(_wholes(dataset, checks))
    yield "\n## Images whose label differs\n"
    yield from _others(checks)


def _networks(networks: dict[str, Any]) -> Table:
    columns = (Column("network"), *right("parameters", "seed"), Column("weights"), Column("commit"))
    rows = (
        (name, f"{held['parameters']:,}", held["seed"], held["weights_sha256"][:12], held["commit"])
        for name, held in networks.items()
    )
    return table(columns, rows)


def _floats(dataset: str, checks: dict[str, Checks]) -> Table:
    """Return the largest difference of a logit, and the labels that differ, by PyTorch, onnxruntime and float C."""
    kinds = (TORCH, *FLOAT)
    columns = (Column("network"), *right("images", *kinds, *(f"labels, {kind}" for kind in kinds)))
    return table(
        columns,
        (
            (
                *(name, f"{held[dataset, TORCH]['images']:,}"),
                *(f"{held[dataset, kind]['largest_difference']:.1e}" for kind in kinds),
                *(len(held[dataset, kind]["other_labels"]) for kind in kinds),
            )
            for name, held in checks.items()
        ),
    )


def _wholes(dataset: str, checks: dict[str, Checks]) -> Table:
    """Return what the formats in whole numbers are beside their reference, and how many images they have right."""
    columns = (
        *(Column("network"), Column("c-int8, every bit"), *right("onnx-int8, steps", "labels, onnx-int8")),
        *right("right, original", "right, c-int8", "right, onnx-int8"),
    )
    rows = []
    for name, held in checks.items():
        onnx, whole = (held[dataset, kind] for kind in INT8)
        figures = (onnx["original_correct"], whole["correct"], onnx["correct"])
        rows.append(
            (
                *(name, "equal" if whole["bit_equal"] else "DIFFERS", f"{onnx['largest_difference']:.2f}"),
                *(len(onnx["other_labels"]), *(f"{one:,}" for one in figures)),
            )
        )
    return table(columns, rows)


def _others(checks: dict[str, Checks]) -> Iterator[str]:
    """Yield one table of all images whose label is not the reference's, or that there are none."""
    rows = [
        (name, kind, dataset, other["image"], other["reference"], other["exported"], f"{other['gap']:.2g}")
        for name, held in checks.items()
        for (dataset, kind), one in held.items()
        for other in one["other_labels"]
    ]
    if not rows:
        yield "There is none."
        return
    columns = (*(Column("network"), Column("format"), Column("images of")), *right("image", "reference", "is", "lead"))
    yield to_markdown(table(columns, rows))


def int8_loss() -> Iterator[str]:
    """Yield the table of docs/export.md: what quantisation costs every recipe, over its seeds."""
    held = json.loads((DOCS / "int8_loss.json").read_text())
    columns = (
        *(Column("recipe"), *right("seeds", "mean loss", "95 % interval", "worst run", "answers lost", "won")),
        Column("commit"),
    )
    yield to_markdown(table(columns, (_loss(name, one) for name, one in held["recipes"].items())))


def _loss(name: str, held: dict[str, Any]) -> Sequence[object]:
    runs = held["runs"]
    points = np.array([100 * (one["original_correct"] - one["correct"]) / one["images"] for one in runs])
    found = points_summary(points)
    interval = f"{found.low:.3f} to {found.high:.3f}" if found.n > 1 else ""
    return (
        *(name, found.n, f"{found.mean:.3f}", interval, f"{points.max():.2f}"),
        *(sum(one["lost"] for one in runs), sum(one["won"] for one in runs), held["commit"]),
    )


TABLES = {function.__name__: function for function in (agreement, int8_loss)}
"""By the name that marks each in the documents."""
