"""What the documents claim, with our verdicts, and where they contradict themselves."""

from collections import Counter
from collections.abc import Sequence

from pennyweight.documents.check import CheckedClaim
from pennyweight.documents.kinds import Contradiction
from pennyweight.reporting.text import WIDTH, wrapped
from pennyweight.tables.table import Column, Table, right, table
from pennyweight.tables.text import to_text


def claims_table(checked: Sequence[CheckedClaim], quotes: str = "") -> Table:
    """Return one row per claim: the verdict, the recipe, its words between `quotes`, and why."""
    texts = (Column("it says", narrow="wrap"), Column("because", narrow="wrap"))
    columns = (Column("verdict", narrow="wrap"), Column("of"), *texts)
    return table(
        columns,
        ((one.verdict, one.claim.recipe, f"{quotes}{one.claim.quote}{quotes}", one.reason) for one in checked),
    )


def verdict_counts(checked: Sequence[CheckedClaim]) -> str:
    """Return how many claims have which verdict: `12 true, 3 false`."""
    counts = Counter(one.verdict for one in checked)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())


def claims_text(document: str, checked: Sequence[CheckedClaim], width: int = WIDTH) -> str:
    """Return a document's claims with how many have which verdict."""
    head = wrapped(f"{document}: {verdict_counts(checked)}", width=width)
    return f"{head}\n{to_text(claims_table(checked, quotes=chr(34)), width)}"


def contradictions_table(sources: Sequence[tuple[Contradiction, str]]) -> Table:
    """Return one row per contradiction of the documents with what finds it here, or why nothing does."""
    columns = (*right("number"), *(Column(header) for header in ("document", "what does not agree", "found by")))
    return table(
        columns,
        ((one.number, one.document, one.what, source or f"nothing: {one.unchecked}") for one, source in sources),
    )
