"""Slices by time: how long the engine is away follows the machine, what is computed and told does not."""

from dataclasses import replace
from pathlib import Path
from time import sleep

import pytest
from support import TINY

from pennyweight.data.augment import Augmentation
from pennyweight.data.dataset import load
from pennyweight.engines.choose import ENGINES
from pennyweight.engines.native import NativeEngine
from pennyweight.nets.weights import read_sealed
from pennyweight.runs.run import Run
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.recipe import Recipe
from pennyweight.training import pace
from pennyweight.training.loop import SLICE_STEPS, train
from pennyweight.training.observer import Silent
from pennyweight.training.pace import Pace

DIGITS = load("digits")
MOVED = replace(TINY, augmentation=Augmentation(rotation_degrees=10, shift_fraction=0.1), validation_images=100)
RECIPES = {"plain": MOVED, "averaged": replace(MOVED, averaging=Averaging(decay=0.9, every_steps=7))}


class Listener(Silent):
    """Keeps what it is told of progress."""

    def __init__(self) -> None:
        self.slices: list[tuple[int, int, int]] = []

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        self.slices.append((epoch, steps_done, epoch_steps))


def outcome(recipe: Recipe, engine: str, folder: Path) -> tuple[object, ...]:
    """What a run comes to and what its observer is told."""
    listener = Listener()
    record = train(Run(recipe=recipe, dataset=DIGITS, seed=0, folder=folder, engine=engine), listener)
    tensors, _ = read_sealed(folder / "checkpoint-0002.safetensors")
    state = {name: array.tobytes() for name, array in tensors.items()}
    return (
        record.weights_sha256,
        [replace(row, seconds=0.0) for row in record.epochs],
        record.mistakes_by_epoch,
        state,
        listener.slices,
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_length_of_slices_changes_neither_a_byte_nor_what_is_told(
    recipe: Recipe, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes, asked = [], set[int]()
    for length in (1, 3, 1_000):

        def steps(_: Pace, most: int, length: int = length) -> int:
            asked.add(min(length, most))
            return min(length, most)

        monkeypatch.setattr(Pace, "steps", steps)
        outcomes.append(outcome(recipe, engine, tmp_path / str(length)))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert {1, 3, recipe.averaging.every_steps if recipe.averaging.is_kept else SLICE_STEPS} <= asked


def test_slow_steps_are_trained_a_few_at_a_time_and_quick_ones_a_slice_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, lengths = NativeEngine.train_steps, list[int]()

    def slow(engine: NativeEngine, first_step: int, order, homographies, learning_rates, momenta):
        lengths.append(len(learning_rates))
        sleep(0.01 * len(learning_rates))
        return whole(engine, first_step, order, homographies, learning_rates, momenta)

    monkeypatch.setattr(NativeEngine, "train_steps", slow)
    monkeypatch.setattr(pace, "SLICE_SECONDS", 0.05)
    outcome(TINY, "native", tmp_path / "slow")
    assert lengths[0] == 1
    assert 1 < max(lengths) <= 5
    monkeypatch.setattr(pace, "SLICE_SECONDS", 1e9)
    lengths.clear()
    outcome(TINY, "native", tmp_path / "quick")
    assert lengths == [1, 19, 3, 20, 3]


def test_a_step_that_takes_longer_than_a_slice_should_is_trained_alone() -> None:
    slow = Pace()
    slow.took(1, -1e9)
    assert slow.steps(20) == 1
