"""Records survive JSON, and damage is named, never a traceback."""

import json
import random
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import PROVENANCE, run_record

from pennyweight.base.errors import MismatchError
from pennyweight.base.record_text import run_record_from_json, sealed, to_json
from pennyweight.base.records import SPLITS, EpochMistakes, EpochRow, Limit, Misclassified, RunRecord, Score, Verdict

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=20)


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    images = draw(st.integers(1, 1000))
    right = st.none() | st.integers(0, images)
    rows = [
        EpochRow(
            epoch=number,
            train_loss=draw(numbers),
            train_accuracy=draw(numbers),
            val_loss=draw(st.none() | numbers),
            val_accuracy=draw(st.none() | numbers),
            val_correct=draw(right),
            test_loss=draw(st.none() | numbers),
            test_accuracy=draw(st.none() | numbers),
            test_correct=draw(right),
            learning_rate=draw(numbers),
            seconds=draw(numbers),
        )
        for number in range(1, draw(st.integers(1, 3)) + 1)
    ]
    limits = st.builds(Limit, name=texts, allowed=texts, measured=texts, met=st.booleans())
    small = st.integers(0, 9)
    return RunRecord(
        recipe=draw(texts),
        changes=tuple(draw(st.lists(texts, max_size=3))),
        seed=draw(st.integers(0, 2**63)),
        engine=draw(texts),
        dataset=draw(texts),
        params=draw(st.integers(0, 10**9)),
        train_images=draw(st.integers(0, 10**9)),
        val_images=images,
        test_images=images,
        epochs=tuple(rows),
        verdict=Verdict(
            met=draw(st.none() | st.booleans()),
            dataset=draw(texts),
            split=draw(texts),
            limits=tuple(draw(st.lists(limits, max_size=2))),
            breaches=tuple(draw(st.lists(texts, max_size=2))),
        ),
        misclassified=tuple(draw(st.lists(st.builds(Misclassified, st.integers(0, 9999), small, small), max_size=3))),
        weights_sha256=draw(texts),
        provenance=PROVENANCE,
        folder=draw(texts),
        recipe_sha256=draw(texts),
        planned_seeds=draw(st.integers(0, 100)),
        mistakes_by_epoch=tuple(
            EpochMistakes(row.epoch, "test", tuple(range(images - row.test_correct)))
            for row in rows
            if row.test_correct is not None
        ),
    )


@given(record=records())
def test_a_record_read_back_is_equal(record: RunRecord) -> None:
    record = sealed(record)
    assert run_record_from_json(to_json(record), "record.json") == record


def mutated(text: str, generator: random.Random) -> str:
    """Return `text` with one thing wrong: cut off, a piece gone or doubled, or a character of JSON's own exchanged."""
    at = generator.randrange(len(text))
    until = min(len(text), at + generator.randrange(1, 30))
    kind = generator.choice(["cut", "delete", "double", "exchange"])
    if kind == "cut":
        return text[:at]
    if kind == "delete":
        return text[:at] + text[until:]
    if kind == "double":
        return text[:until] + text[at:]
    return text[:at] + generator.choice('{}[]",:0eE-.nt\\\x00 ') + text[at + 1 :]


def test_a_damaged_record_is_a_mismatch_or_still_a_record() -> None:
    text = to_json(run_record([9_940, None, 9_950]))
    refused = 0
    for number in range(300):
        damaged = mutated(text, random.Random(number))
        try:
            read = run_record_from_json(damaged, "record.json")
        except MismatchError:
            refused += 1
        else:
            assert isinstance(read, RunRecord), number
    assert refused > 200


WHOLE = json.loads(to_json(run_record([9_940, 9_941])))
ROW = WHOLE["epochs"][0]


def mistakes(epoch: int, split: str, images: list[int]) -> dict[str, Any]:
    return {**WHOLE, "mistakes_by_epoch": [{"epoch": epoch, "split": split, "images": images}]}


