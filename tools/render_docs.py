"""Render every table of figures in the README, records/ and docs/ from records; `--check` compares.

python tools/render_docs.py
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import pennyweight as pw
from pennyweight.base.budget import budget_for, check
from pennyweight.base.claims import Reached
from pennyweight.base.records import RunRecord
from pennyweight.base.stats import summary
from pennyweight.judging.ablate import changes
from pennyweight.judging.claims import check_claim
from pennyweight.judging.facts import FALSE, TRUE, UNCHECKABLE, Facts
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import make_plan
from pennyweight.recipes import progressive
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.reporting.tables import claim_words, walk_rows
from pennyweight.training.collect import full_runs, records_in
from pennyweight.training.recipe import Recipe

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "records"
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def accuracies(record: RunRecord, split: str) -> list[float]:
    """Return the accuracy of every epoch on `split`, in percent."""
    rows = [row.val_accuracy if split == "val" else row.test_accuracy for row in record.epochs]
    return [figure for figure in rows if figure is not None]


def recipe_table() -> Iterator[str]:
    """Yield the README's table: every recipe, its claim, and what full runs gave here."""
    headers = ["recipe", "parameters", "MACs", "sees", "epochs", "its document claims (%)", "the same figure here (%)"]
    headers += ["last epoch (%)", "seeds", "kept its budget", "seconds to train"]
    yield "| " + " | ".join(headers) + " |"
    yield "|---|---:|---:|---:|---:|---|---|---|---|---:|---:|"
    for recipe in RECIPES:
        costs = measure(make_plan(recipe.layers))
        records = full_runs(RECORDS, recipe.name, recipe.epochs)
        cells = (
            recipe.name,
            f"{costs.params:,}",
            f"{costs.macs:,}",
            str(costs.receptive_field),
            str(recipe.epochs),
            claim_words(recipe.origin.claim),
            same_figure(recipe, records),
            mean_words([accuracies(record, split_of(records))[-1] for record in records]) if records else "",
            f"{len(records)} {records[0].engine}" if records else "",
            kept(recipe, records),
            f"{min(sum(row.seconds for row in record.epochs) for record in records):.0f}" if records else "",
        )
        yield "| " + " | ".join(cells) + " |"


def same_figure(recipe: Recipe, records: list[RunRecord]) -> str:
    """Return what full runs of the recipe gave for the figure its document claims: best or final, same split."""
    claim = recipe.origin.claim
    if not records:
        return "not run in full yet"
    if claim is None:
        return ""
    curves = [accuracies(record, claim.split) for record in records]
    return mean_words([max(curve) if claim.which == "best" else curve[-1] for curve in curves])


def kept(recipe: Recipe, records: list[RunRecord]) -> str:
    """Return how many of the runs kept the recipe's budget, judged anew."""
    budget = budget_for(recipe.budgets, "mnist")
    if not records or budget is None:
        return ""
    return f"{sum(check(budget, record).met is True for record in records)} of {len(records)}"


def mean_words(figures: list[float]) -> str:
    """Return `99.43 ± 0.03`, or the figure alone when there is one."""
    found = summary(np.array(figures))
    return f"{found.mean:.2f}" + (f" ± {found.deviation:.2f}" if found.n > 1 else "")


def runs_table() -> Iterator[str]:
    """Yield the table of records/README.md: one line for every recipe that was run, with final and lowest figures."""
    yield "| dataset | engine | recipe | seeds | epochs | split | final, % | best, % | lowest of the last 5, % |"
    yield "|---|---|---|---:|---:|---|---|---|---|"
    for folder in sorted(path for path in RECORDS.glob("*/*/*") if path.is_dir() and "choices" not in path.parts):
        dataset, engine, name = folder.relative_to(RECORDS).parts
        records = records_in(folder)
        split = split_of(records)
        curves = [accuracies(record, split) for record in records]
        figures = [[curve[-1] for curve in curves], [max(curve) for curve in curves], [min(c[-5:]) for c in curves]]
        cells = [dataset, engine, name, str(len(records)), str(len(curves[0])), split, *map(mean_words, figures)]
        yield "| " + " | ".join(cells) + " |"


