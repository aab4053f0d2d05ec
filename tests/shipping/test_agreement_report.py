"""The committed figures of docs/agreement.json and docs/int8_loss.json are within the rules, and are all there."""

import json
from dataclasses import replace
from pathlib import Path

import agreement as judging
import numpy as np
import pytest
from agreement import DATASETS, TORCH, checks_of
from int8_loss import SEEDS
from shipping_tables import agreement as rendered

from pennyweight.api import load, load_dataset
from pennyweight.recipes.catalogue import RECIPE_NAMES
from pennyweight.shipping.formats import FORMATS
from pennyweight.shipping.integer_agreement import MOST_LOST_POINTS
from pennyweight.shipping.subject import Subject

DOCS = Path(__file__).parents[2] / "docs"
NETWORKS = json.loads((DOCS / "agreement.json").read_text())["networks"]
LOSSES = json.loads((DOCS / "int8_loss.json").read_text())["recipes"]
KINDS = (TORCH, *(one.name for one in FORMATS))
JUDGES = {TORCH: "torch", "onnx": "onnxruntime", "onnx-int8": "onnxruntime", "c": "", "c-int8": ""}


def test_every_recipe_was_judged_and_quantised_over_ten_seeds_where_there_are_ten() -> None:
    assert list(NETWORKS) == list(RECIPE_NAMES)
    assert list(LOSSES) == list(RECIPE_NAMES)
    assert max(len(held["runs"]) for held in LOSSES.values()) == SEEDS


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_agrees_in_every_format_on_ten_thousand_images_of_each_dataset(name: str) -> None:
    checks = {(one["dataset"], one["format"]): one for one in NETWORKS[name]["checks"]}
    assert set(checks) == {(dataset, kind) for dataset in DATASETS for kind in KINDS}
    for (_, kind), one in checks.items():
        assert one["images"] == 10_000
        assert one["fault"] == ""
        assert one["judge"].startswith(JUDGES[kind])
        assert one["bit_equal"] is (True if kind == "c-int8" else None)
        limit = {"onnx-int8": 2, "c-int8": 0}.get(kind, 1e-4)
        assert one["largest_difference"] <= limit
        assert all(other["gap"] < 1e-4 for other in one["other_labels"]) or kind == "onnx-int8"
    first = checks[DATASETS[0], "c-int8"]
    assert first["original_correct"] - first["correct"] <= MOST_LOST_POINTS * first["images"] / 100


def test_losses_are_those_of_their_answers() -> None:
    for name, held in LOSSES.items():
        assert name in RECIPE_NAMES
        seeds = [one["seed"] for one in held["runs"]]
        assert len(set(seeds)) == len(seeds)
        for one in held["runs"]:
            assert one["original_correct"] - one["correct"] == one["lost"] - one["won"]
            assert one["lost"] - one["won"] <= MOST_LOST_POINTS * one["images"] / 100


def test_the_page_states_every_network_and_every_label_that_differs() -> None:
    page = "\n".join(rendered())
    listed = sum(len(one["other_labels"]) for held in NETWORKS.values() for one in held["checks"])
    comparisons = len(KINDS) * len(DATASETS) * len(NETWORKS)
    assert f"Networks: {len(NETWORKS)}; comparisons: {comparisons}; against the rules: 0." in page
    assert len(page.partition("## Images whose label differs")[2].splitlines()) == 2 + (2 + listed if listed else 1)


def test_the_judge_finds_files_of_another_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one with another weight, in every format; PyTorch is given the right one."""
    model, digits = load("iteration-3"), load_dataset("digits")
    assert [(one.format, one.fault) for one in checks_of(model, digits, tmp_path)] == [(kind, "") for kind in KINDS]
    weights = {name: array.copy() for name, array in model.weights.items()}
    weights[min(weights)][0] += np.float32(0.25)
    other = Subject(replace(model, weights=weights), digits)
    wrong = tuple(replace(one, write=lambda _, stem, one=one: one.write(other, stem)) for one in FORMATS)
    monkeypatch.setattr(judging, "FORMATS", wrong)
    faults = {one.format: one.fault for one in checks_of(model, digits, tmp_path)}
    assert faults.pop(TORCH) == ""
    assert len(faults) == 4
    assert all(faults.values())