WRONG = [
    ("not JSON", "{", "Expecting"),
    ("empty", "", "Expecting"),
    ("a list", "[]", "schema is 'list'"),
    ("a number", "1", "schema is 'int'"),
    ("deep nesting", "[" * 100_000, "recursion"),
    ("schema of tomorrow", {**WHOLE, "schema": 2}, "schema is 2, this version reads 1"),
    ("no schema", {key: value for key, value in WHOLE.items() if key != "schema"}, "schema is None"),
    ("schema as text", {**WHOLE, "schema": "1"}, "schema is '1'"),
    ("unknown field", {**WHOLE, "sede": 1}, "Did you mean 'seed'?"),
    ("field of the wrong type", {**WHOLE, "seed": "0"}, "RunRecord.seed is '0', but must be a whole number"),
    ("true for a number", {**WHOLE, "params": True}, "RunRecord.params is True"),
    ("epochs not a list", {**WHOLE, "epochs": {}}, "'epochs' is {}, but must be a list"),
    ("an epoch not an object", {**WHOLE, "epochs": [1]}, "1 stands where the fields of EpochRow are expected"),
    ("an epoch as a list", {**WHOLE, "epochs": [[1]]}, "EpochRow"),
    ("a loss that is text", {**WHOLE, "epochs": [{**ROW, "train_loss": "low"}]}, "EpochRow.train_loss is 'low'"),
    ("a loss without end", {**WHOLE, "epochs": [{**ROW, "train_loss": 10**400}]}, "EpochRow.train_loss"),
    ("epochs that begin at 2", {**WHOLE, "epochs": [{**ROW, "epoch": 2}]}, "not numbered"),
    ("no epochs", {**WHOLE, "epochs": []}, "not numbered"),
    ("more right than there are", {**WHOLE, "epochs": [{**ROW, "test_correct": 10_001}]}, "10001 of 10000 test"),
    ("fewer right than none", {**WHOLE, "epochs": [{**ROW, "test_correct": -1}]}, "-1 of 10000 test"),
    ("right of no images", {**WHOLE, "epochs": [{**ROW, "val_correct": 0}]}, "0 of 0 val"),
    ("no verdict", {**WHOLE, "verdict": None}, "'verdict' is None"),
    ("a limit not an object", {**WHOLE, "verdict": {**WHOLE["verdict"], "limits": [1]}}, "Limit"),
    ("no provenance", {**WHOLE, "provenance": []}, "'provenance' is []"),
    ("more mistakes than images", mistakes(1, "test", list(range(61))), "but 61 are listed as wrong"),
    ("mistakes out of order", mistakes(1, "test", [*range(2, 61), 1]), "not by ascending index"),
    ("one mistake twice", mistakes(1, "test", [0, *range(59)]), "not by ascending index"),
    ("a mistake beyond the images", mistakes(1, "test", [*range(59), 10_000]), "not by ascending index"),
    ("mistakes of a split not measured", mistakes(1, "val", []), "None of 0 val images are right"),
    ("mistakes of no split", mistakes(1, "train", []), "None of 0 train images are right"),
    ("mistakes of no epoch", mistakes(3, "test", []), "mistakes of epoch 3, but has 2 epochs"),
    ("more training images right than there are", {**WHOLE, "final_train_correct": 60_001}, "60001 of 60000 training"),
    ("a mistake without its label", {**WHOLE, "misclassified": [{"index": 1, "predicted": 2}]}, "needs a value"),
]


