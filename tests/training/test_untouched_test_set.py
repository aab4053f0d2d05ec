"""No decision reads test figures: a counter on the test images says who looks at them, and when."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_recipes import PLATEAU, TINY

from pennyweight import api
from pennyweight.base.record_text import run_record_from_json
from pennyweight.base.records import RunRecord
from pennyweight.data.dataset import Dataset, load
from pennyweight.runs.run import Run
from pennyweight.searching.choose import candidate_requests
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.schedules import ReduceLROnPlateau
from pennyweight.training.loop import train
from pennyweight.training.observer import Silent

ROOT = Path(__file__).parents[2]
CHOICES = ROOT / "records" / "choices"
DIGITS = load("digits")
QUICK_PLATEAU = replace(PLATEAU, epochs=4, schedule=ReduceLROnPlateau(factor=0.1, patience_epochs=0, threshold=0.5))
NO_HOLD_OUT = replace(QUICK_PLATEAU, validation_images=0)
"""Its plateau is one of the training loss."""
RECIPES = pytest.mark.parametrize(
    "recipe", [TINY, QUICK_PLATEAU, NO_HOLD_OUT], ids=["average", "plateau", "plateau without a hold-out"]
)
ENGINES = pytest.mark.parametrize("engine", ["native", "torch"])


class Watched(np.ndarray):
    """An array that counts how often it is read."""

    reads = 0

    def __getitem__(self, place: Any) -> Any:
        Watched.reads += 1
        return np.asarray(self)[place]


def watched() -> Dataset:
    Watched.reads = 0
    return replace(DIGITS, test_images=DIGITS.test_images.view(Watched))


def run(recipe: Recipe, folder: Path, engine: str, use_test: bool) -> tuple[RunRecord, int]:
    record = train(
        Run(recipe=recipe, dataset=watched(), seed=0, folder=folder, engine=engine, use_test=use_test), Silent()
    )
    return record, Watched.reads


@RECIPES
@ENGINES
def test_what_is_decided_is_decided_without_the_test_images(recipe: Recipe, engine: str, tmp_path: Path) -> None:
    looked, reads = run(recipe, tmp_path / "looked", engine, use_test=True)
    blind, none = run(recipe, tmp_path / "blind", engine, use_test=False)
    assert (reads > 0, none) == (True, 0)
    assert blind.weights_sha256 == looked.weights_sha256
    assert [row.learning_rate for row in blind.epochs] == [row.learning_rate for row in looked.epochs]
    assert {row.test_correct for row in blind.epochs} == {None}


@RECIPES
def test_other_test_images_train_the_same_weights(recipe: Recipe, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, DIGITS.test_images.shape, dtype=np.uint8)
    other = replace(DIGITS, test_images=noise, test_labels=DIGITS.test_labels[::-1].copy())
    records = [
        train(Run(recipe=recipe, dataset=data, seed=0, folder=tmp_path / name, engine="native"), Silent())
        for name, data in (("real", DIGITS), ("noise", other))
    ]
    assert records[0].weights_sha256 == records[1].weights_sha256
    assert [row.learning_rate for row in records[0].epochs] == [row.learning_rate for row in records[1].epochs]
    assert records[0].epochs[-1].test_correct != records[1].epochs[-1].test_correct


@pytest.mark.parametrize("recipe", [QUICK_PLATEAU, NO_HOLD_OUT], ids=["held-out loss", "training loss"])
def test_the_plateaus_above_did_lower_the_rate(recipe: Recipe, tmp_path: Path) -> None:
    record, _ = run(recipe, tmp_path, "native", use_test=False)
    assert record.epochs[-1].learning_rate < record.epochs[0].learning_rate


class OnlyCounted:
    """A test set of which nothing can be had but how many there are."""

    def __len__(self) -> int:
        return len(DIGITS.test_labels)


def test_a_blind_run_needs_of_the_test_set_no_more_than_its_size(tmp_path: Path) -> None:
    nothing: Any = OnlyCounted()
    unseen = replace(DIGITS, test_images=nothing, test_labels=nothing)
    words = {"recipe": QUICK_PLATEAU, "dataset": unseen, "seed": 0, "engine": "native"}
    record = train(Run(**words, folder=tmp_path / "blind", use_test=False), Silent())
    assert all(row.test_loss is row.test_accuracy is row.test_correct is None for row in record.epochs)
    assert record.misclassified == record.test_class_images == ()
    assert record.classes == DIGITS.class_names
    assert record.test_images == len(DIGITS.test_labels)
    with pytest.raises(TypeError):
        train(Run(**words, folder=tmp_path / "looking"), Silent())


def test_a_candidate_is_trained_without_the_test_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pennyweight.api.runs.load_dataset", lambda *_, **__: watched())
    (request,) = candidate_requests([replace(TINY, validation_images=200)], seeds=[0])
    record = api.train(request)
    assert Watched.reads == 0
    assert record.epochs[-1].val_accuracy is not None


def test_no_published_choice_knows_a_test_figure() -> None:
    published = [run_record_from_json(path.read_text(), str(path)) for path in CHOICES.glob("*/*/*.json")]
    assert len(published) > 20
    for record in published:
        assert not record.misclassified
        assert {(row.test_correct, row.test_accuracy, row.raw_test_accuracy) for row in record.epochs} == {(None,) * 3}


def test_control_the_counter_sees_one_look() -> None:
    data = watched()
    assert data.test_images[0].shape == (28, 28)
    assert Watched.reads == 1
