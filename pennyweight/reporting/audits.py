"""Audits as text and as CSV."""

import csv
import io
from collections.abc import Sequence

from pennyweight.judging.audit import Audit, TargetAudit
from pennyweight.reporting.text import WIDTH, plural
from pennyweight.reporting.verdicts import limits_table
from pennyweight.tables.table import Column, Table, one_line, table
from pennyweight.tables.text import to_text

CSV_COLUMNS = ("target", "recipe", "rule", "allowed", "measured", "met", "error")
"""One line per target and rule; a target that could not be audited has one line, with its error."""

SHORTEST_TARGET = 20


def audit_text(audit: Audit, width: int = WIDTH) -> str:
    """Return one audit with every rule and its figure."""
    head = f"{audit.recipe}: {'every rule holds' if audit.met else 'a rule fails'}"
    return f"{head}\n{to_text(limits_table(audit.limits), width, indent='  ')}"


def audits_text(audits: Sequence[TargetAudit], width: int = WIDTH) -> str:
    """Return many audits, one per row: whether it passes, and the rules that fail or the error."""
    counts = {word: sum(_word(one) == word for one in audits) for word in ("pass", "FAIL", "ERROR")}
    total = f"{counts['pass']} of {plural(len(audits), 'target')} pass, {counts['FAIL']} fail"
    errors = f", {counts['ERROR']} could not be audited" if counts["ERROR"] else ""
    shown = audits_table(audits, max(SHORTEST_TARGET, width // 2 - 4))
    return f"{to_text(shown, width)}\n{total}{errors}"


def audits_table(audits: Sequence[TargetAudit], target_length: int) -> Table:
    """Return one row per target, the target cut at its start to `target_length`: the end of a path tells more."""
    columns = (Column("target"), Column("result"), Column("rules that fail", narrow="wrap"))
    return table(columns, ((_end_of(one_line(one.target), target_length), _word(one), _why(one)) for one in audits))


def audits_csv(audits: Sequence[TargetAudit]) -> str:
    """Return audits as CSV with CSV_COLUMNS, without a line break at its end; `met` is true or false."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for one in audits:
        if one.found is None:
            writer.writerow([one.target, "", "", "", "", "", one.error])
            continue
        for rule in one.found.limits:
            figures = [rule.name, rule.allowed, rule.measured, str(rule.met).lower()]
            writer.writerow([one.target, one.found.recipe, *figures, ""])
    return text.getvalue().rstrip("\n")


def _word(audit: TargetAudit) -> str:
    if audit.found is None:
        return "ERROR"
    return "pass" if audit.found.met else "FAIL"


def _why(audit: TargetAudit) -> str:
    if audit.found is None:
        return audit.error
    return ", ".join(rule.name for rule in audit.found.limits if not rule.met)


def _end_of(target: str, longest: int) -> str:
    return target if len(target) <= longest else "\u2026" + target[1 - longest :]
