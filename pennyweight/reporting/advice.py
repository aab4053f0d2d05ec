"""What a verdict means and what to do next, in a sentence and a command that can be pasted."""

import os
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pennyweight.base.budget import Budget
from pennyweight.base.proportion import further_successes
from pennyweight.base.records import RunRecord, Verdict
from pennyweight.base.stats import sampling_error
from pennyweight.data.sources import EMBEDDED, SOURCES
from pennyweight.documents.check import CheckedClaim
from pennyweight.judging.compare import Comparison
from pennyweight.judging.seeds import MET, NOT_MET, STRUCTURAL, KeptShare, SeedsJudgement
from pennyweight.judging.verdict import Judgement, RunJudgement
from pennyweight.judging.verify import Verification
from pennyweight.recipes.catalogue import published
from pennyweight.reporting.command import command_lines, program_words
from pennyweight.reporting.text import WIDTH, plural
from pennyweight.runs.folder import RECIPE, RECORD
from pennyweight.runs.request import Request

INDENT = "  "
SEEDS = "0-4"
LUCK = 3
"""Standard errors of an accuracy up to which a run that misses it is called unlucky."""


@dataclass(frozen=True)
class Advice:
    """What a verdict means, and steps to go on: what each does, and the words after `pennyweight` that do it."""

    meaning: str
    steps: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def text(self, width: int = WIDTH) -> str:
        """Return the meaning in lines of at most `width`, and every command on lines of its own."""
        lines = [_paragraph(self.meaning, width)] if self.meaning else []
        for what, words in self.steps:
            lines += [_paragraph(what, width), command_lines(shlex.join([*program_words(), *words]), width)]
        return "\n".join(lines)


