"""The process that commands are forked from, and what can be done to them; see crashing.py."""

import builtins
import contextlib
import ctypes
import fcntl
import io
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Timer
from time import monotonic, sleep
from typing import Any

import numpy as np
import torch
import torch._dynamo  # what the first optimizer loads
from torch.optim.optimizer import register_optimizer_step_pre_hook

from pennyweight.api import datasets, judging
from pennyweight.base import files, machine, reading
from pennyweight.cli import (
    signals,
    train_one,  # noqa: F401 (loaded before the fork, as is what follows)
)
from pennyweight.cli.app import app
from pennyweight.cli.main import run
from pennyweight.data import digits, idx, sources
from pennyweight.data.download import Expected
from pennyweight.engines import averaging
from pennyweight.engines import torch as torch_engine
from pennyweight.engines.native import NativeEngine
from pennyweight.engines.torch import TorchEngine
from pennyweight.native import compiler
from pennyweight.nets import weights
from pennyweight.reporting.console import Console
from pennyweight.runs import checkpoint, folder, provenance
from pennyweight.training import finish, loop, prepare

HANDLERS_SECONDS = 10
"""After them a signal comes, whether a command handles it or not."""
BETWEEN_SIGNALS_SECONDS = 0.005
"""Or several of them would be one for Python, which handles them between two of its instructions."""
CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2
"""As in linux/capability.h."""
ALL = digits.load_digits()
with contextlib.redirect_stdout(io.StringIO()):
    app(["show", "progressive-3"], standalone_mode=False)  # what the first verb loads
provenance.commit()
machine.processor()

for limit in ("END_SECONDS", "CHILD_END_SECONDS"):
    setattr(signals, limit, 60.0)  # other work on the same machine must not change how a command ends


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        children = [_fork(request) for _ in range(request["copies"])]
        print(json.dumps([_collect(*child) for child in children]), flush=True)


def _fork(request: dict[str, Any]) -> tuple[int, int, int]:
    """Start a command; return its process and the reading ends of what it prints, out and err."""
    (out, child_out), (err, child_err) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _child(request, child_out, child_err)
    os.close(child_out)
    os.close(child_err)
    return child, out, err


def _collect(child: int, out: int, err: int) -> dict[str, Any]:
    with (
        open(out, errors="replace") as out_file,
        open(err, errors="replace") as err_file,
        ThreadPoolExecutor(1) as beside,  # neither pipe may fill while the other is read
    ):
        text = beside.submit(err_file.read)
        texts = {"out": out_file.read(), "err": text.result()}
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), **texts}


