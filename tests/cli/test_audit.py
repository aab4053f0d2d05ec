"""`pennyweight audit` of one recipe, of many, and of whole folders."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support import TINY

from pennyweight.judging.audit import Rules, audit
from pennyweight.judging.features import FEATURES
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.reporting.audits import CSV_COLUMNS
from pennyweight.settings.recipe_text import recipe_to_text

ROOT = Path(__file__).parents[2]
PY = "from support import TINY\nfrom dataclasses import replace\nfrom pennyweight.nets.layers import *\n"
W7 = "(Conv(8), BatchNorm(), Relu(), MaxPool(), Conv(8), Relu(), Conv(CLASSES, kernel=11), GlobalAvgPool())"


@pytest.fixture
def class_of_six(here: Path) -> Path:
    """A folder of submissions: one passes, one fails, one evades, two are broken, one holds two recipes."""
    folder = here / "subs"
    folder.mkdir()
    (folder / "anna.py").write_text(PY + "BASE = TINY\nprint('from a submission')")
    (folder / "ben.toml").write_text(recipe_to_text(replace(TINY, name="ben", epochs=9)))
    (folder / "cem.py").write_text(PY + f"del TINY\nfrom support import TINY as _T\nNET = replace(_T, layers={W7})")
    (folder / "dora.py").write_text("def")
    (folder / "emil.py").write_text("raise SystemExit(0)")
    (folder / "fatma.py").write_text(PY + "A = replace(TINY, epochs=1)\nB = replace(TINY, epochs=2, name='b')")
    return folder


RULES = ("--max-params", 12_000, "--max-epochs", 5, "--require", "gap", "--forbid", "linear")


def test_many_targets_are_one_table_and_the_broken_do_not_stop_the_others(
    class_of_six: Path, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    files = sorted(str(path.relative_to(class_of_six.parent)) for path in class_of_six.iterdir())
    ended = command("audit", *files, *RULES)
    assert ended.code == 2
    assert ended.out.splitlines() == [
        "target         result  rules that fail",
        "subs/anna.py   pass",
        "subs/ben.toml  FAIL    epochs",
        "subs/cem.py    FAIL    gap, linear",
        "subs/dora.py   ERROR   subs/dora.py fails when it is run: SyntaxError: invalid",
        "                       syntax (dora.py, line 1)",
        "subs/emil.py   ERROR   subs/emil.py fails when it is run: SystemExit: 0",
        "subs/fatma.py  ERROR   subs/fatma.py holds 3 recipes: TINY, A, B. Name one, as",
        "                       subs/fatma.py:TINY.",
        "1 of 6 targets pass, 2 fail, 3 could not be audited",
        "  This shows the cost and receptive field of every layer:",
        "    pennyweight show subs/ben.toml",
    ]


def test_a_folder_means_the_recipe_files_in_it(class_of_six: Path, command) -> None:
    files = sorted(str(path.relative_to(class_of_six.parent)) for path in class_of_six.iterdir())
    assert command("audit", "subs", *RULES) == command("audit", *files, *RULES)


CODES = [
    (["progressive-3", "skip-3", "--max-params", "8000"], 0),
    (["progressive-3", "skip-1", "--max-params", "8000"], 1),
    (["progressive-3", "nothing.toml", "--max-params", "8000"], 2),
    (["skip-1", "nothing.toml", "--max-params", "8000"], 2),
    (["skip-1", "free.toml"], 2),
    (["progressive-3", "progressive-3"], 0),
    (["progressive-3", "progressive-1-blocks"], 0),
]


@pytest.mark.parametrize(("words", "code"), CODES, ids=[" ".join(words) for words, _ in CODES])
def test_what_could_not_be_audited_wins_over_what_fails(words: list[str], code: int, command, here: Path) -> None:
    (here / "free.toml").write_text(recipe_to_text(replace(TINY, name="free", budgets=())))
    ended = command("audit", *words)
    assert (ended.code, ended.err) == (code, "")
    assert len([line for line in ended.out.splitlines() if line.startswith(words[0])]) == 1 + (words[0] == words[1])


def test_a_folder_is_read_in_a_documented_order(here: Path, command) -> None:
    text = recipe_to_text(TINY)
    for name in ("b.toml", "s10.toml", "s9.toml", "_own.toml", ".hidden.toml", "notes.txt"):
        (here / "class" / name).parent.mkdir(exist_ok=True)
        (here / "class" / name).write_text(text)
    for name in ("seed-10", "seed-2", "empty", "a.py"):
        (here / "class" / name).mkdir()
    for name in ("seed-10", "seed-2"):
        (here / "class" / name / "recipe.toml").write_text(text)
    rows = json.loads(command("audit", "class", "--json").out)
    assert [row["target"] for row in rows] == [
        *("class/b.toml", "class/s9.toml", "class/s10.toml"),
        *("class/seed-2/recipe.toml", "class/seed-10/recipe.toml"),
    ]


def test_a_run_folder_means_its_recipe(digits_run: Path, here: Path, command) -> None:
    shutil.copytree(digits_run, here / "runs" / "tiny" / "seed-0")
    for folder, file in (("runs/tiny/seed-0", "recipe.toml"), ("runs/tiny", "seed-0/recipe.toml")):
        (row,) = json.loads(command("audit", folder, "--json").out)
        assert (row["target"], row["recipe"], row["met"]) == (f"{folder}/{file}", "tiny", True)
        assert command("audit", folder).out.startswith("tiny: every rule holds\n")


def test_a_python_file_without_a_recipe_is_left_out_of_a_folder_and_named(here: Path, command) -> None:
    (here / "class").mkdir()
    (here / "class" / "blocks.py").write_text("WIDTH = 8")
    alone = command("audit", "class")
    assert (alone.code, alone.out) == (2, "")
    assert "Left out because they hold no recipe: class/blocks.py." in alone.err
    (here / "class" / "tiny.toml").write_text(recipe_to_text(TINY))
    ended = command("audit", "class")
    assert ended.code == 0
    assert ended.err == "Left out because they hold no recipe: class/blocks.py.\n"
    named = command("audit", "class/blocks.py", "class/tiny.toml")
    assert named.code == 2
    assert "ERROR   class/blocks.py holds no recipe" in named.out


def test_a_folder_without_recipes_is_an_error(here: Path, command) -> None:
    (here / "empty").mkdir()
    ended = command("audit", "empty", "progressive-3")
    assert ended.code == 2
    assert "empty          ERROR   empty holds no recipe file" in ended.out
    assert command("audit", "empty").code == 2


# ---------------------------------------------------------------------------------------------------- shapes


def test_csv_has_one_line_per_target_and_rule(class_of_six: Path, command) -> None:
    ended = command("audit", "subs/anna.py", "subs/cem.py", "subs/dora.py", *RULES, "--csv")
    assert ended.code == 2
    header, *lines = csv.reader(io.StringIO(ended.out))
    assert tuple(header) == CSV_COLUMNS
    assert lines[0] == ["subs/anna.py", "tiny", "parameters", "at most 12,000", "404", "true", ""]
    assert [line[0] for line in lines] == ["subs/anna.py"] * 4 + ["subs/cem.py"] * 4 + ["subs/dora.py"]
    assert [(line[2], line[5]) for line in lines[4:8]] == [
        *(("parameters", "true"), ("epochs", "true"), ("gap", "false"), ("linear", "false")),
    ]
    assert lines[-1][1:6] == [""] * 5
    assert "SyntaxError" in lines[-1][6]
    one = command("audit", "subs/anna.py", *RULES, "--csv")
    assert (one.code, list(csv.reader(io.StringIO(one.out)))) == (0, [header, *lines[:4]])


def test_json_of_one_recipe_is_an_object_and_of_several_a_list_of_them(class_of_six: Path, command) -> None:
    one = json.loads(command("audit", "subs/ben.toml", *RULES, "--json").out)
    assert set(one) == {"recipe", "met", "limits"}
    ended = command("audit", "subs/ben.toml", "subs/dora.py", *RULES, "--json")
    assert ended.code == 2
    good, broken = json.loads(ended.out)
    assert good == {"target": "subs/ben.toml", **one, "error": ""}
    assert (broken["target"], broken["recipe"], broken["met"], broken["limits"]) == ("subs/dora.py", None, None, [])
    assert "SyntaxError" in broken["error"]


def test_rules_are_checked_before_any_file_is_run(here: Path, command) -> None:
    (here / "r.py").write_text(PY + "open('ran', 'w').close()")
    assert command("audit", "r.py", "skip-3", "--require", "gpa").code == 2
    assert not (here / "ran").exists()
    assert command("audit", "r.py", "skip-3", "--require", "gap").code == 0
    assert (here / "ran").exists()


def test_every_screen_fits_80_columns(class_of_six: Path, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    deep = class_of_six / ("a-folder-with-a-long-name-" * 4) / "submission-of-somebody.toml"
    deep.parent.mkdir()
    deep.write_text(recipe_to_text(TINY))
    everything = ("--require", ",".join(FEATURES), "--max-macs", 1, "--min-receptive-field", 99, "--max-params", 1)
    screens = [command("audit", name, *everything).out for name in (*RECIPE_NAMES, deep)]
    screens.append(command("audit", *RECIPE_NAMES, deep, class_of_six, "nothing.toml", *everything).out)
    assert "\u2026" in screens[-1]
    assert "submission-of-somebody.toml  FAIL" in screens[-1]
    screens.append(command("audit", "--help").out)
    assert [line for screen in screens for line in screen.splitlines() if len(line) > 80] == []


def test_a_submission_cannot_write_over_the_lines_of_others(here: Path, command) -> None:
    (here / "a\nb.py").write_text("raise ValueError('first\\nsecond \\x1b[1A\\rpass')")
    ended = command("audit", "a\nb.py", "progressive-3")
    line, *_ = (line for line in ended.out.splitlines() if line.startswith("a b.py"))
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out
    assert "ValueError: first second ?[1A pass" in " ".join(ended.out.split())
    assert line.split()[2] == "ERROR"


def test_a_wider_screen_cuts_and_wraps_less(class_of_six: Path, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = command("audit", "subs", *RULES).out
    assert (
        "subs/dora.py   ERROR   subs/dora.py fails when it is run: SyntaxError: invalid syntax (dora.py, line 1)" in out
    )
    assert len(out.splitlines()) == 10


# ---------------------------------------------------------------------------------------------------- words


def test_the_help_says_what_each_feature_means_and_what_is_executed(command) -> None:
    words = " ".join(command("audit", "--help").out.split())
    for name, meaning in FEATURES.items():
        assert f"{name} {meaning}" in words
    assert "Python files are executed, TOML files are not." in words
    for verb in ("show", "train"):
        assert "A Python file is executed, a TOML file is not." in " ".join(command(verb, "--help").out.split())


def test_the_documentation_explains_every_feature_and_no_other() -> None:
    text = (ROOT / "docs" / "audit.md").read_text()
    explained = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `") and "`--" not in line}
    assert explained == set(FEATURES)
    assert ", ".join(f"`{column}`" for column in CSV_COLUMNS) in text
    assert "docs/audit.md" in (ROOT / "README.md").read_text()


def test_the_commands_of_the_documentation_work(command) -> None:
    text = (ROOT / "docs" / "audit.md").read_text()
    lines = [line.split() for line in text.splitlines() if line.startswith("pennyweight ")]
    ends = {(one.code, one.err) for one in (command(*words) for _, *words in lines)}
    assert len(lines) == 3
    assert ends == {(1, "")}  # each shows a rule that fails


def test_python_gets_the_answers_of_the_command(command) -> None:
    facts = json.loads(command("audit", "skip-1", "--forbid", "linear", "--max-macs", 2_000_000, "--json").out)
    from pennyweight.recipes.catalogue import find_recipe

    found = audit(find_recipe("skip-1"), Rules(forbid=("linear",), max_macs=2_000_000))
    assert facts["met"] is found.met is False
    assert [limit["measured"] for limit in facts["limits"]] == [limit.measured for limit in found.limits]
