"""What the verdict on a recipe over seeds means, and what to do next."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pennyweight.base.proportion import further_successes
from pennyweight.base.records import name_of
from pennyweight.judging.seeds import MET, NOT_MET, STRUCTURAL, KeptShare, SeedsJudgement
from pennyweight.judging.verdict import RunJudgement
from pennyweight.reporting.advice import Advice, of_seeds, target_words, train_words
from pennyweight.reporting.run_advice import by_limits, request_of
from pennyweight.reporting.verdicts import set_words
from pennyweight.runs.folder import seed_folder
from pennyweight.runs.naming import usual_folder
from pennyweight.runs.request import Request


def seeds_advice(
    group: SeedsJudgement, runs: Sequence[RunJudgement], request: Request | None = None, limits: Sequence[str] = ()
) -> Advice:
    """Return what the verdict on a recipe means; `runs` are all that were judged, those of the recipe among them.

    `request` asked for the training of all its seeds, where one did; `limits` are the flags of `judge` that asked for
    another budget than the runs' own.
    """
    own = [run for run in runs if name_of(run.record) == group.recipe and run.record.seed in group.seeds]
    # two engines, or data of one name, are two groups, which cannot be told apart here
    if request is None and len(own) == len(group.seeds):
        of_one = request_of(own[0].record, own[0].source)
        request = of_one and of_seeds(of_one)
    more = _More(request, own, limits)
    share, asked = group.share, f"{100 * group.budget.hold_rate:g} %"
    what = "This lists its settings, each of which -s changes:"
    change = ((what, ("show", *target_words(request))),) if request else ()
    if group.verdict == MET:
        images = set_words(group.split)
        meaning = f"With a confidence of 95 %, at least {asked} of all seeds keep this budget on this {images}."
        folder = own[0].source if own else ""
        replay = (("This retrains one and compares it, byte by byte:", ("verify", folder, "--replay")),)
        return Advice(meaning, replay if os.path.isdir(folder) else ())
    if any(breach in STRUCTURAL for run in own for breach in run.verdict.breaches):
        return Advice("A cap is exceeded, which no seed changes; the recipe has to.", change)
    if group.verdict == NOT_MET:
        return Advice(
            f"Fewer than the {asked} of seeds that are asked keep it, and more seeds would not change that.", change
        )
    if share.missing:
        meaning = "The plan decides once its last seed is trained; what is complete is not trained again."
        return Advice(meaning, more.steps("This trains what is missing:", f"0-{share.planned - 1}"))
    if share.planned:
        return Advice("Only a new plan, with new seeds, can decide more.", change)
    if share.kept < group.budget.hold_rate * share.seeds:
        meaning = f"{share.kept} of {share.seeds} is less than the {asked} asked; if that goes on, it is not met."
        return Advice(f"{meaning} Another recipe may do better.", change)
    meaning = "Every seed so far may be luck." if share.kept == share.seeds else "So few seeds may be luck."
    if not more.goes_on:
        total = further_successes(0, 0, group.budget.hold_rate)
        what = "Training continues only runs in one folder, as seed-0 and so on; this trains all from the first:"
        return Advice(meaning, more.steps(what, f"0-{total - 1}") if total else ())
    if share.further is None:
        return Advice(meaning, change)
    what = "This trains those still missing, and judges all of them:"
    return Advice(meaning, more.steps(what, ranges(sorted({*group.seeds, *further_seeds(share, group.seeds)}))))


@dataclass(frozen=True)
class _More:
    """How more seeds of `runs` are trained, and judged by the same `limits`."""

    request: Request | None
    runs: Sequence[RunJudgement]
    limits: Sequence[str]

    @property
    def goes_on(self) -> bool:
        """Return whether a command for more seeds keeps those there are: they lie in one folder, by its names."""
        folders = {Path(run.source).parent for run in self.runs}
        named = all(Path(run.source) == seed_folder(Path(run.source).parent, run.record.seed) for run in self.runs)
        return len(folders) == 1 and named and all(os.path.isdir(run.source) for run in self.runs)

    def steps(self, what: str, seeds: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the steps that train `seeds`; none where no command would."""
        if self.request is None:
            return ()
        request = self.request if self.goes_on else replace(self.request, out=None)
        folder = request.out or usual_folder(self.runs[0].record).parent
        return by_limits((what, train_words(request, seeds)), folder, self.limits)


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
