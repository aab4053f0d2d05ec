"""Finding a recipe: by its name, in a `recipe.toml`, or in a Python file, as `path.py` or `path.py:NAME`."""

import re
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from pennyweight.base.errors import NoRecipeError, UnavailableError, UsageError, did_you_mean
from pennyweight.base.reading import read_regular
from pennyweight.nets.text import words_on_layer
from pennyweight.recipes import compact, evolution, iteration, own, progressive, skip
from pennyweight.settings.recipe import Recipe, check_recipe
from pennyweight.settings.recipe_text import LARGEST_RECIPE_BYTES, recipe_from_text

RECIPES: tuple[Recipe, ...] = (
    *progressive.RECIPES,
    *evolution.RECIPES,
    *skip.RECIPES,
    *compact.RECIPES,
    *iteration.RECIPES,
    *own.RECIPES,
)
DOCUMENTS = tuple(module.DOCUMENT for module in (progressive, evolution, skip, compact, iteration))
"""The source documents: a number and a title."""
ABLATIONS = {"progressive": progressive.ABLATION}
"""Published recipes with what lies between them, one change at a time."""
RECIPE_NAMES = tuple(recipe.name for recipe in RECIPES)
_UNKNOWN_FIELD = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_UNKNOWN_NAME = re.compile(r"(?:module 'pennyweight' has no attribute|cannot import name) '(\w+)'")


def find_recipe(target: str) -> Recipe:
    """Return the recipe `target` names: a published name, a TOML file, `path.py:NAME`, or `path.py` with one recipe.

    A Python file is executed, a TOML file is not. Raises UsageError for an unknown name (with the nearest one) or an
    invalid recipe, UnavailableError for a file that cannot be read.
    """
    named = published(target)
    if named is not None:
        return named
    try:
        recipe = _in_file(target)
        check_recipe(recipe)
    except RecursionError as error:
        raise UsageError(f"The layers of {target} are nested too deep to be read.") from error
    return recipe


def _in_file(target: str) -> Recipe:
    path_text, colon, name = target.rpartition(":")
    if colon and path_text.endswith(".py"):
        return _named_in(Path(path_text), name)
    if target.endswith(".py"):
        return _only_one_in(Path(target))
    if target.endswith(".toml"):
        return _from_toml(Path(target))
    if (Path(target) / "recipe.toml").exists():
        raise UsageError(f"{target} is the folder of a run; its recipe is {Path(target) / 'recipe.toml'}.")
    raise UsageError(
        f"There is no recipe '{target}'.{did_you_mean(target, RECIPE_NAMES)} "
        "'pennyweight list' shows all; a file is given as recipe.toml, path.py or path.py:NAME."
    )


def recipe_files(folder: Path) -> list[Path]:
    """Return the `*.toml` and `*.py` files in `folder`, then the `recipe.toml` of each folder in it, as of its runs.

    Both are in the order of their names, numbers by value. Names that start with a dot or an underscore are left out.
    Raises UnavailableError for a folder that cannot be read.
    """
    try:
        inside = sorted((path for path in folder.iterdir() if path.name[0] not in "._"), key=_natural_order)
        files = [path for path in inside if path.suffix in (".toml", ".py") and not path.is_dir()]
        return files + [path / "recipe.toml" for path in inside if (path / "recipe.toml").exists()]
    except OSError as error:
        raise UnavailableError(f"Cannot read the folder {folder}: {error.strerror}.") from error


def _natural_order(path: Path) -> list[str | int]:
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def published(name: str) -> Recipe | None:
    """Return the published recipe of this name, or of a walk, or None."""
    walked = (recipe for walk in ABLATIONS.values() for _, recipe in walk)
    return next((recipe for recipe in (*RECIPES, *walked) if recipe.name == name), None)


def family(recipe: Recipe) -> str:
    """Return what the names of a document's recipes begin with: `skip` of `skip-1`."""
    return recipe.name.partition("-")[0]


def document_words() -> list[str]:
    """Return what names a source document: the numbers of all, then their families."""
    numbers = [title.split()[0] for title in DOCUMENTS]
    return [*numbers, *dict.fromkeys(family(recipe) for recipe in RECIPES if recipe.origin.document)]


