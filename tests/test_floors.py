"""The floors of the house: a room imports only rooms below it, and nothing goes round in a circle."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import pennyweight

HOUSE = Path(pennyweight.__file__).parent

FLOORS: dict[str, float] = {
    "base": 0,
    "nets": 1,
    "data": 1,
    "native": 2,
    "settings": 2,
    "engines": 3,
    "recipes": 3,
    "documents": 3,
    "runs": 4,
    "tables": 5,
    "training": 5,
    "judging": 5,
    "reporting": 6,
    "searching": 6,
    "figures": 6,
    "shipping": 6,
    "pages": 6.5,
    "api": 7,
    "cli": 8,
    "__init__": 9,
    "__main__": 9,
}
"""`api` is what the facade, `pennyweight/__init__.py`, opens: above every room, below the command line."""

Sources = dict[str, str]
"""The text of every module, by its dotted name without `pennyweight.`; a package is `nets.__init__`."""


def sources_of(house: Path) -> Sources:
    return {
        ".".join(path.relative_to(house).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(house.rglob("*.py"))
    }


@cache
def imported(source: str, module: str) -> list[tuple[int, str]]:
    """Return line and full name of everything a module imports, wherever in it: in functions and TYPE_CHECKING too.

    `from x import y` gives `x.y`, because y may be a module; a relative import is made absolute; a module named in a
    call of `import_module` or `__import__` counts as well.
    """
    return list(_imported(source, ["pennyweight", *module.split(".")[:-1]]))


def _imported(source: str, package: list[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, one.name) for one in names)
            case ast.ImportFrom(module=name, names=names, level=level):
                above = package[: len(package) - level + 1] if level else []
                base = ".".join([*above, *([name] if name else [])])
                yield from ((node.lineno, f"{base}.{one.name}") for one in names)
            case ast.Call(func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module")):
                for argument in node.args[:1]:
                    if isinstance(argument, ast.Constant):
                        yield node.lineno, str(argument.value)


def ours(name: str) -> list[str]:
    """Return the parts of an imported name behind `pennyweight`; nothing for another package."""
    first, *rest = name.split(".")
    return rest if first == "pennyweight" else []


def room_of(module: str) -> str:
    return module.split(".")[0]


def broken_floors(sources: Sources) -> list[str]:
    """Return a sentence for every import that does not go to a floor below."""
    rooms = {room_of(module) for module in sources}
    found = []
    for module, source in sources.items():
        room = room_of(module)
        for line, name in imported(source, module):
            parts = ours(name)
            # a name of the facade itself, as `import pennyweight as pw` inside the package, is an import of the top
            target = (parts[0] if parts[0] in rooms else "__init__") if parts else None
            if name == "pennyweight":
                target = "__init__"
            if target is not None and target != room and not FLOORS[target] < FLOORS[room]:
                found.append(f"{module}, line {line}: {room} (floor {FLOORS[room]}) imports {target}")
    return found


def circles(sources: Sources) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or through others."""
    edges = {
        module: {
            target
            for _, name in imported(source, module)
            if (target := _module(ours(name), sources)) is not None and target != module
        }
        for module, source in sources.items()
    }
    reach = {module: _reachable(module, edges) for module in edges}
    groups = {tuple(sorted(other for other in edges if other in reach[one] and one in reach[other])) for one in edges}
    return [list(group) for group in sorted(groups) if group]


def _module(parts: list[str], sources: Sources) -> str | None:
    """Return the module of `sources` that the parts name, themselves or without a last part that is a thing in it."""
    for end in (len(parts), len(parts) - 1):
        for name in (".".join(parts[:end]), ".".join([*parts[:end], "__init__"])):
            if end > 0 and name in sources:
                return name
    return None


