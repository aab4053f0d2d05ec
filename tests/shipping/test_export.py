"""Nothing is written that does not agree with the original, whatever the format."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
from export_cases import subject_of
from network_cases import Network, distance
from published_networks import networks_in_ci

import pennyweight as pw
from pennyweight.api import load, load_dataset
from pennyweight.base import files
from pennyweight.base.errors import MismatchError, UnavailableError, UsageError
from pennyweight.base.exports import Export
from pennyweight.nets.layers import CLASSES, Conv, Linear, MaxPool, Relu, Residual
from pennyweight.recipes.catalogue import RECIPE_NAMES, RECIPES
from pennyweight.settings.recipe import Recipe
from pennyweight.shipping import export as exporting
from pennyweight.shipping.c_text import c_name
from pennyweight.shipping.export import chosen_formats, export
from pennyweight.shipping.formats import FORMATS, Format
from pennyweight.shipping.integer_agreement import reference_logits
from pennyweight.shipping.manifest import held_exports
from pennyweight.shipping.parity import TOLERANCE, Judged
from pennyweight.shipping.quantise import quantised
from pennyweight.shipping.subject import Subject
from pennyweight.shipping.written import Written

FLOAT = ("onnx", "c")
BY_NAME = {one.name: one for one in FORMATS}


@pytest.fixture(scope="module")
def subject() -> Subject:
    """The published progressive-3, held to the embedded digits, which it was not trained on."""
    return Subject(load("progressive-3"), load_dataset("digits"))


@pytest.mark.parametrize("one", FORMATS, ids=BY_NAME)
def test_every_format_agrees_and_is_listed_with_its_digest(one: Format, subject: Subject, tmp_path: Path) -> None:
    (exported,) = export(subject, [one], tmp_path / "out", "net")
    listed = json.loads((tmp_path / "out" / "manifest.json").read_text())["exports"]
    assert [entry["format"] for entry in listed] == [one.name]
    for file in exported.files:
        content = (tmp_path / "out" / file.name).read_bytes()
        assert (file.bytes, file.sha256) == (len(content), sha256(content).hexdigest())
        assert file.name.startswith(f"net{one.suffix}.")
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*(file.name for file in exported.files), "manifest.json"])
    check = exported.check
    assert check is not None
    assert exported.status == "agrees"
    assert check.images == 360
    assert check.original_correct == int((subject.logits.argmax(axis=1) == subject.images.test_labels).sum())
    assert abs(check.correct - check.original_correct) <= len(check.changed_labels)
    assert check.accuracy == 100 * check.correct / 360
    assert check.judge
    assert exported.weights_sha256 == subject.model.record.weights_sha256


@pytest.mark.parametrize("one", FORMATS, ids=BY_NAME)
def test_every_format_writes_the_same_bytes_again(one: Format, subject: Subject) -> None:
    again = Subject(subject.model, subject.dataset)
    assert dict(one.write(subject, "net").files) == dict(one.write(again, "net").files)


@pytest.mark.parametrize("one", FORMATS, ids=BY_NAME)
def test_a_wrong_weight_is_found_and_nothing_is_written(one: Format, subject: Subject, tmp_path: Path) -> None:
    """The files of a network with one other weight are put in the place of the right ones."""
    head = next(node for node in subject.model.plan.nodes if isinstance(node.operation, Linear))
    weights = {name: array.copy() for name, array in subject.model.weights.items()}
    weights[head.weights[0].name][3] += 0.25
    other = Subject(replace(subject.model, weights=weights), subject.dataset)
    planted = replace(one, write=lambda _, stem: one.write(other, stem))
    with pytest.raises(MismatchError, match=rf"The format {one.name} does not agree.* Nothing was written\."):
        export(subject, [planted], tmp_path / "out", "net")
    assert os.listdir(tmp_path) == []


def test_where_one_of_several_does_not_agree_none_is_written(subject: Subject, tmp_path: Path) -> None:
    good = BY_NAME["c"]
    bad = replace(good, name="bad", suffix="_bad", agree=lambda held, logits: good.agree(held, logits + 1))
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(MismatchError, match="The format bad does not agree"):
        export(subject, [good, bad], tmp_path, "net")
    assert os.listdir(tmp_path) == ["kept.txt"]


def test_unchecked_is_written_and_says_so(subject: Subject, tmp_path: Path) -> None:
    lazy = replace(BY_NAME["c"], run=lambda *_: pytest.fail("it was judged"))
    export(Subject(subject.model, None), [lazy], tmp_path, "net", checked=False)
    (entry,) = json.loads((tmp_path / "manifest.json").read_text())["exports"]
    assert (entry["status"], entry["check"]) == ("not checked", None)


def test_without_its_dataset_nothing_is_compared_or_written(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"images of mnist.*'pennyweight fetch mnist'"):
        export(Subject(subject.model, None), [BY_NAME["c"]], tmp_path / "out", "net")
    assert os.listdir(tmp_path) == []


def test_a_manifest_keeps_what_else_lies_in_its_folder(subject: Subject, tmp_path: Path) -> None:
    quick = replace(BY_NAME["c"], write=lambda _, stem: Written({f"{stem}.c": b"x"}))
    for prefix in ("one", "two", "one"):
        export(subject, [quick], tmp_path, prefix, checked=False)
    entries = json.loads((tmp_path / "manifest.json").read_text())["exports"]
    assert [(entry["prefix"], entry["format"]) for entry in entries] == [("one", "c"), ("two", "c")]


OTHER_PROCESS = """
import pennyweight as pw
pw.export("progressive-1", to="c", out="out", prefix="two", checked=False)
"""


def test_two_processes_that_write_into_one_folder_at_once_are_both_in_its_manifest(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one runs between our reading the manifest and our replacing it, as far as it gets."""
    started = []

    def read_while_the_other_writes(folder: Path) -> tuple[Export, ...]:
        found = held_exports(folder)
        command = [sys.executable, "-c", OTHER_PROCESS]
        started.append(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True))
        # the other process waits and says so, or, were there no lock, ends
        assert started[0].stderr is not None
        assert "Another process is writing into out; waiting for it." in started[0].stderr.readline()
        return found

    monkeypatch.setattr(exporting, "held_exports", read_while_the_other_writes)
    export(subject, [BY_NAME["c"]], tmp_path / "out", "one", checked=False)
    assert started[0].communicate(timeout=60)[1] == ""
    assert started[0].returncode == 0
    entries = json.loads((tmp_path / "out" / "manifest.json").read_text())["exports"]
    assert [entry["prefix"] for entry in entries] == ["one", "two"]
    files = ["manifest.json", "one.c", "one.h", "two.c", "two.h"]
    assert sorted(os.listdir(tmp_path / "out")) == files


