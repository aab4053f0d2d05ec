"""What is printed of a judgement: each run, and the seeds of each recipe together."""

import os
from collections import Counter
from collections.abc import Sequence
from math import ceil, floor

from pennyweight.base.budget import Budget
from pennyweight.base.proportion import MOST_TRIALS
from pennyweight.judging.resampling import OtherTestSets
from pennyweight.judging.seeds import NOT_SHOWN, KeptShare, SeedsFigures, SeedsJudgement
from pennyweight.judging.verdict import Judgement, Problem, RunJudgement
from pennyweight.reporting.run_advice import judged_advice, runs_advice
from pennyweight.reporting.seeds_advice import further_seeds, ranges, seeds_advice
from pennyweight.reporting.text import WIDTH, plural, summary_words, wrapped
from pennyweight.reporting.verdicts import budget_words, limits_table, set_words, start_words, verdict_words
from pennyweight.runs.request import Request
from pennyweight.tables.table import Column, Table, table
from pennyweight.tables.text import to_text


def judgement_text(
    judgement: Judgement, width: int = WIDTH, *, request: Request | None = None, limits: Sequence[str] = ()
) -> str:
    """Return every run that was judged, in full where there is one alone, then every recipe of two seeds or more.

    `request` asked for the training of all the runs, where one did; `limits` are the flags of `judge` that asked for
    another budget than the runs' own. Both go into the commands that are advised.
    """
    runs = judgement.runs
    lines = []
    several = len(runs) + len(judgement.problems) > 1
    if not several and runs:
        lines.append(f"{run_text(runs[0], width)}\n{judged_advice(runs[0], limits).text(width)}")
    if several:
        # a reason why a run is refused takes the room that long paths would have
        longest = width // 4 if judgement.problems else width // 2
        sources = [run.source for run in runs] + [problem.source for problem in judgement.problems]
        shared = _shared_folder(sources, longest)
        lines += [wrapped(f"runs in {shared}", width=width)] if shared else []
        lines.append(to_text(runs_table(runs, judgement.problems, shared), width))
        trusted = Counter(run.on_trust for run in runs if run.on_trust)
        lines += [
            wrapped(f"taken on trust, {plural(count, 'run')}: {words}", width=width) for words, count in trusted.items()
        ]
        if alone := submissions_words(judgement):
            lines.append(wrapped(alone, width=width))
        lines.append(runs_advice(judgement).text(width))
    for group in judgement.groups:
        if len(group.seeds) > 1:
            lines += ["\n" + seeds_text(group, width), seeds_advice(group, runs, request, limits).text(width)]
    return "\n".join(line for line in lines if line)


def submissions_words(judgement: Judgement) -> str:
    """Return that runs of one recipe are judged each alone, and which would be judged together; empty without such."""
    alone = [group for group in judgement.groups if len(group.seeds) == 1]
    recipes = [name for name, count in Counter((group.recipe, group.dataset) for group in alone).items() if count > 1]
    if not recipes:
        return ""
    named = ", ".join(dict.fromkeys(name for name, _ in recipes))
    return f"each run of {named} is judged alone; only folders named seed-0, seed-1 and so on are seeds of one recipe"


def _shared_folder(sources: Sequence[str], longest: int) -> str:
    """Return the folder that all runs are in, where a path is longer than `longest`; else nothing."""
    same_kind = len({os.path.isabs(source) for source in sources}) == 1
    return os.path.commonpath(sources) if same_kind and max(map(len, sources)) > longest else ""


def runs_table(runs: Sequence[RunJudgement], problems: Sequence[Problem] = (), shared: str = "") -> Table:
    """Return one row per run: its verdict, and the figures of the limits it breaks or why it is refused or not judged.

    Runs are named within the folder `shared`.
    """
    words = {True: "kept", False: "broken", None: "not judged"}
    columns = (Column("run", narrow="wrap"), Column("budget"), Column("what breaks it", narrow="wrap"))
    rows = [
        (
            run.source.removeprefix("published "),
            words[run.verdict.met],
            run.reason or "; ".join(f"{one.name} {one.measured}" for one in run.verdict.limits if not one.met),
        )
        for run in runs
    ]
    rows += [(one.source, "refused", one.message.replace(f"{one.source}/", "")) for one in problems]
    return table(columns, ((os.path.relpath(source, shared) if shared else source, *rest) for source, *rest in rows))


def run_text(run: RunJudgement, width: int = WIDTH) -> str:
    """Return one run in full: its verdict, whose budget it is, every limit, and what other test sets would say."""
    lines = [wrapped(f"{run.source}: {verdict_words(run.verdict)}", width=width)]
    lines += [wrapped(line, "  ", width) for line in start_words(run.record)]
    if run.reason:
        lines.append(wrapped(run.reason, "  ", width))
    if run.on_trust:
        lines.append(wrapped(f"taken on trust, {run.on_trust}", "  ", width))
    if run.budget is not None:
        reason = f": {run.budget.reason}" if run.budget.reason else ""
        lines.append(wrapped(f"budget: {run.whose}{reason}", "  ", width))
        lines.append(to_text(limits_table(run.verdict.limits), width, indent="  "))
    if run.other_test_sets is not None and run.budget is not None:
        lines.append(wrapped(other_run_words(run.other_test_sets, run.budget.split), "  ", width))
    return "\n".join(lines)


