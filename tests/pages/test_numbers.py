"""The numbers of a page are those of its evidence, computed here from the page's own JSON and nothing of the package.

So an error in a renderer, such as an epoch too far, a matrix turned over or two seeds exchanged, cannot pass.
"""

import base64
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pennyweight.base.records import RunRecord
from pennyweight.figures import predictions
from pennyweight.pages import content, drawings, step_content
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.render import render

Page = dict[str, Any]


def carried(page: str) -> Page:
    """Return the texts that a page carries, by name, with nothing but the standard library."""
    text = re.search(r'<script type="application/json" id="evidence">(.*?)</script>', page, re.DOTALL)
    assert text
    blocks = json.loads(text[1])["blocks"]
    return {one["name"]: zlib.decompress(base64.b64decode(one["zlib"])) for one in blocks}


def records_of(page: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in carried(page)["records of tiny"].decode().splitlines()]


def tables_of(page: str) -> dict[str, list[list[str]]]:
    """Return the cells of every table by the name of its region."""
    found = {}
    for name, body in re.findall(r'role="region" aria-label="([^"]*)">\s*<table>(.*?)</table>', page, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        found[unescape(name)] = [
            [
                unescape(re.sub(r"<[^>]*>", "", cell))
                for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
            ]
            for row in rows
        ]
    return found


def accuracies(record: dict[str, Any]) -> list[float]:
    return [100 * row["test_correct"] / record["test_images"] for row in record["epochs"]]


def check_seeds(page: str) -> None:
    """Every run has its own row: seed, epochs, last, best and lowest accuracy, digests."""
    head, *rows = tables_of(page)["Runs of tiny"]
    assert head[:4] == ["seed", "epochs", "last, %", "best, %"]
    for row, record in zip(rows, records_of(page), strict=True):
        curve = accuracies(record)
        figures = (curve[-1], max(curve), min(curve[-2:]))  # its budget holds two epochs
        assert row[:5] == [str(record["seed"]), str(len(curve)), *(f"{one:.2f}" for one in figures)]
        assert row[-2:] == [record["sha256"][:12], record["weights_sha256"][:12]]


def check_key_figures(page: str) -> None:
    """The figures under the verdict: mean with Student's interval, parameters, seeds within the budget."""
    records = records_of(page)
    last = [accuracies(record)[-1] for record in records]
    found = re.findall(r"<dt>(.*?)</dt><dd><b>(.*?)</b> <span>(.*?)</span>", page)
    shown = {what: (value, within) for what, value, within in found}
    half = stats.t.ppf(0.975, len(last) - 1) * stdev(last) / len(last) ** 0.5
    interval = f"95 % interval {max(0, fmean(last) - half):.2f} to {min(100, fmean(last) + half):.2f}"
    assert shown["test accuracy, last epoch"] == (f"{fmean(last):.2f} %", interval)
    assert shown["parameters"] == ("404", f"{100 * 404 / 1000:.1f} % of 1,000")
    kept = sum(min(accuracies(record)[-2:]) >= 1 for record in records)
    assert shown["seeds within the budget"][0] == f"{kept} of {len(records)}"
    spent = median(sum(row["seconds"] for row in record["epochs"]) for record in records)
    assert shown["to train"][0] == f"{round(spent)} s"


def drawn(page: str, name: str) -> str:
    match = re.search(rf'<figure id="{name}-figure">(.*?)</figure>', page, re.DOTALL)
    assert match
    return match[1]


def check_curves(page: str) -> None:
    """The line of test accuracy goes through the mean of the seeds in every epoch, in order and in proportion.

    Accuracies are drawn on a logistic axis of (correct + 1/2) of (images + 1), so their logits lie on a line.
    """
    records = records_of(page)
    means = np.mean([accuracies(record) for record in records], axis=0)
    path = re.search(r'id="[^"]*-accuracy-test-mean">\s*<path d="([^"]*)"', drawn(page, "step-1-curves"))
    assert path
    points = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path[1]), dtype=float)
    assert len(points) == len(means)
    assert np.allclose(np.diff(points[:, 0], n=2), 0, atol=0.03)
    assert (np.sign(np.diff(points[:, 1])) == -np.sign(np.diff(means))).all()


def check_confusion(page: str) -> None:
    """Row by row, the matrix holds how often each label was taken for each class; its trace is the accuracy."""
    record = records_of(page)[inspected(page)]
    counts = np.diag(record["test_class_images"])
    for one in record["misclassified"]:
        counts[one["label"], one["label"]] -= 1
        counts[one["label"], one["predicted"]] += 1
    assert np.trace(counts) == record["epochs"][-1]["test_correct"]
    listed = [(int(label), int(taken), int(images)) for label, taken, images in confused_rows(page)]
    off = counts - np.diag(np.diag(counts))
    assert all(off[label, taken] == images for label, taken, images in listed)
    assert [images for *_, images in listed] == sorted(off.ravel().tolist(), reverse=True)[: len(listed)]
    numbers = [int(one) for one in re.findall(r">(\d+)</text>", drawn(page, "step-1-confusion"))]
    cells = [int(one) for one in counts.ravel() if one]
    assert numbers[-len(cells) :] == cells or _holds_in_order(numbers, cells)


