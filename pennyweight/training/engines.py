"""Choosing an engine by name; PyTorch is imported only when it is taken."""

import os
from importlib.util import find_spec

from pennyweight.base.errors import EnvironmentRefused, UsageError, unknown
from pennyweight.training.engine import Engine, Job

ENGINES = ("torch",)
DEVICES = ("cpu", "cuda")


def engine_name(name: str) -> str:
    """Return the engine `name` stands for; `auto` is the fastest one that is installed.

    Raises UsageError for an unknown engine, EnvironmentRefused when the package it needs is missing.
    """
    if name not in ("auto", *ENGINES):
        raise unknown("engine", name, ("auto", *ENGINES))
    if find_spec("torch") is None:
        raise EnvironmentRefused(
            "The torch engine needs PyTorch, which is not installed: pip install 'pennyweight[torch]'."
        )
    return "torch"


def check_device(device: str) -> None:
    """Raise UsageError for a device other than cpu and cuda."""
    if device not in DEVICES:
        raise UsageError(f"There is no support for the device '{device}'; use one of: {', '.join(DEVICES)}.")


def make_engine(name: str, device: str, job: Job) -> Engine:
    """Return an engine ready to `start`."""
    check_device(device)
    engine_name(name)
    # threads that wait must yield: beside one other busy process, spinning ones made an epoch thirty times as long
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from pennyweight.training.torch_engine import TorchEngine

    return TorchEngine(job, device)
