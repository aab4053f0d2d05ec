"""Records survive JSON, and damage is named, never a traceback."""

import json
import random
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import PROVENANCE, run_record

from pennyweight.base.errors import MismatchError
from pennyweight.base.records import (
    EpochRow,
    Limit,
    Misclassified,
    RunRecord,
    Verdict,
    run_record_from_json,
    sealed,
    to_json,
)

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
    )


@given(record=records())
def test_a_record_read_back_is_equal(record: RunRecord) -> None:
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
    ("a mistake without its label", {**WHOLE, "misclassified": [{"index": 1, "predicted": 2}]}, "needs a value"),
]


@pytest.mark.parametrize(("held", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_record_is_refused_by_what_is_wrong(held: object, words: str) -> None:
    text = held if isinstance(held, str) else json.dumps(held)
    with pytest.raises(MismatchError) as refused:
        run_record_from_json(text, "runs/x/record.json")
    assert str(refused.value).startswith("runs/x/record.json is not a run's record: ")
    assert words in str(refused.value)


OPTIONAL = ("folder", "schema", "sha256")


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
