"""Runs that go on: a page shows what is there and judges nothing, and is kept fresh until the run ends."""

import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from crashing import run
from support import TINY

import pennyweight as pw
from pennyweight.base.errors import Interrupted, UnavailableError
from pennyweight.pages import live
from pennyweight.pages.gather import gather, live_evidence
from pennyweight.pages.keeper import PageKeeper
from pennyweight.pages.render import render
from pennyweight.runs.checkpoint import newest_whole

REFRESH = 'http-equiv="refresh"'
LONG = replace(TINY, epochs=4)


def stopped_after(epochs: int, folder: Path, seed: int = 0, *, use_test: bool = True) -> Path:
    """Return the folder of a run that was stopped after so many epochs."""

    def is_due() -> bool:
        if not list(folder.glob("checkpoint-*")):
            return False
        checkpoint = newest_whole(folder, lambda text: None)
        return checkpoint is not None and len(checkpoint.history) >= epochs

    with pytest.raises(Interrupted):
        pw.train(LONG, dataset="digits", out=folder, seed=seed, use_test=use_test, stop=is_due, progress=False)
    return folder


def test_a_run_that_is_not_complete_shows_its_epochs_and_no_verdict(tmp_path: Path) -> None:
    folder = stopped_after(2, tmp_path / "run")
    held = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    written = pw.report(folder)
    page = Path(written.page).read_text(encoding="utf-8")
    assert "tiny is not complete" in page.replace('<span class="open">', "").replace("</span>", "")
    assert "seed 0 has trained 2 of 4 epochs" in page
    assert "budget broken" not in page
    assert "breaks" not in page
    assert REFRESH not in page
    assert "--dataset digits --seed 0 --engine native --device cpu --out" in written.notes[0]
    step = Path(written.markdown).read_text(encoding="utf-8")
    assert "is not complete: seed 0 has trained 2 of 4 epochs" in step.replace("**", "")
    assert "has no runs yet" not in step
    assert pw.verify(written.page).agrees
    assert all(path.read_bytes() == content for path, content in held.items())


@pytest.mark.parametrize("use_test", [True, False])
def test_the_command_that_a_page_of_an_unfinished_run_names_goes_on_with_it(use_test: bool, tmp_path: Path) -> None:
    folder = stopped_after(2, tmp_path / "run", seed=3, use_test=use_test)
    assert not (folder / "record.json").exists()
    words = shlex.split(pw.report(folder).notes[0].split("'pennyweight ")[1].removesuffix("' makes them."))
    ended = run(words, images=0)
    assert ended.code == 0, ended.err
    assert ended.epochs == [3, 4]


def test_epochs_so_far_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    folder = stopped_after(3, tmp_path / "run", seed=5)
    (chapter,) = gather([folder]).chapters
    (record,) = chapter.ongoing
    checkpoint = newest_whole(folder, lambda text: None)
    assert checkpoint is not None
    assert record.epochs == checkpoint.history
    assert (record.seed, record.dataset, record.test_images, record.planned_epochs) == (5, "digits", 360, 4)
    assert record.verdict.met is None
    curve = record.curve("test")
    assert curve is not None
    assert curve[-1] == pytest.approx(checkpoint.history[-1].test_accuracy)


def test_a_seed_that_goes_on_is_drawn_beside_those_that_are_complete_and_not_counted(tmp_path: Path) -> None:
    for seed in (0, 1):
        pw.train(LONG, dataset="digits", out=tmp_path / f"seed-{seed}", seed=seed, progress=False)
    stopped_after(1, tmp_path / "seed-2", seed=2)
    (chapter,) = gather([tmp_path]).chapters
    assert [one.seed for one in chapter.step.records] == [0, 1]
    assert [one.seed for one in chapter.drawn] == [0, 1, 2]
    page = render(gather([tmp_path]))
    assert "seed 2 has trained 1 of 4 epochs" in page


