"""Verifying a run: honest folders pass, and whoever edits one is caught."""

import json
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import TINY, edit_record

import pennyweight as pw
from pennyweight.base.errors import MismatchError
from pennyweight.base.record_text import SINCE_DIGESTS, run_record_from_json, to_json
from pennyweight.base.records import RunRecord
from pennyweight.data import dataset as datasets
from pennyweight.data.dataset import Dataset, load
from pennyweight.judging.checks import file_checks
from pennyweight.judging.verify import Verification, replay, verify
from pennyweight.nets.layers import CLASSES, Conv, GlobalAvgPool, MaxPool, Relu
from pennyweight.nets.weights import content_digest, read_sealed, seal
from pennyweight.reporting.verification import verification_text
from pennyweight.runs.folder import metrics_text, read_record
from pennyweight.runs.model import load_trained
from pennyweight.runs.run import Run
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.recipe import Recipe
from pennyweight.training.loop import train
from pennyweight.training.observer import Silent

DIGITS = load("digits")
OTHER = replace(TINY, name="other", layers=(Conv(4, stride=2), Relu(), MaxPool(), Conv(CLASSES), GlobalAvgPool()))
HONEST: list[tuple[Recipe, str, int]] = [
    *((TINY, "native", seed) for seed in range(3)),
    *((TINY, "torch", seed) for seed in range(3)),
    (replace(TINY, name="averaged", averaging=Averaging(0.9, 1)), "native", 0),
    (replace(TINY, name="averaged", averaging=Averaging(0.9, 1)), "torch", 0),
    (replace(TINY, name="held-out", validation_images=200), "native", 0),
    (OTHER, "native", 0),
]


def folder_of(home: Path, recipe: Recipe, engine: str, seed: int) -> Path:
    return home / f"{recipe.name}-{engine}" / f"seed-{seed}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("honest")
    for recipe, engine, seed in HONEST:
        train(
            Run(recipe=recipe, dataset=DIGITS, seed=seed, folder=folder_of(home, recipe, engine, seed), engine=engine),
            Silent(),
        )
    return home


@pytest.mark.parametrize(("recipe", "engine", "seed"), HONEST)
def test_an_honest_run_passes(recipe: Recipe, engine: str, seed: int, runs: Path) -> None:
    found = verify(folder_of(runs, recipe, engine, seed), DIGITS)
    assert found.agrees, [check for check in found.checks if not check.agrees]
    assert len(found.checks) > 12


def last(held: dict[str, Any]) -> dict[str, Any]:
    return held["epochs"][-1]


def better(held: dict[str, Any], number: int = -1) -> None:
    """One image more is right, everywhere it is said."""
    row = held["epochs"][number]
    row["test_correct"] += 1
    row["test_accuracy"] = 100 * row["test_correct"] / held["test_images"]
    for mistakes in held["mistakes_by_epoch"]:
        if (mistakes["epoch"], mistakes["split"]) == (row["epoch"], "test"):
            mistakes["images"].pop()


def shorter(held: dict[str, Any]) -> None:
    """The last epoch is gone, everywhere it is said."""
    held["epochs"].pop()
    held["mistakes_by_epoch"] = [one for one in held["mistakes_by_epoch"] if one["epoch"] <= len(held["epochs"])]


def another_mistake(held: dict[str, Any]) -> None:
    """Of an earlier epoch, which no weights of the folder can be asked about."""
    images = held["mistakes_by_epoch"][0]["images"]
    spare = next(index for index in range(held["test_images"]) if index not in images)
    held["mistakes_by_epoch"][0]["images"] = sorted([*images[1:], spare])


def moved_image(held: dict[str, Any]) -> None:
    """A test image is counted in another class."""
    counts = held["test_class_images"]
    held["test_class_images"] = [counts[0] + 1, *counts[1:-1], counts[-1] - 1]


