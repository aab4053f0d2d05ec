"""One run against its budget: every limit with its figure, and the verdict in words."""

from collections.abc import Sequence

from pennyweight.base.budget import Budget, hold_words, in_present_words
from pennyweight.base.records import Limit, RunRecord, Verdict
from pennyweight.reporting.text import WIDTH, duration, plural, wrapped
from pennyweight.tables.table import Column, Table, table
from pennyweight.tables.text import to_text


def limits_table(limits: Sequence[Limit]) -> Table:
    """Return one row per limit of a budget or rule of an audit, with the figure it was checked against."""
    columns = (Column("limit"), Column("measured", narrow="wrap"), Column("allowed", narrow="wrap"), Column(""))
    return table(
        columns,
        ((limit.name, limit.measured, limit.allowed, "met" if limit.met else "NOT MET") for limit in limits),
    )


def verdict_words(verdict: Verdict) -> str:
    """Return a run's verdict as words: `budget kept on mnist`, `budget broken on mnist: too many params`."""
    if verdict.met is None:
        return "not judged"
    breaches = ", ".join(breach.replace("_", " ") for breach in verdict.breaches)
    return f"budget kept on {verdict.dataset}" if verdict.met else f"budget broken on {verdict.dataset}: {breaches}"


def set_words(split: str) -> str:
    """Return what the images of a split are called together."""
    return "validation set" if split == "val" else "test set"


def budget_words(budget: Budget) -> str:
    """Return the limits of a budget as words."""
    caps = ((budget.max_params, "parameters"), (budget.max_epochs, "epochs"))
    capped = [f"{cap:,} {name}" for cap, name in caps if cap is not None]
    accuracy = f"at least {budget.accuracy:g} % {budget.split} accuracy in {hold_words(budget.hold_epochs)}"
    return f"at most {' and '.join(capped)}, {accuracy}" if capped else accuracy


def verdict_text(record: RunRecord, reason: str = "", width: int = WIDTH) -> str:
    """Return what a finished run came to: its accuracies side by side, and its budget limit by limit."""
    lines = [_head(record), *start_words(record), *_accuracies(record, "val"), *_accuracies(record, "test")]
    if record.verdict.met is None:
        no_budget = f"{record.recipe} has no budget for {record.dataset}"
        why = no_budget if record.evaluated_on("test") else "the test images were not evaluated"
        lines.append(f"verdict: not judged, {why}")
        return "\n".join(wrapped(line, width=width) for line in lines)
    lines.append(f"budget on {record.dataset}, {record.verdict.split} images{f': {reason}' if reason else ''}")
    return "\n".join(
        [
            *(wrapped(line, width=width) for line in lines),
            to_text(limits_table(in_present_words(record.verdict).limits), width, indent="  "),
            wrapped(f"verdict: {verdict_words(record.verdict)}", width=width),
        ]
    )


def start_words(record: RunRecord) -> list[str]:
    """Return a line that names the weights a run started from, where they were not those of its seed."""
    return [f"started from the weights {record.initial_sha256[:12]}"] if record.initial_sha256 else []


def _head(record: RunRecord) -> str:
    spent = duration(sum(row.seconds for row in record.epochs))
    name = "+".join([record.recipe, *record.changes])
    costs = f"{record.params:,} parameters, {plural(len(record.epochs), 'epoch')}, {spent}"
    return f"{name} on {record.dataset}, seed {record.seed}: {costs}"


def _accuracies(record: RunRecord, split: str) -> list[str]:
    """Return best, last and lowest of the last epochs side by side, where the split was evaluated."""
    curve = record.curve(split)
    if curve is None:
        return []
    tail = curve[-5:]
    raw = record.epochs[-1].score(split).unaveraged_accuracy
    averaged = (
        f"; these are of the averaged weights, the unaveraged weights end at {raw:.2f} %" if raw is not None else ""
    )
    lowest = f", lowest of the last {len(tail)} epochs: {tail.min():.2f} %" if len(tail) > 1 else ""
    return [
        f"{split} accuracy: last {curve[-1]:.2f} %, best {curve.max():.2f} % (epoch {curve.argmax() + 1})"
        f"{lowest}{averaged}"
    ]
