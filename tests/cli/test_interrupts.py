"""Ctrl-C, a stopped session and a closed pipe: exit 130, the way on said, never a traceback, never a lost epoch."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import crashing
import pytest
from crashing import (
    RECIPES,
    Ended,
    alive,
    check_resumed,
    children_of,
    engine,
    environment,
    finish,
    outcome,
    run,
    send_signals,
    start,
    start_command,
    train_words,
    uninterrupted,
    wait_for,
)

import pennyweight

SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"]
PHASES = [("data", 1), ("engine", 1), ("step", 30), ("evaluation", 3), ("between epochs", 2), ("save", 6)]
"""Where a signal comes, and how often the process has come there by then."""


ONE_SIGNAL_A_PHASE = [(*phase, SIGNALS[number % 3]) for number, phase in enumerate(PHASES)]
OTHER_SIGNALS = [(*phase, name) for phase in PHASES for name in SIGNALS if (*phase, name) not in ONE_SIGNAL_A_PHASE]


def way_on(ended: Ended) -> str:
    """The command that an interrupted one says goes on with its run."""
    assert ended.code == 130, ended
    last = ended.err.splitlines()[-1]
    assert last.startswith("Error: Stopped ")
    return last.partition(" This resumes it: ")[2]


@pytest.mark.usefixtures(engine.__name__)
@pytest.mark.parametrize(
    ("phase", "count", "name"),
    [*ONE_SIGNAL_A_PHASE, *(pytest.param(*case, marks=pytest.mark.slow) for case in OTHER_SIGNALS)],
)
def test_a_signal_ends_in_130_with_the_command_that_goes_on_to_the_same_bytes(
    tmp_path: Path, phase: str, count: int, name: str
) -> None:
    stopped = run(train_words("SMALL", "a run"), tmp_path, ("signal_at", [phase, count, name, 1]))
    program, *words = shlex.split(way_on(stopped))
    assert program == "pennyweight"
    check_resumed("SMALL", tmp_path / "a run", [stopped, run(words, tmp_path)])


@pytest.mark.usefixtures(engine.__name__)
@pytest.mark.parametrize("times", [2, *(pytest.param(times, marks=pytest.mark.slow) for times in (3, 10))])
@pytest.mark.parametrize(("phase", "count"), [("step", 57), ("evaluation", 4), ("save", 7), ("between epochs", 2)])
def test_quick_signals_end_in_130_at_once_with_the_old_checkpoint_intact(
    tmp_path: Path, phase: str, count: int, times: int
) -> None:
    folder = tmp_path / "run"
    stopped = run(train_words("SMALL", folder), None, ("signal_at", [phase, count, "SIGINT", times]))
    assert stopped.code == 130
    if times == 2:
        assert stopped.err.endswith("\nError: Interrupted. Completed work is kept; run the same command to resume.\n")
    check_resumed("SMALL", folder, [stopped, run(train_words("SMALL", folder))])


def test_a_signal_after_the_last_checkpoint_does_not_undo_a_complete_run(tmp_path: Path) -> None:
    ended = run(train_words("SMALL", tmp_path), None, ("signal_at", ["record", 1, "SIGINT", 1]))
    check_resumed("SMALL", tmp_path, [ended])


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_what_a_run_was_started_to_ignore_stays_ignored_as_nohup_needs(tmp_path: Path, name: str) -> None:
    ended = run(train_words("SMALL", tmp_path), None, ("ignore_signal", name), ("signal_at", ["step", 20, name, 1]))
    check_resumed("SMALL", tmp_path, [ended])


def test_another_verb_is_interrupted_at_once(tmp_path: Path) -> None:
    assert run(train_words("TINY", "run"), tmp_path).code == 0
    for name in SIGNALS:
        ended = run(["judge", "run"], tmp_path, ("signal_at", ["judging", 1, name, 1]))
        assert (ended.code, ended.out) == (130, "")
        assert ended.err == "Error: Interrupted.\n"  # there is nothing to resume


# Real processes, from Python's own start on.


def end_by(process: subprocess.Popen[str], name: str, said: str, times: int = 1) -> Ended:
    send_signals(process, name, times)
    ended = finish(process)
    return Ended(ended.code, ended.out, said + ended.err)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNALS)
def test_the_printed_command_run_as_it_is_printed_goes_on(tmp_path: Path, name: str) -> None:
    process = start(train_words("SMALL", "it's a run"), tmp_path)
    stopped = end_by(process, name, wait_for(process, "epoch 1/"))
    resumed = finish(start_command(["/bin/sh", "-c", way_on(stopped)], tmp_path))
    check_resumed("SMALL", tmp_path / "it's a run", [stopped, resumed], images=0)


IMPORTS = [
    "pennyweight.cli.signals",
    "typer.core",
    "pennyweight.cli.train",
    "numpy._core",
    "torch._utils",
    "torch.optim",
]


@pytest.mark.slow
def test_ctrl_c_in_python_is_its_own_keyboard_interrupt_and_the_same_call_goes_on(tmp_path: Path) -> None:
    call = "pw.train(sys.argv[1], dataset='digits', engine='torch', out='run', progress=True)"
    program = [sys.executable, "-c", f"import sys, pennyweight as pw; {call}", f"{RECIPES}:SMALL"]
    command = [sys.executable, "-c", crashing.START, *program]
    process = start_command(command, tmp_path)
    stopped = end_by(process, "SIGINT", wait_for(process, "epoch 2/5"))
    assert stopped.err.splitlines()[-1] == "KeyboardInterrupt"
    resumed = finish(start_command(command, tmp_path))
    assert (resumed.code, stopped.epochs + resumed.epochs) == (0, [1, 2, 3, 4, 5]), resumed
    assert outcome(tmp_path / "run") == uninterrupted("SMALL", images=0)


@pytest.mark.slow
@pytest.mark.parametrize(("module", "name"), [(module, SIGNALS[n % 3]) for n, module in enumerate(IMPORTS)])
def test_a_signal_while_a_module_is_loaded_shows_no_traceback(tmp_path: Path, module: str, name: str) -> None:
    process = start(train_words("SMALL", "run"), tmp_path, PYTHONPROFILEIMPORTTIME="1")
    ended = end_by(process, name, wait_for(process, f" {module}\n"))
    assert "Traceback" not in ended.err
    assert "Exception ignored" not in ended.err
    assert ended.code == 130, ended.err[-500:]


FIRST_LINES = ("__init__.py", "__main__.py", os.path.join("cli", "__init__.py"), os.path.join("cli", "main.py"))


@pytest.mark.slow
def test_ctrl_c_at_any_moment_of_the_start_shows_no_traceback_of_ours(tmp_path: Path) -> None:
    """Python's own start and the loading of our first three files (about a millisecond) come before our code can act.

    There Python itself ends the process: killed by the signal, or with a traceback that ends before our first function.
    """
    home = Path(pennyweight.__file__).parent
    for delay in [*(step * 0.025 for step in range(13)), 0.4, 0.6, 0.8, 1.0, 1.5, 2.0]:
        process = start(train_words("SMALL", "run"), tmp_path)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        ended = finish(process)
        ours = [line for line in ended.err.splitlines() if f'File "{home}{os.sep}' in line]
        early = [
            line for line in ours if line.endswith("in <module>") and any(f'{home}/{n}"' in line for n in FIRST_LINES)
        ]
        assert ours == early, ended.err
        assert ended.code in (0, 130) or not ended.out + ended.err or "Traceback" in ended.err, ended
        assert "Traceback" not in ended.err or "KeyboardInterrupt" in ended.err


def run_code(code: str) -> Ended:
    """Run a program of Python as a terminal starts it."""
    command = [sys.executable, "-c", crashing.START, sys.executable, "-c", code]
    return finish(start_command(command, Path.cwd()))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_python_ends_changes_nothing(name: str) -> None:
    code = (
        "import atexit, os, signal, sys\nfrom pennyweight.cli.main import run\n"
        f"atexit.register(os.kill, os.getpid(), signal.{name})\nsys.argv = ['pennyweight', 'list']\nrun()"
    )
    ended = run_code(code)
    assert (ended.code, ended.err) == (0, "")
    assert "progressive-3" in ended.out


AT_THE_LAST_MOMENT = {
    "done": "pass",
    "done, as a command line ends": "sys.exit(0)",
    "refused": "raise UsageError('No.')",
    "refused by what it calls": "raise ValueError('No.')",
}


@pytest.mark.parametrize("how", AT_THE_LAST_MOMENT)
def test_a_signal_between_the_end_of_a_command_and_that_of_python_leaves_no_traceback(how: str) -> None:
    code = (
        "import os, signal, sys\nfrom pennyweight.cli import signals\nfrom pennyweight.cli.main import run\n"
        "from pennyweight.base.errors import UsageError\n"
        "signals.ignore_signals = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        f"def command(): {AT_THE_LAST_MOMENT[how]}\nrun(command)"
    )
    ended = run_code(code)
    assert ended.code == 130
    assert ended.err.endswith("Error: Interrupted.\n")
    assert "Traceback" not in ended.err


SWALLOWED = {
    "by Python, in the callback of a weak reference": """
        class Target: pass
        target = Target()
        reference = weakref.ref(target, lambda _: os.kill(os.getpid(), signal.SIGTERM))
        del target""",
    "by a library": """
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
        except BaseException:
            pass""",
}


@pytest.mark.parametrize("how", SWALLOWED)
def test_an_interrupt_that_is_swallowed_still_ends_in_130(how: str) -> None:
    body = f"def command():{SWALLOWED[how]}\n        time.sleep(30)"
    code = f"import os, signal, time, weakref\nfrom pennyweight.cli.main import run\n{body}\nrun(command)"
    started = monotonic()
    ended = run_code(code)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == "Error: Interrupted.\n"
    assert monotonic() - started < 15


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def test_where_nobody_reads_the_results_there_is_no_traceback(tmp_path: Path, closed_pipe: int) -> None:
    assert run(train_words("SMALL", "run"), tmp_path, images=0).code == 0
    command = [sys.executable, "-m", "pennyweight", *train_words("SMALL", "run")]
    process = subprocess.run(
        command, cwd=tmp_path, env=environment(), stdout=closed_pipe, stderr=subprocess.PIPE, text=True, check=False
    )
    assert process.returncode == 130
    assert "Traceback" not in process.stderr
    assert "Exception ignored" not in process.stderr
    assert "already complete" in process.stderr


@pytest.mark.slow
def test_where_nobody_reads_anything_a_run_ends_and_can_go_on(tmp_path: Path, closed_pipe: int) -> None:
    words = train_words("SMALL", "run")
    command = [sys.executable, "-m", "pennyweight", *words]
    unread = subprocess.run(
        command, cwd=tmp_path, env=environment(), stdout=closed_pipe, stderr=closed_pipe, text=True, check=False
    )
    assert unread.returncode == 130
    command = ["/bin/sh", "-c", f"{shlex.join(command)} 2>&1 | head -1"]
    assert "Traceback" not in finish(start_command(command, tmp_path)).out
    check_resumed("SMALL", tmp_path / "run", [run(words, tmp_path, images=0)], images=0)


@pytest.mark.slow
def test_with_every_stream_closed_a_run_ends_as_usual(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "pennyweight", *train_words("SMALL", "run")])
    ended = finish(start_command(["/bin/sh", "-c", f"{command} <&- >&- 2>&-"], tmp_path))
    assert ended.code == 0
    check_resumed("SMALL", tmp_path / "run", [ended], images=0)


# Several seeds: a parent and its children.


def several_seeds() -> list[str]:
    return [
        "train",
        f"{RECIPES}:SMALL",
        "--dataset",
        "digits",
        "--engine",
        crashing.ENGINE,
        "--seeds",
        "0-2",
        "--jobs",
        "2",
    ]


def check_complete(home: Path) -> None:
    """Run the same command to its end, and one of its seeds alone with as many threads: both give the same bytes."""
    ended = finish(start(several_seeds(), home))
    assert ended.code == 0, ended.err
    assert len(list(home.glob("runs/*/seed-*/record.json"))) == 3
    alone = finish(start(train_words("SMALL", "alone", "--seed", "1"), home))
    assert alone.code == 0
    assert outcome(next(home.glob("runs/*/seed-1"))) == outcome(home / "alone")


@pytest.mark.usefixtures(engine.__name__)
@pytest.mark.slow
@pytest.mark.parametrize(("name", "times"), [("SIGINT", 1), ("SIGTERM", 2), ("SIGINT", 5)])
def test_several_seeds_interrupted_stop_together_and_go_on_with_the_same_command(
    tmp_path: Path, name: str, times: int
) -> None:
    process = start(several_seeds(), tmp_path)
    said = wait_for(process, "| epoch 1/")
    children = children_of(process.pid)
    assert len(children) == 2
    ended = end_by(process, name, said, times)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    if times == 1:
        # on a busy machine the children may need longer than a command may take to end
        resume = f"Resume: {sys.executable} -m pennyweight {shlex.join(several_seeds())}"
        assert ended.err.splitlines()[-1].endswith((resume, "run the same command to resume."))
        check_complete(tmp_path)
    while any(alive(child) for child in children):  # whoever is not waited for ends without its parent
        sleep(0.1)


@pytest.mark.slow
def test_one_seed_killed_is_said_and_ends_in_3_and_the_others_are_complete(tmp_path: Path) -> None:
    process = start(several_seeds(), tmp_path)
    said = wait_for(process, "| epoch 1/")
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    ended = finish(process)
    assert ended.code == 3, said + ended.err
    assert "killed by SIGKILL" in ended.err
    assert len(list(tmp_path.glob("runs/*/seed-*/record.json"))) == 2


@pytest.mark.slow
def test_seeds_whose_parent_is_killed_end_on_their_own(tmp_path: Path) -> None:
    process = start([*several_seeds(), "--epochs", "2000"], tmp_path)
    wait_for(process, "| epoch ")
    children = children_of(process.pid)
    process.kill()
    process.communicate()
    while any(alive(child) for child in children):
        sleep(0.1)