def _paragraph(text: str, width: int) -> str:
    together = text.replace(" %", "\u00a0%")
    lines = textwrap.fill(together, width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
    return lines.replace("\u00a0", " ")


def run_advice(record: RunRecord, verdict: Verdict, budget: Budget | None, request: Request | None) -> Advice:
    """Return what one run's verdict means; `request` asks for such a run, None where no command would."""
    if verdict.met is None or budget is None:
        return _unjudged_advice(record, request)
    if verdict.met:
        meaning = "Every limit holds, for this seed. How often it does is shown by several seeds."
        return Advice(meaning, _train("This trains several and judges them together:", request, seeds=True))
    meanings, steps = list[str](), list[tuple[str, tuple[str, ...]]]()
    if "too_many_params" in verdict.breaches:
        over = record.params - (budget.max_params or 0)
        meanings.append(f"It has {plural(over, 'trained parameter')} too many, which no training changes.")
        if request is not None:
            steps.append(("This shows which layers hold them:", ("show", *_target(request))))
    if {"too_many_epochs", "too_short"} & {*verdict.breaches}:
        few = "fewer than those its accuracy has to hold in" if "too_short" in verdict.breaches else "more than allowed"
        meanings.append(f"It was trained for {plural(len(record.epochs), 'epoch')}, {few}.")
        steps += _as_long_as_allowed(budget, request)
    if "not_measured" in verdict.breaches:
        meanings.append(f"Not all of its last {budget.hold_epochs} epochs measured the {budget.split} images.")
        steps += _train("This trains it again:", request and replace(request, use_test=True, again=True))
    if "accuracy_not_held" in verdict.breaches:
        missing = _missing_images(record, budget)
        epochs = plural(min(budget.hold_epochs, len(record.epochs)), "epoch")
        meanings.append(f"In the worst of its last {epochs} {plural(missing, 'more image')} had to be right.")
        if record.folder and record.misclassified:
            listed = Path(record.folder) / RECORD
            meanings.append(f"The images that its final weights get wrong are listed in {listed}.")
        if missing <= LUCK * record.images(budget.split) / 100 * sampling_error(
            budget.accuracy, record.images(budget.split)
        ):
            meanings.append("That is so little that another seed may fall on the other side.")
            steps += _train("This trains several and judges them together:", request, seeds=True)
        elif len(record.epochs) < (budget.max_epochs or 0):
            steps += _as_long_as_allowed(budget, request)
        elif request is not None:
            meanings.append("That is more than the luck of a seed; the recipe has to change.")
            steps.append(("This lists its settings, each of which -s changes:", ("show", *_target(request))))
    return Advice(" ".join(meanings), tuple(steps[:1]))


def _as_long_as_allowed(budget: Budget, request: Request | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    epochs = budget.max_epochs or budget.hold_epochs
    return _train("This trains as long as the budget allows:", request, epochs=epochs)


def _missing_images(record: RunRecord, budget: Budget) -> int:
    """Return how many images more had to be right in the worst of the last epochs."""
    counts = [row.score(budget.split).correct for row in record.epochs[-budget.hold_epochs :]]
    return budget.correct_needed(record.images(budget.split)) - min(count for count in counts if count is not None)


def _unjudged_advice(record: RunRecord, request: Request | None) -> Advice:
    if not record.evaluated_on("test") and not record.evaluated_on("val"):
        without = request and replace(request, use_test=True)
        return Advice("", _train("A budget is judged on test images; this looks at them:", without))
    hold = min(5, len(record.epochs))
    judge = ("judge", record.folder, "--accuracy", "99.4", "--hold", str(hold))
    return Advice("", (("Limits of your own judge it, as these:", judge),) if record.folder else ())


def _train(
    what: str, request: Request | None, *, seeds: bool = False, epochs: int | None = None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the step that trains what `request` asks for, over seeds or for other epochs; none without a request."""
    if request is None:
        return ()
    if epochs is not None:
        own = published(str(request.target))
        settings = tuple(one for one in request.settings if one.partition("=")[0] != "epochs")
        needed = None if own and own.epochs == epochs else epochs
        request = replace(request, settings=settings, epochs=needed)
    planned = request.planned_seeds
    chosen = f"0-{planned - 1}" if planned > 1 else "0" if planned else SEEDS
    return ((what, _train_words(request, chosen if seeds else None)),)


def _train_words(request: Request, seeds: str | None) -> tuple[str, ...]:
    alone = replace(request, seed=0, out=None) if seeds else replace(request, again=False)
    *flags, _, target = replace(alone, again=False if seeds else request.again).words()
    chosen = ("--seeds", seeds) if seeds else ()
    return (
        ("train", target, *flags, *chosen) if not target.startswith("-") else ("train", *flags, *chosen, "--", target)
    )


def _target(request: Request) -> tuple[str, ...]:
    target = str(request.target)
    return (f"./{target}" if target.startswith("-") else target, *_settings(request.assignments))


def _settings(assignments: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for one in assignments for word in ("-s", one))


def request_of(record: RunRecord, folder: str) -> Request | None:
    """Return a request for such a run; None where its recipe, data or first weights have no name for a command."""
    dataset = record.dataset.removeprefix("other-")
    changes = sorted(record.changes, key=lambda change: "." in change.partition("=")[0])  # kinds before their fields
    if record.initial_sha256 or dataset not in (*SOURCES, EMBEDDED):
        return None
    target = record.recipe
    if published(target) is None or any(change.endswith("=changed") for change in changes):
        if changes or not (Path(folder) / RECIPE).is_file():
            return None
        target = str(Path(folder) / RECIPE)
    return Request(
        target=target,
        settings=tuple(changes),
        seed=record.seed,
        dataset=dataset,
        engine="auto" if record.engine == "native" else record.engine,
        device=record.provenance.device,
        use_test=record.evaluated_on("test"),
        planned_seeds=record.planned_seeds,
    )


def judged_advice(run: RunJudgement) -> Advice:
    """Return what the verdict on a run judged alone means."""
    record = replace(run.record, folder=run.source if os.path.isdir(run.source) else "")
    advice = run_advice(record, run.verdict, run.budget, request_of(run.record, run.source))
    if run.verdict.met is None and not record.folder and not _is_published(run) and run.record.evaluated_on("test"):
        hold = str(min(5, len(record.epochs)))
        return Advice("", (("Limits of your own judge it, as these:", _judge([run], hold)),))
    return advice


def runs_advice(judgement: Judgement) -> Advice:
    """Return what the verdicts of several runs mean, of which no two are seeds of one recipe."""
    unjudged = [run for run in judgement.runs if run.budget is None and not _is_published(run)]
    own = [run for run in judgement.runs if not _is_published(run) and not run.whose.startswith("the judge's")]
    broken = [run for run in own if run.verdict.met is False]
    steps = list[tuple[str, tuple[str, ...]]]()
    if broken and not any(len(group.seeds) > 1 for group in judgement.groups):
        steps.append(("Judged alone, a run is shown limit by limit:", ("judge", broken[0].source)))
    if unjudged:
        hold = str(min(5, *(len(run.record.epochs) for run in unjudged)))
        steps.append(("Limits of your own judge what has none, as these:", _judge(unjudged, hold)))
    return Advice("", tuple(steps))


def _is_published(run: RunJudgement) -> bool:
    """Return whether a run came with the package and has no path that a command could name."""
    return run.source.startswith("published ")


def _judge(runs: Sequence[RunJudgement], hold: str) -> tuple[str, ...]:
    sources = [run.source for run in runs]
    named = sources if len(sources) < 4 else [os.path.commonpath(sources)]
    return ("judge", *named, "--accuracy", "99.4", "--hold", hold)


def seeds_advice(group: SeedsJudgement, runs: Sequence[RunJudgement]) -> Advice:
    """Return what the verdict on a recipe means; `runs` are all that were judged, those of the recipe among them."""
    own = [
        run
        for run in runs
        if "+".join([run.record.recipe, *run.record.changes]) == group.recipe and run.record.seed in group.seeds
    ]
    # two engines, or data of one name, are two groups, which cannot be told apart here
    request = request_of(own[0].record, own[0].source) if len(own) == len(group.seeds) else None
    share, asked = group.share, f"{100 * group.budget.hold_rate:g} %"
    change = (("This lists its settings, each of which -s changes:", ("show", *_target(request))),) if request else ()
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
    return ((what, _train_words(request, seeds)),) if request else ()


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


def audit_advice(target: str, met: bool) -> Advice:
    """Return what the audit of a recipe means."""
    named = f"./{target}" if target.startswith("-") else target
    if met:
        what = "Training shows whether the accuracy does, on the images that --dataset names:"
        return Advice("The structure keeps to the rules.", ((what, ("train", named)),))
    return Advice("", (("This shows what every layer costs and sees:", ("show", named)),))


def comparison_advice(comparison: Comparison, same: Sequence[str]) -> Advice:
    """Return what a comparison means; `same` are the words that asked for it."""
    again = (("Then compare again:", tuple(same)),)
    if comparison.predictions is not None:
        return Advice("To compare the recipes, train several seeds of both, as --seeds 0-4.")
    if min(comparison.first.n, comparison.second.n) < 2:
        return Advice("A single run has no spread to compare with; train more seeds of it, as --seeds 0-4.", again)
    if comparison.better:
        return Advice("The interval of the difference leaves out 0: it is more than the luck of the seeds.")
    return Advice("The interval of the difference holds 0; more seeds of both make it narrower.", again)


def verification_advice(verification: Verification) -> Advice:
    """Return what a verification means."""
    replayed = any(check.name.startswith("trained again") for check in verification.checks)
    replay = (("This trains the run again and compares:", ("verify", verification.folder, "--replay")),)
    steps = () if replayed else replay
    disagreeing = {check.name for check in verification.checks if check.agrees is False}
    if "dataset digest" in disagreeing:
        return Advice("These are not the images it was trained on; --data names the folder of theirs.")
    if disagreeing:
        return Advice("Its files are not what one training wrote, so its record proves nothing.", steps)
    if replayed:
        return Advice("Its record is what this training gives, as far as it can be recomputed.")
    return Advice("What can be recomputed is right; how it was trained only a replay shows.", steps)


def claims_advice(by_document: Mapping[str, Sequence[CheckedClaim]]) -> Advice:
    """Return what the verdicts on claims mean."""
    recipes = [claim.claim.recipe for checked in by_document.values() for claim in checked if claim.claim.recipe]
    meaning = (
        "true and false: the document leaves nothing open that decides it. Consistent, or not: as our recipe reads "
        "what it leaves open. Not checkable: nothing here decides it."
    )
    steps = (("The runs of a recipe behind such figures:", ("judge", recipes[0])),) if recipes else ()
    return Advice(meaning, steps)
