"""The main path on the embedded digits: what decides the weights, what must not, and how it goes wrong."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from support import TINY

from pennyweight.base.errors import Interrupted, NonFiniteError, UsageError
from pennyweight.base.records import EpochRow, RunRecord
from pennyweight.data.augment import Augmentation
from pennyweight.data.dataset import Dataset, load
from pennyweight.nets.rows import CLASSES, BatchNorm, Conv, GlobalAvgPool, Linear
from pennyweight.training.folder import METRIC_COLUMNS
from pennyweight.training.loop import train
from pennyweight.training.optimizers import SGD, Adam
from pennyweight.training.recipe import Recipe
from pennyweight.training.run import Run
from pennyweight.training.schedules import ReduceLROnPlateau, StepLR

DIGITS = load("digits")


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.details: list[str] = []
        self.slices: list[tuple[int, int, int]] = []
        self.histories: list[Sequence[EpochRow]] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        self.slices.append((epoch, steps_done, epoch_steps))

    def detail(self, text: str) -> None:
        self.details.append(text)

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        self.histories.append(history)


def trained(folder: Path, recipe: Recipe = TINY, dataset: Dataset = DIGITS, **other: object) -> RunRecord:
    return train(Run(recipe, dataset, folder=folder, **{"seed": 0, **other}), Listener())  # type: ignore[arg-type]


def few(images: int, per_class_test: int = 1) -> Dataset:
    """The digits with only the first images of each kind."""
    return replace(
        DIGITS,
        train_images=DIGITS.train_images[:images],
        train_labels=DIGITS.train_labels[:images],
        test_images=DIGITS.test_images[: 10 * per_class_test],
        test_labels=DIGITS.test_labels[: 10 * per_class_test],
        digest="few",
    )


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        path.name: (path.stat().st_mtime_ns, sha256(path.read_bytes()).hexdigest()) for path in sorted(folder.iterdir())
    }


def without_seconds(record: RunRecord) -> list[EpochRow]:
    return [replace(row, seconds=0.0) for row in record.epochs]


# ---------------------------------------------------------------------------------------------------- what decides


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    recipe = replace(TINY, augmentation=Augmentation(rotation_degrees=10.0, shift_fraction=0.1))
    first, again = (trained(tmp_path / name, recipe) for name in ("first", "again"))
    other = trained(tmp_path / "other", recipe, seed=1)
    assert first.weights_sha256 == again.weights_sha256 != other.weights_sha256
    assert without_seconds(first) == without_seconds(again)
    assert first.misclassified == again.misclassified
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("first", "again", "other")]
    assert weights[0] == weights[1] != weights[2]
    recipes = [(tmp_path / name / "recipe.toml").read_bytes() for name in ("first", "again", "other")]
    assert len(set(recipes)) == 1


DECIDING = [
    ("epochs", {"epochs": 1}),
    ("batch_images", {"batch_images": 60}),
    ("label_smoothing", {"label_smoothing": 0.1}),
    ("validation_images", {"validation_images": 100}),
    ("augmentation", {"augmentation": Augmentation(shift_fraction=0.1)}),
    ("optimizer", {"optimizer": SGD(learning_rate=0.1, momentum=0.8)}),
    ("schedule", {"schedule": StepLR(factor=0.5)}),
]


@pytest.mark.parametrize("fields", [case[1] for case in DECIDING], ids=[case[0] for case in DECIDING])
def test_every_setting_reaches_the_weights(fields: dict, digits_run: Path, tmp_path: Path) -> None:
    base = sha256((digits_run / "weights.safetensors").read_bytes()).hexdigest()
    trained(tmp_path / "changed", replace(TINY, **fields))
    assert sha256((tmp_path / "changed" / "weights.safetensors").read_bytes()).hexdigest() != base


# ---------------------------------------------------------------------------------------------------- test figures


class Counted(Dataset):
    """A dataset that counts how often its test images and test labels are asked for."""

    reads = 0

    def __getattribute__(self, name: str) -> object:
        if name in ("test_images", "test_labels"):
            type(self).reads += 1
        return super().__getattribute__(name)


def counted() -> tuple[type[Counted], Dataset]:
    kind = type("CountedOnce", (Counted,), {"reads": 0})
    fields = {name: getattr(DIGITS, name) for name in Dataset.__dataclass_fields__}
    return kind, kind(**fields)


PLATEAU = replace(
    TINY, epochs=4, schedule=ReduceLROnPlateau(factor=0.1, patience_epochs=0, threshold=0.2), validation_images=100
)


@pytest.mark.parametrize("validation", [0, 100])
def test_no_decision_reads_test_figures(validation: int, tmp_path: Path) -> None:
    """With the test images replaced by noise and their labels by another class, not one bit of the weights moves."""
    recipe = replace(PLATEAU, validation_images=validation)
    noise = np.random.default_rng(1).integers(0, 256, DIGITS.test_images.shape, dtype=np.uint8)
    poisoned = replace(DIGITS, test_images=noise, test_labels=(DIGITS.test_labels + 1) % 10)
    honest, misled, blind = (
        trained(tmp_path / "honest", recipe),
        trained(tmp_path / "misled", recipe, poisoned),
        trained(tmp_path / "blind", recipe, measure_test=False),
    )
    assert honest.weights_sha256 == misled.weights_sha256 == blind.weights_sha256
    assert [row.learning_rate for row in honest.epochs] == [row.learning_rate for row in misled.epochs]
    assert len({row.learning_rate for row in honest.epochs}) > 1
    assert [row.test_correct for row in honest.epochs] != [row.test_correct for row in misled.epochs]


def test_a_run_that_must_not_look_at_test_images_never_scores_them(tmp_path: Path) -> None:
    """Only how many labels there are is asked for, once, for the record."""
    kind, dataset = counted()
    record = trained(tmp_path / "blind", PLATEAU, dataset, measure_test=False)
    blind_reads = kind.reads
    assert all(row.test_loss is row.test_accuracy is row.test_correct is None for row in record.epochs)
    assert record.misclassified == ()
    kind, dataset = counted()
    trained(tmp_path / "seeing", PLATEAU, dataset)
    assert blind_reads == 1
    assert kind.reads >= 2 * PLATEAU.epochs


def test_a_run_that_must_not_look_survives_test_images_that_raise(tmp_path: Path) -> None:
    class Forbidden(Dataset):
        def __getattribute__(self, name: str) -> object:
            if name == "test_images":
                raise AssertionError("test images were read")
            return super().__getattribute__(name)

    dataset = Forbidden(**{name: getattr(DIGITS, name) for name in Dataset.__dataclass_fields__})
    trained(tmp_path / "blind", PLATEAU, dataset, measure_test=False)
    with pytest.raises(AssertionError, match="test images were read"):
        trained(tmp_path / "seeing", PLATEAU, dataset)


# ---------------------------------------------------------------------------------------------------- the record


def test_the_record_says_what_was_measured(tmp_path: Path) -> None:
    listener = Listener()
    recipe = replace(TINY, validation_images=137)
    record = train(Run(recipe, DIGITS, 3, tmp_path / "run", changes=("validation_images=137",)), listener)
    assert (record.recipe, record.seed, record.dataset, record.engine) == ("tiny", 3, "digits", "torch")
    assert (record.train_images, record.val_images, record.test_images) == (1_300, 137, 360)
    assert record.params == 404
    assert [row.epoch for row in record.epochs] == [1, 2]
    assert listener.histories[-1] == record.epochs
    assert [(epoch, done) for epoch, done, _ in listener.slices] == [(1, 20), (1, 21), (2, 20), (2, 21)]
    assert {steps for _, _, steps in listener.slices} == {21}
    last = record.epochs[-1]
    assert last.test_accuracy == 100 * last.test_correct / 360  # type: ignore[operator]
    assert last.val_accuracy == 100 * last.val_correct / 137  # type: ignore[operator]
    assert len(record.misclassified) == 360 - last.test_correct  # type: ignore[operator]
    for wrong in record.misclassified:
        assert DIGITS.test_labels[wrong.index] == wrong.label != wrong.predicted
    assert record.verdict.breaches == ()
    assert record.provenance.dataset_digest == DIGITS.digest
    assert record.folder == str(tmp_path / "run")


def test_the_running_training_figures_are_those_of_the_steps(tmp_path: Path) -> None:
    """One epoch in one batch without dropout: its loss is that of the initial weights on all images."""
    from pennyweight.nets.initial import initial_weights
    from pennyweight.nets.plan import make_plan
    from pennyweight.training.evaluation import score

    recipe = replace(TINY, layers=(Conv(4, stride=4), Conv(CLASSES), GlobalAvgPool()), epochs=1, batch_images=2_000)
    row = trained(tmp_path / "run", recipe).epochs[0]
    import torch

    from pennyweight.data.dataset import pixel_statistics
    from pennyweight.nets.torch_module import torch_module

    statistics = pixel_statistics(DIGITS.train_images)
    pixels = (DIGITS.train_images / 255 - statistics.mean) / statistics.spread
    module = torch_module(make_plan(recipe.layers), initial_weights(make_plan(recipe.layers), 0))
    logits = module(torch.from_numpy(pixels.astype(np.float32))[:, None]).detach().numpy()
    expected = score(logits, DIGITS.train_labels)
    assert row.train_loss == pytest.approx(expected.loss, rel=1e-5)
    assert row.train_accuracy == pytest.approx(expected.accuracy, abs=0.1)


def test_a_run_folder_holds_what_is_promised(digits_run: Path) -> None:
    names = {path.name for path in digits_run.iterdir()}
    assert names == {
        ".lock",
        "checkpoint-0001.safetensors",
        "checkpoint-0002.safetensors",
        "metrics.csv",
        "recipe.toml",
        "record.json",
        "weights.safetensors",
    }
    lines = (digits_run / "metrics.csv").read_text().splitlines()
    assert lines[0] == (
        "epoch,train_loss,train_accuracy,val_loss,val_accuracy,test_loss,test_accuracy,test_correct,"
        "learning_rate,seconds,raw_val_accuracy,raw_test_accuracy"
    )
    assert lines[0].split(",") == list(METRIC_COLUMNS)
    assert len(lines) == 3
    assert lines[1].split(",")[3:5] == ["", ""]


def test_a_complete_run_is_returned_and_not_touched(tmp_path: Path) -> None:
    first = trained(tmp_path / "run")
    before = contents(tmp_path / "run")
    listener = Listener()
    again = train(Run(TINY, DIGITS, 0, tmp_path / "run"), listener)
    assert again == first
    assert listener.histories == []
    assert "already complete" in listener.messages[0]
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"seed": 1}, "seed was 0, now 1"),
        ({"recipe": replace(TINY, epochs=3)}, "epochs was 2, now 3"),
        ({"recipe": replace(TINY, name="other")}, "recipe was tiny, now other"),
        ({"recipe": replace(TINY, optimizer=Adam())}, "optimizer was SGD, now Adam"),
        ({"recipe": replace(TINY, layers=(Linear(CLASSES),))}, "its layers differ"),
        ({"dataset": few(100)}, "its dataset digest differs"),
        ({"measure_test": False}, "test measured was True, now False"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_run_is_refused_by_the_key_and_left_alone(other: dict, key: str, digits_run: Path) -> None:
    before = contents(digits_run)
    with pytest.raises(UsageError) as refused:
        train(Run(**{"recipe": TINY, "dataset": DIGITS, "seed": 0, "folder": digits_run, **other}), Listener())
    assert key in str(refused.value)
    assert "--again" in str(refused.value)
    assert contents(digits_run) == before


# ---------------------------------------------------------------------------------------------------- going wrong


def test_a_loss_that_is_not_finite_names_epoch_and_step_and_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch has 23 steps in slices of 20; the second loss of the fourth slice is made infinite."""
    from pennyweight.training.torch_engine import TorchEngine

    whole = TorchEngine.advance

    def advance(engine: TorchEngine, first_step: int, *rest: object, **named: object) -> object:
        sums = whole(engine, first_step, *rest, **named)  # type: ignore[arg-type]
        if first_step == 43:
            sums.losses[1] = np.inf
        return sums

    monkeypatch.setattr(TorchEngine, "advance", advance)
    with pytest.raises(NonFiniteError) as failed:
        trained(tmp_path / "run", replace(TINY, epochs=3))
    assert str(failed.value) == (
        "The loss became inf in epoch 2, step 22 of 23; training stopped. The checkpoint of epoch 1 is untouched. "
        "A lower rate may help: -s optimizer.learning_rate=0.01."
    )
    assert failed.value.exit_code == 1
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {".lock", "checkpoint-0001.safetensors", "metrics.csv", "recipe.toml"}
    monkeypatch.undo()
    resumed = trained(tmp_path / "run", replace(TINY, epochs=3))
    assert resumed.weights_sha256 == trained(tmp_path / "whole", replace(TINY, epochs=3)).weights_sha256


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("batch", [64, 2_000])
def test_weights_that_explode_end_the_run_before_anything_is_written(
    batch: int, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one step an epoch every loss of training is still finite; what the step leaves is not."""
    monkeypatch.setattr("pennyweight.training.loop.check_recipe", lambda *_: None)
    plain = (Conv(4, stride=2), Conv(CLASSES), GlobalAvgPool())
    recipe = replace(TINY, layers=plain, optimizer=SGD(learning_rate=1e30), batch_images=batch)
    with pytest.raises(NonFiniteError, match=r"epoch 1, step [1-9]"):
        train(Run(recipe, DIGITS, 0, tmp_path / "run", engine=engine), Listener())
    assert {path.name for path in (tmp_path / "run").iterdir()} == {".lock", "recipe.toml"}


@pytest.mark.parametrize("measure_test", [True, False])
def test_a_weight_that_is_not_finite_never_reaches_a_checkpoint(
    measure_test: bool, tmp_path: Path, monkeypatch
) -> None:
    from pennyweight.training.torch_engine import TorchEngine

    whole = TorchEngine.state

    def state(engine: TorchEngine):
        held = dict(whole(engine))
        held["optimizer.momentum.1.weight"] = np.full_like(held["optimizer.momentum.1.weight"], np.inf)
        return held

    monkeypatch.setattr(TorchEngine, "state", state)
    with pytest.raises(NonFiniteError, match=r"'optimizer.momentum.1.weight' holds a number that is not finite"):
        trained(tmp_path / "run", measure_test=measure_test)
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_stopping_between_slices_leaves_the_epochs_before(tmp_path: Path) -> None:
    asked = iter([False] * 4 + [True])
    with pytest.raises(Interrupted, match="epoch 2"):
        train(Run(TINY, DIGITS, 0, tmp_path / "run"), Listener(), stop=lambda: next(asked))
    assert [path.name for path in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-0001.safetensors"]


# ---------------------------------------------------------------------------------------------------- small data


@pytest.mark.parametrize(("images", "batch"), [(30, 64), (1, 64), (65, 64), (64, 64), (33, 1)])
def test_a_dataset_of_any_size_trains(images: int, batch: int, tmp_path: Path) -> None:
    record = trained(tmp_path / "run", replace(TINY, batch_images=batch, epochs=1), few(images))
    assert record.train_images == images
    assert np.isfinite(record.epochs[0].train_loss)
    assert 0 <= record.epochs[0].train_accuracy <= 100


def test_a_batch_of_one_image_that_batchnorm_cannot_use_is_refused(tmp_path: Path) -> None:
    layers = (Conv(4, stride=2), GlobalAvgPool(), BatchNorm(), Linear(CLASSES))
    with pytest.raises(UsageError, match=r"layer 3 \(BatchNorm\)"):
        trained(tmp_path / "run", replace(TINY, layers=layers, batch_images=64), few(65))
    trained(tmp_path / "fits", replace(TINY, layers=layers, batch_images=64), few(66))


def test_a_hold_out_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot hold out 1,437 of 1,437"):
        trained(tmp_path / "run", replace(TINY, validation_images=1_437))
