"""Every recipe over several seeds, and a walk between two: killed, they go on; complete, they say what they came to."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import scipy.stats
from crashing import alive, children_of, environment, finish, start, wait_for
from support import epoch_row, run_record

from pennyweight.base.record_text import run_record_from_json
from pennyweight.cli.seeds import parse_seeds
from pennyweight.judging.ablation import ablation_steps
from pennyweight.recipes.catalogue import ABLATIONS, RECIPE_NAMES, find_recipe
from pennyweight.reporting.ablations import ablation_table
from pennyweight.reporting.progress import Progress, progress_text, progress_words, run_line
from pennyweight.runs.request import Request
from pennyweight.tables.text import to_text
from pennyweight.training.events import Done, EpochDone, Failed, Stepped
from pennyweight.training.pool import share_cores

ALL = ["train", "all", "--seeds", "0-1", "--jobs", "2", "--epochs", "1", "--dataset", "digits"]
RUNS = 2 * len(RECIPE_NAMES)
CHEAP = ["-s", "validation_images=0", "-s", "batch_images=16"]


@pytest.mark.slow
def test_a_matrix_whose_process_is_killed_is_finished_by_the_same_command(tmp_path: Path) -> None:
    process = start([*ALL, *CHEAP], tmp_path)
    said = wait_for(process, f" of {RUNS} runs")
    children = children_of(process.pid)
    process.kill()
    process.communicate()
    while any(alive(child) for child in children):  # whoever was in training notices that nobody reads it
        sleep(0.1)
    before = {path: path.read_bytes() for path in tmp_path.glob("runs/*/seed-*/record.json")}
    assert before, said
    assert len(before) < RUNS
    ended = finish(start([*ALL, *CHEAP], tmp_path))
    assert ended.code == 0, ended.err
    assert len(list(tmp_path.glob("runs/*/seed-*/record.json"))) == RUNS
    assert {path: path.read_bytes() for path in before} == before
    assert all(name in ended.out for name in RECIPE_NAMES)
    assert "2/2" in ended.out
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.slow
def test_a_matrix_with_a_recipe_that_cannot_run_trains_the_others_and_says_so(tmp_path: Path) -> None:
    ended = finish(start([*ALL, "-s", "optimizer.learning_rate=0.001"], tmp_path))
    assert ended.code == 0
    left_out = "left out: compact-regularized, compact-minimal: Cannot hold out 10,000 of 1,437 training images"
    assert left_out in ended.err
    assert left_out in ended.out
    assert "same command" not in ended.err
    assert len(list(tmp_path.glob("runs/*/seed-*/record.json"))) == RUNS - 4


def test_all_needs_seeds_and_a_folder_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "recipe.toml").touch()
    for words, sentence in (
        (["train", "all"], "'all' trains every recipe over seeds; name them, as --seeds 0-9."),
        (
            [*ALL, "--out", "here"],
            "here is the folder of one run; with --seeds, --out names a folder that holds one for each.",
        ),
    ):
        command = [sys.executable, "-m", "pennyweight", *words]
        ended = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (2, f"Error: {sentence}\n")


@pytest.mark.slow
def test_a_walk_is_trained_once_and_shows_the_gain_of_every_change(tmp_path: Path) -> None:
    words = ["ablate", "progressive", "--seeds", "0-1", "--dataset", "digits"]
    ended = finish(start(words, tmp_path))
    assert ended.code == 0, ended.err
    *lines, meaning = ended.out.splitlines()
    assert meaning.startswith("  A gain is shown where its interval leaves out 0")
    assert len(lines) == 1 + len(ABLATIONS["progressive"])
    assert "OneCycle" in lines[-1]
    again = finish(start([*words, "--json"], tmp_path))
    assert "| epoch" not in again.err
    found = json.loads(again.out)
    assert found[0]["gain"] is None
    records = [
        [
            run_record_from_json(path.read_text(), "here")
            for path in tmp_path.glob(f"runs/{one.name}+*/seed-*/record.json")
        ]
        for _, one in ABLATIONS["progressive"]
    ]
    finals = [np.mean([record.epochs[-1].test_accuracy for record in group]) for group in records]
    assert [one["final"]["mean"] for one in found] == pytest.approx(finals)
    assert [one["gain"]["mean"] for one in found[1:]] == pytest.approx(np.diff(finals))


def test_a_walk_ends_at_published_recipes_and_changes_one_thing_at_a_time() -> None:
    recipes = [one for _, one in ABLATIONS["progressive"]]
    assert (recipes[0], recipes[-1]) == (find_recipe("progressive-1"), find_recipe("progressive-3"))
    for before, after in pairwise(recipes):
        parts = ("layers", "augmentation", "schedule", "batch_images", "epochs", "label_smoothing", "averaging")
        assert sum(getattr(before, part) != getattr(after, part) for part in parts) == 1
        assert type(before.optimizer) is type(after.optimizer)


def test_the_gain_of_a_change_is_welch_s() -> None:
    first = [run_record([final], seed=seed) for seed, final in enumerate((9_000, 9_010, 9_004))]
    second = [run_record([final], seed=seed) for seed, final in enumerate((9_100, 9_130))]
    (start_, change) = ablation_steps([("start", first), ("+ more", second)])
    expected = scipy.stats.ttest_ind([91.0, 91.3], [90.0, 90.1, 90.04], equal_var=False).confidence_interval()
    assert start_.gain is None
    assert (change.gain.low, change.gain.high) == pytest.approx((expected.low, expected.high))
    assert f"{change.gain.low:+.2f} to {change.gain.high:+.2f}" in to_text(ablation_table([start_, change]))


def test_progress_counts_work_and_not_runs() -> None:
    progress = Progress({"cheap": 1.0, "dear": 9.0}, 1, started=0.0)
    assert progress.seconds_left(5.0) == 0.0
    cheap = Request(target="cheap")
    for epoch in (1, 2):
        progress.take(cheap, EpochDone(epoch_row(epoch, test=100), 2))
    assert "0: 2/2" in progress_text(progress, 5.0)
    progress.take(cheap, Done(run_record([9_000])))
    assert progress.seconds_left(10.0) == pytest.approx(90.0)
    head, *lines = progress_text(progress, 10.0).splitlines()
    assert head.startswith("recipe on mnist ")
    assert [line.split()[:2] for line in lines] == [
        ["cheap", "1/1"],
        ["dear", "0/1"],
    ]


def test_the_share_and_the_time_left_count_steps_lost_runs_and_what_was_trained_before() -> None:
    progress = Progress({"one": 1.0}, 2, started=0.0)
    first, second = Request(target="one"), Request(target="one", seed=1)
    progress.take(first, Stepped(1, 5, 10, 2))
    assert progress.share == pytest.approx(0.125)
    assert progress.seconds_left(10.0) == pytest.approx(70.0)
    assert progress_words(progress, 10.0) == "0 of 2 runs, 1 m 10 s left"
    progress.take(second, EpochDone(epoch_row(2, test=100), 2))  # resumed: it trained one epoch of two here
    assert progress.share == pytest.approx(0.625)
    assert progress.seconds_left(10.0) == pytest.approx(10.0)
    progress.take(first, Failed("Its process was killed.", 3))
    progress.take(second, Done(run_record([9_000])))
    assert (progress.share, progress_words(progress, 20.0)) == (1.0, "2 of 2 runs")
    stopped = Progress({"one": 1.0}, 1, started=0.0)
    stopped.take(first, Failed("Stopped.", 130))
    assert (stopped.share, stopped.ended) == (0.0, 0)


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "a folder of a long name"])
def test_a_complete_run_is_one_line_of_a_terminal(dataset: str) -> None:
    record = replace(run_record([9_950] * 900), recipe="compact-regularized", dataset=dataset, seed=199)
    assert len(run_line(record, 80)) <= 80
    assert "99.50 %" in run_line(record, 80)
    assert f"on {dataset}, seed 199" in run_line(record)


def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennyweight.training.pool.usable_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert share_cores(None, 10) == (8, 1)
    assert share_cores(2, 10) == (2, 4)
    assert share_cores(None, 3) == (3, 2)


@pytest.mark.parametrize(
    ("asked", "jobs", "shared"),
    [("4", None, (2, 4)), ("1", None, (8, 1)), ("16", None, (1, 16)), ("3", 2, (2, 3)), ("many", 2, (2, 4))],
)
def test_the_threads_that_are_asked_for_are_those_of_each_run(
    asked: str, jobs: int | None, shared: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pennyweight.training.pool.usable_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert share_cores(jobs, 10) == shared


def test_seeds_are_read_as_ranges_and_single_ones() -> None:
    assert parse_seeds("0-2,7") == [0, 1, 2, 7]
