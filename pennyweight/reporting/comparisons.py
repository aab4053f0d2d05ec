"""Recipes, engines or runs side by side: their accuracies, their differences and what may be said of them."""

from math import isfinite

from pennyweight.judging.compare import Comparison, Pair, Ranking
from pennyweight.reporting.text import WIDTH, fitted, interval_words, summary_words, wrapped
from pennyweight.tables.table import Column, Table, right, table
from pennyweight.tables.text import to_text

ALONE = "one run says nothing of other seeds; train two or more of each side"
NETWORKS = (
    "pairs of single runs are held against each other by McNemar's exact test on their mistakes, which is of two "
    "networks: one run each says nothing of other seeds"
)
ALIKE = "the runs of each side are equal, so there is no spread to hold the difference against"


def comparison_text(comparison: Comparison, first: str, second: str, width: int = WIDTH) -> str:
    """Return two groups of runs, their difference, and what may be said of it."""
    verdicts = {"first": f"{first} is better", "second": f"{second} is better", "": "no difference is shown"}
    verdict = verdicts[comparison.better]
    if comparison.predictions is not None:
        verdict += "; this is of two networks, one run each says nothing of other seeds"
    elif not isfinite(comparison.difference.low):
        verdict = f"which is better cannot be told: {ALONE if _is_alone(comparison) else ALIKE}"
    return "\n".join(
        [
            f"{comparison.split} accuracy after the last epoch",
            to_text(comparison_table(comparison, first, second), width, indent="  "),
            wrapped(verdict, width=width),
        ]
    )


def comparison_table(comparison: Comparison, first: str, second: str) -> Table:
    """Return both groups, their difference with its interval, and for two single runs their mistakes."""
    gap, predictions = comparison.difference, comparison.predictions
    none = "one run has no interval" if _is_alone(comparison) else "equal runs have no interval"
    interval = f"95 % interval {interval_words(gap, 3, '+')}" if isfinite(gap.low) else none
    rows = [
        (first, summary_words(comparison.first)),
        (second, summary_words(comparison.second)),
        ("difference", f"{gap.mean:+.3f}, {interval}"),
    ]
    if predictions is not None:
        rows.append(
            (
                "mistakes",
                f"{predictions.only_first_wrong} of the first alone, {predictions.only_second_wrong} of the second "
                f"alone, {predictions.both_wrong} of both; McNemar's exact p {predictions.p_value:.2g}",
            )
        )
    return table((Column("", narrow="wrap"), Column("", narrow="wrap")), rows)


def _is_alone(comparison: Comparison) -> bool:
    return 1 in (comparison.first.n, comparison.second.n)


def ranking_text(ranking: Ranking, width: int = WIDTH) -> str:
    """Return several groups of runs, the highest mean first, and every pair of them."""
    lines = [
        f"{ranking.split} accuracy after the last epoch, in percent",
        to_text(ranking_table(ranking), width),
        "",
        fitted(pairs_table(ranking), width),
    ]
    if any(pair.predictions for pair in ranking.pairs):
        lines.append(wrapped(NETWORKS, width=width))
    if any(not isfinite(pair.adjusted_p_value) for pair in ranking.pairs):
        lines.append(
            wrapped(f"cannot be told: {ALONE if 1 in {one.n for one in ranking.finals} else ALIKE}", width=width)
        )
    return "\n".join(lines)


def ranking_table(ranking: Ranking) -> Table:
    """Return one row per group of runs, the highest mean first."""
    return table(
        (Column("", narrow="wrap"), *right("seeds", "mean", "sd", "95 % of the mean")),
        (
            (name, final.n, f"{final.mean:.3f}", "" if final.n == 1 else f"{final.std:.3f}", interval_words(final))
            for name, final in zip(ranking.names, ranking.finals, strict=True)
        ),
    )


def pairs_table(ranking: Ranking) -> Table:
    """Return one row per pair of groups: their difference and its p-value, adjusted for all pairs."""

    def judged(pair: Pair) -> tuple[str, str]:
        words = {"first": "first is better", "second": "second is better", "": "not shown"}
        if not isfinite(pair.adjusted_p_value):
            return "", "cannot be told"
        return f"{pair.adjusted_p_value:.2g}", words[pair.better]

    names = (Column("first", narrow="wrap"), Column("second", narrow="wrap"))
    return table(
        (*names, *right("diff."), Column("95 % (Welch)", "right", "drop"), *right("p (Holm)"), Column("")),
        (
            (
                *(pair.first, pair.second, f"{pair.difference.mean:+.3f}", interval_words(pair.difference, 3, "+")),
                *judged(pair),
            )
            for pair in ranking.pairs
        ),
    )
