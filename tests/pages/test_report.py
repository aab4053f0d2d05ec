"""`pennyweight report`: what can be named, where the page goes, and a sentence for what cannot be shown."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support import TINY

import pennyweight as pw
from pennyweight.base.errors import PennyweightError, UnavailableError, UsageError
from pennyweight.pages.check import check_page
from pennyweight.pages.gather import gather
from pennyweight.pages.render import render
from pennyweight.pages.targets import Document, find_target
from pennyweight.pages.write import page_path, write_page


@pytest.fixture
def course(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of the runs in `course/tiny`, which is the working folder."""
    shutil.copytree(runs, tmp_path / "course" / "tiny")
    monkeypatch.chdir(tmp_path / "course")
    monkeypatch.setenv("PENNYWEIGHT_DATA", str(tmp_path / "no-data"))
    return tmp_path / "course"


@pytest.mark.parametrize(
    ("word", "first"), [("000", "progressive-1"), ("skip", "skip-1"), ("evolution", "evolution-v1")]
)
def test_a_document_is_named_by_its_number_or_its_family(word: str, first: str) -> None:
    target = find_target(word)
    assert isinstance(target, Document)
    assert target.recipes[0].name == first


def test_a_folder_wins_over_a_document_and_a_recipe(course: Path) -> None:
    assert isinstance(find_target("skip"), Document)
    for name in ("skip", "skip-1"):
        (course / name).mkdir()
        assert find_target(name) == Path(name)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("progresive", "Did you mean 'progressive'?"),
        ("progressive-4", "Did you mean 'progressive-"),
        ("zebra", "Name a document (000, 001"),
        ("runs/nothing", "There is no run folder runs/nothing"),
        ("nothing.toml", "Cannot read the recipe nothing.toml"),
    ],
)
def test_what_names_nothing_is_refused_with_what_is_near(word: str, words: str, course: Path) -> None:
    with pytest.raises(PennyweightError) as refused:
        pw.report(word)
    assert words in str(refused.value)


def test_nothing_to_report_on_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to report on"):
        pw.report()


def test_the_page_goes_into_the_folder_it_is_about(course: Path) -> None:
    assert page_path(["tiny/seed-0"]) == Path("tiny/seed-0/report.html")
    assert page_path(["tiny"]) == Path("tiny/report.html")
    assert page_path(["progressive"]) == Path("runs/progressive/report.html")
    assert page_path(["000"]) == Path("runs/progressive/report.html")
    assert page_path(["skip-3"]) == Path("runs/skip-3/report.html")
    assert page_path(["tiny", "skip-3"]) == Path("runs/report.html")
    assert page_path([TINY]) == Path("runs/tiny/report.html")


def test_a_page_is_one_file_that_asks_for_nothing(course: Path) -> None:
    written = pw.report("tiny")
    page = Path(written.page).read_text(encoding="utf-8")
    assert (written.page, written.steps, written.notes) == ("tiny/report.html", ("tiny",), ())
    assert written.size_bytes == len(page.encode())
    for asks in ("http://", "https://", "src=", "@import", "url(http", "<link"):
        assert asks not in page.replace("http://www.w3.org", ""), asks
    assert "default-src 'none'" in page
    assert str(course) not in page


def test_seeds_of_a_folder_are_one_step_and_other_runs_another(course: Path) -> None:
    pw.train(TINY, dataset="digits", epochs=1, out="short/seed-0", progress=False)
    assert [(one.label, len(one.step.records)) for one in gather(["tiny"]).chapters] == [("tiny", 3)]
    found = gather([Path(".")])
    assert [one.step.recipe.epochs for one in found.chapters] == [1, 2]
    assert len({one.label for one in found.chapters}) == 2


def test_a_run_whose_folder_has_a_name_that_is_no_utf_8_gets_a_page_that_can_be_checked(course: Path) -> None:
    folder = Path(os.fsdecode(b"caf\xe9"))
    shutil.copytree("tiny/seed-0", folder / "run")
    write_page([folder], Path("page.html"), None)
    assert "caf\\xe9" in Path("page.html").read_text(encoding="utf-8")
    assert check_page(Path("page.html")).agrees


