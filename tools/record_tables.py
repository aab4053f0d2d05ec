"""Tables of README and docs that follow from records/, and from the JSON of measurements in docs/."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pictures import families

import pennyweight as pw
from pennyweight.documents.check import CheckedClaim
from pennyweight.documents.claims.contradictions import CONTRADICTIONS
from pennyweight.documents.contradictions import found_by
from pennyweight.documents.kinds import Reached
from pennyweight.judging.ablation import ablation_steps
from pennyweight.judging.selection import rank
from pennyweight.pages.analysis import analyse
from pennyweight.pages.rules import RULES
from pennyweight.pages.steps import Step
from pennyweight.recipes import progressive
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.reporting.ablations import ablation_table, effort_words
from pennyweight.reporting.claims import claims_table, contradictions_table, verdict_counts
from pennyweight.reporting.published import choices_table, results_table, runs_table
from pennyweight.reporting.recipes import claim_words
from pennyweight.runs.find import records_in
from pennyweight.runs.record_tree import full_runs, read_tree
from pennyweight.settings.recipe import Recipe
from pennyweight.tables.markdown import to_markdown
from pennyweight.tables.table import Column, Table, right, table

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "records"
SEEDS, CORES = 5, 2
"""The default of `ablate`, and a small laptop's."""


def recipes() -> Iterator[str]:
    """Yield the README's table: every recipe, its claim, and what full runs gave here."""
    tree = read_tree(RECORDS)
    runs = [(recipe, full_runs(tree, recipe.name, recipe.epochs)) for recipe in RECIPES]
    yield to_markdown(results_table(runs, measured_times()["seconds"]))


def times() -> Iterator[str]:
    """Yield where and how the README's seconds were measured."""
    measured = measured_times()
    yield textwrap.fill(
        f"Seconds to train: the median of {measured['epochs']} epochs with their evaluations, times the recipe's "
        "epochs, by the native engine on all cores with nothing else running (`benchmarks/training_time.py`; "
        f"{measured['where']}).",
        width=120,
    )


def measured_times() -> dict[str, Any]:
    """Return what benchmarks/training_time.py wrote."""
    return json.loads((RECORDS / "training_seconds.json").read_text())


def runs() -> Iterator[str]:
    """Yield the table of records/README.md: one line for every recipe that was run, with final and lowest figures."""
    folders = sorted(path for path in RECORDS.glob("*/*/*") if path.is_dir() and "choices" not in path.parts)
    named = {folder.relative_to(RECORDS).parts: records_in(folder) for folder in folders}
    yield to_markdown(runs_table({(dataset, engine, name): group for (dataset, engine, name), group in named.items()}))


def claims() -> Iterator[str]:
    """Yield docs/CLAIMS.md: every claim of every document with its verdict and reason."""
    for title, checked in pw.claims(records=RECORDS).items():
        yield f"## {title}\n"
        yield f"{len(checked)} claims: {verdict_counts(checked)}.\n"
        yield f"{to_markdown(claims_table(checked))}\n"


def contradictions() -> Iterator[str]:
    """Yield what does not agree in the documents, and what finds it here."""
    checked = [claim for document in pw.claims(records=RECORDS).values() for claim in document]
    by_name = {recipe.name: recipe for recipe in RECIPES}
    sources = [(contradiction, found_by(contradiction, checked, by_name)) for contradiction in CONTRADICTIONS]
    yield f"{sum(bool(source) for _, source in sources)} of {len(sources)} are found.\n"
    yield to_markdown(contradictions_table(sources))


def sentences() -> Iterator[str]:
    """Yield one sentence per recipe on how it compares with its document."""
    checked = [claim for document in pw.claims(records=RECORDS).values() for claim in document]
    for recipe in RECIPES:
        if recipe.origin.claim is not None:
            stated = next(claim for claim in checked if is_headline(claim, recipe))
            yield f"- `{recipe.name}`, {claim_words(recipe.origin.claim)}: {stated.verdict}; {stated.reason}."


def is_headline(checked: CheckedClaim, recipe: Recipe) -> bool:
    """Return whether a claim is the one that the recipe's origin names."""
    claim, headline = checked.claim, recipe.origin.claim
    if not isinstance(claim, Reached) or headline is None:
        return False
    stated = headline.accuracy, headline.split, headline.which
    return claim.recipe == recipe.name and stated == (claim.accuracy, claim.split, claim.which)


def walk() -> Iterator[str]:
    """Yield what each change from the first step of document 000 to its third gains, from full runs of all steps."""
    tree = read_tree(RECORDS)
    steps = [(label, full_runs(tree, recipe.name, recipe.epochs)) for label, recipe in progressive.ABLATION]
    effort = effort_words([recipe for _, recipe in progressive.ABLATION], SEEDS, "mnist", tree, CORES)
    yield textwrap.fill(f"The command trains {effort}", width=120) + "\n"
    yield to_markdown(ablation_table(ablation_steps(steps)))


def choices() -> Iterator[str]:
    """Yield docs/CHOICES.md: what every candidate of a choice reached on the validation set, best first."""
    for group in sorted((RECORDS / "choices").iterdir()):
        scores = rank(records_in(folder) for folder in group.iterdir())
        yield f"## {group.name}\n"
        yield f"{to_markdown(choices_table(scores))}\n"


