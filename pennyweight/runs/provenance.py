"""Where a run's numbers come from: versions, commit, processor, threads, data."""

import platform
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np

from pennyweight.base.machine import processor
from pennyweight.base.records import Provenance
from pennyweight.base.version import VERSION
from pennyweight.engines.protocol import Engine


def provenance(engine: Engine, dataset_digest: str, started: datetime) -> Provenance:
    """Describe this process and machine; `started` is when this process began to train."""
    return Provenance(
        pennyweight=VERSION,
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


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
