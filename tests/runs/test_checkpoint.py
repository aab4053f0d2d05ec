"""A checkpoint is whole or passed over, and of thirty saves the newest two stay."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crashing import flip_bit
from support import epoch_row

from pennyweight.base.errors import MismatchError, UnavailableError
from pennyweight.base.records import Misclassified
from pennyweight.runs.checkpoint import Checkpoint, newest_checkpoint, write_checkpoint

IDENTITY = {"recipe": "small", "seed": 0, "threads": 1, "optimizer.learning_rate": 0.1, "optimizer.nesterov": False}


def checkpoint(epochs: int, size: int = 300) -> Checkpoint:
    rows = [epoch_row(number, test=390, images=400, seconds=1.5) for number in range(1, epochs + 1)]
    generator = np.random.default_rng(epochs)
    state = {"1.weight": generator.normal(size=(size, 2)), "1.bias": generator.normal(size=3).astype(np.float32)}
    return Checkpoint(IDENTITY, tuple(rows), (Misclassified(3, 1, 7),), state)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def newest(folder: Path) -> tuple[int, list[str]]:
    said: list[str] = []
    found = newest_checkpoint(folder, said.append)
    return (len(found.history) if found else 0), said


@pytest.fixture
def two(tmp_path: Path) -> Path:
    for epoch in (1, 2, 3):
        write_checkpoint(tmp_path, checkpoint(epoch))
    return tmp_path


def test_everything_in_a_checkpoint_is_read_back_bit_by_bit(tmp_path: Path) -> None:
    written = checkpoint(3)
    write_checkpoint(tmp_path, written)
    read = newest_checkpoint(tmp_path, pytest.fail)
    assert read is not None
    assert (read.identity, read.history, read.misclassified) == (IDENTITY, written.history, written.misclassified)
    assert read.state.keys() == written.state.keys()
    for name, array in written.state.items():
        assert (read.state[name].dtype, read.state[name].tobytes()) == (array.dtype, array.tobytes())


def test_of_thirty_saves_two_stay_and_never_more_than_one_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    for name in ("fsync", "replace", "unlink"):
        real = getattr(os, name)

        def watched(*arguments: object, real: object = real, **named: object) -> object:
            seen.append(names(tmp_path))
            result = real(*arguments, **named)  # type: ignore[operator]
            seen.append(names(tmp_path))
            return result

        monkeypatch.setattr(os, name, watched)
    for epoch in range(1, 31):
        seen.clear()
        write_checkpoint(tmp_path, checkpoint(epoch))
        assert names(tmp_path) == [f"checkpoint-{n:04d}.safetensors" for n in range(max(1, epoch - 1), epoch + 1)]
        for there in seen:
            whole = [name for name in there if name.endswith(".safetensors")]
            assert len(whole) <= 3
            assert len(there) - len(whole) <= 1
            assert epoch == 1 or f"checkpoint-{epoch - 1:04d}.safetensors" in whole  # the newest good one stays
    assert newest(tmp_path) == (30, [])


def test_after_epoch_9999_the_newest_is_still_the_newest(tmp_path: Path) -> None:
    row = checkpoint(1).history[0]
    for epochs in (9_999, 10_000):
        write_checkpoint(tmp_path, replace(checkpoint(1, size=1), history=(row,) * epochs))
    assert newest(tmp_path)[0] == 10_000


def test_an_old_checkpoint_that_cannot_be_deleted_is_named(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(UnavailableError, match=r"checkpoint-0002\.safetensors: Operation not permitted"):
        write_checkpoint(two, checkpoint(4))
    assert newest(two) == (4, [])


def test_a_flipped_bit_anywhere_in_the_newest_is_said_and_the_previous_one_used(two: Path) -> None:
    path = two / "checkpoint-0003.safetensors"
    good = path.read_bytes()
    for byte in range(0, len(good), 23):
        flip_bit(path, byte, byte % 8)
        epochs, said = newest(two)
        assert epochs == 2, f"byte {byte}"
        assert len(said) == 1
        assert str(path) in said[0]
        assert said[0].endswith("The previous one is used: checkpoint-0002.safetensors.")
        path.write_bytes(good)
    assert newest(two) == (3, [])


def test_the_newest_cut_short_or_ending_in_zeros_is_said_and_the_previous_one_used(two: Path) -> None:
    path = two / "checkpoint-0003.safetensors"
    good = path.read_bytes()
    torn = [good[:length] for length in range(0, len(good), 512)]
    for content in [*torn, good[:-1], good[:-4096] + bytes(4096), bytes(len(good)), good + bytes(1)]:
        path.write_bytes(content)
        epochs, said = newest(two)
        assert epochs == 2, len(content)
        assert "damaged" in said[0]
        assert len(said) == 1


def test_where_all_are_damaged_the_message_tells_the_way_out(two: Path) -> None:
    for path in two.glob("checkpoint-*"):
        flip_bit(path, 700)
    with pytest.raises(MismatchError, match=r"checkpoint-0003.*damaged.*No other checkpoint is left; --again moves"):
        newest(two)


def test_a_temporary_file_that_is_whole_is_never_chosen_and_is_removed(two: Path) -> None:
    later = two / f"checkpoint-0004.safetensors.{os.getpid()}.tmp"
    write_checkpoint(two / "elsewhere", checkpoint(4))
    shutil.copy(two / "elsewhere" / "checkpoint-0004.safetensors", later)
    assert newest(two) == (3, [])
    assert not later.exists()


def test_a_temporary_file_of_somebody_else_stays(two: Path) -> None:
    for name in ("notes.tmp", "draft.v2.tmp", ".tmp", "12.tmp"):
        (two / name).write_text("mine")
    assert newest(two) == (3, [])
    assert {"notes.tmp", "draft.v2.tmp", ".tmp", "12.tmp"} <= set(names(two))


def test_a_copy_under_another_name_is_never_chosen_and_pushes_no_checkpoint_out(two: Path) -> None:
    for name in ("0002-best", "0003 (copy)", "last"):
        shutil.copy(two / "checkpoint-0002.safetensors", two / f"checkpoint-{name}.safetensors")
    assert newest(two) == (3, [])
    write_checkpoint(two, checkpoint(4))
    assert newest(two) == (4, [])
    assert (two / "checkpoint-0003.safetensors").exists()
    assert (two / "checkpoint-0002-best.safetensors").exists()


def test_a_renamed_checkpoint_is_not_taken_for_a_later_epoch(two: Path) -> None:
    shutil.copy(two / "checkpoint-0002.safetensors", two / "checkpoint-0009.safetensors")
    epochs, said = newest(two)
    assert epochs == 3
    assert "checkpoint-0009.safetensors was renamed: it holds the state after epoch 2" in said[0]


def test_a_checkpoint_of_another_schema_is_refused_with_both_named(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennyweight.runs.checkpoint.SCHEMA", 2)
    with pytest.raises(MismatchError, match=r"holds pennyweight-checkpoint 1.* reads pennyweight-checkpoint 2"):
        newest(two)