def reversed_classes(folder: Path) -> None:
    path = folder / "weights.safetensors"
    tensors, facts = read_sealed(path)
    path.write_bytes(seal(tensors, {**facts, "classes": facts["classes"][::-1]}))


def edited_recipe(folder: Path, old: str, new: str) -> None:
    path = folder / "recipe.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def with_metrics(folder: Path) -> None:
    edit_record(folder, lambda held: better(held, 0))
    record = run_record_from_json((folder / "record.json").read_text(), "here")
    (folder / "metrics.csv").write_text(metrics_text(record.epochs))


def other_weights(folder: Path, name: str, seed: int, restate: bool) -> None:
    source = folder.parent.parent / name / f"seed-{seed}" / "weights.safetensors"
    shutil.copy(source, folder / "weights.safetensors")
    if restate:
        tensors, _ = read_sealed(source)
        edit_record(folder, lambda held: held.update(weights_sha256=content_digest(tensors, {})))


def nudged_weights(folder: Path) -> None:
    path = folder / "weights.safetensors"
    tensors, facts = read_sealed(path)
    name = next(iter(tensors))
    tensors[name] = tensors[name] * 1.01
    path.write_bytes(seal(tensors, facts))
    edit_record(folder, lambda held: held.update(weights_sha256=content_digest(tensors, {})))


CHEATS: dict[str, Callable[[Path], object]] = {
    "a better accuracy": lambda folder: edit_record(folder, lambda held: last(held).update(test_accuracy=99.9)),
    "a better accuracy and count": lambda folder: edit_record(folder, better),
    "an earlier epoch, and metrics.csv with it": with_metrics,
    "an epoch removed": lambda folder: edit_record(folder, shorter),
    "weights of another recipe": lambda folder: other_weights(folder, "other-native", 0, restate=True),
    "weights of another seed": lambda folder: other_weights(folder, "tiny-native", 1, restate=False),
    "weights of another seed, stated": lambda folder: other_weights(folder, "tiny-native", 1, restate=True),
    "weights changed a little, stated": nudged_weights,
    "records of two seeds swapped": lambda folder: shutil.copy(
        folder.parent.parent / "tiny-native" / "seed-1" / "record.json", folder
    ),
    "a verdict": lambda folder: edit_record(
        folder, lambda held: held["verdict"].update(met=not held["verdict"]["met"])
    ),
    "a limit": lambda folder: edit_record(folder, lambda held: held["verdict"]["limits"][0].update(measured="12")),
    "a class renamed": lambda folder: edit_record(folder, lambda held: held["classes"].__setitem__(0, "O")),
    "images of a class": lambda folder: edit_record(folder, moved_image),
    "a seed": lambda folder: edit_record(folder, lambda held: held.update(seed=7)),
    "fewer mistakes": lambda folder: edit_record(folder, lambda held: held["misclassified"].pop()),
    "another mistake": lambda folder: edit_record(folder, lambda held: held["misclassified"][0].update(predicted=99)),
    "fewer parameters": lambda folder: edit_record(folder, lambda held: held.update(params=100)),
    "a quicker epoch": lambda folder: edit_record(folder, lambda held: last(held).update(seconds=0.001)),
    "another engine": lambda folder: edit_record(
        folder, lambda held: held["provenance"].update(engine="native clang 99")
    ),
    "a mistake of an earlier epoch": lambda folder: edit_record(folder, another_mistake),
    "clean training images right": lambda folder: edit_record(folder, lambda held: held.update(final_train_correct=9)),
    "a plan made afterwards": lambda folder: edit_record(folder, lambda held: held.update(planned_seeds=59)),
    "class names reversed": reversed_classes,
    "the share of seeds asked for": lambda folder: edited_recipe(folder, "hold_rate = 0.95", "hold_rate = 0.5"),
    "the accuracy asked for": lambda folder: edited_recipe(folder, "accuracy = 1.0", "accuracy = 0.5"),
    "metrics.csv": lambda folder: (folder / "metrics.csv").write_text("epoch\n"),
}