def _child(request: dict[str, Any], out: int, err: int) -> None:
    code = 99
    try:
        os.chdir(request["cwd"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, 64)  # the pipes of the server and of this child
        sys.argv = [str(Path(sys.executable).with_name("pennyweight")), *request["words"]]
        for name, argument in request["prepare"]:
            PREPARE[name](argument)
        run()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def images(count: int) -> None:
    """Train on the first `count` digits and test on a quarter as many."""
    if count:
        few = replace(
            ALL,
            train_images=ALL.train_images[:count].copy(),
            train_labels=ALL.train_labels[:count],
            test_images=ALL.test_images[: count // 4],
            test_labels=ALL.test_labels[: count // 4],
        )
        digits.load_digits = lambda: few


def one_pixel(_: None) -> None:
    few = digits.load_digits()
    changed = few.train_images.copy()
    changed[0, 14, 14] ^= 1
    digits.load_digits = lambda: replace(few, train_images=changed)


def kill_at_step(step: int) -> None:
    _at("step", step, lambda: os.kill(os.getpid(), signal.SIGKILL))


def signal_at(where: list[Any]) -> None:
    phase, count, name, times = where

    def send() -> None:
        for _ in range(times):
            os.kill(os.getpid(), signal.Signals[name])

    _at(phase, count, send)


def ignore_signal(name: str) -> None:
    signal.signal(signal.Signals[name], signal.SIG_IGN)


def _at(phase: str, count: int, act: Callable[[], None]) -> None:
    """Do `act` the `count`-th time that this process comes to `phase`."""
    left = iter(range(count - 1, -1, -1))

    def tick(*_: Any, **__: Any) -> None:
        if next(left, None) == 0:
            act()

    if phase == "step" and "native" in sys.argv:
        loop.SLICE_STEPS = 1  # slices do not change the bytes
        _before(NativeEngine, "train_steps", tick)
    elif phase == "step":
        register_optimizer_step_pre_hook(tick)
    else:
        holder, name = {
            "judging": (judging, "judge_folders"),
            "data": (datasets, "read_dataset"),
            "evaluation": (_engine(), "logits"),
            "between epochs": (Console, "epoch_done"),
            "engine": (prepare, "make_engine"),
            "save": (os, "fsync"),
            "record": (finish, "write_record"),
        }[phase]
        _before(holder, name, tick)


def _engine() -> type[NativeEngine] | type[TorchEngine]:
    return NativeEngine if "native" in sys.argv else TorchEngine


def _before(holder: Any, name: str, act: Callable[..., None]) -> None:
    real = getattr(holder, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        act(*arguments, **named)
        return real(*arguments, **named)

    setattr(holder, name, wrapped)


def at_operation(what: list[Any]) -> None:
    """Number every operation on the file system that a run makes; at the k-th be killed, or be refused."""
    wanted, refused_with, list_file = what
    done = 0

    def point(*what: Any, **__: Any) -> None:
        nonlocal done
        done += 1
        if list_file:
            with builtins.open(list_file, "a") as listed:
                listed.write(f"{what!r:.500}\n")
        if done == wanted and refused_with:
            raise OSError(refused_with, os.strerror(refused_with))
        if done == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    class InHalves:
        """A file for writing that can be stopped in the middle of what it is given."""

        def __init__(self, path: Path, mode: str) -> None:
            point(path)
            self.file = builtins.open(path, mode)  # noqa: SIM115 (closed in __exit__)
            self.flush, self.fileno, self.close = self.file.flush, self.file.fileno, self.file.close

        def __enter__(self) -> "InHalves":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> int:
            point()
            self.file.write(content[: len(content) // 2])
            self.file.flush()
            point()
            return len(content) // 2 + self.file.write(content[len(content) // 2 :])

    def open_point(path: Any, flags: int, *_: Any) -> None:
        """What is only read changes nothing; a folder is opened to be synced."""
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or os.path.isdir(path):
            point(str(path))

    files.open = InHalves  # type: ignore[attr-defined]
    _before(os, "open", open_point)
    for name in ("ftruncate", "pwrite", "fsync", "replace", "unlink"):
        _before(os, name, point)


def largest_file(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def at_most(limits: list[int]) -> None:
    """End by SIGALRM after so many seconds, and refuse more memory than so many bytes beyond what is in use now."""
    seconds, more_bytes = limits
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + more_bytes, resource.RLIM_INFINITY))


def dawdle(most_seconds: float) -> None:
    """Start late, and wait before every second operation on files: another process comes in between any two."""
    draw = random.Random(os.getpid())
    sleep(draw.uniform(0, 50 * most_seconds))

    def wait(*_: Any, **__: Any) -> None:
        if draw.random() < 0.5:
            sleep(draw.uniform(0, most_seconds))

    for name in ("stat", "lstat", "listdir", "scandir", "mkdir", "open", "rename", "replace", "unlink"):
        _before(os, name, wait)
    for module in (builtins, io):
        _before(module, "open", wait)
    _before(fcntl, "flock", wait)


def signal_after(what: list[Any]) -> None:
    """Be sent a signal, so often, a while after the start; one that can be handled, once it is, or should long be."""
    name, seconds, times = what
    sent = signal.Signals[name]

    def send() -> None:
        until = monotonic() + HANDLERS_SECONDS * (sent != signal.SIGKILL)
        while signal.getsignal(sent) in (signal.SIG_DFL, signal.default_int_handler) and monotonic() < until:
            sleep(0.001)
        for _ in range(times):
            os.kill(os.getpid(), sent)
            sleep(BETWEEN_SIGNALS_SECONDS)

    timer = Timer(seconds, send)
    timer.daemon = True
    timer.start()


def without_privileges(_: None) -> None:
    """Be refused what the permissions of a file refuse, as root too, whom Linux lets read and write everything."""
    if os.geteuid() == 0 and sys.platform == "linux":
        header, held = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.capget(header, held) == 0, os.strerror(ctypes.get_errno())
        held[0] &= ~(CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH)  # of the effective ones
        assert libc.capset(header, held) == 0, os.strerror(ctypes.get_errno())


def own_prefix(_: None) -> None:
    """Name exported files after the process."""
    sys.argv += ["--prefix", f"p{os.getpid()}"]


def surroundings(variables: dict[str, str]) -> None:
    os.environ.update(variables)


def printed_to(path: str) -> None:
    os.dup2(os.open(path, os.O_WRONLY), 1)


def mirror(where: list[Any]) -> None:
    """Let MNIST be what one mirror has: files of these sizes and digests, by name."""
    url, expected = where
    files = [replace(file, expected=Expected(*expected[file.name])) for file in sources.MNIST.files]
    sources.SOURCES["mnist"] = replace(
        sources.MNIST,
        **dict(zip(("train_images", "train_labels", "test_images", "test_labels"), files, strict=True)),
        mirrors=(url,),
    )


def other_threads(count: int) -> None:
    torch.set_num_threads(count)


def other_version(version: str) -> None:
    torch.__version__ = version
    compiler.FLAGS = (*compiler.FLAGS, f"-DVERSION={version}")


# Mistakes: each one breaks a promise, and the tests must see it.


def forget_slots(_: None) -> None:
    """Optimizer arrays are in the checkpoint and start at zero again all the same."""
    _change_start(lambda name, array: np.zeros_like(array) if name.startswith("optimizer.") else array)


def forget_average(_: None) -> None:
    """The average of the weights starts again from the weights as they are."""
    real = loop.newest_checkpoint

    def changed(*arguments: Any) -> Any:
        found = real(*arguments)
        if not found:
            return found
        kept = [name for name in found.state if name.startswith(averaging.PREFIX)]
        fresh = {name: found.state[name.removeprefix(averaging.PREFIX)] for name in kept}
        return replace(found, state={**found.state, **fresh})

    loop.newest_checkpoint = changed


def forget_steps(_: None) -> None:
    """Adam's count of steps starts again."""
    _change_start(lambda name, array: array, keep_steps=False)


def forget_buffers(_: None) -> None:
    """BatchNorm's running figures start again."""
    fresh = {"running_mean": np.zeros_like, "running_var": np.ones_like}
    _change_start(lambda name, array: fresh.get(name.split(".")[-1], np.asarray)(array))


def _change_start(change: Callable[[str, Any], Any], keep_steps: bool = True) -> None:
    engine = _engine()
    real: Any = engine.load_state

    def changed(self: Any, state: Any, steps_done: int) -> None:
        engine.load_state = real  # type: ignore[method-assign]
        real(self, {name: change(name, array) for name, array in state.items()}, steps_done * keep_steps)

    engine.load_state = changed  # type: ignore[method-assign]


def global_dropout(_: None) -> None:
    """Dropout draws from one generator for the whole process, seeded when it starts."""
    torch.manual_seed(0)
    torch_engine.torch = type("Torch", (), {"__getattr__": lambda self, name: getattr(torch, name)})()
    torch_engine.torch.manual_seed = lambda seed: None


def global_order(_: None) -> None:
    """The order of images draws from one generator for the whole process."""
    generator = np.random.default_rng(0)
    loop.permutation = lambda count, *key: generator.permutation(count)


def write_in_place(_: None) -> None:
    """One checkpoint, rewritten under its final name."""

    def write(path: Path, content: bytes) -> None:
        with files.open(path, "wb") as file:  # type: ignore[attr-defined]
            file.write(content)

    for module in (files, checkpoint, folder, loop, weights):
        module.write_atomically = write  # type: ignore[attr-defined]
    checkpoint.checkpoint_path = lambda where, epoch: where / "checkpoint-0001.safetensors"


def rename_before_write(_: None) -> None:
    """The order of a save turned round: the new file gets its final name before its content."""

    def write(path: Path, content: bytes) -> None:
        temporary = path.with_name(f"{path.name}.1.tmp")
        temporary.touch()
        os.replace(temporary, path)
        with files.open(path, "wb") as file:  # type: ignore[attr-defined]
            file.write(content)

    for module in (files, checkpoint, folder, loop, weights):
        module.write_atomically = write  # type: ignore[attr-defined]
    checkpoint.KEPT = 1


def ignore_digest(_: None) -> None:
    """What a file states of its own content is believed."""
    real = weights.json.loads

    def loads(text: str) -> Any:
        facts = real(text)
        return {**facts, "sha256": "believed"} if "sha256" in facts else facts

    weights.json = type("Json", (), {"loads": staticmethod(loads), "dumps": staticmethod(weights.json.dumps)})
    seal = weights.content_digest
    weights.content_digest = lambda tensors, facts: "believed" if "identity" in facts else seal(tensors, facts)


def forget_hangup(_: None) -> None:
    """A terminal that is closed ends a command without a word."""
    signals.SIGNALS = tuple(one for one in signals.SIGNALS if one != signal.SIGHUP)


def forget_permissions(_: None) -> None:
    """That a file may not be read is nothing anybody thought of."""
    real = reading.open_regular

    def changed(*arguments: Any, **named: Any) -> Any:
        try:
            return real(*arguments, **named)
        except PermissionError as error:
            raise RuntimeError("not thought of") from error

    for module in (reading, idx):
        module.open_regular = changed  # type: ignore[attr-defined]


def forget_locks(_: None) -> None:
    """Every lock is free."""
    fcntl.flock = lambda *_: None


PREPARE: dict[str, Callable[[Any], None]] = {
    function.__name__: function
    for function in (
        *(
            images,
            one_pixel,
            kill_at_step,
            signal_at,
            ignore_signal,
            at_operation,
            largest_file,
            at_most,
            dawdle,
            signal_after,
            without_privileges,
            own_prefix,
            surroundings,
            printed_to,
            mirror,
            other_threads,
            other_version,
        ),
        *(forget_slots, forget_average, forget_steps, forget_buffers, global_dropout, global_order),
        *(write_in_place, rename_before_write, ignore_digest),
        *(forget_hangup, forget_permissions, forget_locks),
    )
}

if __name__ == "__main__":
    serve()
