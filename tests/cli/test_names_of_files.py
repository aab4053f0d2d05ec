"""Names of files come from others: they neither move a terminal's cursor nor forge a line of ours."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

FORGED = "Error: all is well."
NAME = f"odd\x1b[2J\x1b]0;title\x07\r\n{FORGED}\u2028"
COMMANDS = [
    ("predict", "progressive-1", f"{NAME}.png"),
    ("export", NAME),
    ("export", "progressive-1", "--to", "c", "--unchecked", "--out", f"file/{NAME}"),
    ("export", "progressive-1", "--to", NAME),
    ("export", "progressive-1", f"--{NAME}"),
    ("judge", NAME),
    ("verify", NAME),
    ("show", NAME),
    ("train", f"{NAME}.toml"),
    ("train", "progressive-1", "--engine", NAME),
    ("train", "progressive-1", "--data", NAME),
    ("compare", NAME, "other"),
    (NAME,),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(words[:2]).replace(NAME, "NAME"))
def test_an_error_names_it_without_its_control_characters(words: tuple[str, ...], command) -> None:
    Path("file").write_text("")
    ended = command(*words)
    assert ended.code in (2, 3)
    assert "odd" in ended.err
    assert all(letter.isprintable() or letter == "\n" for letter in ended.err), ended.err
    assert not [line for line in ended.err.splitlines() if line.strip() == FORGED]


def test_a_result_names_it_without_them_too(command) -> None:
    ended = command("export", "progressive-1", "--to", "c", "--unchecked", "--out", "odd\x1b[2J")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "odd?[2J"
    assert Path("odd\x1b[2J", "progressive_1.c").exists()


def test_json_holds_valid_text_alone(command) -> None:
    os.makedirs(b"pictures")
    for name in (b"\xff\x1b.npy", b"\xfe.png"):
        Path(os.fsdecode(b"pictures/" + name)).touch()
    with open(os.fsdecode(b"pictures/\xff\x1b.npy"), "wb") as file:
        np.save(file, np.eye(28, dtype=np.uint8) * 255)
    ended = command("predict", "progressive-1", "pictures", "--json")
    assert ended.code == 4
    printed = json.loads(ended.out)
    assert [one["file"] for one in printed["images"]] == ["pictures/\\xff\x1b.npy"]
    assert [one["file"] for one in printed["problems"]] == ["pictures/\\xfe.png"]
    ended.out.encode("utf-8")
    assert not [letter for letter in json.dumps(printed, ensure_ascii=False) if "\ud800" <= letter <= "\udfff"]
