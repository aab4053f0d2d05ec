"""What is printed of exports: every format on a line, every changed label, and nothing wider than its page."""

from dataclasses import replace

import pytest

from pennyweight.base.exports import ChangedLabel, Export, ExportCheck, ExportedFile
from pennyweight.reporting.exports import export_text
from pennyweight.reporting.text import WIDTH

CHECK = ExportCheck(
    judge="a compiler with a rather long name (and its version) 12.2.0",
    dataset="mnist",
    dataset_digest="0" * 64,
    images=10_000,
    correct=9_947,
    accuracy=99.47,
    original_correct=9_948,
    original_accuracy=99.48,
    largest_logit_difference=7.63e-06,
    changed_labels=(),
)
C = Export(
    format="c",
    prefix="net",
    recipe="made-up",
    changes=(),
    seed=0,
    dataset="mnist",
    record_sha256="",
    weights_sha256="0" * 64,
    files=(ExportedFile("net.h", 1_202, "0" * 64), ExportedFile("net.c", 150_319, "0" * 64)),
    facts={},
    status="agrees",
    check=CHECK,
)
CHANGED = tuple(ChangedLabel(number, 3, 3, 5, 2e-5) for number in range(7))


def test_a_format_is_a_line_with_both_accuracies() -> None:
    lines = export_text([C], "out").splitlines()
    assert lines[1].split() == ["c", "151,521", "99.47", "%", "99.48", "%", "7.6e-06", "0", "of", "10,000"]
    assert lines[2] == "judged by a compiler with a rather long name (and its version) 12.2.0"
    assert lines[-2:] == ["net.h, net.c, manifest.json", "out"]


def test_changed_labels_are_named_and_what_is_left_out_is_counted() -> None:
    text = export_text([replace(C, check=replace(CHECK, changed_labels=CHANGED))], "out", 1_000)
    assert "7 of 10,000" in text
    assert "c: image 0 from 3 to 5 (logits 2.0e-05 apart), image 1" in text
    assert "image 4 from 3 to 5 (logits 2.0e-05 apart), 2 more images in manifest.json" in text


def test_what_was_not_checked_says_so() -> None:
    text = export_text([replace(C, status="not checked", check=None)], "out")
    assert "not checked" in text.splitlines()[1]
    assert "judged by" not in text


def test_a_judge_of_several_formats_is_named_once() -> None:
    other = replace(C, format="onnx", check=replace(CHECK, judge="onnxruntime 1.32.0"))
    said = " ".join(export_text([other, C, C], "out").split())
    assert f"judged by onnxruntime 1.32.0 and {CHECK.judge} net.h" in said


@pytest.mark.parametrize("width", [60, WIDTH, 100])
def test_nothing_is_wider_than_its_page(width: int) -> None:
    exports = [replace(C, check=replace(CHECK, changed_labels=CHANGED)), replace(C, format="c-int8"), C]
    assert max(map(len, export_text(exports, "out", width).splitlines())) <= width
