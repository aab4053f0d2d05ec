"""The kinds of cases, and one case of a kind."""

import random
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from campaign import contention, full_disks, kills, mutants, odd_files, odd_machines, signals
from campaign.place import ENGINES, Place, use_engine

KINDS = {
    module.__name__.rpartition(".")[2].replace("_", "-"): module
    for module in (kills, mutants, full_disks, contention, signals, odd_files, odd_machines)
}
DRAWN = ("kills", "full-disks", "signals")
"""Kinds whose misfortune comes at a drawn moment, which may be too late."""
SHOWN = 2_000


@dataclass(frozen=True)
class Breach:
    """A case in which something was not as promised, and what."""

    number: int
    words: str


@dataclass(frozen=True)
class Case:
    """What one case did in words, or else what was not as promised, and whether its misfortune struck a command."""

    way: str
    words: str
    breach: str
    struck: bool


@dataclass
class Tally:
    """What came of the cases of one kind so far."""

    kind: str
    cases: Counter[str] = field(default_factory=Counter)
    """By way."""
    struck: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    breaches: list[Breach] = field(default_factory=list)


def one_case(kind: str, seed: int, number: int, shared: Path) -> Case:
    """Let one case happen."""
    chance = random.Random(f"{seed} {kind} {number}")
    way = chance.choice(KINDS[kind].WAYS)
    place = Place(Path(tempfile.mkdtemp(dir=shared.parent)), shared, chance.choice(ENGINES))
    use_engine(place.engine)
    try:
        return Case(way.__name__, way(chance, place), "", place.struck)
    except Exception as breach:
        words = f"{type(breach).__name__}: {breach}".replace(str(shared.parent), "")[:SHOWN]
        return Case(way.__name__, "", words, place.struck)
    finally:
        shutil.rmtree(place.folder, ignore_errors=True)
