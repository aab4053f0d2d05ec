"""`pennyweight export`: what it prints, what it refuses and how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from support import TINY

import pennyweight as pw
from pennyweight.runs.published import published_run
from pennyweight.settings.recipe_text import recipe_to_text
from pennyweight.shipping import c_judge
from pennyweight.shipping.formats import FORMATS

RUN = "runs/tiny+dataset=digits/seed-0"


@pytest.fixture
def trained(here: Path, command) -> str:
    (here / "tiny.toml").write_text(recipe_to_text(TINY))
    assert command("train", "tiny.toml", "--dataset", "digits", "--seed", "0").code == 0
    return RUN


def test_a_run_is_exported_beside_its_record(trained: str, command) -> None:
    ended = command("export", trained, "--to", "c")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[-1] == f"{trained}/export"
    assert "tiny.h, tiny.c, manifest.json" in lines
    assert set(os.listdir(f"{trained}/export")) == {"tiny.c", "tiny.h", "manifest.json"}
    assert command("judge", trained, "--accuracy", "1", "--allow-unjudged").code == 0
    assert command("verify", trained).code == 0


def test_what_it_prints_fits_a_terminal(trained: str, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words in (("export", trained, "--to", "c"), ("export", "--list")):
        assert max(map(len, command(*words).out.splitlines())) <= 80


def test_the_same_again_gives_the_same_files(trained: str, command) -> None:
    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in Path("out").iterdir()}

    assert command("export", trained, "--to", "c", "--out", "out").code == 0
    before = contents()
    assert command("export", trained, "--to", "c", "--out", "out").code == 0
    assert contents() == before


def test_a_published_recipe_is_exported_by_its_name_where_its_dataset_is_not_needed(command) -> None:
    ended = command("export", "progressive-1", "--to", "c", "--unchecked", "--prefix", "digit")
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "export/progressive-1"
    assert ended.out.splitlines()[1].endswith("not checked")
    assert set(os.listdir("export/progressive-1")) == {"digit.c", "digit.h", "manifest.json"}
    assert "int digit_predict(const uint8_t *image, float *logits);" in Path("export/progressive-1/digit.h").read_text()


def test_without_its_dataset_it_is_refused(command, tmp_path: Path) -> None:
    (tmp_path / "no-data").mkdir()
    ended = command("export", "progressive-1", "--to", "c", "--data", tmp_path / "absent")
    assert (ended.code, ended.out) == (3, "")
    assert "absent" in ended.err
    assert not Path("export").exists()


def test_without_a_compiler_it_says_what_to_install(trained: str, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_judge, "find_compiler", lambda: None)
    ended = command("export", trained, "--to", "c")
    assert ended.code == 3
    assert "Install gcc or clang" in ended.err
    assert "--unchecked exports without a judge" in ended.err
    assert not Path(trained, "export").exists()


def test_a_compiler_that_is_none_is_named(trained: str, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    ended = command("export", trained, "--to", "c")
    assert ended.code == 3
    assert "The C compiler 'false' refuses tiny.c (exit 1), and says nothing. Name another compiler" in ended.err


@pytest.mark.parametrize("prefix", ["3d", "a-b", "a b", "_x", "stdint", "Math", "é", "x" * 41, "../x", "a\n"])
def test_a_prefix_that_is_no_name_is_refused(prefix: str, command) -> None:
    ended = command("export", "progressive-1", "--to", "c", "--unchecked", "--prefix", prefix)
    assert (ended.code, ended.out) == (2, "")
    assert "--prefix" in ended.err
    assert not Path("export").exists()


def test_an_unknown_format_is_answered_with_the_nearest(command) -> None:
    ended = command("export", "progressive-1", "--to", "onxn")
    assert ended.code == 2
    assert "There is no format 'onxn'. Did you mean 'onnx'?" in ended.err


def test_a_run_that_is_not_finished_is_refused(trained: str, command) -> None:
    Path(trained, "record.json").unlink()
    ended = command("export", trained, "--to", "c")
    assert ended.code == 3
    assert "record.json" in ended.err


def test_weights_that_are_damaged_are_refused(trained: str, command) -> None:
    path = Path(trained, "weights.safetensors")
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert command("export", trained, "--to", "c").code == 4


def test_weights_of_another_network_are_refused(trained: str, command) -> None:
    shutil.copy(published_run("progressive-1") / "weights.safetensors", trained)
    ended = command("export", trained, "--to", "c")
    assert (ended.code, ended.out) == (4, "")
    assert f"{trained}/weights.safetensors does not fit recipe 'tiny'" in ended.err
    assert not Path(trained, "export").exists()


def test_a_place_that_takes_no_folder_is_named(trained: str, command) -> None:
    ended = command("export", trained, "--to", "c", "--out", "/proc/export")
    assert ended.code == 3
    assert "Cannot write /proc/export" in ended.err


def test_nothing_to_export_is_wrong_usage(command) -> None:
    ended = command("export")
    assert ended.code == 2
    assert "name a run folder or a published recipe, or use --list" in ended.err
    assert command("export", "progressive-1", "--list").code == 2


def test_the_list_names_every_format_and_its_judge(command) -> None:
    ended = command("export", "--list")
    assert (ended.code, ended.err) == (0, "")
    rows = ended.out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == [one.name for one in FORMATS]
    assert [one["name"] for one in json.loads(command("export", "--list", "--json").out)] == [
        one.name for one in FORMATS
    ]


def test_files_that_an_export_did_not_write_are_not_overwritten(trained: str, command) -> None:
    Path("firmware").mkdir()
    Path("firmware/tiny.c").write_text("int main(void) { return 0; }")
    ended = command("export", trained, "--to", "c", "--out", "firmware")
    assert (ended.code, ended.out) == (2, "")
    assert "firmware/tiny.c is not as an export wrote it" in ended.err
    assert "another --prefix" in ended.err
    assert os.listdir("firmware") == ["tiny.c"]
    assert command("export", trained, "--to", "c", "--out", "firmware", "--prefix", "net").code == 0


@pytest.fixture
def of_own_images(here: Path) -> str:
    """A run on a Dataset that was made in Python."""
    digits = pw.dataset("digits")
    arrays = digits.train_images[:200], digits.train_labels[:200], digits.test_images, digits.test_labels
    letters = pw.Dataset("letters", digits.class_names, *arrays)
    pw.train(TINY, dataset=letters, epochs=1, out="own", progress=False)
    return "own"


def test_a_run_on_images_of_ones_own_is_exported_where_they_are_not_needed(of_own_images: str, command) -> None:
    ended = command("export", of_own_images, "--to", "c", "--to", "onnx", "--unchecked")
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "function"),
    [
        (("export", "own", "--to", "c"), "pw.export(RUN, dataset=...)"),
        (("export", "own", "--to", "c-int8", "--unchecked"), "pw.export(RUN, dataset=...)"),
        (("verify", "own"), "pw.verify(RUN, dataset=...)"),
    ],
)
def test_where_they_are_needed_python_is_the_way(
    words: tuple[str, ...], function: str, of_own_images: str, command
) -> None:
    ended = command(*words)
    assert (ended.code, ended.out) == (3, "")
    assert "trained on 'letters', a Dataset of your own, which no command can name" in ended.err
    assert function in ended.err


@pytest.mark.parametrize("settings", [(), ("validation_images=100",)])
def test_predicting_by_such_a_run_advises_no_command_that_fails(
    settings: tuple[str, ...], of_own_images: str, command
) -> None:
    digits = pw.dataset("digits")
    arrays = digits.train_images[:400], digits.train_labels[:400], digits.test_images, digits.test_labels
    letters = pw.Dataset("letters", digits.class_names, *arrays)
    pw.train(TINY, dataset=letters, epochs=1, out="held-out", settings=settings, progress=False)
    np.save("digit.npy", digits.test_images[0])
    ended = command("predict", "held-out", "digit.npy")
    assert (ended.code, ended.err) == (0, "")
    assert "pennyweight train" not in ended.out
    assert "alibrated" in ended.out
    assert ("pw.load(RUN).calibrated(dataset)" in ended.out) == bool(settings)


SLOW_COMPILER = """#!/bin/sh
touch started
exec sleep 60
"""


def test_an_interrupted_export_says_that_nothing_was_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # by a function: a command in this process leaves signals ignored, and the next process inherits that
    pw.train(TINY, dataset="digits", epochs=1, out="run", progress=False)
    Path("slow").write_text(SLOW_COMPILER)
    Path("slow").chmod(0o755)
    monkeypatch.setenv("CC", str(Path("slow").resolve()))
    words = [sys.executable, "-m", "pennyweight", "export", "run", "--to", "c"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while not Path("started").exists():
        assert process.poll() is None
        sleep(0.05)
    process.send_signal(signal.SIGTERM)  # a job in the background ignores SIGINT
    assert process.communicate(timeout=60)[1].splitlines()[-1] == "Error: Interrupted; nothing was written."
    assert process.returncode == 130
    assert not Path("run", "export").exists()


def test_once_its_files_are_there_an_interruption_does_not_say_so() -> None:
    said = "import sys; sys.argv[1:] = ['export']; from pennyweight.cli import signals as s; "
    said += "print(s.interrupted_sentence()); s.note_written(); print(s.interrupted_sentence())"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Interrupted; nothing was written.", "Interrupted."]
