"""Which contradictions of the documents are found here: by a claim that does not hold, or by the note of a recipe."""

from collections.abc import Mapping, Sequence

from pennyweight.documents.check import CheckedClaim
from pennyweight.documents.evidence import FALSE, INCONSISTENT, PARTLY, UNCHECKABLE
from pennyweight.documents.kinds import Contradiction, Logged
from pennyweight.settings.recipe import Recipe


def found_by(contradiction: Contradiction, checked: Sequence[CheckedClaim], recipes: Mapping[str, Recipe]) -> str:
    """Return what finds a contradiction, as words; nothing where nothing does.

    `checked` are the claims of all documents. A note counts while it holds the words that tell it.
    """
    claims = [claim for claim in checked if contradiction.number in claim.claim.contradictions and _exposes(claim)]
    if claims:
        words = [f'"{claim.claim.quote}" of {claim.claim.recipe}: {claim.verdict}' for claim in claims]
        return "; ".join(dict.fromkeys(words))
    if contradiction.note is not None and contradiction.note[1] in recipes[contradiction.note[0]].origin.note:
        return f"the note of {contradiction.note[0]}"
    return ""


def _exposes(claim: CheckedClaim) -> bool:
    """Return whether a verdict is a finding: a denial, or that rounding in a document's own log hides the answer."""
    if claim.verdict == UNCHECKABLE:
        return isinstance(claim.claim, Logged)
    return claim.verdict in (FALSE, PARTLY, INCONSISTENT)
