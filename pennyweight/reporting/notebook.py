"""What a notebook shows of a value instead of its one line: a table, by the way that IPython itself has for it."""

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from pennyweight.base.notebook import in_notebook
from pennyweight.base.records import RunRecord
from pennyweight.judging.compare import Comparison, Ranking
from pennyweight.judging.verdict import Judgement
from pennyweight.reporting.comparisons import comparison_table, ranking_table
from pennyweight.reporting.judgements import runs_table
from pennyweight.tables.html import to_html
from pennyweight.tables.table import Table, right, table


def epochs_table(record: RunRecord) -> Table:
    """Return one row per epoch: losses, accuracies in percent and learning rate; empty where nothing was measured."""
    columns = right("epoch", "train loss", "train %", "val loss", "val %", "test loss", "test %", "learning rate")
    return table(
        columns,
        (
            (
                row.epoch,
                *(_figure(row.train_loss, 4), _figure(row.train_accuracy, 2)),
                *(_figure(row.val_loss, 4), _figure(row.val_accuracy, 2)),
                *(_figure(row.test_loss, 4), _figure(row.test_accuracy, 2)),
                f"{row.learning_rate:.3g}",
            )
            for row in record.epochs
        ),
    )


TABLES: dict[type, Callable[[Any], Table]] = {
    RunRecord: epochs_table,
    Comparison: lambda comparison: comparison_table(comparison, "first", "second"),
    Ranking: ranking_table,
    Judgement: lambda judgement: runs_table(judgement.runs),
}


@cache
def show_tables() -> None:
    """Have the notebook that runs this process show the values of TABLES as tables; does nothing elsewhere."""
    if in_notebook():
        formatter = sys.modules["IPython"].get_ipython().display_formatter.formatters["text/html"]
        for kind in TABLES:
            formatter.for_type(kind, lambda value: to_html(TABLES[type(value)](value)))


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
