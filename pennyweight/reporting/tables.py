"""Tables and lines of plain text: records in, text out."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite

from pennyweight.base.records import EpochRow, Limit, RunRecord, Verdict
from pennyweight.base.stats import Summary
from pennyweight.judging.ablate import Change
from pennyweight.judging.claims import CheckedClaim
from pennyweight.judging.compare import Comparison
from pennyweight.judging.seeds import SeedsFigures, SeedsJudgement
from pennyweight.judging.verify import Verification
from pennyweight.nets.measure import Measurement
from pennyweight.training.recipe import Claim


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], right: str = "") -> str:
    """Return an aligned table; `right` holds one character a column, `r` for those aligned to the right."""
    cells = [list(headers), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    aligns = right.ljust(len(headers))
    lines = []
    for row in cells:
        parts = [cell.rjust(w) if a == "r" else cell.ljust(w) for cell, w, a in zip(row, widths, aligns, strict=True)]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def layer_table(measured: Measurement) -> str:
    """Return one line a layer: shape, window, costs, and what a unit of it sees."""
    headers = ("#", "layer", "output", "kernel", "stride", "pad", "params", "buffers", "MACs", "sees", "jump", "bytes")
    rows = [
        (
            layer.number,
            layer.kind,
            "x".join(map(str, layer.output_shape)),
            layer.kernel if layer.kernel > 1 or layer.kind in ("Conv", "Depthwise") else "",
            layer.stride if layer.kernel > 1 and layer.kind != "Linear" else "",
            layer.padding if layer.kind in ("Conv", "Depthwise") else "",
            f"{layer.params:,}" if layer.params else "",
            f"{layer.buffers:,}" if layer.buffers else "",
            f"{layer.macs:,}" if layer.macs else "",
            layer.receptive_field,
            layer.jump,
            f"{layer.activation_bytes:,}",
        )
        for layer in measured.layers
    ]
    return table(headers, rows, right="r  rrrrrrrrr")


def epoch_line(history: Sequence[EpochRow], epochs: int, marks: Sequence[str]) -> str:
    """Return the compact line of the last epoch in `history`."""
    row = history[-1]
    parts = [f"epoch {row.epoch:>{len(str(epochs))}}/{epochs}", f"loss {row.train_loss:.4f}"]
    parts.append(f"train {row.train_accuracy:5.2f} %")
    parts += _measured("val", row.val_accuracy, row.raw_val_accuracy)
    parts += _measured("test", row.test_accuracy, row.raw_test_accuracy)
    parts += [f"rate {row.learning_rate:<8.3g}", f"{row.seconds:.1f} s"]
    if row.epoch < epochs:
        parts.append(f"ETA {duration(_seconds_left(history, epochs))}")
    return "  ".join(parts) + "".join(f"  <- {mark}" for mark in marks)


def _measured(split: str, accuracy: float | None, raw: float | None) -> list[str]:
    """Return a split's accuracy where it was measured, and that of the raw weights where they are averaged."""
    if accuracy is None:
        return []
    return [f"{split} {accuracy:5.2f} %" + (f" (raw {raw:5.2f} %)" if raw is not None else "")]


def verdict_text(record: RunRecord, reason: str = "") -> str:
    """Return what a finished run came to: its accuracies side by side, and its budget limit by limit."""
    lines = [_what_was_run(record), *_accuracies(record, "val"), *_accuracies(record, "test")]
    if record.verdict.met is None:
        seen = any(row.test_accuracy is not None for row in record.epochs)
        why = f"{record.recipe} has no budget for {record.dataset}" if seen else "the test images were left alone"
        return "\n".join([*lines, f"verdict: not judged, {why}"])
    lines.append(f"budget on {record.dataset}, {record.verdict.split} images{f': {reason}' if reason else ''}")
    lines.append(limit_lines(record.verdict.limits))
    return "\n".join([*lines, f"verdict: {verdict_words(record.verdict)}"])


