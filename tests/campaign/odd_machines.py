"""A machine without a home, a temporary folder, a compiler, a cache that can be written or loaded from, or Unicode.

Every command works all the same or says in a sentence what is missing, with a promised exit code. What it trains is
what it trains elsewhere.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random

from crashing import outcome, start_command, uninterrupted

from campaign.place import RECIPE, Place, end

NOWHERE = {"HOME": "/proc/self", "XDG_CACHE_HOME": "", "PENNYWEIGHT_CACHE": ""}
MACHINES: dict[str, dict[str, str]] = {
    "no home": {**NOWHERE, "HOME": ""},
    "a home that cannot be written": NOWHERE,
    "a home that is not there": {**NOWHERE, "HOME": "/dev/null/home"},
    "no temporary folder": {"TMPDIR": "/dev/null/tmp"},
    "a cache that cannot be made": {"PENNYWEIGHT_CACHE": "/proc/self/cache"},
    "a cache that is a file": {"PENNYWEIGHT_CACHE": "/dev/null"},
    "a cache of a long name": {"PENNYWEIGHT_CACHE": "/" + "x" * 300},
    "a cache and temporary folder of no use": {"PENNYWEIGHT_CACHE": "/dev/null", "TMPDIR": "/dev/null"},
    "data that is a file": {"PENNYWEIGHT_DATA": "/dev/null"},
    "a terminal of ASCII": {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"},
    "a terminal of Latin-1": {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"},
    "a terminal one column wide": {"COLUMNS": "1"},
    "a terminal without end": {"COLUMNS": "1000000"},
    "no width that is a number": {"COLUMNS": "wide", "LINES": "-1"},
    "a dumb terminal": {"TERM": "dumb", "NO_COLOR": "1"},
    "another time": {"TZ": "nowhere/atall"},
    "an empty path": {"PATH": ""},
    "CC with a quote": {"CC": 'gcc "'},
    "CC that is no program": {"CC": "/nowhere/cc"},
    "CC that does nothing": {"CC": "true"},
    "CC that fails": {"CC": "false"},
    "CC that prints": {"CC": "echo"},
    "flags with a quote": {"PENNYWEIGHT_CFLAGS": '"x'},
    "flags of no compiler": {"PENNYWEIGHT_CFLAGS": "--no-such-flag"},
    "many threads": {"OMP_NUM_THREADS": "100000"},
    "threads of no number": {"OMP_NUM_THREADS": "many"},
}
NOEXEC = "a cache that nothing is executed from"
LIMITS = {
    "few open files": "ulimit -n 24",
    "no core files and small stacks": "ulimit -c 0 -s 1024",
    "files that nobody may read": "umask 777",
    "files that all may write": "umask 0",
    "standard input closed": "exec <&-",
    "standard output closed": "exec >&-",
    "both outputs closed": "exec >&- 2>&-",
}
SHOWN_OTHERWISE = (
    *("a terminal of ASCII", "a terminal of Latin-1", "a terminal one column wide", "a terminal without end"),
    *("standard output closed", "both outputs closed"),
)
WORDS = [
    *(["list"], ["show", "skip-3"], ["doctor"], ["judge", "run"], ["verify", "run"], ["claims", "003"]),
    *(["audit", "skip-3", "--max-params", "8000"], ["compare", "run", "run"], ["fetch", "digits"], ["--help"]),
    *([["train"]] * 4),
]


def on_one(chance: Random, place: Place) -> str:
    place.copy("run")
    words = chance.choice(WORDS)
    if words[0] == "train":
        words = place.train_words("new")
    command = [sys.executable, "-m", "pennyweight", *words]
    name = chance.choice([*MACHINES, *LIMITS, NOEXEC])
    with no_execution(place.folder / "mounted") if name == NOEXEC else nullcontext({}) as mounted:
        if name in LIMITS:
            command = ["/bin/sh", "-c", f"{LIMITS[name]}; exec {shlex.join([*unprivileged(), *command])}"]
        ended = place.noted(end(start_command(command, place.folder, **MACHINES.get(name, mounted)), words))
    if ended.code in (0, 1) and words[0] not in ("train", "doctor") and name not in SHOWN_OTHERWISE:
        usual = place.usual(words, "run").ended
        said = ended.out.replace(f"{sys.executable} -m pennyweight", "pennyweight")
        assert (ended.code, said.split()) == (usual.code, usual.out.split()), f"{name}: {ended}, usually {usual}"
    new = place.folder / "new" / "record.json"
    if ended.code == 0 and new.exists() and "threads" not in name:
        assert outcome(new.parent) == uninterrupted(RECIPE, images=0), "trained to another result"
    return f"{name}: {words[0]}, exit {ended.code}"


def unprivileged() -> list[str]:
    """Start what follows without root's right to read and write everything, where that can be taken from it."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return []
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", "--"]


@contextmanager
def no_execution(folder: Path) -> Iterator[dict[str, str]]:
    """A cache on a file system whose files are not executed, where one can be mounted."""
    folder.mkdir(0o700)
    options = "noexec,size=20m,mode=700"
    refused = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True).returncode
    try:
        yield {"PENNYWEIGHT_CACHE": str(folder)}
    finally:
        if not refused:
            subprocess.run(["umount", folder], check=True, capture_output=True)


WAYS = (on_one,)
