"""What this machine has: its processor, and the cores and memory that this process may use."""

import os
import platform
from functools import cache
from pathlib import Path

from pennyweight.base.errors import UnavailableError

MOST_DIGITS = 9
"""Digits of $OMP_NUM_THREADS that are read; there are never as many threads."""


@cache
def processor() -> str:
    """Return the processor's name and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text(errors="replace").splitlines())
        name = next((value.strip() for key, _, value in lines if key.strip() == "model name"), name)
    cores = usable_cores()
    return f"{name}, {cores} core{'s' if cores > 1 else ''}"


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def asked_threads() -> int | None:
    """Return $OMP_NUM_THREADS, as PyTorch reads it; None where it is not a number above 0."""
    text = os.environ.get("OMP_NUM_THREADS", "").strip()[:MOST_DIGITS]
    return int(text) if text.isdecimal() and int(text) > 0 else None


def available_memory() -> int:
    """Return how many bytes of memory this process may still take: of the machine, and of its control group.

    Where the system does not say what is free, it is all that the machine has.
    """
    amounts = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = (line.split() for line in meminfo.read_text().splitlines())
        amounts += [int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"]
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and limit.read_text().strip().isdecimal():
        amounts.append(max(int(limit.read_text()) - int(used.read_text()), 0))
    return min(amounts)


def require_memory(needed: int, batch_images: int) -> None:
    """Raise UnavailableError where a network in batches of `batch_images` images needs more bytes than there are."""
    available = available_memory()
    if needed > available:
        raise UnavailableError(
            f"The network in batches of {batch_images:,} images needs {needed / 2**30:,.1f} GiB of memory, and this "
            f"machine has {available / 2**30:,.1f} GiB available; a smaller batch_images needs less."
        )
