"""What was published: the records, and whether they bear out the source documents."""

from functools import cache
from pathlib import Path

from pennyweight.base.errors import unknown_name_error
from pennyweight.base.records import RunRecord
from pennyweight.base.values import coerce
from pennyweight.documents.check import CheckedClaims, check_claim, count_figures
from pennyweight.documents.claims import CLAIMS
from pennyweight.documents.evidence import Evidence
from pennyweight.recipes import catalogue
from pennyweight.runs.published import published_tree
from pennyweight.runs.record_tree import full_runs, read_tree, readings_tried, select


def records(recipe: str | None = None, *, dataset: str | None = None, engine: str | None = None) -> list[RunRecord]:
    """Return the published records, those behind every published figure, by dataset, engine, recipe and seed.

    `recipe` is a name with its changes, as `progressive-3` or `skip-1+epochs=2`. They come with the package, and are
    read offline. Raises UsageError for a recipe, dataset or engine that no published record is of.

    >>> [record.epochs[-1].test_correct for record in pw.records("progressive-3", dataset="mnist")][:3]
    [9947, 9950, 9951]
    """
    tree = published_tree()
    kinds = zip(*(folder.parts for folder in tree.folders()), strict=True)
    for kind, word, known in zip(("dataset", "engine", "recipe"), (dataset, engine, recipe), kinds, strict=True):
        if word is not None and word not in known:
            raise unknown_name_error(f"published record of the {kind}", word, sorted(set(known)))
    return select(tree, recipe=recipe, dataset=dataset, engine=engine)


def claims(document: str | None = None, *, records: str | Path | None = None) -> CheckedClaims:
    """Check what the source documents claim, by document; `document` is its number, as 000.

    `records` is a folder of records, by default the published ones, which come with the package. Raises UsageError for
    an unknown document, UnavailableError when there is no folder `records`.

    >>> [claim.verdict for claim in pw.claims("003")["003 MNIST CNN - 99.4% Accuracy with <20k Parameters"]][:2]
    ['true', 'true']
    """
    coerce("document", document, str | None)
    if document is not None and document not in CLAIMS:
        raise unknown_name_error("document", document, list(CLAIMS))
    tree = read_tree(Path(records)) if records else published_tree()
    by_name = {recipe.name: recipe for recipe in catalogue.RECIPES}
    evidence = Evidence(
        recipes=by_name,
        records=cache(lambda name: full_runs(tree, name, by_name[name].epochs)),
        readings=lambda name: readings_tried(tree, name),
        figures=count_figures(tuple(CLAIMS.values())),
    )
    titles = {title.split()[0]: title for title in catalogue.DOCUMENTS}
    chosen = CLAIMS if document is None else {document: CLAIMS[document]}
    return CheckedClaims(
        (titles[number], tuple(check_claim(claim, evidence) for claim in group)) for number, group in chosen.items()
    )
