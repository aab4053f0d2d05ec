"""What a verdict means and what to do next, in a sentence and a command that can be pasted."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from pennyweight.base.program import command_line_words
from pennyweight.base.wrapping import lines_of
from pennyweight.documents.check import CheckedClaim
from pennyweight.judging.compare import Comparison, Ranking
from pennyweight.judging.verify import INITIAL_WEIGHTS, REPLAYED, Verification
from pennyweight.recipes.catalogue import published
from pennyweight.reporting.command import command_lines
from pennyweight.reporting.text import WIDTH
from pennyweight.runs.folder import seed_folder
from pennyweight.runs.request import Request

INDENT = "  "
SEEDS = "0-4"


@dataclass(frozen=True)
class Advice:
    """What a verdict means, and steps to go on: what each does, and the words after `pennyweight` that do it."""

    meaning: str
    steps: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def text(self, width: int = WIDTH) -> str:
        """Return the meaning in lines of at most `width`, and every command on lines of its own."""
        lines = [_paragraph(self.meaning, width)] if self.meaning else []
        for what, words in self.steps:
            lines += [_paragraph(what, width), command_lines(shlex.join([*command_line_words(), *words]), width)]
        return "\n".join(lines)


def _paragraph(text: str, width: int) -> str:
    return "\n".join(lines_of(text, width, INDENT, INDENT))


def train_step(
    what: str, request: Request | None, *, seeds: bool = False, epochs: int | None = None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the step that trains what `request` asks for, over seeds or for other epochs; none without a request."""
    if request is None:
        return ()
    if epochs is not None:
        own = published(str(request.target))
        settings = tuple(one for one in request.settings if one.partition("=")[0] != "epochs")
        needed = None if own and own.epochs == epochs else epochs
        # the folder that was named holds a run of other epochs
        request = replace(request, settings=settings, epochs=needed, out=None)
    planned = request.planned_seeds
    chosen = f"0-{planned - 1}" if planned > 1 else "0" if planned else SEEDS
    return ((what, train_words(of_seeds(request) if seeds else request, chosen if seeds else None)),)


def of_seeds(request: Request) -> Request:
    """Return the request for several seeds: where `out` names the folder of one run, they lie beside or below it."""
    out = request.out
    if out is None:
        return request
    is_one_of_seeds = out.name == seed_folder(out, request.seed).name
    return replace(request, seed=0, out=out.parent if is_one_of_seeds else out.with_name(f"{out.name}-seeds"))


def train_words(request: Request, seeds: str | None) -> tuple[str, ...]:
    """Return the words after `pennyweight` that train what a request asks for, over seeds where they are named.

    Then `out` is the folder of all of them.
    """
    alone = replace(request, seed=0) if seeds else replace(request, again=False)
    *flags, _, target = replace(alone, again=False if seeds else request.again).words()
    chosen = ("--seeds", seeds) if seeds else ()
    return (
        ("train", target, *flags, *chosen) if not target.startswith("-") else ("train", *flags, *chosen, "--", target)
    )


def target_words(request: Request) -> tuple[str, ...]:
    """Return the words that name a request's recipe to another command, with its settings."""
    target = str(request.target)
    return (f"./{target}" if target.startswith("-") else target, *_settings(request.assignments))


def _settings(assignments: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for one in assignments for word in ("-s", one))


def audit_advice(target: str, met: bool) -> Advice:
    """Return what the audit of a recipe means."""
    named = f"./{target}" if target.startswith("-") else target
    if met:
        what = "Training shows whether the accuracy does, on the images that --dataset names:"
        return Advice("The structure keeps to the rules.", ((what, ("train", named)),))
    return Advice("", (("This shows the cost and receptive field of every layer:", ("show", named)),))