@pytest.mark.slow
def test_three_students_with_one_recipe_and_one_seed_stand_side_by_side(course: Path) -> None:
    for name in ("anna", "ben", "carl"):
        shutil.copytree("tiny/seed-0", f"{name}")
    for words in (["anna", "ben", "carl"], ["."]):
        if words == ["."]:
            shutil.rmtree("tiny")
        found = gather(words)
        assert len(found.chapters) == 3
        labels = [one.label for one in found.chapters]
        assert all(name in label for name, label in zip(("anna", "ben", "carl"), labels, strict=True)), labels
        page = render(found)
        assert all(label in page for label in labels)
        highest = re.search(
            r"3 side by side: (.*) end highest, at \d+\.\d\d\N{NO-BREAK SPACE}%",
            page.replace("&nbsp;", "\N{NO-BREAK SPACE}"),
        )  # they are copies of one run
        assert highest
        assert highest[1] == f"{labels[0]}, {labels[1]} and {labels[2]}"


def test_a_run_that_cannot_be_read_is_named_on_the_page_and_the_others_are_shown(course: Path) -> None:
    record = json.loads((course / "tiny/seed-1/record.json").read_text())
    (course / "tiny/seed-1/record.json").write_text(json.dumps({**record, "schema": 0}))
    written = pw.report("tiny")
    page = Path(written.page).read_text(encoding="utf-8")
    assert "its schema is 0, this version reads 1" in page
    assert len(written.notes) == 1
    assert pw.verify(written.page).agrees
    with pytest.raises(PennyweightError, match="its schema is 0"):
        pw.report("tiny/seed-1")


def test_students_of_one_recipe_and_other_seeds_are_no_seeds_of_it(course: Path) -> None:
    for seed, name in enumerate(("anna", "ben", "carl")):
        shutil.move(f"tiny/seed-{seed}", name)
    shutil.rmtree("tiny")
    found = gather(["."])
    assert [one.label for one in found.chapters] == ["anna (tiny)", "ben (tiny)", "carl (tiny)"]
    assert "2 seeds" not in render(found)


@pytest.mark.slow
def test_a_run_that_is_named_and_refused_hides_no_other(course: Path) -> None:
    for name in ("anna", "ben", "carl"):
        shutil.copytree("tiny/seed-0", name)
    record = json.loads(Path("carl/record.json").read_text())
    Path("carl/record.json").write_text(json.dumps({**record, "schema": 0}))
    written = pw.report("anna", "ben", "carl", out="course.html")
    assert written.steps == ("anna (tiny)", "ben (tiny)")
    (note,) = written.notes
    assert note.startswith("carl: refused. ")
    for path in (written.page, written.markdown):
        text = Path(path).read_text(encoding="utf-8")
        assert "1 run refused: carl" in text
        assert "carl: refused. " in text
        assert "its schema is 0" in text
    assert pw.verify(written.page).agrees
    shutil.rmtree("ben")
    assert "carl: refused. " in Path(pw.report("anna", "carl", out="two.html").markdown).read_text(encoding="utf-8")
    with pytest.raises(PennyweightError, match="its schema is 0"):
        pw.report("carl", "carl/record.json")


def test_a_page_says_on_which_data_and_images_a_run_was_judged(course: Path) -> None:
    record = pw.load("tiny/seed-0").record
    counted = f"digits, {record.train_images:,} training and {record.test_images:,} test images"
    written = pw.report("tiny")
    for path in (written.page, written.markdown):
        assert counted in Path(path).read_text(encoding="utf-8")


def test_an_empty_folder_is_refused(course: Path) -> None:
    (course / "empty").mkdir()
    with pytest.raises(UnavailableError, match="holds no finished run"):
        pw.report("empty")


def test_a_recipe_without_runs_shows_its_network_and_names_the_command(course: Path) -> None:
    recipe = replace(TINY, name="mine")
    from pennyweight.settings.recipe_text import recipe_to_text

    Path("mine.toml").write_text(recipe_to_text(recipe))
    written = pw.report("mine.toml")
    assert "pennyweight train mine.toml" in written.notes[0]
    page = Path(written.page).read_text(encoding="utf-8")
    assert "404 parameters" in page
    assert pw.verify(written.page).agrees


def test_a_run_without_test_images_shows_none(course: Path) -> None:
    recipe = replace(TINY, validation_images=100)
    pw.train(recipe, dataset="digits", use_test=False, out="chosen", progress=False)
    written = pw.report("chosen")
    assert "test images were not evaluated" in written.notes[0]
    assert pw.verify(written.page).agrees


