"""A document's claims against what is true: every kind of claim has one check, from layers or from records."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennyweight.documents import kinds, of_layers, of_log, of_pairs, of_runs
from pennyweight.documents.evidence import CONSISTENT, FALSE, INCONSISTENT, PARTLY, TRUE, Evidence

OF_FIGURES = {**of_runs.CHECKS, **of_pairs.CHECKS}
CHECKS = {**of_layers.CHECKS, **OF_FIGURES, **of_log.CHECKS}
FIGURES = tuple(OF_FIGURES)
"""Kinds that our own runs confirm or deny."""
OF_COUNTS = (kinds.ParameterLimit, kinds.ShareOfLimit, kinds.Reduction, kinds.MinimalIncrease)
"""Kinds that follow from parameter counts alone, which the document of a reconstruction states itself."""
AS_READ = {TRUE: CONSISTENT, FALSE: INCONSISTENT, PARTLY: INCONSISTENT}
"""What is said instead where our reading of the document decides."""


@dataclass(frozen=True, repr=False)
class CheckedClaim:
    """A claim with its kind, its verdict, and why."""

    claim: kinds.Claim
    kind: str
    verdict: str
    reason: str

    def __repr__(self) -> str:
        """Return one line: the verdict, the recipe, and the words of the document."""
        return f"<CheckedClaim {self.verdict}: {self.claim.recipe}, {self.claim.quote}>"


class CheckedClaims(dict[str, tuple[CheckedClaim, ...]]):
    """The checked claims of documents, by number and title."""

    def __repr__(self) -> str:
        """Return one line: how many claims of how many documents there are."""
        return f"<CheckedClaims: {sum(map(len, self.values()))} claims of {len(self)} documents>"


def check_claim(claim: kinds.Claim, evidence: Evidence) -> CheckedClaim:
    """Check one claim with the check of its kind.

    True and false are said of what is decided: where the document leaves open what decides a figure, or the layers are
    a reconstruction, our runs and layers can be no more than consistent with it, or not.
    """
    verdict, reason = CHECKS[type(claim)](claim, evidence)
    words = _figure_words(claim, evidence) if isinstance(claim, FIGURES) else ""
    rebuilt = not words and evidence.recipes[claim.recipe].origin.reconstructed
    if rebuilt and isinstance(claim, OF_COUNTS):
        reason += ", by the counts that its document states"
    elif rebuilt:
        words = "its layers were reconstructed to be so"
    if words and verdict in AS_READ:
        verdict, reason = AS_READ[verdict], f"{reason}; {words}"
    return CheckedClaim(claim, type(claim).__name__, verdict, reason)


def count_figures(documents: Sequence[Sequence[kinds.Claim]]) -> int:
    """Return how many claims our runs confirm or deny; at least one, so that a chance can be shared among them."""
    return max(1, sum(isinstance(claim, FIGURES) for said in documents for claim in said))


def recipes_of(claim: kinds.Claim) -> list[str]:
    """Return the recipes whose runs decide a claim."""
    others = [getattr(claim, name) for name in ("before", "other") if hasattr(claim, name)]
    return [claim.recipe, *others, *getattr(claim, "others", ())]


def _figure_words(claim: kinds.Claim, evidence: Evidence) -> str:
    """Return what is not stated of the recipes and how many readings were tried; nothing where all is stated."""
    names = [name for name in recipes_of(claim) if evidence.left_open(name)]
    if not names:
        return ""
    settings = dict.fromkeys(setting for name in names for setting in evidence.left_open(name))
    counts = {name: evidence.readings(name) for name in names}
    tried = ", ".join(f"{count} of {name}" for name, count in counts.items())
    if len(names) == 1:
        tried = str(counts[names[0]])
    return f"left open: {', '.join(settings)}; alternative settings tried: {tried}"
