"""Claims that a document's own log decides, without runs of ours."""

from collections.abc import Callable, Mapping
from typing import Any

from pennyweight.documents import kinds
from pennyweight.documents.evidence import FALSE, PARTLY, TRUE, UNCHECKABLE, Evidence, Result


def _logged(claim: kinds.Logged, evidence: Evidence) -> Result:
    half = claim.step / 2
    reached = [value - half >= claim.accuracy for value in claim.logged]
    possible = [value + half > claim.accuracy for value in claim.logged]
    exact = [value >= claim.accuracy for value in claim.logged] if claim.step <= 0.01 else reached
    words = f"{sum(value >= claim.accuracy for value in claim.logged)} of {len(claim.logged)} logged values are at it"
    if all(exact):
        return TRUE, words
    if not all(possible):
        return (PARTLY if any(possible) else FALSE), words
    return UNCHECKABLE, f"{words}, rounded to {claim.step:g}: {min(claim.logged):g} may be {min(claim.logged) - half:g}"


def _typical_final(claim: kinds.TypicalFinal, evidence: Evidence) -> Result:
    lowest = claim.logged[-1] < min(claim.logged[:-1])
    logged = ", ".join(f"{value:g}" for value in claim.logged)
    return (PARTLY if lowest else TRUE), f"its last epochs are {logged}" + ", of which it is the lowest" * lowest


CHECKS: Mapping[type, Callable[[Any, Evidence], Result]] = {
    kinds.Logged: _logged,
    kinds.TypicalFinal: _typical_final,
}
