"""Choosing an engine by name; PyTorch is imported only when it is taken."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from pennyweight.base.errors import UnavailableError, UsageError, unknown_name_error
from pennyweight.base.stop import Stop, never
from pennyweight.engines.protocol import Engine, TrainingJob
from pennyweight.native.compiler import find_compiler

ENGINES = ("native", "torch")
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Choice:
    """The engine that is taken, and why it is not the fastest one; empty when it is, or was asked for."""

    name: str
    reason: str = ""


def choose_engine(name: str, device: str) -> Choice:
    """Return the engine `name` stands for on `device`; `auto` is the fastest one that can run here.

    Raises UsageError for an unknown engine or device, UnavailableError when what it needs is missing.
    """
    if name not in ("auto", *ENGINES):
        raise unknown_name_error("engine", name, ("auto", *ENGINES))
    if device not in DEVICES:
        raise UsageError(f"There is no support for the device '{device}'; use one of: {', '.join(DEVICES)}.")
    if name == "native" and device != "cpu":
        raise UsageError(f"The native engine runs on the CPU; --device {device} goes with --engine torch.")
    if name == "native" or (name == "auto" and device == "cpu" and find_compiler()):
        return Choice("native")
    if find_spec("torch") is None:
        raise UnavailableError(_nothing_to_train_with(name, device))
    if name == "torch":
        return Choice("torch")
    why = "no C compiler is found for the native engine" if device == "cpu" else "the native engine runs on the CPU"
    return Choice("torch", f"The torch engine is taken: {why}.")


def make_engine(
    name: str, device: str, job: TrainingJob, say: Callable[[str], None] = lambda text: None, stop: Stop = never
) -> Engine:
    """Return an engine whose state is still to be loaded (`load_state`); `say` is told what takes time.

    Raises Interrupted when `stop` says so.
    """
    if choose_engine(name, device).name == "native":
        from pennyweight.engines.native import NativeEngine

        return NativeEngine(job, say, stop)
    # threads that wait must yield: spinning ones bring an epoch to a halt beside one other busy process (docs/LOG.md)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from pennyweight.engines.torch import TorchEngine

    return TorchEngine(job, device)


def _nothing_to_train_with(name: str, device: str) -> str:
    if name == "torch" or device != "cpu":
        wanted = "The torch engine" if device == "cpu" else f"--device {device}"
        return f"{wanted} needs PyTorch, which is not installed: pip install 'pennyweight[torch]'."
    return (
        "There is no C compiler for the native engine and no PyTorch. Install a compiler (gcc or clang), or the "
        "package that brings one: pip install 'pennyweight[compiler]'; or PyTorch: pip install 'pennyweight[torch]'."
    )
