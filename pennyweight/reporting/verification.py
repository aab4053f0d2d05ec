"""What was recomputed of a run, and what of its record is taken on trust."""

from pennyweight.judging.verify import Verification
from pennyweight.reporting.text import WIDTH, plural, wrapped
from pennyweight.tables.table import Column, Table, table
from pennyweight.tables.text import to_text


def checks_table(verification: Verification) -> Table:
    """Return one row per check: what is written, what was found, and whether they disagree."""
    words = {True: "", False: "DISAGREES", None: "not shown"}
    columns = (*(Column(header, narrow="wrap") for header in ("check", "written", "found")), Column(""))
    return table(
        columns, ((check.name, check.written, check.found, words[check.agrees]) for check in verification.checks)
    )


def trust_table(verification: Verification) -> Table:
    """Return one row per statement of the record that nothing here can recompute."""
    columns = (Column("taken on trust"), Column("the record says", narrow="wrap"))
    return table(columns, verification.on_trust)


def verification_text(verification: Verification, width: int = WIDTH) -> str:
    """Return every check of a run folder, what is taken on trust, and what they come to."""
    total = len(verification.checks)
    disagreeing, agreeing = (sum(check.agrees is kind for check in verification.checks) for kind in (False, True))
    verb = "disagrees" if disagreeing == 1 else "disagree"
    sums = f"{disagreeing} of {plural(total, 'check')} {verb}" if disagreeing else f"{agreeing} of {total} checks agree"
    if open_checks := total - disagreeing - agreeing:
        sums += f", {open_checks} {'shows' if open_checks == 1 else 'show'} neither"
    return "\n".join(
        [
            to_text(checks_table(verification), width),
            "",
            to_text(trust_table(verification), width),
            "",
            wrapped(f"{verification.folder}: {sums}", width=width),
        ]
    )
