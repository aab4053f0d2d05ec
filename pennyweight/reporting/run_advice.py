"""What the verdict on a run means, and what to do next."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pennyweight.base.budget import Budget
from pennyweight.base.records import RunRecord, Verdict
from pennyweight.base.stats import sampling_error
from pennyweight.data.sources import EMBEDDED, SOURCES
from pennyweight.judging.verdict import Judgement, RunJudgement
from pennyweight.recipes.catalogue import published
from pennyweight.reporting.advice import Advice, of_seeds, target_words, train_step
from pennyweight.reporting.text import plural
from pennyweight.runs.folder import RECIPE, RECORD
from pennyweight.runs.naming import usual_folder
from pennyweight.runs.request import Request

NOT_TYPED = ("layers=", "budgets=")
"""How changes of a recipe begin that no -s makes."""
LUCK = 3
"""Standard errors of an accuracy up to which a run that misses it is called unlucky."""


def run_advice(record: RunRecord, verdict: Verdict, budget: Budget | None, request: Request | None) -> Advice:
    """Return what one run's verdict means; `request` asks for such a run, None where no command would."""
    if verdict.met is None or budget is None:
        return _unjudged_advice(record, request)
    if verdict.met:
        meaning = "Every limit holds, for this seed. How often it does is shown by several seeds."
        return Advice(meaning, train_step("This trains several and judges them together:", request, seeds=True))
    meanings, steps = list[str](), list[tuple[str, tuple[str, ...]]]()
    if "too_many_params" in verdict.breaches:
        over = record.params - (budget.max_params or 0)
        meanings.append(f"It has {plural(over, 'trained parameter')} too many, which no training changes.")
        if request is not None:
            steps.append(("This shows which layers hold them:", ("show", *target_words(request))))
    if {"too_many_epochs", "too_short"} & {*verdict.breaches}:
        few = "fewer than those its accuracy has to hold in" if "too_short" in verdict.breaches else "more than allowed"
        meanings.append(f"It was trained for {plural(len(record.epochs), 'epoch')}, {few}.")
        steps += _as_long_as_allowed(budget, request)
    if "not_measured" in verdict.breaches:
        last = (
            "Its last epoch has not" if budget.hold_epochs == 1 else f"Not all of its last {budget.hold_epochs} epochs"
        )
        meanings.append(f"{last} measured the {budget.split} images.")
        steps += train_step("This trains it again:", request and _measuring(request, budget.split))
    if "accuracy_not_held" in verdict.breaches:
        missing = _missing_images(record, budget)
        epochs = min(budget.hold_epochs, len(record.epochs))
        where = "In its last epoch" if epochs == 1 else f"In the worst of its last {epochs} epochs"
        meanings.append(f"{where} {plural(missing, 'more correct image')} would have been enough.")
        if record.folder and record.misclassified:
            listed = Path(record.folder) / RECORD
            meanings.append(f"The images that its final weights get wrong are listed in {listed}.")
        if missing <= LUCK * record.images(budget.split) / 100 * sampling_error(
            budget.accuracy, record.images(budget.split)
        ):
            meanings.append("That is so little that another seed may fall on the other side.")
            steps += train_step("This trains several and judges them together:", request, seeds=True)
        elif len(record.epochs) < (budget.max_epochs or 0):
            steps += _as_long_as_allowed(budget, request)
        elif request is not None:
            meanings.append("That is more than the luck of a seed; the recipe has to change.")
            steps.append(("This lists its settings, each of which -s changes:", ("show", *target_words(request))))
    return Advice(" ".join(meanings), tuple(steps[:1]))


def _measuring(request: Request, split: str) -> Request | None:
    """Return a request for the same run that measures a split; None where it leaves out no images of it itself."""
    if split == "test":
        return replace(request, use_test=True, again=True)
    kept = tuple(one for one in request.settings if one.partition("=")[0] != "validation_images")
    return replace(request, settings=kept, again=True) if kept != request.settings else None


