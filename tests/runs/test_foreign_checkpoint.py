"""A whole checkpoint that is not of this network, or contradicts itself, is refused by name and never trained on."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import TINY, edit_record, mnist_plan

import pennyweight as pw
from pennyweight.base.errors import MismatchError, UsageError
from pennyweight.base.record_text import run_record_from_json
from pennyweight.data.dataset import load
from pennyweight.engines.averaging import with_prefix
from pennyweight.engines.protocol import initial_state, weights_of
from pennyweight.judging.verify import verify
from pennyweight.nets.weights import read_sealed, seal
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.runs.checkpoint_fit import check_epochs, check_mistakes, state_shapes
from pennyweight.runs.published import published_tree
from pennyweight.runs.run import Run
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.optimizers import OPTIMIZERS
from pennyweight.settings.recipe import Recipe
from pennyweight.training.loop import train
from pennyweight.training.observer import Silent

DIGITS = load("digits")
AVERAGED = replace(TINY, epochs=3, averaging=Averaging(0.9, 1), validation_images=100)
IMAGES = len(DIGITS.test_labels)
NEWEST = "checkpoint-0003.safetensors"

Tensors = dict[str, np.ndarray]
Facts = dict[str, Any]
Change = Callable[[Tensors, Facts], object]


def run_in(folder: Path, recipe: Recipe = AVERAGED) -> Run:
    return Run(recipe=recipe, dataset=DIGITS, seed=0, folder=folder, engine="torch")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three epochs; its checkpoint holds a state with everything there can be in one."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    train(run_in(folder), Silent())
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """The same run, with its newest checkpoint alone and what is written at the end still missing."""
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    for name in ("record.json", "weights.safetensors", "checkpoint-0002.safetensors"):
        (folder / name).unlink()
    return folder


def craft(path: Path, change: Change) -> None:
    """Change a checkpoint as someone who knows of its digest."""
    tensors, facts = read_sealed(path)
    change(tensors, facts)
    path.write_bytes(seal(tensors, facts))


def tensor(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda tensors, facts: tensors.update({name: change(tensors[name])})


def filled(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def fill(array: np.ndarray) -> np.ndarray:
        changed = array.copy()
        changed.flat[-1] = value
        return changed

    return fill


TENSORS: list[tuple[str, Change, str]] = [
    (
        "a weight missing",
        lambda tensors, facts: tensors.pop("1.weight"),
        "layer 1 (Conv) holds nothing for '1.weight', the network needs float32 (4, 1, 3, 3)",
    ),
    (
        "a buffer missing",
        lambda tensors, facts: tensors.pop("2.running_var"),
        "layer 2 (BatchNorm) holds nothing for '2.running_var'",
    ),
    (
        "a slot of the optimizer missing",
        lambda tensors, facts: tensors.pop("optimizer.momentum.6.weight"),
        "layer 6 (Conv) holds nothing for 'optimizer.momentum.6.weight'",
    ),
    (
        "a part of the average missing",
        lambda tensors, facts: tensors.pop("average.2.running_mean"),
        "layer 2 (BatchNorm) holds nothing for 'average.2.running_mean'",
    ),
    (
        "a shape that would be broadcast",
        tensor("2.weight", lambda array: array[:1]),
        "holds float32 (1,) for '2.weight', the network needs float32 (4,)",
    ),
    (
        "a transposed shape of equal size",
        tensor("6.weight", lambda array: np.ascontiguousarray(array.transpose(1, 0, 2, 3))),
        "holds float32 (4, 10, 3, 3) for '6.weight', the network needs float32 (10, 4, 3, 3)",
    ),
    (
        "a slot of another shape",
        tensor("optimizer.momentum.6.weight", np.ravel),
        "holds float32 (360,) for 'optimizer.momentum.6.weight'",
    ),
    (
        "numbers that would be cast",
        tensor("1.weight", lambda array: array.astype(np.float64)),
        "holds float64 (4, 1, 3, 3) for '1.weight'",
    ),
    (
        "whole numbers",
        tensor("average.1.weight", lambda array: array.astype(np.int8)),
        "holds int8 (4, 1, 3, 3) for 'average.1.weight'",
    ),
    (
        "a tensor too many",
        lambda tensors, facts: tensors.update({"7.weight": tensors["2.weight"]}),
        "it also holds '7.weight', which the network does not have",
    ),
    (
        "a slot of another optimizer",
        lambda tensors, facts: tensors.update({"optimizer.square.2.weight": tensors["2.weight"]}),
        "it also holds 'optimizer.square.2.weight'",
    ),
    ("not a number", tensor("6.weight", filled(np.nan)), "not finite in '6.weight'"),
    (
        "an infinite slot",
        tensor("optimizer.momentum.2.bias", filled(np.inf)),
        "not finite in 'optimizer.momentum.2.bias'",
    ),
    ("an infinite average", tensor("average.2.running_var", filled(-np.inf)), "not finite in 'average.2.running_var'"),
]


def epoch(number: int, **changed: object) -> Change:
    return lambda tensors, facts: facts["history"][number - 1].update(changed)


def mistakes(change: Callable[[list[Any]], object]) -> Change:
    return lambda tensors, facts: change(facts["misclassified"])


def swap(listed: list[Any]) -> None:
    listed[0], listed[1] = listed[1], listed[0]


def longer(tensors: Tensors, facts: Facts) -> None:
    facts["history"].append({**facts["history"][-1], "epoch": 4})


HISTORY: list[tuple[str, Change, str]] = [
    ("an epoch numbered otherwise", epoch(2, epoch=7), "epoch 7 stands where epoch 2 is expected"),
    (
        "more right than there are",
        epoch(1, test_correct=10**30),
        f"test_correct of epoch 1 is {10**30}; it must be from",
    ),
    ("fewer right than none", epoch(1, val_correct=-1), "val_correct of epoch 1 is -1; it must be from 0 to 100"),
    (
        "an accuracy that is not the count's",
        epoch(2, test_accuracy=99.5),
        "test_accuracy of epoch 2 is 99.5, but ",
    ),
    (
        "an accuracy above all",
        epoch(3, train_accuracy=101.0),
        "train_accuracy of epoch 3 is 101.0; it must be from 0 to",
    ),
    (
        "a loss that was not measured",
        epoch(2, test_loss=None),
        "test_loss, test_accuracy and test_correct of epoch 2 are",
    ),
    (
        "an epoch that was not measured",
        epoch(1, val_loss=None, val_accuracy=None, val_correct=None),
        "of epoch 1 are None, None and None, where 100 images are evaluated",
    ),
    (
        "a negative learning rate",
        epoch(1, learning_rate=-0.1),
        "learning_rate of epoch 1 is -0.1; it must be finite and",
    ),
    ("a negative time", epoch(1, seconds=-1.0), "seconds of epoch 1 is -1.0"),
    (
        "a mistake that is no image",
        mistakes(lambda listed: listed[-1].__setitem__(0, IMAGES)),
        f"mistake at image {IMAGES}",
    ),
    ("a mistake before the first", mistakes(lambda listed: listed[0].__setitem__(0, -1)), "mistake at image -1"),
    ("mistakes out of order", mistakes(swap), "they must ascend"),
    ("a mistake listed twice", mistakes(lambda listed: listed.__setitem__(1, listed[0])), "they must ascend"),
    ("a label there is not", mistakes(lambda listed: listed[0].__setitem__(1, 10)), "as label 10 predicted as"),
    (
        "a prediction there is not",
        mistakes(lambda listed: listed[0].__setitem__(2, -3)),
        "predicted as -3; both must be",
    ),
    (
        "a mistake that is none",
        mistakes(lambda listed: listed[0].__setitem__(2, listed[0][1])),
        "both must be from 0 to 9 and differ",
    ),
    ("a mistake left out", mistakes(lambda listed: listed.pop()), "mistakes, but after its last epoch there are"),
]
JUNK: list[tuple[str, Change, str]] = [
    ("junk for mistakes", mistakes(lambda listed: listed.__setitem__(0, "abc")), "'abc' stands where index, label and"),
    ("a mistake of two numbers", mistakes(lambda listed: listed[0].pop()), "stands where index, label and predicted"),
    ("a mistake of fractions", mistakes(lambda listed: listed[0].__setitem__(0, 1.0)), "stands where index, label and"),
    ("a mistake of truths", mistakes(lambda listed: listed[0].__setitem__(0, True)), "stands where index, label and"),
    ("a count of text", epoch(1, test_correct="many"), "EpochRow.test_correct is 'many'"),
    ("an epoch with another field", epoch(1, luck=1), "no EpochRow field 'luck'"),
    ("a history that is none", lambda tensors, facts: facts.update(history=7), "is not a checkpoint of this version"),
    ("an identity that is none", lambda tensors, facts: facts.update(identity=["tiny"]), "is not a checkpoint of this"),
    ("no identity", lambda tensors, facts: facts.pop("identity"), "is not a checkpoint of this version"),
]
CRAFTED = TENSORS + HISTORY + JUNK
crafted = pytest.mark.parametrize(
    ("change", "words"), [case[1:] for case in CRAFTED], ids=[case[0] for case in CRAFTED]
)


@crafted
def test_it_is_refused_with_file_and_both_values_and_left_as_it_is(change: Change, words: str, folder: Path) -> None:
    craft(folder / NEWEST, change)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(MismatchError) as refused:
        train(run_in(folder), Silent())
    assert words in str(refused.value)
    assert str(folder / NEWEST) in str(refused.value)
    assert "--again" in str(refused.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"} == {
        name: content for name, content in before.items() if name != ".lock"
    }


def test_control_whole_and_of_this_run_it_is_gone_on_with(folder: Path, finished: Path) -> None:
    train(run_in(folder), Silent())
    assert (folder / "weights.safetensors").read_bytes() == (finished / "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "words"), [case[1:] for case in TENSORS + JUNK], ids=[case[0] for case in TENSORS + JUNK]
)
def test_verify_refuses_it(change: Change, words: str, finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    (folder / "checkpoint-0002.safetensors").unlink()
    craft(folder / NEWEST, change)
    with pytest.raises(MismatchError) as refused:
        verify(folder, DIGITS)
    assert words in str(refused.value)
    assert str(folder / NEWEST) in str(refused.value)


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in HISTORY], ids=[case[0] for case in HISTORY])
def test_verify_disagrees_with_it(change: Change, words: str, finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    craft(folder / NEWEST, change)
    found = verify(folder, DIGITS)
    (check,) = [check for check in found.checks if check.name == "checkpoint is consistent"]
    assert words in check.found
    assert check.agrees is False


def test_control_verify_agrees_with_the_run_as_it_is(finished: Path) -> None:
    assert verify(finished, DIGITS).agrees


def test_an_epoch_beyond_the_recipe_is_refused(folder: Path) -> None:
    craft(folder / NEWEST, longer)
    (folder / NEWEST).rename(folder / "checkpoint-0004.safetensors")
    with pytest.raises(MismatchError, match=r"checkpoint-0004\.safetensors holds 4 epochs, the recipe has 3"):
        train(run_in(folder), Silent())


def test_a_checkpoint_before_the_first_epoch_is_refused(folder: Path) -> None:
    craft(folder / NEWEST, lambda tensors, facts: facts.update(history=[]))
    (folder / NEWEST).rename(folder / "checkpoint-0000.safetensors")
    with pytest.raises(MismatchError, match=r"checkpoint-0000\.safetensors holds 0 epochs"):
        train(run_in(folder), Silent())


def test_another_run_is_still_called_another_run(folder: Path) -> None:
    """What differs in its keys is no foreign file but a folder that is in use, with another exit code."""
    with pytest.raises(
        UsageError, match=r"a different run: its layers differ.*Under another name, a changed recipe has"
    ):
        train(run_in(folder, replace(AVERAGED, layers=pw.recipe("progressive-3").layers)), Silent())


@pytest.mark.parametrize(
    "recipe",
    [*RECIPES, AVERAGED, *(replace(AVERAGED, name=name, optimizer=kind()) for name, kind in OPTIMIZERS.items())],
    ids=lambda recipe: recipe.name,
)
def test_what_is_expected_is_what_a_run_begins_with(recipe: Recipe) -> None:
    plan = mnist_plan(recipe.layers)
    state = initial_state(plan, recipe.optimizer, 0)
    average = with_prefix(weights_of(state, plan)) if recipe.averaging.is_kept else {}
    assert state_shapes(plan, recipe) == {name: array.shape for name, array in (state | average).items()}


# ---------------------------------------------------------------------------------------------------- records


RECORDS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("a mistake that is no image", lambda held: held["misclassified"][-1].update(index=IMAGES), f"image {IMAGES}"),
    ("mistakes out of order", lambda held: swap(held["misclassified"]), "they must ascend"),
    ("a prediction there is not", lambda held: held["misclassified"][0].update(predicted=99), "predicted as 99"),
    ("an impossible accuracy", lambda held: held["epochs"][0].update(train_accuracy=-1.0), "train_accuracy of epoch 1"),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in RECORDS], ids=[case[0] for case in RECORDS])
def test_a_record_that_contradicts_itself_is_not_loaded(
    change: Callable[[dict[str, Any]], object], words: str, finished: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    edit_record(folder, change)
    with pytest.raises(MismatchError) as refused:
        pw.load(folder)
    assert words in str(refused.value)
    assert str(folder / "record.json") in str(refused.value)


def test_every_published_record_is_free_of_contradictions() -> None:
    texts = published_tree().texts
    assert len(texts) > 200
    for path, text in texts.items():
        record, place = run_record_from_json(text, str(path)), Path(path)
        check_epochs(record.epochs, record.val_images, record.test_images, place)
        check_mistakes(record.misclassified, record.test_images, 10, place)
