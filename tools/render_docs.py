"""Render every table of figures in the README, records/ and docs/ from records; `--check` compares.

python tools/render_docs.py
"""

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from json import dumps as to_json
from json import loads as parse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from command_pages import command_pages
from pictures import families, pictures

import pennyweight as pw
from pennyweight.api import plan_run
from pennyweight.base.errors import PennyweightError
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
from pennyweight.reporting.outputs import outputs_page, schemas
from pennyweight.reporting.published import choices_table, results_table, runs_table
from pennyweight.reporting.recipes import claim_words
from pennyweight.reporting.text import wrapped
from pennyweight.runs.find import records_in
from pennyweight.runs.record_tree import full_runs, read_tree
from pennyweight.settings.recipe import Recipe
from pennyweight.tables.markdown import to_markdown
from pennyweight.tables.table import Column, Table, right, table

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "records"
SEEDS, CORES = 5, 2
"""The default of `ablate`, and a small laptop's."""
BETWEEN = "\n\n"
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


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
    return parse((RECORDS / "training_seconds.json").read_text())


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


def json() -> Iterator[str]:
    """Yield docs/json.md: the shape of what every command prints with --json."""
    yield outputs_page()


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
        for breach in kind["breaches"]:
            words = " ".join(breach["words"].split())[:200]
            yield f"- breach, case {breach['number']}: `{words}`\n"


def chips() -> Iterator[str]:
    """Yield the tables of docs/chips.md: what every network takes on every board, from docs/chips.json."""
    held = parse((ROOT / "docs" / "chips.json").read_text())
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


def verdict() -> Iterator[str]:
    """Yield what `judge` prints of one published run."""
    yield from shown("judge", "records/mnist/native/pennyweight-8k/seed-0.json")


def layers() -> Iterator[str]:
    """Yield the layers that `show` prints of our own recipe, without what is around them."""
    yield from layers_of("pennyweight-8k")


def layers_of(recipe: str) -> Iterator[str]:
    """Yield the layers that `show` prints of a recipe, without what is around them."""
    first, out, *_ = ended("show", recipe)
    yield f"```\n$ pennyweight {first}\n...\n{out.split(BETWEEN)[1]}\n...\n```"


def formats() -> Iterator[str]:
    """Yield the formats of exports."""
    yield from shown("export", "--list")


def tutorial_layers() -> Iterator[str]:
    """Yield the layers that `show` prints of the tutorial's network."""
    yield from layers_of("progressive-3")


def tutorial_verdict() -> Iterator[str]:
    """Yield what `judge` prints of the tutorial's recipe and seed on MNIST."""
    yield from shown("judge", "records/mnist/native/progressive-3/seed-0.json")


def compared() -> Iterator[str]:
    """Yield what `compare` prints of two published recipes."""
    yield from shown("compare", "progressive-3", "skip-3")


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


def folders() -> Iterator[str]:
    """Yield the folders of some commands, as the command line would name them."""
    digits = pw.dataset("digits")
    words = ([], ["--seed", "3"], ["-s", "epochs=5"], ["-s", "optimizer.learning_rate=0.01"], ["--no-test"])
    rows = []
    for more in (*words, ["--engine", "torch"], ["--out", "mine"]):
        request = pw.Request(
            target="skip-3",
            seed=int(more[1]) if "--seed" in more else 0,
            settings=tuple(more[1:]) if "-s" in more else (),
            dataset=digits,
            engine="torch" if "--engine" in more else "native",
            use_test="--no-test" not in more,
            out=Path("mine") if "--out" in more else None,
        )
        command = " ".join(["pennyweight train skip-3 --dataset digits", *more])
        rows.append((command, plan_run(request).folder))
    yield to_markdown(table((Column("command"), Column("folder")), rows))


def exit_codes() -> Iterator[str]:
    """Yield the exit codes with the errors that end in them, from the classes of the errors."""
    kinds = sorted(PennyweightError.__subclasses__(), key=lambda kind: (kind.exit_code, kind.__name__))
    rows = [("0", "", "Done. The verdict of a finished training is a result, not a failure.")]
    rows += [("1", "", "A judgement failed: judge, audit or verify.")]
    rows += [(str(kind.exit_code), kind.__name__, (kind.__doc__ or "").split("\n\n")[0]) for kind in kinds]
    yield to_markdown(table((Column("exit code"), Column("error in Python"), Column("when")), rows))


