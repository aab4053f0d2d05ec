"""What a notebook shows of a value: its one line, a picture where matplotlib is installed, and its tables.

Every notebook looks for the method `_repr_html_`. The rooms that these values are from know nothing of tables and
pictures, so the facade gives it to them.
"""

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pennyweight.base.records import RunRecord, Verdict
from pennyweight.documents.check import CheckedClaim, CheckedClaims
from pennyweight.judging.audit import Audit
from pennyweight.judging.compare import Comparison, Ranking
from pennyweight.judging.seeds import SeedsJudgement
from pennyweight.judging.verdict import Judgement, RunJudgement
from pennyweight.judging.verify import Verification
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan
from pennyweight.reporting.claims import claims_table
from pennyweight.reporting.comparisons import comparison_table, pairs_table, ranking_table
from pennyweight.reporting.judgements import figures_table, runs_table
from pennyweight.reporting.layers import layer_table
from pennyweight.reporting.recipes import settings_table
from pennyweight.reporting.verdicts import limits_table
from pennyweight.reporting.verification import checks_table
from pennyweight.settings.recipe import Recipe
from pennyweight.tables.html import to_html
from pennyweight.tables.table import Table, right, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pennyweight.figures.words import Words

WIDTH = 720
"""Pixels."""
STYLE = (
    "<style>.pennyweight table { margin: 0 0 12px; font-variant-numeric: tabular-nums; } "
    ".pennyweight table td, .pennyweight table th { text-align: left; } "
    ".pennyweight table .right { text-align: right; }</style>"
)
"""Notebooks align every cell to the right; words read better on the left."""


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


def _recipe_tables(recipe: Recipe) -> list[Table]:
    try:
        return [layer_table(measure(recipe.plan())), settings_table(recipe)]
    except Exception:  # a recipe that cannot work is shown while one finds out why
        return []


def _limits(verdict: Verdict) -> list[Table]:
    return [limits_table(verdict.limits)] if verdict.limits else []


def _figures(group: SeedsJudgement) -> list[Table]:
    return [figures_table(group.figures)] if group.figures else []


TABLES: dict[type, Callable[[Any], Sequence[Table]]] = {
    Audit: lambda audit: [limits_table(audit.limits)],
    CheckedClaim: lambda claim: [claims_table([claim])],
    CheckedClaims: lambda documents: [claims_table(checked) for checked in documents.values()],
    Comparison: lambda comparison: [comparison_table(comparison, "first", "second")],
    Judgement: lambda judgement: [
        runs_table(judgement.runs, judgement.problems),
        *(one for group in judgement.groups if len(group.seeds) > 1 for one in _figures(group)),
    ],
    Plan: lambda plan: [layer_table(measure(plan))],
    Ranking: lambda ranking: [ranking_table(ranking), pairs_table(ranking)],
    Recipe: _recipe_tables,
    RunJudgement: lambda run: _limits(run.verdict),
    RunRecord: lambda record: [*_limits(record.verdict), epochs_table(record)],
    SeedsJudgement: _figures,
    Verdict: _limits,
    Verification: lambda verification: [checks_table(verification)],
}
"""The tables of each value."""


@cache
def show_tables() -> None:
    """Give the values of TABLES the method by which a notebook shows them."""
    for kind in TABLES:
        kind._repr_html_ = value_html  # type: ignore[attr-defined]


def value_html(value: object) -> str:
    """Return a value of TABLES as HTML: the line it prints as, its picture, and its tables; every text is escaped."""
    line = escape(repr(value).removeprefix("<").removesuffix(">"))
    tables = "\n".join(to_html(one) for one in TABLES[type(value)](value))
    return f'{STYLE}\n<div class="pennyweight">\n<p>{line}</p>\n{picture_of(value)}\n{tables}\n</div>'


def picture_of(value: object) -> str:
    """Return the network of a recipe or plan, or the curves of a record, as HTML; of others, and unable to, nothing."""
    if not find_spec("matplotlib"):
        return ""
    from pennyweight.figures.curves import curves, curves_words  # loads matplotlib
    from pennyweight.figures.network import network, network_words

    match value:
        case RunRecord():
            return on_paper(curves([value]), curves_words([value]))
        case Plan():
            return on_paper(network(value, width=WIDTH), network_words(value))
        case Recipe() if _recipe_tables(value):
            plan = value.plan()
            return on_paper(network(plan, width=WIDTH), network_words(plan))
        case _:
            return ""


def on_paper(figure: "Figure", words: "Words") -> str:
    """Return a figure as HTML on paper of its own: a notebook may be light where the system is dark."""
    from pennyweight.figures.style import LIGHT
    from pennyweight.figures.svg import to_svg

    colours = "; ".join(f"--{name}: {colour}" for name, colour in LIGHT.items())
    picture = to_svg(figure, words=words, name=f"pw-{sha256(words.description.encode()).hexdigest()[:8]}")
    return f'<div style="{colours}; background: var(--paper); max-width: {WIDTH}px; margin: 0 0 12px">{picture}</div>'


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
