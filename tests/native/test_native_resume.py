"""Kill -9 at random steps on the native engine: the resumed run ends with the same bytes."""

import os
import random
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import pytest
from small_recipes import SMALL

from pennyweight.api import Silent
from pennyweight.base.records import EpochRow
from pennyweight.data.dataset import load
from pennyweight.training import loop
from pennyweight.training.loop import train
from pennyweight.training.native_engine import NativeEngine
from pennyweight.training.run import Run

DIGITS = load("digits")
STEPS = 5 * 85


def train_in_child(folder: Path, kill_at: int | None = None, forget: str = "") -> int:
    """Train in a forked process, killed before its step `kill_at`; return how the process ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        steps, advance, start = 0, NativeEngine.advance, NativeEngine.start

        def counted(engine: NativeEngine, *arguments: object, **named: object) -> object:
            nonlocal steps
            steps += 1
            if steps == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return advance(engine, *arguments, **named)  # type: ignore[arg-type]

        def forgetful(engine: NativeEngine, state: dict[str, object], steps_done: int) -> None:
            start(engine, {k: v for k, v in state.items() if not k.startswith(forget)}, steps_done)  # type: ignore[misc]

        NativeEngine.advance = counted  # type: ignore[assignment,method-assign]
        if forget:
            NativeEngine.start = forgetful  # type: ignore[assignment,method-assign]
        loop.SLICE_STEPS = 1  # a kill can come before any step; slices do not change the bytes
        train(Run(SMALL, DIGITS, 0, folder, engine="native"), Silent())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def outcome(folder: Path) -> tuple[bytes, Sequence[EpochRow]]:
    from dataclasses import replace

    from pennyweight.training.folder import read_record

    history = [replace(row, seconds=0.0) for row in read_record(folder).epochs]
    return (folder / "weights.safetensors").read_bytes(), history


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Sequence[EpochRow]]:
    """What the run comes to when nothing happens to it, in slices of the usual length."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(Run(SMALL, DIGITS, 0, folder, engine="native"), Silent())
    return outcome(folder)


@pytest.mark.parametrize("case", range(40))
def test_killed_at_a_random_step_a_run_resumes_to_the_same_bytes(
    case: int, tmp_path: Path, whole: tuple[bytes, Sequence[EpochRow]]
) -> None:
    chance = random.Random(case)
    left = STEPS
    for _ in range(1 + case % 3):
        step = chance.randint(1, left)
        assert train_in_child(tmp_path / "run", kill_at=step) == -signal.SIGKILL
        left -= (step - 1) // 85 * 85
    assert train_in_child(tmp_path / "run") == 0
    assert outcome(tmp_path / "run") == whole


def test_control_a_resume_that_forgets_the_optimizer_is_seen(
    tmp_path: Path, whole: tuple[bytes, Sequence[EpochRow]]
) -> None:
    assert train_in_child(tmp_path / "run", kill_at=200) == -signal.SIGKILL
    assert train_in_child(tmp_path / "run", forget="optimizer.mean") == 0
    assert outcome(tmp_path / "run") != whole