@pytest.fixture
def copied(runs: Path, tmp_path: Path) -> Path:
    shutil.copytree(runs, tmp_path / "runs")
    return folder_of(tmp_path / "runs", TINY, "native", 0)


@pytest.mark.parametrize("cheat", CHEATS)
def test_an_edited_run_is_caught(cheat: str, copied: Path) -> None:
    assert verify(copied, DIGITS).agrees
    CHEATS[cheat](copied)
    with suppress(MismatchError):  # the door of the folder already refuses what does not fit together
        assert not verify(copied, DIGITS).agrees


@pytest.mark.parametrize("cheat", ["the accuracy asked for", "a limit"])
def test_limits_that_differ_are_named_with_both_values(cheat: str, copied: Path) -> None:
    CHEATS[cheat](copied)
    trained = load_trained(copied)
    found = next(one for one in file_checks(copied, trained) if one.name == "limits of the budget")
    assert found.agrees is False
    parts = {
        "the accuracy asked for": ("test accuracy at least 1 % (", "test accuracy at least 0.5 % ("),
        "a limit": (": 12, kept", ": "),
    }[cheat]
    assert [part in cell for part, cell in zip(parts, (found.written, found.found), strict=True)] == [True, True]
    assert found.written != found.found


def changed_data() -> Dataset:
    pixels = DIGITS.test_images.copy()
    pixels[0, 14, 14] ^= 255
    digest = datasets.arrays_digest(DIGITS.train_images, DIGITS.train_labels, pixels, DIGITS.test_labels)
    return replace(DIGITS, test_images=pixels, digest=digest)


def test_changed_data_is_caught(copied: Path) -> None:
    found = verify(copied, changed_data())
    assert "dataset digest" in [check.name for check in found.checks if not check.agrees]


