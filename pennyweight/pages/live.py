"""The page of runs that go on: a process of its own that looks at their checkpoints and writes it again.

python -m pennyweight.pages.live FOLDER PAGE [DATA]

It ends when its standard input does, which whoever trains holds open, and then writes the whole page. It never touches
the runs, takes the lowest priority, and says nothing: what it cannot write now, it may the next time.
"""

import os
import select
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic

from pennyweight.base.errors import PennyweightError
from pennyweight.base.files import write_atomically
from pennyweight.pages.evidence import Evidence
from pennyweight.pages.gather import live_evidence
from pennyweight.pages.render import render
from pennyweight.pages.write import write_page

SECONDS, LOOK_SECONDS = 10.0, 1.0
"""The shortest time from one page to the next, and from one look at the runs to the next."""


def keep_fresh(folder: Path, page: Path, data: Path | None = None) -> None:
    """Write the page of the runs in `folder` whenever they have a new epoch, and the whole page in the end."""
    before: Mapping[str, int] = {}
    written = -SECONDS
    while not _has_ended(LOOK_SECONDS):
        now = checkpoints(folder)
        if now != before and monotonic() - written >= SECONDS:
            with suppress(PennyweightError):  # a checkpoint that is being replaced is there the next time
                _write(live_evidence(folder), page)
                before, written = now, monotonic()
    write_page([folder], page, data)


def checkpoints(folder: Path) -> dict[str, int]:
    """Return the records and checkpoints at or below a folder, and when each was written, in nanoseconds."""
    found: dict[str, int] = {}
    for pattern in ("checkpoint-*.safetensors", "*/checkpoint-*.safetensors", "record.json", "*/record.json"):
        for path in folder.glob(pattern):
            with suppress(OSError):
                found[str(path)] = path.stat().st_mtime_ns
    return found


def _write(evidence: Evidence, page: Path) -> None:
    write_atomically(page, render(evidence).encode())


def _has_ended(seconds: float) -> bool:
    """Wait for the end of standard input, at most so long; return whether it came."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(ready) and not os.read(sys.stdin.fileno(), 1)


def main() -> None:
    """Keep the page fresh that the command line names; Ctrl-C is for who trains."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(19)
    try:
        keep_fresh(*map(Path, sys.argv[1:]))
    except PennyweightError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