def seeds_text(group: SeedsJudgement, width: int = WIDTH) -> str:
    """Return what the seeds of one recipe say together: a head line, one figure per line, and the recipe's verdict."""
    head = f"{group.recipe} on {group.dataset}, {plural(len(group.seeds), 'seed')}, {group.split} accuracy"
    asked = 100 * group.budget.hold_rate
    lines = [
        wrapped(head, width=width),
        wrapped(f"budget: {group.whose}, {budget_words(group.budget)}", "  ", width),
        to_text(figures_table(group.figures), width, "  ") if group.figures else "  not measured in every epoch",
        wrapped(f"{share_words(group.share, group.split)}; asked: {asked:g} %", "  ", width),
    ]
    if group.other_test_sets is not None:
        lines.append(wrapped(other_words(group.other_test_sets, group.budget), "  ", width))
    lines.append(f"  verdict on the recipe: {group.verdict}")
    if group.verdict == NOT_SHOWN:
        lines.append(wrapped(way_words(group.share, group.seeds), "  ", width))
    return "\n".join(lines)


def share_words(share: KeptShare, split: str) -> str:
    """Return how many seeds kept the budget, and the bounds of the share of all seeds that would."""
    kept = f"budget kept by {share.kept} of {share.seeds} seeds on this {set_words(split)}"
    # outwards, so that a bound that just misses what is asked never reads as if it reached it
    low, high = floor(1000 * share.low) / 10, ceil(1000 * share.high) / 10
    bounds = f"of all seeds, {low:.1f} to {high:.1f} %"
    if share.missing:
        return f"{kept}; {share.planned} seeds were planned, and the plan decides once they are complete"
    if share.planned:
        return f"{kept}; {bounds} (each bound exact at 95 % for the {share.planned} seeds planned)"
    return f"{kept}; {bounds} (each bound at 95 %, however often one looks)"


def way_words(share: KeptShare, seeds: Sequence[int]) -> str:
    """Return what is still needed for a verdict."""
    if share.missing:
        return f"still to run: seeds {ranges(share.missing)}"
    if share.further is None:
        if share.planned:
            return f"all {share.planned} planned seeds are complete, and neither show nor rule out what is asked"
        return f"more than {MOST_TRIALS:,} further seeds, every one kept, would be needed to show it"
    unused = ranges(further_seeds(share, seeds))
    return f"{plural(share.further, 'more seed')}, every one kept, would show it: --seeds {unused}"


def other_words(others: OtherTestSets, budget: Budget) -> str:
    """Return what a bootstrap over images and seeds says of other sets of images than those it is judged on."""
    interval = f"{_percent(others.low)} to {_percent(others.high)} %, bootstrap of images and seeds{_epochs(others)}"
    return (
        f"on other {set_words(budget.split)}s like it {_percent(others.share)} % of seeds ({interval}); "
        f"{100 * budget.hold_rate:g} % is reached on {_percent(others.reaching)} % of them"
    )


def other_run_words(others: OtherTestSets, split: str) -> str:
    """Return what a bootstrap over the images of a split says of one run on others."""
    share = f"kept on {_percent(others.share)} % (bootstrap of its images{_epochs(others)})"
    return f"on other {set_words(split)}s like this one, {share}"


def _epochs(others: OtherTestSets) -> str:
    if others.is_last_alone:
        return "; last epoch alone, as the mistakes of the others are not recorded"
    return f"; {plural(others.epochs, 'epoch')}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def figures_table(figures: SeedsFigures) -> Table:
    """Return the figures of several seeds, one per row."""
    at_target = f"{figures.reached} of {figures.final.n} reached {figures.target:g} %"
    if figures.first_at_target is not None:
        at_target += f", in epoch {figures.first_at_target:g} (median)"
    # of the last epoch alone it is what the line above says
    lowest = [(f"lowest of the last {figures.lowest_epochs}", summary_words(figures.lowest))]
    lowest = lowest if figures.lowest_epochs > 1 else []
    return table(
        (Column(""), Column("", narrow="wrap")),
        (
            ("last epoch", summary_words(figures.final)),
            *lowest,
            ("optimism of the best epoch", summary_words(figures.best_epoch_optimism, "points")),
            ("gap: clean training images", summary_words(figures.gap, "points")),
            ("gap: running training figure", summary_words(figures.running_gap, "points")),
            ("target", at_target),
            ("from the images alone", f"± {figures.sampling_error:.3f} % (standard error of one accuracy)"),
        ),
    )
