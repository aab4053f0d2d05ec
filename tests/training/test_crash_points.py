"""Killed, refused or torn at any point of any save, a run loses no epoch it told of and ends in the same bytes."""

import errno
import random
from pathlib import Path

import pytest
from crashing import Ended, check_resumed, engine, flip_bit, outcome, run, train_words, uninterrupted

pytestmark = pytest.mark.usefixtures(engine.__name__)

EPOCHS, IMAGES = 3, 120
KILLED = -9
MOST_OPERATIONS = 400


def cases(fast: list[int], every: int) -> list[object]:
    return [case if case in fast else pytest.param(case, marks=pytest.mark.slow) for case in range(every)]


def crash(folder: Path, operation: int, refused_with: int = 0, *prepare: tuple[str, object]) -> Ended:
    what = ("at_operation", [operation, refused_with, None])
    return run(train_words("TINY", folder), None, *prepare, what, images=IMAGES)


def go_on(folder: Path, *earlier: Ended) -> None:
    check_resumed("TINY", folder, [*earlier, run(train_words("TINY", folder), images=IMAGES)], images=IMAGES)


def listed_operations(folder: Path, *prepare: tuple[str, object]) -> list[str]:
    """What every operation on the file system that an uninterrupted run makes is done to."""
    uninterrupted("TINY", IMAGES)  # compiled by now
    listed = folder.with_name("listed")
    what = ("at_operation", [0, 0, str(listed)])
    assert run(train_words("TINY", folder), None, *prepare, what, images=IMAGES).code == 0
    return listed.read_text().splitlines()


def operations(folder: Path, *prepare: tuple[str, object]) -> int:
    """How many operations on the file system an uninterrupted run makes."""
    return len(listed_operations(folder, *prepare))


def test_every_file_of_a_run_is_among_the_points_it_is_killed_at(tmp_path: Path) -> None:
    """A save is at least: open, write, half of it, fsync, rename; each but the last is done to a temporary file."""
    seen = listed_operations(tmp_path / "whole")
    files = [path.name for path in (tmp_path / "whole").iterdir()]
    assert len(files) >= 1 + 2 + 4  # lock, checkpoints, recipe, metrics, weights and record
    for name in {*files, "checkpoint-0001.safetensors"}:
        assert any(f"{name}'" in line for line in seen), name
    assert len(seen) >= 5 * (1 + 2 * EPOCHS + 3)


def test_killed_at_some_points_of_every_kind_a_run_resumes(tmp_path: Path) -> None:
    last = operations(tmp_path / "whole")
    chance = random.Random(1)
    for operation in sorted(chance.sample(range(1, last + 1), 12)):
        folder = tmp_path / f"run-{operation}"
        killed = crash(folder, operation)
        assert killed.code == KILLED
        go_on(folder, killed)


@pytest.mark.slow
def test_killed_at_every_point_a_run_resumes(tmp_path: Path) -> None:
    for operation in range(1, MOST_OPERATIONS):
        folder = tmp_path / f"run-{operation}"
        killed = crash(folder, operation)
        if killed.code == 0:
            break
        assert killed.code == KILLED
        go_on(folder, killed)
    assert operation == operations(tmp_path / "whole") + 1


@pytest.mark.slow
def test_killed_again_and_again_a_few_operations_on_a_run_still_ends(tmp_path: Path) -> None:
    chance, processes = random.Random(2), list[Ended]()
    while not processes or processes[-1].code == KILLED:
        processes.append(crash(tmp_path / "run", chance.randint(18, 40)))
        assert len(processes) < 50
    check_resumed("TINY", tmp_path / "run", processes, images=IMAGES)


def refused_everywhere(tmp_path: Path, numbers: list[int], code: int) -> None:
    for operation in numbers:
        folder = tmp_path / f"run-{operation}"
        refused = crash(folder, operation, code)
        assert refused.code == 3, (operation, refused)
        message = refused.err.splitlines()[-1]
        assert message.startswith(f"Error: Cannot write {folder}/"), message
        if code == errno.ENOSPC:
            assert "No space left on device" in message
            assert " bytes needed, " in message
            assert " free). Free some space and run the same command again" in message
        assert not list(folder.glob("*.tmp"))
        go_on(folder, refused)


def test_a_full_disk_at_any_operation_is_named_with_its_free_bytes_and_the_run_resumes(tmp_path: Path) -> None:
    last = operations(tmp_path / "whole")
    refused_everywhere(tmp_path, sorted(random.Random(3).sample(range(1, last + 1), 8)), errno.ENOSPC)


