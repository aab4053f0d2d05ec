"""The tables of a page that no other room has: the runs of a step one by one, and what a run confuses most."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pennyweight.base.budget import Budget, check
from pennyweight.base.records import RunRecord
from pennyweight.figures.predictions import most_confused
from pennyweight.figures.words import counted
from pennyweight.pages.evidence import Chapter
from pennyweight.reporting.text import duration
from pennyweight.tables.table import Column, Table, right, table

CONFUSED = 8
"""Pairs of classes that are listed."""
SHOWN = 12
"""Characters of a digest that are printed."""
PUBLISHED = "published with"
"""How the source of runs begins that came with the package."""
LAST = 5
"""Last epochs whose lowest accuracy is shown where no budget says how many."""


def seeds_table(records: Sequence[RunRecord], budget: Budget | None) -> Table:
    """Return one row per run: accuracies, time, whether it kept the budget, and the digests of record and weights."""
    held = budget.hold_epochs if budget else LAST
    columns = (
        *right("seed", "epochs", "last, %", "best, %", f"lowest of the last {held}, %", "time"),
        *(Column("budget"), Column("record"), Column("weights")),
    )
    return table(columns, (_seed_row(record, budget, held) for record in records))


def _seed_row(record: RunRecord, budget: Budget | None, held: int) -> tuple[object, ...]:
    split = budget.split if budget else "test" if record.evaluated_on("test") else "val"
    curve = record.curve(split)
    figures = (
        ("", "", "")
        if curve is None
        else (curve[-1], curve.max(), curve[-held:].min() if len(curve) >= held else "too few epochs")
    )
    kept = {True: "kept", False: "broken", None: ""}[check(budget, record).met if budget else None]
    return (
        *(record.seed, len(record.epochs), *(one if isinstance(one, str) else f"{one:.2f}" for one in figures)),
        *(duration(sum(row.seconds for row in record.epochs)), kept),
        *(record.sha256[:SHOWN] or "none", record.weights_sha256[:SHOWN]),
    )


def confused_table(counts: NDArray[np.int64], classes: Sequence[str]) -> Table:
    """Return the pairs of classes that are confused most: how many images of one are taken for the other."""
    rows = most_confused(counts, classes, CONFUSED)
    return table((Column("it is"), Column("taken for"), *right("images")), rows)


def provenance_words(chapter: Chapter) -> str:
    """Return where a chapter's figures come from: seeds, engine, days, processor, data, version."""
    records = chapter.step.records
    if not records:
        return "No complete run: what is said of the network is computed from its layers."
    days = sorted({one.provenance.started[:10] for one in records})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    listed = {
        "engine": sorted({one.provenance.engine.split()[0] for one in records}),
        "on": sorted({one.provenance.cpu for one in records}),
        "with pennyweight": sorted({one.provenance.pennyweight for one in records}),
    }
    words = ", ".join(f"{name} {' and '.join(values)}" for name, values in listed.items())
    first, where = records[0].provenance, "" if chapter.source.startswith(PUBLISHED) else " in"
    return (
        f"{counted(len(records), 'run')}{where} {chapter.source}, trained {when}, {words}; data {records[0].dataset} "
        f"{first.dataset_digest[:SHOWN]}."
    )
