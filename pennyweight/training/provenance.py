"""Where a run's numbers come from: versions, commit, processor, threads, data."""

import os
import platform
import subprocess
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from pennyweight.base.records import Provenance
from pennyweight.training.engine import Engine


def provenance(engine: Engine, dataset_digest: str, started: datetime) -> Provenance:
    """Describe this process and machine; `started` is when this process began to train."""
    return Provenance(
        pennyweight=package_version(),
        commit=commit(),
        python=platform.python_version(),
        numpy=np.__version__,
        engine=f"{engine.name} {engine.version}",
        device=engine.device,
        threads=engine.threads,
        cpu=processor(),
        platform=platform.platform(),
        dataset_digest=dataset_digest,
        started=started.isoformat(timespec="seconds"),
    )


def package_version() -> str:
    """Return the installed version of pennyweight."""
    try:
        return version("pennyweight")
    except PackageNotFoundError:
        return "not installed"


@cache
def commit() -> str:
    """Return the commit of the source checkout, with `+` when files differ from it; empty outside of a checkout."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return ""
    try:
        hash_text = _git(here, "rev-parse", "--short=12", "HEAD")
        return hash_text + ("+" if _git(here, "status", "--porcelain", "--", "pennyweight") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


@cache
def processor() -> str:
    """Return the processor's name and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text(errors="replace").splitlines())
        name = next((value.strip() for key, _, value in lines if key.strip() == "model name"), name)
    return f"{name}, {usable_cores()} cores"


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
