"""Candidates are ranked by what they reach on the validation set over their last epochs and seeds, by nothing else."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import TINY, run_record

from pennyweight.base.errors import UsageError
from pennyweight.base.records import RunRecord
from pennyweight.judging.selection import rank, score, validation_accuracies
from pennyweight.runs.find import records_in
from pennyweight.searching.choose import candidate_requests, find_candidates, rank_outcomes, write_choice
from pennyweight.training.events import Event
from pennyweight.training.pool import run_requests

ROOT = Path(__file__).parents[2]


def candidate(name: str, *counts: list[int]) -> list[RunRecord]:
    """Runs of a candidate, one per list of correct counts of 10,000 validation images."""
    return [replace(run_record(None, val=val, seed=seed), recipe=name) for seed, val in enumerate(counts)]


def test_a_score_is_of_the_last_five_epochs_over_seeds() -> None:
    runs = candidate("a", [0, 9_000, 9_010, 9_020, 9_030, 9_040], [10_000, 9_100, 9_100, 9_100, 9_100, 9_200])
    assert validation_accuracies(runs).shape == (2, 5)
    scored = score(runs)
    assert (scored.name, scored.params, scored.accuracy.n) == ("a", runs[0].params, 2)
    assert scored.accuracy.mean == pytest.approx((90.2 + 91.2) / 2)
    assert scored.accuracy.std == pytest.approx(np.std([90.2, 91.2], ddof=1))
    assert scored.lowest == pytest.approx((90 + 91) / 2)
    losses = [row.val_loss for run in runs for row in run.epochs[-5:]]
    assert scored.loss == pytest.approx(np.mean(losses))


def test_the_best_mean_comes_first_whatever_the_best_epoch_or_the_order() -> None:
    lucky = candidate("lucky", [9_000, 9_000, 9_000, 9_000, 9_900])
    steady = candidate("steady", [9_200] * 5)
    poor = candidate("poor", [8_000] * 5)
    for group in ([lucky, steady, poor], [poor, steady, lucky]):
        assert [one.name for one in rank(group)] == ["steady", "lucky", "poor"]


def test_a_run_that_was_evaluated_on_the_test_images_selects_nothing() -> None:
    looked = [replace(run_record([9_000], val=[9_000]), recipe="a")]
    with pytest.raises(UsageError, match="a, seed 0 was evaluated on the test images, which select nothing"):
        rank([looked])


def test_a_run_without_a_validation_set_cannot_be_ranked() -> None:
    blind = run_record(None, val=[9_000])
    rows = tuple(replace(row, val_loss=None, val_accuracy=None, val_correct=None) for row in blind.epochs)
    with pytest.raises(UsageError, match="has no validation set to be selected by; set validation_images"):
        score([replace(blind, epochs=rows)])


def test_an_unknown_candidate_or_group_is_named_with_the_nearest_one() -> None:
    assert [recipe.name for recipe in find_candidates("skip-3", ["skip-3-eager"])] == ["skip-3-eager"]
    assert len(find_candidates("skip-3")) == 4
    with pytest.raises(UsageError, match=r"no candidate 'skip-3-egaer'\. Did you mean 'skip-3-eager'"):
        find_candidates("skip-3", ["skip-3-egaer"])
    with pytest.raises(UsageError, match=r"no group 'skip3'\. Did you mean 'skip-3'"):
        find_candidates("skip3")


class Unheard:
    """An observer of a pool that does nothing."""

    def event(self, request: object, event: Event) -> None: ...

    def line(self, request: object, text: str) -> None: ...


def test_candidates_are_trained_by_the_pool_ranked_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipes = [replace(TINY, name=name, validation_images=200, epochs=epochs) for name, epochs in (("a", 1), ("b", 2))]
    requests = candidate_requests(recipes, seeds=[0, 1])
    assert [(request.name, request.seed, request.use_test) for request in requests] == [
        *(("a", 0, False), ("b", 0, False)),
        *(("a", 1, False), ("b", 1, False)),
    ]
    digits = [replace(request, dataset="digits", engine="native") for request in requests]
    outcomes = run_requests(digits, Unheard(), jobs=2, threads=1, stop=lambda: False)
    for outcome in outcomes:
        path = write_choice(outcome.record, tmp_path / "choices")
        assert json.loads(path.read_text())["folder"] == ""
    written = [records_in(folder) for folder in sorted((tmp_path / "choices").iterdir())]
    assert [len(records) for records in written] == [2, 2]
    assert rank(written) == rank_outcomes(outcomes)
    assert {row.test_correct for records in written for record in records for row in record.epochs} == {None}


def test_published_choices_are_ranked_as_the_page_shows_them() -> None:
    lines = (ROOT / "docs" / "CHOICES.md").read_text().split("## skip-3\n")[1].split("<!-- end")[0].splitlines()
    shown = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| skip")]
    ranked = rank(records_in(folder) for folder in (ROOT / "records" / "choices" / "skip-3").iterdir())
    assert shown == [one.name for one in ranked]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["skip-3", "skip-3-egaer"], 2, "Error: There is no candidate 'skip-3-egaer'. Did you mean 'skip-3-eager'?"),
        (["skip-3", "skip-3-eager"], 3, "1 run did not finish; run the same command to resume."),
    ],
)
def test_the_tool_ends_as_a_command_does(words: list[str], code: int, sentence: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "choose.py", *words],
        cwd=tmp_path,
        env={**os.environ, "PENNYWEIGHT_DATA": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.splitlines()[-1] == sentence
    assert "Traceback" not in done.stderr