def comparison_advice(comparison: Comparison, same: Sequence[str]) -> Advice:
    """Return what a comparison means; `same` are the words that asked for it."""
    again = _more_seeds_and_again(comparison, same[-2:])
    if same[-1] == same[-2]:
        return Advice("Both sides are the same runs; name others on one of them.")
    if comparison.predictions is not None:
        return Advice("To compare the recipes, train several seeds of both, as --seeds 0-4.")
    if min(comparison.first.n, comparison.second.n) < 2:
        return Advice("A single run has no spread to compare with; train more seeds of it, as --seeds 0-4.", again)
    if comparison.better:
        return Advice("The interval of the difference leaves out 0: it is more than the luck of the seeds.")
    return Advice("The interval of the difference holds 0; more seeds of both make it narrower.", again)


def _more_seeds_and_again(comparison: Comparison, sides: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the steps that train more seeds of published recipes than the records have, and compare them again.

    Published records stay as many as they are, so of the side that has fewest, runs of one's own stand in their place,
    twice as many.
    """
    steps, again = list[tuple[str, tuple[str, ...]]](), list[str]()
    fewest = min(comparison.first.n, comparison.second.n)
    for side, summary in zip(sides, (comparison.first, comparison.second), strict=True):
        is_trained = summary.n == fewest and published(side) is not None and not Path(side).exists()
        again.append(f"runs/{side}" if is_trained else side)
        if is_trained:
            what = f"The published records hold {summary.n} seeds of {side}; this trains {2 * summary.n}:"
            steps.append((what, ("train", side, "--seeds", f"0-{2 * summary.n - 1}")))
    return (*steps, ("Then compare again:", ("compare", *again)))


def ranking_advice(ranking: Ranking) -> Advice:
    """Return what the pairs of several groups of runs mean; nothing where none is left open that more seeds decide."""
    if all(pair.better or not isfinite(pair.difference.low) for pair in ranking.pairs):
        return Advice("")
    return Advice("A difference that is not shown may still exist: more seeds, as --seeds 0-9, show smaller ones.")


def verification_advice(verification: Verification, same: Sequence[str]) -> Advice:
    """Return what a verification means; `same` are the words that asked for it, without those of a replay."""
    replays = [check.agrees for check in verification.checks if check.name.startswith(REPLAYED)]
    warm = INITIAL_WEIGHTS in dict(verification.on_trust)
    steps = () if replays or warm else (("This trains the run again and compares:", (*same, "--replay")),)
    disagreeing = {check.name for check in verification.checks if check.agrees is False}
    if "dataset digest" in disagreeing:
        return Advice("These are not the images it was trained on; --data names the folder of theirs.")
    if disagreeing:
        return Advice("Its files are not what one training wrote, so its record proves nothing.", steps)
    if warm:
        return Advice(
            "What can be recomputed is right. It started from weights that are not here, so no replay can show how it "
            "was trained."
        )
    if True in replays:
        return Advice("Its record is what this training gives, as far as it can be recomputed.")
    if replays:
        return Advice(
            "What can be recomputed is right. The replay shows neither: too few other seeds to hold it against."
        )
    return Advice("What can be recomputed is right; only a replay shows how it was trained.", steps)


def page_advice(verification: Verification) -> Advice:
    """Return what the check of a page means."""
    if not verification.agrees:
        return Advice("The page says otherwise than the evidence it carries: it was edited after it was written.")
    if any(check.agrees is None for check in verification.checks):
        return Advice("Other versions wrote it, so not everything could be compared; nothing that could disagrees.")
    return Advice(
        "The page says what its evidence gives. Only its run, replayed, shows that a training wrote that evidence."
    )


def claims_advice(by_document: Mapping[str, Sequence[CheckedClaim]]) -> Advice:
    """Return what the verdicts on claims mean."""
    recipes = [claim.claim.recipe for checked in by_document.values() for claim in checked if claim.claim.recipe]
    meaning = (
        "true and false: the document leaves nothing open that decides it. Consistent, or not: as our recipe reads "
        "what it leaves open. Not checkable: nothing here decides it."
    )
    steps = (("The runs of a recipe behind such figures:", ("judge", recipes[0])),) if recipes else ()
    return Advice(meaning, steps)
