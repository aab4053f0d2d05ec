"""The front door: every room opens, training works from it, and it costs nothing until it is used."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import pennyweight as pw

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(pw.__path__, "pennyweight.")
    if found.name != "pennyweight.__main__"  # importing it runs the command
)


def test_every_room_is_found() -> None:
    rooms = {name.split(".")[1] for name in MODULES}
    assert {"base", "nets", "data", "training", "recipes", "judging", "reporting", "cli", "api"} <= rooms


@pytest.mark.parametrize("name", MODULES)
def test_every_room_imports(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__


def test_training_works_from_the_facade(tmp_path: Path) -> None:
    record = pw.train("progressive-3", dataset="digits", epochs=1, out=tmp_path / "run")
    assert (record.recipe, record.changes, record.params) == ("progressive-3", ("epochs=1",), 6_188)
    assert record.folder == str(tmp_path / "run")
    model = pw.load(record.folder)
    digits = pw.dataset("digits")
    assert int((model.predict(digits.test_images) == digits.test_labels).sum()) == record.epochs[-1].test_correct
    assert pw.judge(record.folder).runs[0].record.weights_sha256 == record.weights_sha256


def test_every_public_name_is_there_and_no_other() -> None:
    assert dir(pw) == sorted(pw.__all__)
    for name in pw.__all__:
        assert getattr(pw, name).__doc__
    named = [*pw.ELSEWHERE, *(name for names in pw.PLACES.values() for name in names), "__version__"]
    assert sorted(named) == sorted(pw.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        pw.trian  # type: ignore[attr-defined]  # noqa: B018


def test_no_public_name_is_that_of_a_room() -> None:
    """Once a room is imported it would take the place of a function of its name."""
    assert not {name.split(".")[1] for name in MODULES} & set(pw.__all__)


def test_settings_given_in_python_are_those_of_the_command_line() -> None:
    changed = pw.recipe("skip-3", {"optimizer.learning_rate": 0.05, "optimizer.nesterov": True})
    assert changed == pw.recipe("skip-3", ["optimizer.learning_rate=0.05", "optimizer.nesterov=true"])
    assert changed.optimizer.learning_rate == 0.05


def test_settings_change_a_recipe_given_as_a_value_too(tmp_path: Path) -> None:
    from pennyweight.api import plan_run

    recipe = pw.recipe("progressive-1")
    run = plan_run(recipe, settings={"batch_images": 48}, dataset="digits")
    assert run.recipe.batch_images == 48
    assert str(run.folder) == "runs/progressive-1+batch_images=48+dataset=digits/seed-0"


def test_a_recipe_of_one_s_own_has_a_folder_for_every_change(tmp_path: Path) -> None:
    from support import TINY

    from pennyweight.api import plan_run
    from pennyweight.settings.recipe_text import recipe_to_text

    path = tmp_path / "mine.toml"
    path.write_text(recipe_to_text(TINY))
    for given in (str(path), TINY):
        assert str(plan_run(given, dataset="digits").folder) == "runs/tiny+dataset=digits/seed-0"
        run = plan_run(given, epochs=3, dataset="digits", use_test=False, seed=4)
        assert str(run.folder) == "runs/tiny+epochs=3+dataset=digits+no-test/seed-4"
        assert run.changes == ("epochs=3",)


# ---------------------------------------------------------------------------------------------------- its costs

HEAVY = ("torch", "matplotlib", "scipy", "pandas", "onnx")


def loaded_by(code: str, tmp_path: Path) -> tuple[set[str], str]:
    """Return the packages a fresh interpreter has loaded when `code` is done, and what it printed."""
    script = f"""
import atexit, json, sys
atexit.register(lambda: print("LOADED", json.dumps(sorted({{name.split(".")[0] for name in sys.modules}}))))
{code}
"""
    environment = {**os.environ, "PENNYWEIGHT_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120
    )
    assert "Traceback" not in done.stderr
    printed, _, loaded = done.stdout.rpartition("LOADED ")
    return set(json.loads(loaded)), printed


def test_importing_the_package_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded, _ = loaded_by("import pennyweight", tmp_path)
    assert "pennyweight" in loaded
    assert not loaded & {*HEAVY, "numpy", "typer", "rich", "safetensors"}


def test_what_is_used_is_loaded(tmp_path: Path) -> None:
    """The listener of the other tests does see a package that is loaded."""
    loaded, _ = loaded_by("import pennyweight; pennyweight.published_recipes()", tmp_path)
    assert "numpy" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["list"], "progressive-3"),
        (["list", "--json"], '"progressive-3"'),
        (["show", "progressive-3"], "6,188 trained parameters"),
        (["audit", "progressive-3"], "every rule holds"),
        (["--help"], "Commands"),
        (["train", "--help"], "--seeds"),
        (["--version"], "pennyweight "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_looking_never_loads_torch_or_matplotlib(words: list[str], shown: str, tmp_path: Path) -> None:
    code = f"sys.argv = {['pennyweight', *words]!r}\nfrom pennyweight.cli.main import run\nrun()"
    loaded, printed = loaded_by(code, tmp_path)
    assert shown in printed
    assert not loaded & set(HEAVY)
    if "--help" in words:
        assert "numpy" not in loaded
    assert list(tmp_path.iterdir()) == []
