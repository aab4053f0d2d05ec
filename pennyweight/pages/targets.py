"""What the words after `report` name: a source document, a recipe, a run, or a folder of runs."""

from dataclasses import dataclass
from pathlib import Path

from pennyweight.base.errors import UnavailableError, did_you_mean
from pennyweight.recipes.catalogue import DOCUMENTS, RECIPES, document_words, family, find_recipe, published
from pennyweight.settings.recipe import Recipe


@dataclass(frozen=True)
class Document:
    """A source document by its title, with its recipes in the order of its steps."""

    title: str
    recipes: tuple[Recipe, ...]


Target = Document | Recipe | Path
"""What a page may be about; a path is that of a run, a record, or a folder of them."""


def find_target(word: str | Path | Recipe) -> Target:
    """Return what a word names; a path that exists comes first, then documents, then recipes and their files.

    A document is named by its number or what the names of its recipes begin with, as `002` or `skip`. A Python file is
    executed. Raises UsageError or UnavailableError where it names nothing.
    """
    if isinstance(word, Recipe):
        return word
    text, path = str(word), Path(word)
    if text.endswith(".toml") or ".py" in path.suffix or text.rpartition(":")[0].endswith(".py"):
        return find_recipe(text)
    if path.exists():
        return path
    if document := find_document(text):
        return document
    if recipe := published(text):
        return recipe
    if isinstance(word, str) and len(path.parts) == 1:
        near = did_you_mean(text, [*document_words(), *(recipe.name for recipe in RECIPES)])
        known = f"a document ({', '.join(document_words())}), a recipe, or a run's folder"
        raise UnavailableError(f"There is no '{text}' to report on.{near} Name {known}.")
    raise UnavailableError(f"There is no run folder {path}. 'pennyweight train' prints where a run is kept.")


def find_document(word: str) -> Document | None:
    """Return the source document of this number or family, or None."""
    for title in DOCUMENTS:
        recipes = tuple(recipe for recipe in RECIPES if recipe.origin.document == title)
        if word in (title.split()[0], family(recipes[0])):
            return Document(title, recipes)
    return None