def _as_long_as_allowed(budget: Budget, request: Request | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    epochs = budget.max_epochs or budget.hold_epochs
    return train_step("This trains as long as the budget allows:", request, epochs=epochs)


def _missing_images(record: RunRecord, budget: Budget) -> int:
    """Return how many images more had to be right in the worst of the last epochs."""
    counts = [row.score(budget.split).correct for row in record.epochs[-budget.hold_epochs :]]
    return budget.correct_needed(record.images(budget.split)) - min(count for count in counts if count is not None)


def _unjudged_advice(record: RunRecord, request: Request | None) -> Advice:
    if not record.evaluated_on("test"):
        return Advice("", _tested(request))
    hold = min(5, len(record.epochs))
    judge = ("judge", record.folder, "--accuracy", "99.4", "--hold", str(hold))
    return Advice("", (("Limits of your own judge it, as these:", judge),) if record.folder else ())


def _tested(request: Request | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    # a run folder that is named holds the run without them
    with_test = request and replace(request, use_test=True, again=request.out is not None)
    return train_step("A budget is judged on test images; this looks at them:", with_test)


def request_of(record: RunRecord, folder: str) -> Request | None:
    """Return a request for such a run; None where its recipe, data or first weights have no name for a command."""
    changes = sorted(record.changes, key=lambda change: "." in change.partition("=")[0])  # kinds before their fields
    if record.initial_sha256 or record.dataset not in (*SOURCES, EMBEDDED):
        return None
    target = record.recipe
    own = published(target) is None
    if own or any(change.startswith(NOT_TYPED) for change in changes):
        # of a recipe of one's own, the file of the run stands for all changes but has another name
        if (own and changes) or not (Path(folder) / RECIPE).is_file():
            return None
        target, changes = str(Path(folder) / RECIPE), []
    return Request(
        target=target,
        settings=tuple(changes),
        seed=record.seed,
        dataset=record.dataset,
        engine="auto" if record.engine == "native" else record.engine,
        device=record.provenance.device,
        out=Path(folder) if os.path.isdir(folder) and not _is_usual(folder, record) else None,
        use_test=record.evaluated_on("test"),
        planned_seeds=record.planned_seeds,
    )


def _is_usual(folder: str, record: RunRecord) -> bool:
    return Path(folder).resolve() == usual_folder(record).resolve()


def _seeds_folder(request: Request, record: RunRecord) -> Path:
    return of_seeds(request).out or usual_folder(record).parent


def by_limits(
    step: tuple[str, tuple[str, ...]], folder: Path, limits: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return a step that trains into `folder`, and where the judge has `limits`, as flags, one that judges by them."""
    if not limits:
        return (step,)
    what = step[0].replace(" and judges them together", "").replace(", and judges all of them", "")
    return ((what, step[1]), ("Then this judges by your limits:", ("judge", str(folder), *limits)))


def judged_advice(run: RunJudgement, limits: Sequence[str] = ()) -> Advice:
    """Return what the verdict on a run judged alone means; `limits` are the flags that asked for another budget."""
    record = replace(run.record, folder=run.source if os.path.isdir(run.source) else "")
    request = request_of(run.record, run.source)
    advice = run_advice(record, run.verdict, run.budget, request)
    if limits and request and advice.steps and advice.steps[0][1][0] == "train":
        ((what, words),) = advice.steps
        if "--seeds" in words:
            return replace(advice, steps=by_limits((what, words), _seeds_folder(request, record), limits))
        judged = f"{what.removesuffix(':')}; judge the folder it prints with {' '.join(limits)}:"
        return replace(advice, steps=((judged, words),))
    if run.verdict.met is None and not record.folder and not _is_published(run) and run.record.evaluated_on("test"):
        hold = str(min(5, len(record.epochs)))
        return Advice("", (("Limits of your own judge it, as these:", _judge([run], hold)),))
    return advice


def runs_advice(judgement: Judgement) -> Advice:
    """Return what the verdicts of several runs mean, of which no two are seeds of one recipe."""
    without = [run for run in judgement.runs if run.budget is None and not _is_published(run)]
    unjudged = [run for run in without if run.record.evaluated_on("test")]
    own = [run for run in judgement.runs if not _is_published(run) and not run.whose.startswith("the judge's")]
    broken = [run for run in own if run.verdict.met is False]
    steps = list[tuple[str, tuple[str, ...]]]()
    if broken and not any(len(group.seeds) > 1 for group in judgement.groups):
        steps.append(("Judged alone, a run is shown limit by limit:", ("judge", broken[0].source)))
    if unjudged:
        hold = str(min(5, *(len(run.record.epochs) for run in unjudged)))
        steps.append(("Limits of your own judge what has none, as these:", _judge(unjudged, hold)))
    elif without:
        steps += _tested(request_of(without[0].record, without[0].source))
    return Advice("", tuple(steps))


def _is_published(run: RunJudgement) -> bool:
    """Return whether a run came with the package and has no path that a command could name."""
    return run.source.startswith("published ")


def _judge(runs: Sequence[RunJudgement], hold: str) -> tuple[str, ...]:
    sources = [run.source for run in runs]
    named = sources if len(sources) < 4 else [os.path.commonpath(sources)]
    return ("judge", *named, "--accuracy", "99.4", "--hold", hold)