def analysis() -> Iterator[str]:
    """Yield the table of docs/analysis.md: every rule, its figures, and its sentence where it is printed first."""
    tree = read_tree(RECORDS)
    runs = [(words, full_runs(tree, one.name, one.epochs)) for words, one in progressive.ABLATION]
    walked, found = ablation_steps(runs), dict[str, tuple[str, str]]()
    steps = [Step(recipe=one, records=tuple(full_runs(tree, one.name, one.epochs))) for one in RECIPES]
    single = [replace(step, records=step.records[:1]) for step in steps]
    for of, journey in (("", steps), ("one run of ", single)):
        for before, step in zip((None, *journey[:-1]), journey, strict=True):
            alike = before if before and before.document == step.document else None
            for sentence in analyse(step, alike, walked):
                found.setdefault(sentence.rule, (of + step.name, sentence.text))
    columns = (Column("rule"), Column("figures"), Column("of"), Column("as it is printed there"))
    rows = ((one.name, ", ".join(one.needs), *found.get(one.name, ("", "of no published recipe"))) for one in RULES)
    yield to_markdown(table(columns, rows))


def campaign() -> Iterator[str]:
    """Yield the table of docs/reliability.md, what every kind of case does, and what is not as promised."""
    held = json.loads((ROOT / "docs" / "reliability.json").read_text())
    kinds = held["kinds"]
    ways = {kind["kind"]: kind["ways"].values() for kind in kinds}
    cases = {name: sum(way["cases"] for way in held) for name, held in ways.items()}
    struck = {name: sum(way["struck"] for way in held) for name, held in ways.items()}
    breaches = sum(len(kind["breaches"]) for kind in kinds)
    minutes = sum(kind["seconds"] for kind in kinds) / 60
    yield f"{sum(cases.values()):,} cases in {minutes:.0f} minutes with seed {held['seed']}, at commit {held['commit']}"
    yield f"with Python {held['python']} on {held['platform']}: {breaches} breaches.\n"
    columns = (Column("kind"), *right("cases", "struck", "breaches", "seconds"))
    rows = (
        (name, f"{cases[name]:,}", f"{struck[name]:,}", len(kind["breaches"]), kind["seconds"])
        for name, kind in ((kind["kind"], kind) for kind in kinds)
    )
    yield f"{to_markdown(table(columns, rows))}\n"
    for kind in kinds:
        yield f"**{kind['kind']}.** {' '.join(kind['promise'].split())}\n"
        named = (f"{way.replace('_', ' ')} {one['struck']:,} of {one['cases']:,}" for way, one in kind["ways"].items())
        yield f"Struck: {', '.join(named)}.\n"
        for breach in kind["breaches"]:
            words = " ".join(breach["words"].split())[:200]
            yield f"- breach, case {breach['number']}: `{words}`\n"


def chips() -> Iterator[str]:
    """Yield the tables of docs/chips.md: what every network takes on every board, from docs/chips.json."""
    held = json.loads((ROOT / "docs" / "chips.json").read_text())
    figures = held["figures"]
    compilers = ", ".join(sorted({one["compiler"] for one in figures}))
    yield textwrap.fill(
        f"{figures[0]['images']} test images of {held['dataset']} each, at commit {held['commit']}, compiled by "
        f"{compilers} with -Os, run by {held['emulator']}. Labels that differ from those of this machine's compiler: "
        f"{sum(one['labels_changed'] for one in figures)}.",
        width=120,
    )
    for title, chosen in (("c-int8: whole numbers, row by row", "c-int8"), ("c: float", "c")):
        yield f"\n**{title}**\n"
        yield to_markdown(chips_table([one for one in figures if one["format"] == chosen]))
    words = [f"- `{name}`: {said}" for name, said in held["boards"].items()]
    yield "\n" + "\n".join(words)


def chips_table(figures: list[dict[str, Any]]) -> Table:
    """Return one row for each network on each board."""
    columns = (
        *(Column("network"), Column("board")),
        *right("flash", "RAM", "static", "stack stated", "painted", "instructions", "cycles, estimated"),
        Column("compiler's routines"),
    )
    return table(
        columns,
        (
            (
                *(one["network"], one["board"], f"{one['flash_bytes']:,}", f"{one['ram_bytes']:,}"),
                *(f"{one['data_bytes'] + one['bss_bytes']:,}", one["stack_bytes_stated"], one["stack_bytes_painted"]),
                *(f"{one['instructions']:,.0f}", f"{one['cycles_estimated']:,.0f}" if one["cycles_estimated"] else ""),
                ", ".join(one["routines"]),
            )
            for one in figures
        ),
    )


def journeys() -> Iterator[str]:
    """Yield one picture for every document: what its steps cost, and what they reached here."""
    for title, recipes in families().items():
        family = recipes[0].name.partition("-")[0]
        named = ", ".join(recipe.name for recipe in recipes)
        alternative = f"{title.split()[0]}: parameters against accuracy of {named}, an arrow from each step to the next"
        yield f'<img src="docs/pictures/{family}-small.svg" width="420" alt="{alternative}">'


def documents() -> Iterator[str]:
    """Yield the five documents by number and title, with the recipes that are theirs."""
    rows = []
    for title in pw.claims():
        number, _, name = title.partition(" ")
        recipes = [recipe.name for recipe in RECIPES if recipe.origin.document == title]
        rows.append((number, name, ", ".join(recipes)))
    yield to_markdown(table((Column("document"), Column("title"), Column("recipes")), rows))


TABLES = {
    function.__name__: function
    for function in (
        *(recipes, times, runs, claims, contradictions, sentences, walk, choices, analysis, campaign, chips, journeys),
        documents,
    )
}