def step_before(recipe: Recipe) -> Recipe | None:
    """Return the recipe of the step before in the same source document, or None."""
    steps = [one for one in RECIPES if one.origin.document and one.origin.document == recipe.origin.document]
    place = next((place for place, one in enumerate(steps) if one.name == recipe.name), 0)
    return steps[place - 1] if place else None


def _from_toml(path: Path) -> Recipe:
    try:
        text = read_regular(path, LARGEST_RECIPE_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(f"Cannot read the recipe {path}: {_reason(error)}.") from error
    return recipe_from_text(text, str(path))


def _named_in(path: Path, name: str) -> Recipe:
    values = _values_in(path)
    recipes = _recipes(values)
    if name in recipes:
        return recipes[name]
    if name in _torch_modules(values):
        raise UsageError(_of_torch(path, name))
    known = ", ".join(_own(recipes)) or "none"
    raise UsageError(f"{path} holds no recipe '{name}'.{did_you_mean(name, recipes)} Recipes in it: {known}.")


def _only_one_in(path: Path) -> Recipe:
    """Return the one recipe of a file; a published one it starts from and names with an underscore are passed by."""
    values = _values_in(path)
    recipes = _recipes(values)
    if not recipes and (modules := _torch_modules(values)):
        raise UsageError(_of_torch(path, modules[0]))
    if not recipes:
        raise NoRecipeError(
            f"{path} holds no recipe, which is a value made by Recipe(...); see docs/adding_a_recipe.md."
        )
    meant = _own(recipes)
    first, *others = meant.values()
    if any(other != first for other in others):
        example = next(iter(meant))
        raise UsageError(f"{path} holds {len(meant)} recipes: {', '.join(meant)}. Name one, as {path}:{example}.")
    return first


def _own(recipes: dict[str, Recipe]) -> dict[str, Recipe]:
    """Return a file's recipes without published ones it starts from and private names, where any other is left."""
    own = {name: one for name, one in recipes.items() if not name.startswith("_") and published(one.name) != one}
    return own or recipes


def _recipes(values: dict[str, object]) -> dict[str, Recipe]:
    return {name: value for name, value in values.items() if isinstance(value, Recipe)}


def _torch_modules(values: dict[str, object]) -> list[str]:
    """Return the names of PyTorch modules among a file's values, classes or objects, but for PyTorch's own."""
    base = getattr(sys.modules.get("torch.nn"), "Module", None)  # a file that has one has loaded it
    kinds = {name: value if isinstance(value, type) else type(value) for name, value in values.items()}
    return [name for name, kind in kinds.items() if base and issubclass(kind, base) and not _is_torchs_own(kind)]


def _is_torchs_own(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "torch"


def _of_torch(path: Path, name: str) -> str:
    return (
        f"'{name}' in {path} is a PyTorch module, which cannot be read as a recipe. Write its layers as a recipe's, "
        "(Conv(8), BatchNorm(), Relu(), ...); see docs/adding_a_recipe.md."
    )


def _values_in(path: Path) -> dict[str, object]:
    """Run a Python file and return its values by name; what it prints goes to stderr, for stdout is ours."""
    try:
        read_regular(path, LARGEST_RECIPE_BYTES)  # `run_path` would wait for ever where a pipe stands
    except OSError as error:
        raise UnavailableError(f"Cannot read the recipe {path}: {_reason(error)}.") from error
    try:
        with redirect_stdout(sys.stderr), _imports_beside(path):
            names: dict[str, object] = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # the user's own code may raise anything
        way_on = _way_on(error)
        message = f"{path} fails when it is run: {type(error).__name__}: {error}{f'. {way_on}' if way_on else ''}"
        raise UsageError(message) from error
    return names


def _way_on(error: BaseException) -> str:
    """Return what to do about an error in a user's file where it is about what a recipe is made of, else nothing."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("pennyweight."):
        return "Import what a recipe is made of from pennyweight itself: from pennyweight import Recipe, Conv."
    if found := _UNKNOWN_FIELD.match(str(error)):
        return words_on_layer(found[1], found[2])
    return words_on_layer(found[1]) if (found := _UNKNOWN_NAME.match(str(error))) else ""


@contextmanager
def _imports_beside(path: Path) -> Iterator[None]:
    """Let a file import those beside it, as a script may, and leave neither them nor a cache of them behind.

    The next file may have others of the same names beside it.
    """
    folder, before, writes_none = path.resolve().parent, set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes_none
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and folder in Path(file).resolve().parents:
                del sys.modules[name]


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