@pytest.mark.slow
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_refused_at_every_operation_a_run_resumes(tmp_path: Path, code: int) -> None:
    last = operations(tmp_path / "whole")
    refused_everywhere(tmp_path, list(range(1, last + 1, 1 if code == errno.ENOSPC else 5)), code)


SIZES = [
    0,
    4096,
    "as the last one",
    *(pytest.param(size, marks=pytest.mark.slow) for size in (1, 900, 2048, 6000, 8192)),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_cut_off_by_the_system_leaves_the_previous_checkpoint(tmp_path: Path, size: int | str) -> None:
    folder = tmp_path / "run"
    words = train_words("TINY", folder)
    first = run(words, None, ("signal_at", ["between epochs", 1, "SIGINT", 1]), images=IMAGES)
    assert (first.code, first.epochs) == (130, [1])
    before = (folder / "checkpoint-0001.safetensors").read_bytes()
    most = size if isinstance(size, int) else len(before)
    limited = run(words, None, ("largest_file", most), images=IMAGES)
    assert limited.code == 3, limited
    message = limited.err.splitlines()[-1]
    assert f"Error: Cannot write {folder}/" in message
    assert "File too large" in message
    assert "(ulimit -f)" in message
    assert (folder / "checkpoint-0001.safetensors").read_bytes() == before
    go_on(folder, first, limited)


def torn(path: Path, how: str) -> None:
    content = path.read_bytes()
    match how.split():
        case ["cut", place]:
            path.write_bytes(content[: int(place) * 512])
        case ["zeros"]:
            path.write_bytes(content[:-4096] + bytes(4096))
        case ["bit", share]:
            flip_bit(path, int(float(share) * len(content)), 3)


TORN = ["cut 0", "cut 1", "cut 9", "zeros", "bit 0.5", "bit 0.99"]


@pytest.mark.parametrize("how", TORN)
def test_after_a_torn_write_the_previous_checkpoint_is_used_and_this_is_said(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "run"
    assert run(train_words("TINY", folder), images=IMAGES).code == 0
    torn(folder / "checkpoint-0003.safetensors", how)
    last = run(train_words("TINY", folder), images=IMAGES)
    assert (last.code, last.epochs) == (0, [3])
    assert f"{folder}/checkpoint-0003.safetensors is damaged" in last.err
    assert "The previous one is used: checkpoint-0002.safetensors." in last.err
    assert outcome(folder) == uninterrupted("TINY", IMAGES)


def test_where_every_checkpoint_is_torn_the_run_ends_in_4_with_the_way_out_and_again_starts_anew(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    assert run(train_words("TINY", folder), images=IMAGES).code == 0
    for path in folder.glob("checkpoint-*"):
        torn(path, "bit 0.5")
    refused = run(train_words("TINY", folder), images=IMAGES)
    assert refused.code == 4
    assert "No other checkpoint is left; --again moves" in refused.err
    assert run(train_words("TINY", folder, "--again"), images=IMAGES).code == 0
    assert outcome(folder) == uninterrupted("TINY", IMAGES)


# Controls: writers with a mistake must fail what is checked above, or the check is blind.


@pytest.mark.parametrize("mistake", ["write_in_place", "rename_before_write"])
def test_control_a_writer_that_is_not_atomic_cannot_resume(tmp_path: Path, mistake: str) -> None:
    prepare = ((mistake, None),)
    unreadable = 0
    for operation in range(1, operations(tmp_path / "whole", *prepare) + 1):
        folder = tmp_path / f"run-{operation}"
        killed = crash(folder, operation, 0, *prepare)
        assert killed.code == KILLED
        last = run(train_words("TINY", folder), None, *prepare, images=IMAGES)
        unreadable += last.code == 4
        if unreadable:
            break
    assert unreadable


def test_control_without_a_digest_a_flipped_bit_gives_other_weights(tmp_path: Path) -> None:
    for name, mistakes in (("sound", []), ("blind", [("ignore_digest", None)])):
        folder = tmp_path / name
        first = run(train_words("TINY", folder), None, ("kill_at_step", 11), images=IMAGES)
        assert (first.code, first.epochs) == (KILLED, [1, 2])
        newest = folder / "checkpoint-0002.safetensors"
        flip_bit(newest, newest.stat().st_size - 1, 0)  # in the exponent of the last number of the last tensor
        assert run(train_words("TINY", folder), None, *mistakes, images=IMAGES).code == 0
        same = (folder / "weights.safetensors").read_bytes() == uninterrupted("TINY", IMAGES).weights
        assert same == (name == "sound")