def split_of(records: list[RunRecord]) -> str:
    """Return the split that judges these runs."""
    return "val" if records[0].val_images else "test"


def claims_tables() -> Iterator[str]:
    """Yield docs/CLAIMS.md: every claim of every document with its verdict and reason."""
    for title, checked in pw.claims().items():
        counts = Counter(one.verdict for one in checked)
        yield f"## {title}"
        yield ""
        yield (
            f"{len(checked)} claims: "
            + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
            + "."
        )
        yield ""
        yield "| verdict | of | it says | because |"
        yield "|---|---|---|---|"
        for one in checked:
            about = getattr(one.claim, "recipe", getattr(one.claim, "small", ""))
            yield f"| {one.verdict} | {about} | {one.claim.quote} | {one.reason} |"
        yield ""


def sentences() -> Iterator[str]:
    """Yield one sentence a recipe on how it compares with its document."""
    by_name = {one.name: one for one in RECIPES}
    facts = Facts(by_name, lambda name: full_runs(RECORDS, name, by_name[name].epochs))
    words = {TRUE: "in line", FALSE: "not what we find", UNCHECKABLE: "open"}
    for recipe in RECIPES:
        claim = recipe.origin.claim
        if claim is None:
            continue
        stated = Reached(claim_words(claim), recipe.name, claim.accuracy, claim.split, claim.which)
        checked = check_claim(stated, facts)
        yield f"- `{recipe.name}`, {claim_words(claim)}: {words[checked.verdict]}; {checked.reason}."


def walk_table() -> Iterator[str]:
    """Yield what each change from the first step of document 000 to its third gains, from full runs of all steps."""
    steps = [(words, full_runs(RECORDS, one.name, one.epochs)) for words, one in progressive.WALK]
    headers, rows = walk_rows(changes(steps))
    yield "| " + " | ".join(headers) + " |"
    yield "|---" + "|---:" * (len(headers) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def choices_tables() -> Iterator[str]:
    """Yield docs/CHOICES.md: what every candidate of a choice reached on held-out training images, best first."""
    for group in sorted((RECORDS / "choices").iterdir()):
        yield f"## {group.name}"
        yield ""
        yield "| candidate | parameters | mean of the last five epochs (%) | their lowest (%) | their loss | seeds |"
        yield "|---|---:|---|---:|---:|---:|"
        rows = (choice_row(records_in(folder)) for folder in group.iterdir())
        yield from (text for _, text in sorted(rows, reverse=True))
        yield ""


def choice_row(records: list[RunRecord]) -> tuple[float, str]:
    """Return a candidate's mean held-out accuracy over its last five epochs and seeds, and its line of the table."""
    ends = [accuracies(record, "val")[-5:] for record in records]
    losses = [row.val_loss for record in records for row in record.epochs[-5:] if row.val_loss is not None]
    mean = summary(np.mean(ends, axis=1))
    spread = f" ± {mean.deviation:.3f}" if mean.n > 1 else ""
    cells = f"{mean.mean:.3f}{spread} | {np.mean([min(end) for end in ends]):.3f} | {np.mean(losses):.4f} | {mean.n}"
    return mean.mean, f"| {records[0].recipe} | {records[0].params:,} | {cells} |"


TABLES = {
    "sentences": sentences,
    "recipes": recipe_table,
    "runs": runs_table,
    "claims": claims_tables,
    "walk": walk_table,
    "choices": choices_tables,
}
DOCUMENTS = (ROOT / "README.md", RECORDS / "README.md", ROOT / "docs" / "CLAIMS.md", ROOT / "docs" / "CHOICES.md")


def render(text: str) -> str:
    """Return `text` with every marked table rendered anew."""
    return MARKED.sub(lambda found: found[1] + "\n".join(TABLES[found[2]]()) + "\n" + found[3], text)


def main() -> int:
    """Render the documents, or with `--check` return 1 when one of them is out of date."""
    stale = [path for path in DOCUMENTS if render(path.read_text()) != path.read_text()]
    for path in stale:
        print(f"{path.relative_to(ROOT)} does not agree with records/; run: python tools/render_docs.py")
        if "--check" not in sys.argv:
            path.write_text(render(path.read_text()))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
