"""The main path on the embedded digits: what decides the weights, what must not, and how it goes wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from support import TINY, every_setting, mnist_plan

from pennyweight.base.errors import Interrupted, NonFiniteError, UsageError
from pennyweight.base.records import EpochRow, RunRecord
from pennyweight.data.augment import Augmentation
from pennyweight.data.dataset import Dataset, load
from pennyweight.nets.layers import CLASSES, BatchNorm, Conv, GlobalAvgPool, Linear
from pennyweight.runs.folder import METRIC_COLUMNS
from pennyweight.runs.run import Run
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.keys import change, settings_of
from pennyweight.settings.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Optimizer
from pennyweight.settings.recipe import Recipe
from pennyweight.settings.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    OneCycle,
    ReduceLROnPlateau,
    Schedule,
    StepLR,
)
from pennyweight.settings.stopping import Stopping
from pennyweight.training.loop import train
from pennyweight.training.pace import Pace

DIGITS = load("digits")


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.details: list[str] = []
        self.slices: list[tuple[int, int, int]] = []
        self.histories: list[Sequence[EpochRow]] = []

    def started(self, run: Run) -> None:
        pass

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        self.slices.append((epoch, steps_done, epoch_steps))

    def detail(self, text: str) -> None:
        self.details.append(text)

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        self.histories.append(history)


@pytest.fixture
def whole_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, a slice is handed to the engine at once."""
    monkeypatch.setattr(Pace, "steps", lambda _, most: most)


def trained(folder: Path, recipe: Recipe = TINY, dataset: Dataset = DIGITS, **other: object) -> RunRecord:
    return train(Run(recipe=recipe, dataset=dataset, folder=folder, **{"seed": 0, **other}), Listener())  # type: ignore[arg-type]


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


ALL_ON = replace(
    TINY,
    batch_images=20,
    epochs=3,
    label_smoothing=0.1,
    validation_images=20,
    augmentation=Augmentation(
        rotation_degrees=8.0,
        shift_fraction=0.1,
        scale_low=0.8,
        scale_high=1.4,
        shear_degrees=8.0,
        perspective_distortion=0.3,
        perspective_probability=0.8,
        fill=40,
    ),
    averaging=Averaging(decay=0.3, every_steps=2),
    optimizer=SGD(learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
)
"""A recipe in which every setting decides something."""
OPTIMIZERS_ON: list[Optimizer] = [
    ALL_ON.optimizer,
    Adam(learning_rate=0.02, epsilon=1e-3, weight_decay=0.01),
    AdamW(learning_rate=0.02, epsilon=1e-3, weight_decay=0.01),
    Adagrad(learning_rate=0.02, epsilon=1e-3, weight_decay=0.01),
]
SCHEDULES_ON: list[Schedule] = [
    Constant(),
    StepLR(step_epochs=1, factor=0.5),
    Cosine(final_learning_rate=0.01),
    OneCycle(),
    # the training loss falls, but by less than this threshold: the third epoch has a lower rate, the fourth the lowest
    ReduceLROnPlateau(factor=0.6, patience_epochs=0, threshold=0.99, lowest_learning_rate=0.02),
]
VARIANTS = [replace(ALL_ON, optimizer=one) for one in OPTIMIZERS_ON]
VARIANTS += [replace(ALL_ON, schedule=one) for one in SCHEDULES_ON[:-1]]
VARIANTS += [replace(ALL_ON, schedule=SCHEDULES_ON[-1], epochs=4, validation_images=0)]
HASTY = replace(ALL_ON, epochs=4, stopping=Stopping(patience_epochs=1, threshold=0.9))
"""It stops after its third epoch, because no loss falls to a tenth."""
DECIDING = [(recipe, key) for recipe, key in every_setting(*VARIANTS) if not key.startswith(("input.", "stopping."))]
DECIDING += [(HASTY, "stopping.patience_epochs"), (HASTY, "stopping.threshold")]
"""Every setting but the input, of which a dataset allows one alone."""


def other_value(key: str, value: object) -> object:
    if key in ("schedule.threshold", "stopping.threshold"):
        return 0.0
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else float(str(value)) * 0.75


@pytest.fixture(scope="module")
def weights_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Recipe], str]:
    """The digest of the weights that a recipe trains on a few digits, each recipe trained once."""

    @cache
    def train_few(recipe: Recipe) -> str:
        return trained(tmp_path_factory.mktemp("few") / "run", recipe, few(80)).weights_sha256

    return train_few


@pytest.mark.parametrize(("recipe", "key"), DECIDING, ids=[f"{type(r.optimizer).__name__}-{k}" for r, k in DECIDING])
def test_every_setting_reaches_the_weights(recipe: Recipe, key: str, weights_of: Callable[[Recipe], str]) -> None:
    changed = change(recipe, [f"{key}={other_value(key, settings_of(recipe)[key])}"])
    assert settings_of(changed) != settings_of(recipe)
    assert weights_of(changed) != weights_of(recipe)


