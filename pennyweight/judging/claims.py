"""A document's claims against what is true: every kind of claim has one check, from rows or from records."""

from dataclasses import dataclass

from pennyweight.base.claims import DocumentClaim
from pennyweight.judging import claims_of_rows, claims_of_runs
from pennyweight.judging.facts import Facts

CHECKS = {**claims_of_rows.CHECKS, **claims_of_runs.CHECKS}


@dataclass(frozen=True)
class CheckedClaim:
    """A claim with its kind, its verdict, and why."""

    claim: DocumentClaim
    kind: str
    verdict: str
    reason: str


def check_claim(claim: DocumentClaim, facts: Facts) -> CheckedClaim:
    """Check one claim with the check of its kind."""
    verdict, reason = CHECKS[type(claim)](claim, facts)
    return CheckedClaim(claim, type(claim).__name__, verdict, reason)