def _holds_in_order(numbers: list[int], cells: list[int]) -> bool:
    """Return whether `cells` appear in `numbers` in their order, other labels in between."""
    rest = iter(numbers)
    return all(any(number == cell for number in rest) for cell in cells)


def confused_rows(page: str) -> list[list[str]]:
    return tables_of(page)["Classes that tiny confuses most"][1:]


def inspected(page: str) -> int:
    found = re.search(r"What seed (\d+) gets wrong", page)
    assert found
    return int(found[1])


def check_predictions(page: str) -> None:
    """What the page carries of every test image is what the record of the same run says of it."""
    blocks, record = carried(page), records_of(page)[inspected(page)]
    labels, predicted = (np.frombuffer(blocks[f"{name} of tiny"], np.uint8) for name in ("labels", "predicted"))
    wrong = [(one["index"], one["label"], one["predicted"]) for one in record["misclassified"]]
    assert wrong == [(int(i), int(labels[i]), int(predicted[i])) for i in np.flatnonzero(labels != predicted)]


CHECKS = (check_seeds, check_key_figures, check_curves, check_confusion, check_predictions)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_page_says_what_its_evidence_gives(page: str, check: Callable[[str], None]) -> None:
    check(page)


def caught(page: str) -> bool:
    for check in CHECKS:
        try:
            check(page)
        except AssertionError:
            return True
    return False


def late_epochs(monkeypatch: pytest.MonkeyPatch, evidence: Evidence) -> Evidence:
    """A renderer that reads every accuracy one epoch too early."""
    curve = RunRecord.curve

    def late(self: RunRecord, split: str) -> object:
        found = curve(self, split)
        return None if found is None else np.roll(found, 1)

    monkeypatch.setattr(RunRecord, "curve", late)
    return evidence


def turned_matrix(monkeypatch: pytest.MonkeyPatch, evidence: Evidence) -> Evidence:
    counts_of = predictions.counts_of
    monkeypatch.setattr(predictions, "counts_of", lambda record: counts_of(record).T)
    return evidence


def exchanged_seeds(monkeypatch: pytest.MonkeyPatch, evidence: Evidence) -> Evidence:
    """A renderer that shows one seed's figures under the number of another."""
    seeds_table = step_content.seeds_table

    def exchanged(records: tuple[RunRecord, ...], budget: object) -> object:
        first, second, *rest = records
        return seeds_table([replace(first, seed=second.seed), replace(second, seed=first.seed), *rest], budget)

    monkeypatch.setattr(step_content, "seeds_table", exchanged)
    return evidence


def other_run_pictured(monkeypatch: pytest.MonkeyPatch, evidence: Evidence) -> Evidence:
    """A renderer whose matrix is that of another seed than it says."""
    class_drawings = drawings.class_drawings
    other = evidence.chapters[0].step.records[0 if evidence.chapters[0].inspection.seed else 1]
    monkeypatch.setattr(drawings, "class_drawings", lambda record, place: class_drawings(other, place))
    return evidence


def forgotten_seed(monkeypatch: pytest.MonkeyPatch, evidence: Evidence) -> Evidence:
    finals_of = content.finals_of
    monkeypatch.setattr(content, "finals_of", lambda records, split: finals_of(records[:-1], split))
    return evidence


PLANTED = (late_epochs, turned_matrix, exchanged_seeds, other_run_pictured, forgotten_seed)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_error_of_a_renderer_is_caught(
    plant: Callable[[pytest.MonkeyPatch, Evidence], Evidence], evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not caught(render(evidence))
    assert caught(render(plant(monkeypatch, evidence)))


def test_every_number_of_the_log_is_that_of_its_epoch(page: str) -> None:
    record = records_of(page)[inspected(page)]
    log = re.search(r"<pre tabindex=\"0\">(.*?)</pre>", page, re.DOTALL)
    assert log
    lines = [line for line in unescape(log[1]).splitlines() if line.startswith("Epoch")]
    for line, row in zip(lines, record["epochs"], strict=True):
        figures = (row["train_loss"], row["train_accuracy"], row["test_loss"], row["test_accuracy"])
        wanted = [f"{figures[0]:.4f}", f"{figures[1]:.2f}", f"{figures[2]:.4f}", f"{figures[3]:.2f}"]
        assert re.findall(r"(?:Loss|Acc): ([\d.]+)", line) == wanted


def test_the_page_of_a_document_says_of_each_step_what_its_runs_give(tmp_path: Path) -> None:
    """Of the published runs, against the records as they lie in the package."""
    import pennyweight as pw
    from pennyweight.pages.gather import gather

    page = render(gather(["evolution"], tmp_path / "no-data"))
    rows = {row[0]: row for row in tables_of(page)["The results side by side"][1:]}
    for name in ("evolution-v1", "evolution-v2"):
        last = [one.epochs[-1].test_correct / 100 for one in pw.records(name, dataset="mnist")]
        assert f"{fmean(last):.2f} ± {stdev(last):.2f}" in rows[name]
        assert f"{name}: {fmean(last):.2f} % with" in page
