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

from campaign.cases import DRAWN, KINDS, Breach, Tally, one_case
from campaign.place import prepare
from pennyweight.runs.provenance import commit
from pennyweight.tables.table import Column, right, table
from pennyweight.tables.text import to_text

SAID_EVERY_SECONDS = 60
ENOUGH_CASES = 30
"""Of so many cases of a way some strike, where it comes at a drawn moment."""


def main() -> int:
    """Return 1 where something was not as promised, or where a misfortune never struck."""
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
        (
            one.kind,
            f"{one.cases.total():,}",
            f"{one.struck.total():,}",
            str(len(one.breaches)),
            f"{one.seconds:.0f}",
        )
        for one in tallies
    )
    print(to_text(table(columns, rows)))
    if given.report:
        given.report.write_text(report(given.seed, tallies))
    idle = [
        f"{one.kind}, {way}"
        for one in tallies
        for way, cases in one.cases.items()
        if one.kind in DRAWN and cases >= ENOUGH_CASES and not one.struck[way]
    ]
    for way in idle:
        print(f"{way}: no command was struck in {ENOUGH_CASES} cases or more, so they show nothing.")
    return int(any(one.breaches for one in tallies) or bool(idle))


def campaign(seconds: float, seed: int, shared: Path, say: Callable[[str], None]) -> list[Tally]:
    """Let cases of all kinds happen, each kind for the same time; `say` hears of every breach and now and then."""
    tallies = [Tally(kind) for kind in KINDS]
    started = said = monotonic()
    while monotonic() - started < seconds:
        tally = min(tallies, key=lambda one: one.seconds)
        begun = monotonic()
        number = tally.cases.total()
        case = one_case(tally.kind, seed, number, shared)
        if case.breach:
            tally.breaches.append(Breach(number, case.breach))
            say(f"BREACH {case.breach}\n  again: make campaign SEED={seed} CASE={tally.kind}:{number}")
        tally.cases[case.way] += 1
        tally.struck[case.way] += case.struck
        tally.seconds += monotonic() - begun
        if monotonic() - said > SAID_EVERY_SECONDS:
            said = monotonic()
            cases, breaches = sum(one.cases.total() for one in tallies), sum(len(one.breaches) for one in tallies)
            say(f"{said - started:.0f} s: {cases:,} cases, {breaches} breaches")
    return tallies


def report(seed: int, tallies: list[Tally]) -> str:
    """Return the figures of a campaign as JSON."""
    facts = {"seed": seed, "commit": commit(), "python": platform.python_version(), "platform": platform.system()}
    kinds = [
        {
            "kind": one.kind,
            "ways": {way: {"cases": cases, "struck": one.struck[way]} for way, cases in sorted(one.cases.items())},
            "seconds": round(one.seconds),
            "breaches": [asdict(breach) for breach in one.breaches],
            "promise": KINDS[one.kind].__doc__,
        }
        for one in tallies
    ]
    return json.dumps({**facts, "kinds": kinds}, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
