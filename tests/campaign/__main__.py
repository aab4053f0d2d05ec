"""Run the campaign for some minutes, each kind in turn, and write down what came of it."""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import monotonic

from campaign.cases import KINDS, Breach, Tally, one_case
from campaign.place import prepare
from pennyweight.runs.provenance import commit
from pennyweight.tables.table import Column, right, table
from pennyweight.tables.text import to_text

SAID_EVERY_SECONDS = 60
ENOUGH_CASES = 30
"""Of so many cases some strike, whatever their kind."""


def main() -> int:
    """Return 1 where something was not as promised, or where a kind of misfortune never struck."""
    asked = argparse.ArgumentParser(prog="make campaign", description=__doc__)
    asked.add_argument("--minutes", type=float, default=10.0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--case", metavar="KIND:NUMBER", help="this case alone")
    asked.add_argument("--report", type=Path, help="a JSON file to write the figures to")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as home:
        shared = Path(home, "shared")
        shared.mkdir()
        prepare(shared)
        if given.case:
            kind, _, number = given.case.partition(":")
            case = one_case(kind, given.seed, int(number), shared)
            print(case.breach or case.words)
            return int(bool(case.breach))
        tallies = campaign(given.minutes * 60, given.seed, shared, partial(print, flush=True))
    columns = (Column("kind"), *right("cases", "struck", "breaches", "seconds"))
    rows = (
        (one.kind, f"{one.cases:,}", f"{one.struck:,}", str(len(one.breaches)), f"{one.seconds:.0f}") for one in tallies
    )
    print(to_text(table(columns, rows)))
    if given.report:
        given.report.write_text(report(given.seed, tallies))
    idle = [one.kind for one in tallies if one.cases >= ENOUGH_CASES and not one.struck]
    if idle:
        print(f"{', '.join(idle)}: no command was struck in {ENOUGH_CASES} cases or more, so they show nothing.")
    return int(any(one.breaches for one in tallies) or bool(idle))


def campaign(seconds: float, seed: int, shared: Path, say: Callable[[str], None]) -> list[Tally]:
    """Let cases of all kinds happen, each kind for the same time; `say` hears of every breach and now and then."""
    tallies = [Tally(kind) for kind in KINDS]
    started = said = monotonic()
    while monotonic() - started < seconds:
        tally = min(tallies, key=lambda one: one.seconds)
        begun = monotonic()
        case = one_case(tally.kind, seed, tally.cases, shared)
        if case.breach:
            tally.breaches.append(Breach(tally.cases, case.breach))
            say(f"BREACH {case.breach}\n  again: make campaign SEED={seed} CASE={tally.kind}:{tally.cases}")
        tally.cases += 1
        tally.struck += case.struck
        tally.seconds += monotonic() - begun
        if monotonic() - said > SAID_EVERY_SECONDS:
            said = monotonic()
            cases, breaches = sum(one.cases for one in tallies), sum(len(one.breaches) for one in tallies)
            say(f"{said - started:.0f} s: {cases:,} cases, {breaches} breaches")
    return tallies


def report(seed: int, tallies: list[Tally]) -> str:
    """Return the figures of a campaign as JSON."""
    facts = {"seed": seed, "commit": commit(), "python": platform.python_version(), "platform": platform.system()}
    kinds = [{**asdict(one), "seconds": round(one.seconds), "promise": KINDS[one.kind].__doc__} for one in tallies]
    return json.dumps({**facts, "kinds": kinds}, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