def test_a_run_without_a_complete_epoch_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = stopped_after(1, tmp_path / "run")
    for path in folder.glob("checkpoint-*"):
        path.unlink()
    with pytest.raises(UnavailableError, match=r"No epoch of the run in .* is complete yet"):
        pw.report(folder)


def test_a_damaged_checkpoint_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = stopped_after(1, tmp_path / "run")
    for path in folder.glob("checkpoint-*"):
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(pw.PennyweightError, match="checkpoint"):
        pw.report(folder)


def test_a_live_page_comes_anew_and_can_be_checked(tmp_path: Path) -> None:
    folder = stopped_after(2, tmp_path / "run")
    page = render(live_evidence(folder))
    assert REFRESH in page
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert pw.verify(tmp_path / "page.html").agrees
    edited = page.replace("2 of 4 epochs", "3 of 4 epochs")
    assert edited != page
    (tmp_path / "page.html").write_text(edited, encoding="utf-8")
    assert not pw.verify(tmp_path / "page.html").agrees


def wait_for(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_the_page_is_kept_fresh_by_a_process_of_its_own_until_the_run_ends(tmp_path: Path) -> None:
    folder = stopped_after(1, tmp_path / "run")
    keeper = PageKeeper(folder, None)
    wait_for(keeper.page.exists)
    first = keeper.page.read_text(encoding="utf-8")
    assert REFRESH in first
    assert "has trained 1 of 4 epochs" in first
    pw.train(LONG, dataset="digits", out=folder, progress=False)
    assert keeper.close() == ""
    whole = keeper.page.read_text(encoding="utf-8")
    assert REFRESH not in whole
    assert "Architecture" in whole
    assert pw.verify(keeper.page).agrees


def test_a_page_that_cannot_be_written_is_a_sentence_and_no_reason_to_stop(tmp_path: Path) -> None:
    keeper = PageKeeper(tmp_path / "no-runs", None)
    assert "There is no run folder" in keeper.close()


def test_pages_are_written_ten_seconds_apart_and_for_new_epochs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stopped_after(1, tmp_path / "run")
    seconds, written = [0.0], list[float]()
    newest = next(folder.glob("checkpoint-*"))

    def look(wait: float) -> bool:
        seconds[0] += 1
        if seconds[0] in (3, 15, 16, 40):  # an epoch was trained
            newest.touch()
        return seconds[0] > 60

    monkeypatch.setattr(live, "_has_ended", look)
    monkeypatch.setattr(live, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(live, "_write", lambda evidence, page: written.append(seconds[0]))
    monkeypatch.setattr(live, "write_page", lambda targets, page, data: written.append(-1))
    live.keep_fresh(folder, tmp_path / "page.html")
    assert written == [1, 11, 21, 40, -1]


def test_no_budget_of_other_data_is_held_against_a_run_that_is_not_complete(tmp_path: Path) -> None:
    """The budget of MNIST says nothing of digits; without a complete run, its checkpoint says what the data are."""
    elsewhere = replace(LONG, budgets=tuple(replace(one, dataset="mnist") for one in LONG.budgets))
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        pw.train(
            elsewhere,
            dataset="digits",
            out=folder,
            stop=lambda: bool(list(folder.glob("checkpoint-*"))),
            progress=False,
        )
    (chapter,) = live_evidence(folder).chapters
    assert (chapter.step.dataset, chapter.step.budget) == ("digits", None)
    assert "at most 1,000" not in render(live_evidence(folder))


def test_without_what_draws_it_a_page_says_how_to_install_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pennyweight.pages.keeper.find_spec", lambda name: None)
    (tmp_path / "page.html").write_text("a page")
    for call in (lambda: pw.report("progressive-3"), lambda: pw.verify(tmp_path / "page.html")):
        with pytest.raises(UnavailableError, match=r"needs matplotlib and jinja2, .*'pennyweight\[report\]'"):
            call()