def test_the_command_says_what_disagrees_and_ends_with_1(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import typer

    from pennyweight.cli.verify import verify as verb

    verb(copied)
    out = capsys.readouterr().out
    assert any(line.endswith(("checks agree", "shows neither")) for line in out.splitlines())
    assert "taken on trust" in out
    assert f"pennyweight verify {copied} --replay" in " ".join(out.replace("\\\n", "").split())
    edit_record(copied, better)
    with pytest.raises(typer.Exit) as end:
        verb(copied)
    assert end.value.exit_code == 1
    assert "DISAGREES" in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_trained_again_under_the_same_conditions_the_bytes_are_equal(engine: str, runs: Path) -> None:
    found = pw.verify(folder_of(runs, TINY, engine, 0), replay=True)
    assert found.agrees
    assert found.checks[-1].name == "trained again, byte by byte"


def elsewhere(offset: int) -> Callable[[Run], RunRecord]:
    """Train as on another processor, where the last epoch comes out `offset` images better."""

    def train_there(run: Run) -> RunRecord:
        record = train(run, Silent())
        final = replace(record.epochs[-1], test_correct=(record.epochs[-1].test_correct or 0) + offset)
        held = replace(record.provenance, engine="native on another processor")
        return replace(record, provenance=held, epochs=(*record.epochs[:-1], final), weights_sha256="0" * 64)

    return train_there


@pytest.mark.parametrize(("offset", "agrees"), [(0, True), (-400, False)])
def test_trained_again_elsewhere_it_must_be_in_line_with_other_seeds(offset: int, agrees: bool, runs: Path) -> None:
    siblings = [read_record(folder_of(runs, TINY, "native", seed)) for seed in range(3)]
    found = replay(folder_of(runs, TINY, "native", 0), DIGITS, elsewhere(offset), siblings)
    assert "under other conditions (native on another processor)" in found.name
    assert found.agrees is agrees, found


def test_without_other_seeds_a_replay_elsewhere_shows_nothing(runs: Path) -> None:
    found = replay(folder_of(runs, TINY, "native", 0), DIGITS, elsewhere(0), [])
    assert found.agrees is None
    assert "3 are needed" in found.found
    assert Verification("run", (found,), ()).agrees
    assert not Verification("run", (found, replace(found, agrees=False)), ()).agrees
    assert "0 of 1 checks agree, 1 shows neither" in verification_text(Verification("run", (found,), ()))


def test_a_record_without_its_checkpoint_is_refused(copied: Path) -> None:
    for path in copied.glob("checkpoint-*"):
        path.unlink()
    with pytest.raises(MismatchError, match="no checkpoint"):
        verify(copied, DIGITS)


def test_an_early_record_without_a_digest_of_its_own_is_told(copied: Path) -> None:
    held = json.loads((copied / "record.json").read_text())
    early = {key: value for key, value in held.items() if key not in ("sha256", *SINCE_DIGESTS)}
    (copied / "record.json").write_text(json.dumps(early))
    found = verify(copied, DIGITS)
    assert [(one.name, one.written) for one in found.checks if one.agrees is None] == [
        ("digest of the record", "none, as in records of early versions"),
        ("digest of recipe.toml", "none, as in records of early versions"),
        ("changes of the published recipe", "none"),
    ]


def test_what_cannot_be_recomputed_is_listed_as_taken_on_trust(copied: Path) -> None:
    """Processor, commit and threads may be edited by whoever seals the record anew; nothing here can tell."""
    edit_record(copied, lambda held: held["provenance"].update(cpu="another", commit="abc", threads=64))
    found = verify(copied, DIGITS)
    assert found.agrees
    assert {("processor", "another"), ("commit", "abc"), ("threads", "64")} <= set(found.on_trust)


def test_changes_emptied_in_a_sealed_record_are_found(tmp_path: Path) -> None:
    settings = {"optimizer.learning_rate": 0.01}
    pw.train("progressive-1", settings=settings, epochs=1, dataset="digits", engine="torch", out=tmp_path / "run")
    edit_record(tmp_path / "run", lambda held: held.update(changes=[]))
    (check,) = [one for one in verify(tmp_path / "run", DIGITS).checks if one.agrees is False]
    assert (check.name, check.written) == ("changes of the published recipe", "none")
    assert check.found == "epochs=1, optimizer.learning_rate=0.01"


def test_a_thousand_mutated_records_are_refused(copied: Path) -> None:
    """Each mutant changes the text of a record somewhere; whatever it then says, it is not accepted."""
    record = read_record(copied)
    whole, chance, same = to_json(record), random.Random(0), 0
    for _ in range(1_000):
        text = list(whole)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(text))
            text[place] = chance.choice(["", chance.choice('0123456789.-eE{}[]",:ntrufals'), text[place] * 2])
        (copied / "record.json").write_text("".join(text))
        try:
            found = read_record(copied)
        except MismatchError:
            continue
        assert found == record, "".join(text)  # a blank more or less
        same += 1
    assert same < 500


def test_control_without_its_digest_a_mutated_record_is_read(copied: Path) -> None:
    edit_record(copied, lambda held: held["provenance"].update(cpu="another"))
    held = json.loads((copied / "record.json").read_text())
    early = {key: value for key, value in held.items() if key not in ("sha256", *SINCE_DIGESTS)}
    (copied / "record.json").write_text(json.dumps({**early, "seed": 9}))
    assert read_record(copied).seed == 9


def test_a_table_of_epochs_from_before_a_column_was_added_agrees(copied: Path) -> None:
    path = copied / "metrics.csv"
    path.write_text("\n".join(",".join(line.split(",")[:-2]) for line in path.read_text().splitlines()) + "\n")
    assert verify(copied, DIGITS).agrees


def test_verifying_changes_nothing_in_the_folder(copied: Path) -> None:
    (copied / "half.tmp").write_text("being written")
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    assert verify(copied, DIGITS).agrees
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def test_a_replay_needs_no_other_seeds_beside_it(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(folder_of(runs, TINY, "native", 0), tmp_path / "alone")
    assert pw.verify(tmp_path / "alone", replay=True).agrees
