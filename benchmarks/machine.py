"""What every report says of where it was measured, and where it goes."""

import os
import platform
import re
from datetime import date
from pathlib import Path

from pennyweight.base.machine import processor
from pennyweight.native.compiler import compiler_version, find_compiler


def surroundings(load_before: float) -> str:
    """Return date, processor, system, compiler and load as one line."""
    compiler = compiler_version(tuple(find_compiler() or ()))
    return f"{date.today()}, {processor()}, {platform.platform()}; {compiler}; load before {load_before:.2f}"


def load_average() -> float:
    """Return how many processes wanted a core over the last minute."""
    return os.getloadavg()[0]


def write_report(what: str, lines: list[str]) -> Path:
    """Write `benchmarks/WHAT_HARDWARE_DATE.md` and return where."""
    hardware = re.sub(r"\W+", "-", processor().lower()).strip("-")
    target = Path(__file__).parent / f"{what}_{hardware}_{date.today()}.md"
    target.write_text("\n".join(lines) + "\n")
    return target