def test_every_kind_of_optimizer_and_schedule_trains_other_weights(weights_of: Callable[[Recipe], str]) -> None:
    assert {type(one) for one in OPTIMIZERS_ON} == set(OPTIMIZERS.values())
    assert {type(one) for one in SCHEDULES_ON} == set(SCHEDULES.values())
    # the first optimizer and the first schedule are those of the same recipe
    assert len({weights_of(recipe) for recipe in VARIANTS}) == len(VARIANTS) - 1


def test_other_layers_and_another_seed_train_other_weights(weights_of: Callable[[Recipe], str], tmp_path: Path) -> None:
    assert weights_of(replace(ALL_ON, layers=(*ALL_ON.layers[:4], *ALL_ON.layers[5:]))) != weights_of(ALL_ON)
    assert trained(tmp_path / "run", ALL_ON, few(80), seed=1).weights_sha256 != weights_of(ALL_ON)


# ---------------------------------------------------------------------------------------------------- the record


def test_the_record_says_what_was_measured(tmp_path: Path) -> None:
    listener = Listener()
    recipe = replace(TINY, validation_images=137)
    record = train(
        Run(recipe=recipe, dataset=DIGITS, seed=3, folder=tmp_path / "run", changes=("validation_images=137",)),
        listener,
    )
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
    from pennyweight.engines.evaluation import score
    from pennyweight.nets.initial import initial_weights

    recipe = replace(TINY, layers=(Conv(4, stride=4), Conv(CLASSES), GlobalAvgPool()), epochs=1, batch_images=2_000)
    row = trained(tmp_path / "run", recipe).epochs[0]
    import torch

    from pennyweight.data.normalisation import normalisation_of
    from pennyweight.nets.torch_module import torch_module

    statistics = normalisation_of(DIGITS.train_images)
    pixels = (DIGITS.train_images / 255 - statistics.mean[0]) / statistics.std[0]
    module = torch_module(mnist_plan(recipe.layers), initial_weights(mnist_plan(recipe.layers), 0))
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
    again = train(Run(recipe=TINY, dataset=DIGITS, seed=0, folder=tmp_path / "run"), listener)
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
        ({"use_test": False}, "test measured was True, now False"),
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


@pytest.mark.usefixtures(whole_slices.__name__)
def test_a_loss_that_is_not_finite_names_epoch_and_step_and_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch has 23 steps in slices of 20; the second loss of the fourth slice is made infinite."""
    from pennyweight.engines.torch import TorchEngine

    whole = TorchEngine.train_steps

    def train_steps(engine: TorchEngine, first_step: int, *rest: object, **named: object) -> object:
        sums = whole(engine, first_step, *rest, **named)  # type: ignore[arg-type]
        if first_step == 43:
            sums.losses[1] = np.inf
        return sums

    monkeypatch.setattr(TorchEngine, "train_steps", train_steps)
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
    monkeypatch.setattr("pennyweight.training.prepare.check_dataset", lambda *_: None)
    plain = (Conv(4, stride=2), Conv(CLASSES), GlobalAvgPool())
    recipe = replace(TINY, layers=plain, optimizer=SGD(learning_rate=1e30), batch_images=batch)
    with pytest.raises(NonFiniteError, match=r"epoch 1, step [1-9]"):
        train(Run(recipe=recipe, dataset=DIGITS, seed=0, folder=tmp_path / "run", engine=engine), Listener())
    assert {path.name for path in (tmp_path / "run").iterdir()} == {".lock", "recipe.toml"}


@pytest.mark.parametrize("use_test", [True, False])
def test_a_weight_that_is_not_finite_never_reaches_a_checkpoint(use_test: bool, tmp_path: Path, monkeypatch) -> None:
    from pennyweight.engines.torch import TorchEngine

    whole = TorchEngine.state

    def state(engine: TorchEngine):
        held = dict(whole(engine))
        held["optimizer.momentum.1.weight"] = np.full_like(held["optimizer.momentum.1.weight"], np.inf)
        return held

    monkeypatch.setattr(TorchEngine, "state", state)
    with pytest.raises(NonFiniteError, match=r"'optimizer.momentum.1.weight' holds a number that is not finite"):
        trained(tmp_path / "run", use_test=use_test)
    assert not list((tmp_path / "run").glob("checkpoint-*"))


@pytest.mark.usefixtures(whole_slices.__name__)
def test_stopping_between_slices_leaves_the_epochs_before(tmp_path: Path) -> None:
    asked = iter([False] * 4 + [True])
    with pytest.raises(Interrupted, match="epoch 2"):
        train(Run(recipe=TINY, dataset=DIGITS, seed=0, folder=tmp_path / "run"), Listener(), stop=lambda: next(asked))
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


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("shape", [(20, 36), (32, 32), (28, 14)])
def test_a_dataset_of_other_images_than_the_network_reads_is_refused(
    shape: tuple[int, int], engine: str, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, *shape), dtype=np.uint8)
    other = replace(DIGITS, train_images=noise, train_labels=DIGITS.train_labels[:100], digest="other")
    words = (
        f"'tiny' reads images of 28x28 pixels, and those of digits have {shape[0]}x{shape[1]} pixels; change the recipe"
    )
    with pytest.raises(UsageError, match=words):
        trained(tmp_path / "run", dataset=other, engine=engine)
    assert not list((tmp_path / "run").glob("checkpoint-*"))