@pytest.mark.parametrize(("held", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_record_is_refused_by_what_is_wrong(held: object, words: str) -> None:
    text = held if isinstance(held, str) else json.dumps(held)
    with pytest.raises(MismatchError) as refused:
        run_record_from_json(text, "runs/x/record.json")
    assert str(refused.value).startswith("runs/x/record.json is not a run's record: ")
    assert words in str(refused.value)


ADDED_LATER = (
    "recipe_sha256",
    "planned_seeds",
    "final_train_correct",
    "mistakes_by_epoch",
    "classes",
    "test_class_images",
    "planned_epochs",
    "initial_sha256",
)
OPTIONAL = ("folder", "schema", "sha256", *ADDED_LATER)


def test_a_record_of_an_early_version_has_the_digest_it_was_sealed_with() -> None:
    early = json.loads(to_json(sealed(run_record([9_940]))))
    for name in ADDED_LATER:
        del early[name]
    assert run_record_from_json(json.dumps(early), "here").mistakes_by_epoch == ()


def test_class_names_and_their_images_survive_json_and_change_the_digest() -> None:
    record = sealed(run_record([9_940]))
    named = sealed(replace(record, classes=("even", "odd"), test_class_images=(4_926, 5_074)))
    assert run_record_from_json(to_json(named), "here") == named
    assert named.sha256 != record.sha256
    edited = json.loads(to_json(named)) | {"test_class_images": [4_927, 5_073]}
    with pytest.raises(MismatchError, match="SHA-256"):
        run_record_from_json(json.dumps(edited), "here")


@pytest.mark.parametrize("images", [(4_926, 5_073), (10_000,), (-1, 10_001)])
def test_images_of_classes_that_do_not_add_up_to_the_test_set_are_refused(images: tuple[int, ...]) -> None:
    record = replace(run_record([9_940]), classes=("even", "odd"), test_class_images=images)
    with pytest.raises(MismatchError, match=f"{sum(images)} test images in {len(images)} classes, but has 10000 in 2"):
        run_record_from_json(to_json(record), "here")


# ---------------------------------------------------------------------------------------------------- scores


def test_a_score_holds_the_figures_of_its_split_and_of_no_other() -> None:
    numbered = {field.name: number for number, field in enumerate(fields(EpochRow), start=1)}
    row = EpochRow(**numbered)  # type: ignore[arg-type]
    assert row.score("train") == Score(row.train_loss, row.train_accuracy, None)
    assert row.score("val") == Score(row.val_loss, row.val_accuracy, row.val_correct, row.raw_val_accuracy)
    assert row.score("test") == Score(row.test_loss, row.test_accuracy, row.test_correct, row.raw_test_accuracy)
    with pytest.raises(ValueError, match="'validation'"):
        row.score("validation")


def test_a_curve_is_computed_from_counts_and_is_none_where_an_epoch_was_not_evaluated() -> None:
    record = run_record([9_940, 9_951], val=[9_900, None])
    curve, losses, running = record.curve("test"), record.loss_curve("test"), record.curve("train")
    assert curve is not None
    assert curve.tolist() == [99.4, 99.51]
    assert losses is not None
    assert losses.tolist() == [0.5, 0.5]
    assert running is not None
    assert running.tolist() == [90.0, 90.0]
    assert record.curve("val") is record.loss_curve("val") is None
    assert record.evaluated_on("test")
    assert record.evaluated_on("val")
    assert not run_record([9_940]).evaluated_on("val")
    assert (record.images("train"), record.images("test")) == (60_000, 10_000)


def test_every_published_record_states_the_accuracies_that_its_counts_give() -> None:
    paths = sorted((Path(__file__).parents[2] / "records").rglob("*.json"))
    assert len(paths) > 100
    for path in paths[::10]:
        record = run_record_from_json(path.read_text(), str(path))
        for split in SPLITS:
            curve, written = record.curve(split), [row.score(split).accuracy for row in record.epochs]
            assert written == ([None] * len(written) if curve is None else curve.tolist()), path


def test_lists_of_numbers_take_one_line_of_a_record() -> None:
    record = replace(run_record([9_997]), mistakes_by_epoch=(EpochMistakes(1, "test", (3, 14, 159)),))
    assert '   "images": [3, 14, 159]\n' in to_json(record)


@pytest.mark.parametrize("name", [field.name for field in fields(RunRecord) if field.name not in OPTIONAL])
def test_no_field_of_a_record_may_be_missing(name: str) -> None:
    with pytest.raises(MismatchError, match=name):
        run_record_from_json(json.dumps({key: value for key, value in WHOLE.items() if key != name}), "record.json")


def test_a_record_with_a_number_json_cannot_hold_is_not_written() -> None:
    record = run_record([9_940])
    row = EpochRow(**{**vars(record.epochs[0]), "train_loss": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        to_json(RunRecord(**{**vars(record), "epochs": (row,)}))


def test_an_edited_record_is_refused_by_its_digest_and_a_moved_one_is_not() -> None:
    record = sealed(run_record_from_json(json.dumps(WHOLE), "here"))
    held = json.loads(to_json(record))
    assert run_record_from_json(json.dumps({**held, "folder": "elsewhere"}), "here") == replace(
        record, folder="elsewhere"
    )
    for name, value in (("seed", 99), ("engine", "another"), ("sha256", "0" * 64), ("changes", ["epochs=3"])):
        with pytest.raises(MismatchError, match="SHA-256"):
            run_record_from_json(json.dumps({**held, name: value}), "here")


LATER = {
    "recipe_sha256": "0" * 64,
    "planned_seeds": 5,
    "final_train_correct": 3,
    "mistakes_by_epoch": (EpochMistakes(1, "test", (3, 14, 159)),),
    "classes": ("even", "odd"),
    "planned_epochs": 3,
    "initial_sha256": "0" * 64,
}


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("deleted", [True, False])
def test_a_record_whose_digest_was_taken_away_is_refused_where_its_like_have_one(name: str, deleted: bool) -> None:
    held = json.loads(to_json(replace(run_record([9_997]), **{name: LATER[name]})))
    if deleted:
        del held["sha256"]
    with pytest.raises(MismatchError, match=f"it has no 'sha256', which every record with '{name}' has; it was edited"):
        run_record_from_json(json.dumps(held), "here")