def test_an_export_that_another_process_has_replaced_by_half_is_waited_for(subject: Subject, tmp_path: Path) -> None:
    export(subject, QUICK[:1], tmp_path, "net", checked=False)
    whole = (tmp_path / "net.c").read_bytes()
    other = os.open(tmp_path, os.O_RDONLY)
    flock(other, LOCK_EX)
    (tmp_path / "net.c").write_bytes(b"of another manifest")

    def end() -> None:
        (tmp_path / "net.c").write_bytes(whole)
        os.close(other)

    Timer(0.3, end).start()
    export(subject, QUICK[:1], tmp_path, "net", checked=False)
    assert (tmp_path / "net.c").read_bytes() == whole


@pytest.mark.parametrize("text", ["", "{", "[]", '{"exports": 3}', '{"exports": [{}]}', "[" * 100_000])
def test_a_manifest_that_is_none_is_not_overwritten(text: str, subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(MismatchError, match=r"manifest\.json is no manifest of exports; move it away"):
        export(subject, [BY_NAME["c"]], tmp_path, "net", checked=False)
    assert os.listdir(tmp_path) == ["manifest.json"]
    assert (tmp_path / "manifest.json").read_text() == text


def test_a_manifest_is_not_read_through_a_link(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("{}")
    (tmp_path / "manifest.json").symlink_to("elsewhere")
    with pytest.raises(UnavailableError, match="symbolic link"):
        export(subject, [BY_NAME["c"]], tmp_path, "net", checked=False)


def test_a_file_in_place_of_the_folder_is_named(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UnavailableError, match=r"Cannot write .*out: .*out is no folder"):
        export(subject, [BY_NAME["c"]], tmp_path / "out", "net", checked=False)


def test_an_interruption_leaves_nothing(subject: Subject, tmp_path: Path) -> None:
    def interrupted(*_: object) -> Judged:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(subject, [BY_NAME["c"], replace(BY_NAME["onnx"], run=interrupted)], tmp_path / "out", "net")
    assert os.listdir(tmp_path) == []


def test_what_a_killed_export_left_is_removed_and_other_files_stay(subject: Subject, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    kept = ["mine.tmp", "net.txt", f"of-another-process.{os.getppid()}.tmp"]
    for name in (f"net.c.{ended.pid}.tmp", *kept):
        (tmp_path / name).write_text("")
    export(subject, [BY_NAME["c"]], tmp_path, "net", checked=False)
    assert sorted(os.listdir(tmp_path)) == sorted(["manifest.json", "net.c", "net.h", *kept])


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


QUICK = [
    replace(one, write=lambda _, stem: Written({f"{stem}.h": stem.encode(), f"{stem}.c": b"x"}))
    for one in FORMATS
    if one.name in ("c", "c-int8")
]


def test_files_that_are_not_an_exports_own_stay(subject: Subject, tmp_path: Path) -> None:
    """A user's main.c; a link; a file of an export that was edited; but not what already is what would be written."""
    (tmp_path / "main.c").write_text("int main(void) { return 0; }")
    (tmp_path / "linked.h").symlink_to("main.c")
    export(subject, QUICK[:1], tmp_path, "edited", checked=False)
    (tmp_path / "edited.c").write_text("mended by hand")
    (tmp_path / "same.c").write_bytes(b"x")
    before = held(tmp_path)
    for prefix, file in (("main", "main.c"), ("linked", "linked.h"), ("edited", "edited.c")):
        with pytest.raises(UsageError, match=rf"{file} is not as an export wrote it, .* --prefix or --out\. Nothing"):
            export(subject, QUICK[:1], tmp_path, prefix, checked=False)
        assert held(tmp_path) == before
    export(subject, QUICK[:1], tmp_path, "same", checked=False)


def test_what_an_export_wrote_is_replaced_by_another_of_its_prefix_and_format(subject: Subject, tmp_path: Path) -> None:
    export(subject, QUICK[:1], tmp_path, "net", checked=False)
    other = replace(QUICK[0], write=lambda _, stem: Written({f"{stem}.h": b"other", f"{stem}.c": b"other"}))
    export(subject, [other], tmp_path, "net", checked=False)
    assert (tmp_path / "net.c").read_bytes() == b"other"


@pytest.mark.parametrize(
    ("first", "second"),
    [(("digit", 1), ("digit_int8", 0)), (("digit_int8", 0), ("digit", 1)), (("Net", 0), ("nET", 0))],
)
def test_two_exports_never_share_a_name(
    first: tuple[str, int], second: tuple[str, int], subject: Subject, tmp_path: Path
) -> None:
    """Nor one but for case, for their include guards would be one."""
    export(subject, [QUICK[first[1]]], tmp_path, first[0], checked=False)
    before = held(tmp_path)
    with pytest.raises(
        UsageError, match=rf"would collide with .*, written by the export of '{first[0]}' as .* choose another"
    ):
        export(subject, [QUICK[second[1]]], tmp_path, second[0], checked=False)
    assert held(tmp_path) == before


@pytest.mark.parametrize("last", ["net.h", "net.c", "manifest.json"])
def test_a_disk_that_is_full_leaves_what_was_there(
    last: str, subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(subject, QUICK[:1], tmp_path, "net", checked=False)
    before = held(tmp_path)
    new = files._new

    def full(temporary: Path) -> object:
        if temporary.name.startswith(last):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return new(temporary)

    monkeypatch.setattr(files, "_new", full)
    with pytest.raises(UnavailableError, match=rf"Cannot write .*{last}: No space left"):
        export(subject, [BY_NAME["c"]], tmp_path, "net", checked=False)
    assert held(tmp_path) == before


def planted(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest["exports"][0].__setitem__(key, value)


FILE = {"name": "net.c", "bytes": 1, "sha256": 64 * "0"}
FOREIGN = {
    "a file elsewhere": planted("files", [{**FILE, "name": "../../env.sh"}]),
    "a file at the root": planted("files", [{**FILE, "name": "/etc/passwd"}]),
    "a hidden file": planted("files", [{**FILE, "name": ".profile"}]),
    "a digest that is none": planted("files", [{**FILE, "sha256": "0"}]),
    "a file without a digest": planted("files", [{"name": "net.c", "bytes": 1}]),
    "files that are none": planted("files", "net.c"),
    "a key too many": planted("run", "rm"),
    "a seed that is text": planted("seed", "0"),
    "facts of lists": planted("facts", {"arena_bytes": [1]}),
    "infinity": planted("facts", {"arena_bytes": float("inf")}),
    "a check that is half": planted("check", {"judge": "gcc"}),
    "a key missing": lambda manifest: manifest["exports"][0].pop("files"),
    "no schema": lambda manifest: manifest.pop("schema"),
    "exports by name": lambda manifest: manifest.update(exports={}),
}


@pytest.mark.parametrize("plant", FOREIGN.values(), ids=FOREIGN)
def test_a_manifest_with_what_no_export_writes_is_refused(
    plant: Callable[[dict[str, Any]], object], subject: Subject, tmp_path: Path
) -> None:
    export(subject, QUICK[:1], tmp_path, "net", checked=False)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    plant(manifest)
    path.write_text(json.dumps(manifest))
    before = held(tmp_path)
    with pytest.raises(MismatchError, match=r"manifest\.json is no manifest of exports.*; move it away"):
        export(subject, QUICK[:1], tmp_path, "other", checked=False)
    assert held(tmp_path) == before


def test_a_manifest_of_a_later_schema_is_not_turned_into_one_of_this(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"schema": 2, "exports": []}')
    with pytest.raises(MismatchError, match=r"manifest\.json has schema 2, this version writes 1; move it away"):
        export(subject, QUICK[:1], tmp_path, "net", checked=False)
    assert os.listdir(tmp_path) == ["manifest.json"]


LATE_AND_EARLY = Network((Residual((MaxPool(3), Conv(2, 1)), (MaxPool(2), Conv(2, 2))), Linear(CLASSES)), (1, 9, 9), 2)
"""The first rows of one map come before those of the other, the last ones after."""
SHUT = Network((Conv(2, 1, bias=True), Relu(), Linear(CLASSES)), (1, 9, 9), 2)
CANNOT = [
    (LATE_AND_EARLY, {}, ("c-int8",), r"layer \d+ \(Add\): neither of its two maps always comes first.* be streamed\."),
    # a bias that no pixel comes near has no place beside the weights
    (SHUT, {"1.bias": [-1e9, 0]}, ("onnx-int8", "c-int8"), r"layer 1 \(Conv\): its weights are too large .* be int8\."),
]


@pytest.mark.parametrize(("network", "weights", "refused", "words"), CANNOT)
def test_a_layer_that_a_format_cannot_express_is_named_and_other_formats_are_written(
    network: Network, weights: dict[str, list[float]], refused: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    made = subject_of(network)
    changed = {**made.model.weights, **{name: np.array(values, np.float32) for name, values in weights.items()}}
    subject = Subject(replace(made.model, weights=changed), made.dataset)
    for one in FORMATS:
        if one.name in refused:
            with pytest.raises(UsageError, match=words):
                export(subject, [one], tmp_path, "net")
            assert os.listdir(tmp_path) == []
    others = [one for one in FORMATS if one.name not in refused]
    assert [one.status for one in export(subject, others, tmp_path, "net", checked=False)] == ["not checked"] * len(
        others
    )


def test_formats_are_taken_in_the_order_of_the_table() -> None:
    assert chosen_formats(["all"]) == FORMATS
    assert [one.name for one in chosen_formats(["c", "onnx", "c"])] == ["onnx", "c"]
    with pytest.raises(UsageError, match=r"There is no format 'onx'\. Did you mean 'onnx'\?"):
        chosen_formats(["onx"])


def test_another_dataset_is_refused(subject: Subject) -> None:
    digits = load_dataset("digits")
    names = tuple("abcdefghij")
    other = pw.Dataset("letters", names, *(digits.train_images, digits.train_labels) * 2)
    with pytest.raises(UsageError, match=r"reads 28x28 pixels and tells apart 0, 1, .*; letters has .* a, b"):
        Subject(subject.model, other)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=RECIPE_NAMES)
def test_every_recipe_is_exported_to_every_format_whatever_its_weights(recipe: Recipe, tmp_path: Path) -> None:
    """The two that the package brings no weights of as well."""
    subject = subject_of(Network(recipe.layers, recipe.input.shape, 10))
    exported = export(subject, FORMATS, tmp_path, c_name(recipe.name), checked=False)
    assert [one.format for one in exported] == list(BY_NAME)
    whole = reference_logits(subject)
    for one in FORMATS:
        stem = f"{c_name(recipe.name)}{one.suffix}"
        logits = one.run(subject, stem, tmp_path, subject.images.test_images).logits
        if one.name in FLOAT:
            assert distance(logits, subject.logits) < 1e-5, one.name
        elif one.name == "c-int8":
            np.testing.assert_array_equal(logits, whole)
        else:
            step = float(np.ptp(whole)) * quantised(subject).logit_scale / 255
            assert np.abs(logits - whole * quantised(subject).logit_scale).max() <= 4 * step


@networks_in_ci
def test_published_networks_agree_in_every_format(name: str, tmp_path: Path) -> None:
    exports = export(Subject(load(name), load_dataset("mnist")), FORMATS, tmp_path, "net")
    assert [one.format for one in exports] == list(BY_NAME)
    for one in exports:
        assert one.check is not None
        assert one.check.images == 10_000
        assert all(changed.gap < TOLERANCE for changed in one.check.changed_labels) or one.format not in FLOAT


@networks_in_ci
def test_published_networks_agree_on_pictures_they_were_not_made_for(name: str, tmp_path: Path) -> None:
    """On fashion, where they are wrong nine times of ten, and what quantisation makes right or wrong is no matter."""
    model, digits, fashion = load(name), load_dataset("mnist"), load_dataset("fashion-mnist")
    train, test = (digits.train_images, digits.train_labels), (fashion.test_images, fashion.test_labels)
    subject = Subject(model, pw.Dataset("fashion by digits", model.classes, *train, *test))
    for one in FORMATS:
        stem = f"net{one.suffix}"
        for file, content in one.write(subject, stem).files.items():
            (tmp_path / file).write_bytes(content)
        agreement = one.agree(subject, one.run(subject, stem, tmp_path, fashion.test_images).logits)
        assert agreement.images == 10_000
        reasons = [reason for reason in agreement.reasons if not reason.startswith("Quantisation loses")]
        assert reasons == [], one.name