def limit_lines(limits: Sequence[Limit]) -> str:
    """Return every limit with its figure, indented."""
    rows = [(limit.name, limit.measured, limit.allowed, "met" if limit.met else "NOT MET") for limit in limits]
    return "\n".join("  " + line for line in table(("limit", "measured", "allowed", ""), rows).splitlines())


def verdict_words(verdict: Verdict) -> str:
    """Return a verdict as words: `budget met on mnist`, `budget not met on mnist: too many params`, `not judged`."""
    if verdict.met is None:
        return "not judged"
    breaches = ", ".join(breach.replace("_", " ") for breach in verdict.breaches)
    return f"budget met on {verdict.dataset}" if verdict.met else f"budget not met on {verdict.dataset}: {breaches}"


def seeds_text(group: SeedsJudgement) -> str:
    """Return what the seeds of one recipe say together: a head line, a figure a line, and the verdict."""
    n = len(group.seeds)
    head = f"{group.recipe} on {group.dataset}, {plural(n, 'seed')}, {group.split} accuracy"
    rate = f"{100 * group.met_low:.0f} to {100 * group.met_high:.0f} %"
    held = f"budget kept by {group.met} of {n} (95 % interval of the share {rate}; asked: {100 * group.hold_rate:g} %)"
    return "\n".join([head, *figure_lines(group.figures), f"  {held}", f"  verdict: {group.verdict}"])


def figure_lines(figures: SeedsFigures | None) -> list[str]:
    """Return the figures of several seeds, one a line and indented."""
    if figures is None:
        return ["  not measured in every epoch"]
    seeds = figures.final.n
    at_target = f"{figures.reached} of {seeds} reached {figures.target:g} %"
    if figures.first_at_target is not None:
        at_target += f", in epoch {figures.first_at_target:g} (median)"
    rows = [
        ("last epoch", summary_words(figures.final)),
        (f"lowest of the last {figures.lowest_epochs}", summary_words(figures.lowest)),
        ("best epoch flatters by", summary_words(figures.flattery)),
        ("training less this split", summary_words(figures.gap)),
        ("target", at_target),
        ("from the images alone", f"± {figures.sampling_error:.3f} % (standard error of one accuracy)"),
    ]
    return ["  " + line for line in table(("", ""), rows).splitlines()[1:]]


def walk_text(changes: Sequence[Change]) -> str:
    """Return a walk from recipe to recipe: what each change makes of the accuracy, with its interval."""
    headers, rows = walk_rows(changes)
    return table(headers, rows, right=" rrrrr")


