"""Render every table of figures in the README, records/ and docs/ from records; `--check` compares.

python tools/render_docs.py
"""

import re
import sys
from collections.abc import Iterator
from json import dumps as to_json
from json import loads as parse
from pathlib import Path

import pennyweight as pw
from pennyweight.documents.check import CheckedClaim
from pennyweight.documents.claims.contradictions import CONTRADICTIONS
from pennyweight.documents.contradictions import found_by
from pennyweight.documents.kinds import Reached
from pennyweight.judging.ablation import ablation_steps
from pennyweight.judging.selection import rank
from pennyweight.recipes import progressive
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.reporting.ablations import ablation_table
from pennyweight.reporting.claims import claims_table, contradictions_table, verdict_counts
from pennyweight.reporting.outputs import outputs_page, schemas
from pennyweight.reporting.published import choices_table, results_table, runs_table
from pennyweight.reporting.recipes import claim_words
from pennyweight.runs.find import records_in
from pennyweight.runs.record_tree import full_runs, read_tree
from pennyweight.settings.recipe import Recipe
from pennyweight.tables.markdown import to_markdown
from pennyweight.tables.table import Column, right, table

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "records"
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def recipes() -> Iterator[str]:
    """Yield the README's table: every recipe, its claim, and what full runs gave here."""
    tree = read_tree(RECORDS)
    runs = [(recipe, full_runs(tree, recipe.name, recipe.epochs)) for recipe in RECIPES]
    yield to_markdown(results_table(runs))


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
    yield to_markdown(ablation_table(ablation_steps(steps)))


def choices() -> Iterator[str]:
    """Yield docs/CHOICES.md: what every candidate of a choice reached on the validation set, best first."""
    for group in sorted((RECORDS / "choices").iterdir()):
        scores = rank(records_in(folder) for folder in group.iterdir())
        yield f"## {group.name}\n"
        yield f"{to_markdown(choices_table(scores))}\n"


def json() -> Iterator[str]:
    """Yield docs/json.md: the shape of what every command prints with --json."""
    yield outputs_page()


def campaign() -> Iterator[str]:
    """Yield the table of docs/reliability.md, what every kind of case does, and what is not as promised."""
    held = parse((ROOT / "docs" / "reliability.json").read_text())
    kinds = held["kinds"]
    cases, breaches = sum(kind["cases"] for kind in kinds), sum(len(kind["breaches"]) for kind in kinds)
    minutes = sum(kind["seconds"] for kind in kinds) / 60
    yield f"{cases:,} cases in {minutes:.0f} minutes with seed {held['seed']}, at commit {held['commit']} with Python"
    yield f"{held['python']} on {held['platform']}: {breaches} breaches.\n"
    columns = (Column("kind"), *right("cases", "breaches", "seconds"))
    rows = ((kind["kind"], f"{kind['cases']:,}", len(kind["breaches"]), kind["seconds"]) for kind in kinds)
    yield f"{to_markdown(table(columns, rows))}\n"
    for kind in kinds:
        yield f"**{kind['kind']}.** {' '.join(kind['promise'].split())}\n"
        yield from (f"- breach, case {one['number']}: `{' '.join(one['words'].split())}`" for one in kind["breaches"])


TABLES = {
    function.__name__: function
    for function in (sentences, recipes, runs, claims, contradictions, walk, choices, json, campaign)
}
DOCUMENTS = (
    *(ROOT / "README.md", RECORDS / "README.md"),
    *(ROOT / "docs" / name for name in ("CLAIMS.md", "CHOICES.md", "json.md", "reliability.md")),
)


def render(text: str) -> str:
    """Return `text` with every marked table rendered anew."""
    return MARKED.sub(lambda found: found[1] + "\n".join(TABLES[found[2]]()) + "\n" + found[3], text)


def texts() -> Iterator[tuple[Path, str]]:
    """Yield every file that follows from records and code, with what it should hold."""
    yield from ((path, render(path.read_text())) for path in DOCUMENTS)
    for verb, schema in schemas().items():
        yield ROOT / "docs" / "schemas" / f"{verb}.json", f"{to_json(schema, indent=1)}\n"


def main() -> int:
    """Render the documents, or with `--check` return 1 when one of them is out of date."""
    stale = [(path, text) for path, text in texts() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        print(f"{path.relative_to(ROOT)} does not agree with records and code; run: python tools/render_docs.py")
        if "--check" not in sys.argv:
            path.write_text(text)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
