"""What the verdict on a recipe over seeds means, and what to do next."""

import os
from collections.abc import Sequence

from pennyweight.base.proportion import further_successes
from pennyweight.base.records import name_of
from pennyweight.judging.seeds import MET, NOT_MET, STRUCTURAL, KeptShare, SeedsJudgement
from pennyweight.judging.verdict import RunJudgement
from pennyweight.reporting.advice import Advice, target_words, train_words
from pennyweight.reporting.run_advice import request_of
from pennyweight.runs.request import Request


def seeds_advice(group: SeedsJudgement, runs: Sequence[RunJudgement]) -> Advice:
    """Return what the verdict on a recipe means; `runs` are all that were judged, those of the recipe among them."""
    own = [run for run in runs if name_of(run.record) == group.recipe and run.record.seed in group.seeds]
    # two engines, or data of one name, are two groups, which cannot be told apart here
    request = request_of(own[0].record, own[0].source) if len(own) == len(group.seeds) else None
    share, asked = group.share, f"{100 * group.budget.hold_rate:g} %"
    what = "This lists its settings, each of which -s changes:"
    change = ((what, ("show", *target_words(request))),) if request else ()
    if group.verdict == MET:
        meaning = f"With a confidence of 95 %, at least {asked} of all seeds keep this budget on this test set."
        folder = own[0].source if own else ""
        replay = (("This retrains one and compares it, byte by byte:", ("verify", folder, "--replay")),)
        return Advice(meaning, replay if os.path.isdir(folder) else ())
    if any(breach in STRUCTURAL for run in own for breach in run.verdict.breaches):
        return Advice("A cap is exceeded, which no seed changes; the recipe has to.", change)
    if group.verdict == NOT_MET:
        return Advice(f"Fewer seeds than the {asked} asked keep it, and more of them would not change that.", change)
    if share.missing:
        meaning = "The plan decides once its last seed is trained; what is complete is not trained again."
        return Advice(meaning, _more("This trains what is missing:", request, f"0-{share.planned - 1}"))
    if share.planned:
        return Advice("The plan is complete and decides nothing; only a new one, with new seeds, can.", change)
    if share.kept < group.budget.hold_rate * share.seeds:
        meaning = f"{share.kept} of {share.seeds} is less than the {asked} asked; if that goes on, it is not met."
        return Advice(f"{meaning} Another recipe may do better.", change)
    meaning = "Every seed so far may be luck." if share.kept == share.seeds else "So few seeds may be luck."
    if not all(os.path.isdir(run.source) for run in own):
        total = further_successes(0, 0, group.budget.hold_rate)
        what = "Records that lie alone are not joined with runs of your own, which are counted from the first:"
        return Advice(meaning, _more(what, request, f"0-{total - 1}") if total else ())
    if share.further is None:
        return Advice(meaning, change)
    what = "This trains those still missing, and judges all of them:"
    return Advice(meaning, _more(what, request, ranges(sorted({*group.seeds, *further_seeds(share, group.seeds)}))))


def _more(what: str, request: Request | None, seeds: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ((what, train_words(request, seeds)),) if request else ()


def further_seeds(share: KeptShare, seeds: Sequence[int]) -> list[int]:
    """Return the lowest seeds not used yet, as many as would still be needed for a verdict."""
    further = share.further or 0
    return [seed for seed in range(len(seeds) + max(seeds) + further) if seed not in seeds][:further]


def ranges(numbers: Sequence[int]) -> str:
    """Return whole numbers in ascending order as `--seeds` reads them: `0-4,7`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