def walk_rows(changes: Sequence[Change]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the headers of a walk's table, and one row a change."""
    rows: list[tuple[str, ...]] = [
        (
            one.words,
            f"{one.params:,}",
            f"{one.final.mean:.2f} ± {one.final.deviation:.2f}" if one.final.n > 1 else f"{one.final.mean:.2f}",
            str(one.final.n),
            "" if one.gain is None else f"{one.gain.mean:+.2f}",
            "" if one.gain is None or not isfinite(one.gain.low) else f"{one.gain.low:+.2f} to {one.gain.high:+.2f}",
        )
        for one in changes
    ]
    return ("change", "params", "final test, %", "seeds", "gain", "95 % interval of the gain"), rows


def claims_text(document: str, checked: Sequence[CheckedClaim]) -> str:
    """Return a document's claims, one a line: the verdict, its words, and why."""
    rows = [(one.verdict, f'"{one.claim.quote}"', one.reason) for one in checked]
    counts = Counter(one.verdict for one in checked)
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return "\n".join([f"{document}: {said}", table(("verdict", "it says", "because"), rows)])


def verification_text(found: Verification) -> str:
    """Return every check of a run folder on a line of its own, and what they come to."""
    words = {True: "", False: "DISAGREES", None: "not shown"}
    rows = [(check.name, check.written, check.found, words[check.agrees]) for check in found.checks]
    broken, agreeing = (sum(check.agrees is kind for check in found.checks) for kind in (False, True))
    said = f"{plural(broken, 'check')} of {len(rows)} disagree" if broken else f"{agreeing} of {len(rows)} checks agree"
    return "\n".join([table(("check", "written", "found", ""), rows), f"{found.folder}: {said}"])


def comparison_text(found: Comparison, first: str, second: str) -> str:
    """Return two groups of runs, their difference, and what may be said of it."""
    gap = found.difference
    interval = (
        f", 95 % interval {gap.low:+.3f} to {gap.high:+.3f}" if isfinite(gap.low) else ", one run has no interval"
    )
    said = {"first": f"{first} is better", "second": f"{second} is better", "": "no difference is shown"}[found.better]
    lines = [
        f"{found.split} accuracy after the last epoch",
        f"  {first}: {summary_words(found.first)}",
        f"  {second}: {summary_words(found.second)}",
        f"  difference: {gap.mean:+.3f}{interval}",
    ]
    if (predictions := found.predictions) is not None:
        lines.append(
            f"  mistakes: {predictions.only_first_wrong} of the first alone, {predictions.only_second_wrong} of the "
            f"second alone, {predictions.both_wrong} of both; McNemar's exact p {predictions.p_value:.2g}"
        )
        said += "; this is of two networks, one run each says nothing of other seeds"
    return "\n".join([*lines, said])


def summary_words(values: Summary | None) -> str:
    """Return a summary of percentages as words; one value has no interval, no value is `not measured`."""
    if values is None:
        return "not measured"
    if not isfinite(values.low):
        return f"{values.mean:.2f} % (one seed, no interval)"
    return (
        f"{values.mean:.3f} % ± {values.deviation:.3f} (n {values.n}, 95 % interval of the mean "
        f"{values.low:.2f} to {values.high:.2f})"
    )


def claim_words(claim: Claim | None) -> str:
    """Return a document's claim as words: `99.54 best test, epoch 12`."""
    if claim is None:
        return ""
    return f"{claim.accuracy:.2f} {claim.which} {claim.split}" + (f", epoch {claim.epoch}" if claim.epoch else "")


def plural(count: int, noun: str) -> str:
    """Return `1 epoch`, `2 epochs`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def duration(seconds: float) -> str:
    """Return a time span as `8 s`, `2 m 05 s` or `1 h 07 m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def _seconds_left(history: Sequence[EpochRow], epochs: int) -> float:
    recent = [row.seconds for row in history[-3:]]
    return (epochs - len(history)) * sum(recent) / len(recent)


def _what_was_run(record: RunRecord) -> str:
    spent = duration(sum(row.seconds for row in record.epochs))
    name = "+".join([record.recipe, *record.changes])
    done = f"{record.params:,} parameters, {plural(len(record.epochs), 'epoch')}, {spent}"
    return f"{name} on {record.dataset}, seed {record.seed}: {done}"


def _accuracies(record: RunRecord, split: str) -> list[str]:
    """Return best, last and lowest of the last epochs side by side, where the split was measured."""
    figures = [row.val_accuracy if split == "val" else row.test_accuracy for row in record.epochs]
    known = [figure for figure in figures if figure is not None]
    if not known:
        return []
    tail = known[-5:]
    best = known.index(max(known)) + 1
    return [
        f"{split} accuracy: last {known[-1]:.2f} %, best {max(known):.2f} % (epoch {best}), "
        f"lowest of the last {plural(len(tail), 'epoch')}: {min(tail):.2f} %{_raw_words(record.epochs[-1], split)}"
    ]


def _raw_words(row: EpochRow, split: str) -> str:
    """Return what to say of weights that are averaged: the figures are those of the average."""
    raw = row.raw_val_accuracy if split == "val" else row.raw_test_accuracy
    return "" if raw is None else f"; these are of the averaged weights, the raw weights end at {raw:.2f} %"
