"""A document's claims against what is true: every kind of claim has one check, from rows or from records."""

from dataclasses import dataclass

from pennyweight.base import claims
from pennyweight.judging import claims_of_rows, claims_of_runs
from pennyweight.judging.facts import TRUE, UNCHECKABLE, Facts

CHECKS = {**claims_of_rows.CHECKS, **claims_of_runs.CHECKS}
OF_ONE_NETWORK = (
    *(claims.ParameterCount, claims.OutputShapes, claims.Channels, claims.Convolutions, claims.LastKernel),
    *(claims.FollowedBy, claims.Contains, claims.FirstWith),
)
"""What a reconstruction is built to give."""


@dataclass(frozen=True)
class CheckedClaim:
    """A claim with its kind, its verdict, and why."""

    claim: claims.DocumentClaim
    kind: str
    verdict: str
    reason: str


def check_claim(claim: claims.DocumentClaim, facts: Facts) -> CheckedClaim:
    """Check one claim with the check of its kind; what a reconstruction was built to give it cannot confirm."""
    verdict, reason = CHECKS[type(claim)](claim, facts)
    if verdict == TRUE and isinstance(claim, OF_ONE_NETWORK) and facts.recipes[claim.recipe].origin.reconstructed:
        verdict, reason = UNCHECKABLE, f"{reason}, but its layers were reconstructed to be so"
    return CheckedClaim(claim, type(claim).__name__, verdict, reason)