def test_without_the_data_the_page_names_the_command_that_gets_them(course: Path) -> None:
    written = pw.report("progressive-3")
    assert "pennyweight fetch mnist" in written.notes[0]
    page = Path(written.page).read_text(encoding="utf-8")
    assert "pennyweight fetch mnist" in page
    assert pw.verify(written.page).agrees


def test_class_names_are_text_whatever_they_say(tmp_path: Path) -> None:
    digits = pw.dataset("digits")
    names = ('<script>alert("x")</script>', "a & b", *digits.class_names[2:])
    arrays = digits.train_images, digits.train_labels, digits.test_images, digits.test_labels
    odd = pw.Dataset("odd", names, *arrays)
    pw.train(TINY, dataset=odd, out=tmp_path / "odd", progress=False)
    written = pw.report(tmp_path / "odd", out=tmp_path / "odd.html")
    page = Path(written.page).read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert pw.verify(written.page).agrees


def test_a_class_that_is_never_predicted_has_a_row_of_its_own(tmp_path: Path) -> None:
    digits = pw.dataset("digits")
    few = digits.train_labels != 7
    arrays = digits.train_images[few], digits.train_labels[few], digits.test_images, digits.test_labels
    without = pw.Dataset("no sevens", digits.class_names, *arrays)
    pw.train(TINY, dataset=without, out=tmp_path / "run", progress=False)
    written = pw.report(tmp_path / "run")
    page = Path(written.page).read_text(encoding="utf-8")
    assert "Never predicted:" in page
    assert re.search(r"Never predicted: [^.<]*\b7\b", page)
    assert re.search(r"\b7 with 0\.00 %", page)
    assert pw.verify(written.page).agrees


def test_a_recipe_without_claims_has_a_page_without_them(course: Path) -> None:
    written = pw.report("pennyweight-8k")
    page = Path(written.page).read_text(encoding="utf-8")
    assert "What the document claims" not in page
    assert 'id="claims"' not in page
    assert 'id="step-1-result"' in page
    assert pw.verify(written.page).agrees


@pytest.mark.parametrize("kept", [0, 1, 500])
def test_a_record_that_is_cut_short_is_named_and_the_others_are_shown(course: Path, kept: int) -> None:
    path = course / "tiny/seed-1/record.json"
    path.write_bytes(path.read_bytes()[:kept])
    written = pw.report("tiny")
    assert len(written.notes) == 1
    assert written.notes[0].startswith("seed-1: refused. record.json is not a run's record")
    assert written.steps == ("tiny",)
    assert pw.verify(written.page).agrees
    with pytest.raises(PennyweightError, match=r"record\.json"):
        pw.report("tiny/seed-1")


def test_a_replay_of_a_page_is_refused(course: Path) -> None:
    written = pw.report("tiny")
    with pytest.raises(UsageError, match="holds no weights"):
        pw.verify(written.page, replay=True)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_as_markdown_stands_beside_the_page_with_its_figures(course: Path, kind: str) -> None:
    written = pw.report("tiny", figures=kind)
    assert written.markdown == "tiny/STEP.md"
    text = Path(written.markdown).read_text(encoding="utf-8")
    for heading in ("# tiny", "## Target", "## Architecture", "## Result", "## Analysis"):
        assert f"{heading}\n" in text
    files = [course / "tiny" / name for name in re.findall(r"\]\((STEP/[^)]*)\)", text)]
    assert {one.stem.removeprefix("step-1-") for one in files} >= {"network", "curves", "confusion", "worst", "maps"}
    starts = {"png": b"\x89PNG", "svg": b"<svg"}[kind]
    assert all(one.read_bytes().startswith(starts) for one in files)
    assert len(list((course / "tiny" / "STEP").iterdir())) == len(files)


def test_an_unknown_kind_of_figure_is_refused(course: Path) -> None:
    with pytest.raises(UsageError, match="no kind of figure 'gif'"):
        pw.report("tiny", figures="gif")


def test_markdown_of_several_students_says_whose_each_step_is(course: Path) -> None:
    for name in ("anna", "ben"):
        shutil.copytree("tiny/seed-0", name)
    written = pw.report("anna", "ben", out="course.html")
    text = Path(written.markdown).read_text(encoding="utf-8")
    assert written.markdown == "course.md"
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## anna (tiny)", "## ben (tiny)"]
    assert [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][:3] == [
        "model",
        "anna (tiny)",
        "ben (tiny)",
    ]
