"""One file for each source document: its sentences that can be checked, in its order."""

from pennyweight.documents.claims import compact, evolution, iteration, progressive, skip
from pennyweight.documents.kinds import Claim

CLAIMS: dict[str, tuple[Claim, ...]] = {
    "000": progressive.CLAIMS,
    "001": evolution.CLAIMS,
    "002": skip.CLAIMS,
    "003": compact.CLAIMS,
    "004": iteration.CLAIMS,
}
"""The claims of every document, by its number."""