def _reachable(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(edges[module])
    return seen


HOUSE_SOURCES = sources_of(HOUSE)


def test_every_module_stands_on_a_floor() -> None:
    assert {room_of(module) for module in HOUSE_SOURCES} <= set(FLOORS)
    assert len(HOUSE_SOURCES) > 50


def test_rooms_import_only_rooms_on_floors_below() -> None:
    assert broken_floors(HOUSE_SOURCES) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(HOUSE_SOURCES) == []


def test_imports_are_really_read() -> None:
    """What trains imports from six rooms below; were that not seen, nothing above would mean anything."""
    modules = ("training.loop", "training.prepare")
    seen = {room_of(".".join(ours(name))) for one in modules for _, name in imported(HOUSE_SOURCES[one], one)}
    assert {"base", "data", "nets", "settings", "engines", "runs"} <= seen
    inside = {name for _, name in imported(HOUSE_SOURCES["cli.show"], "cli.show")}
    assert "pennyweight.api.find_recipe" in inside
    assert "pennyweight.nets.measure.Measurement" in inside


PLANTED = [
    ("a room above", "nets.plan", "from pennyweight.settings.recipe import Recipe"),
    ("a room on the same floor", "nets.plan", "from pennyweight.data.idx import read_images"),
    ("recipes that judge", "recipes.own", "import pennyweight.judging.audit"),
    ("the settings from the engines' floor", "settings.recipe", "from pennyweight.engines.choose import make_engine"),
    ("run folders that train", "runs.folder", "from pennyweight.training.loop import train"),
    ("claims from recipes", "recipes.skip", "from pennyweight.documents.kinds import Claim"),
    ("inside a function", "base.budget", "def f():\n    from pennyweight.nets.plan import Plan"),
    ("inside a method", "base.budget", "class C:\n    def f(self):\n        import pennyweight.nets.plan"),
    ("for type checkers alone", "base.budget", "if TYPE_CHECKING:\n    from pennyweight.nets.plan import Plan"),
    ("a relative import", "base.budget", "from ..nets import plan"),
    ("a relative import of a package", "base.budget", "from .. import nets"),
    ("the whole package", "base.budget", "import pennyweight"),
    ("a room from the package", "recipes.skip", "from pennyweight import cli"),
    ("the facade from a room", "searching.space", "from pennyweight import train"),
    ("the api from a room", "reporting.verdicts", "from pennyweight.api import train"),
    ("the command line from the api", "api.runs", "from pennyweight.cli.app import app"),
    (
        "by name at run time",
        "base.budget",
        "from importlib import import_module\nimport_module('pennyweight.nets.plan')",
    ),
]


@pytest.mark.parametrize(("module", "source"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_planted_violation_is_caught(module: str, source: str) -> None:
    planted = {**HOUSE_SOURCES, module: HOUSE_SOURCES.get(module, "") + "\n" + source}
    found = broken_floors(planted)
    assert len(found) == 1
    assert found[0].startswith(f"{module}, line ")


ALLOWED = [
    ("cli.train", "from pennyweight.api import recipe"),
    ("api.judging", "from pennyweight.judging.verdict import judge"),
    ("reporting.verdicts", "from pennyweight.recipes.catalogue import RECIPES"),
    ("training.loop", "from . import recipe"),
    ("searching.space", "from pennyweight.training.loop import train"),
    ("base.budget", "import numpy, json\nfrom os import path"),
]


@pytest.mark.parametrize(("module", "source"), ALLOWED)
def test_what_the_house_allows_is_not_taken_for_a_violation(module: str, source: str) -> None:
    assert broken_floors({**HOUSE_SOURCES, module: HOUSE_SOURCES.get(module, "") + "\n" + source}) == []


CIRCLES = [
    ("two modules", {"a": "import pennyweight.b", "b": "from pennyweight import a"}, [["a", "b"]]),
    (
        "three modules, one import in a function",
        {
            "r.a": "from pennyweight.r import b",
            "r.b": "from .c import thing",
            "r.c": "def f():\n    import pennyweight.r.a",
        },
        [["r.a", "r.b", "r.c"]],
    ),
    (
        "a package and its module",
        {"r.__init__": "from pennyweight.r.a import x", "r.a": "from . import y"},
        [["r.__init__", "r.a"]],
    ),
    ("a chain", {"a": "import pennyweight.b", "b": "import pennyweight.c", "c": ""}, []),
]


@pytest.mark.parametrize(("sources", "expected"), [case[1:] for case in CIRCLES], ids=[case[0] for case in CIRCLES])
def test_a_planted_circle_is_caught(sources: Sources, expected: list[list[str]]) -> None:
    assert circles(sources) == expected


def third_party(module: str) -> set[str]:
    names = {name.split(".")[0] for _, name in imported(HOUSE_SOURCES[module], module)}
    return names - set(sys.stdlib_module_names) - {"pennyweight", "__future__"}


NEEDS = {
    "base": {"numpy"},
    "nets": {"numpy", "safetensors", "torch"},
    "data": {"numpy", "platformdirs", "PIL"},
    "native": {"numpy", "platformdirs"},
    "settings": {"numpy", "tomli_w"},
    "engines": {"numpy", "torch"},
    "runs": {"numpy"},
    "training": {"numpy"},
    "figures": {"numpy", "matplotlib"},
    "tables": set[str](),
    "recipes": set[str](),
    "documents": {"numpy"},
    "judging": {"numpy"},
    "reporting": {"numpy"},
    "pages": {"PIL", "numpy", "matplotlib", "jinja2"},
    "shipping": {"numpy", "onnx", "onnxruntime"},
    "cli": {"typer"},
    "api": set[str](),
    "__init__": set[str](),
    "__main__": set[str](),
}


@pytest.mark.parametrize("module", sorted(HOUSE_SOURCES))
def test_a_room_needs_only_the_packages_of_its_floor(module: str) -> None:
    assert third_party(module) <= NEEDS.get(room_of(module), {"numpy", "onnx", "onnxruntime", "optuna", "ray"})


def test_torch_is_named_in_two_modules_alone() -> None:
    assert {module for module in HOUSE_SOURCES if "torch" in third_party(module)} == {
        "nets.torch_module",
        "engines.torch",
    }