COMMONEST = (
    ("A misspelt recipe", "show progresive-3"),
    ("A misspelt setting", "train skip-3 -s optimizer.learning_rat=0.1"),
    ("A value that is none", "train skip-3 -s epochs=many"),
    ("A folder of data that is not there", "train skip-3 --data nowhere"),
    ("A run that is not finished, or a folder that holds none", "judge runs/skip-3"),
    ("A file that was cut off or edited", "judge damaged.json"),
    ("A file in place of a folder", "train skip-3 --dataset digits --engine native --out damaged.json"),
    ("A side of a comparison that is neither a folder nor a recipe", "compare skip-3 skip-4"),
)
"""What goes wrong most often, each with a command that shows it."""


def commonest() -> Iterator[str]:
    """Yield what the commonest mistakes end in, by making them."""
    record = (RECORDS / "mnist" / "native" / "skip-3" / "seed-0.json").read_bytes()
    with TemporaryDirectory() as folder, chdir(folder):
        Path("damaged.json").write_bytes(record[: len(record) // 2])
        for title, words in COMMONEST:
            _, out, err, code = ended(*shlex.split(words))
            said = wrapped(err.strip().splitlines()[-1], width=100)
            yield f"**{title}** (exit {code})\n\n```\n$ pennyweight {words}\n{out}{said}\n```\n"


def shown(*words: str) -> Iterator[str]:
    """Yield a command and what it prints, as in a terminal."""
    line, out, err, code = ended(*words)
    assert code in (0, 1), err
    yield f"```\n$ pennyweight {line}\n{out.rstrip()}\n```"


def ended(*words: str) -> tuple[str, str, str, int]:
    """Return a command as one line, what it printed and its exit code, run in a terminal of 80 columns."""
    # by its name, whose length decides where lines break, wherever this Python lies
    code = f"import sys; sys.argv = {['pennyweight', *words]!r}; from pennyweight.cli.main import run; run()"
    command = [sys.executable, "-c", code]
    surroundings = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings)
    return shlex.join(words), done.stdout, done.stderr, done.returncode


TABLES = {
    function.__name__: function
    for function in (
        *(sentences, recipes, times, runs, claims, contradictions, walk, choices, json, campaign),
        *(analysis, chips, verdict, layers, formats, journeys, documents, folders, exit_codes, commonest),
        *(tutorial_layers, tutorial_verdict, compared),
    )
}
PAGES = (
    *(
        f"{name}.md"
        for name in ("CLAIMS", "CHOICES", "analysis", "json", "reliability", "run_folders", "errors", "chips")
    ),
    *("tutorial.md", "guides/compare_recipes.md"),
)
DOCUMENTS = (
    *(ROOT / "README.md", RECORDS / "README.md"),
    *(ROOT / "docs" / name for name in PAGES),
)


def render(text: str) -> str:
    """Return `text` with every marked table rendered anew."""
    return MARKED.sub(lambda found: found[1] + "\n".join(TABLES[found[2]]()) + "\n" + found[3], text)


def texts() -> Iterator[tuple[Path, str]]:
    """Yield every file that follows from records and code, with what it should hold."""
    yield from ((path, render(path.read_text())) for path in DOCUMENTS)
    for verb, schema in schemas().items():
        yield ROOT / "docs" / "schemas" / f"{verb}.json", f"{to_json(schema, indent=1)}\n"
    yield from ((ROOT / "docs" / "commands" / f"{name}.md", text) for name, text in command_pages())
    yield from ((ROOT / "docs" / "pictures" / f"{name}.svg", text) for name, text in pictures(RECORDS))


def main() -> int:
    """Render the documents, or with `--check` return 1 when one of them is out of date."""
    stale = [(path, text) for path, text in texts() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        print(f"{path.relative_to(ROOT)} does not agree with records and code; run: python tools/render_docs.py")
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
