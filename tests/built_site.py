"""The documentation site, built once for all tests that read it, where a connection is refused."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
NO_NETWORK = """
import socket
def refuse(self, address, *more):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"the site may not ask {address} for anything")
    return connect(self, address, *more)
connect = socket.socket.connect
socket.socket.connect = refuse
"""


def built_site(hook: Path, run: str) -> Path:
    """Build the site into build/site and return that folder; `run` names the test run, whose workers build it once.

    `hook` is an empty folder. Raises AssertionError with the end of what was printed where it fails.
    """
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "tested").open("a+") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)  # the other worker waits
        mark.seek(0)
        if mark.read() != run:
            _build(hook)
            mark.truncate(0)
            mark.write(run)
    return BUILD / "site"


def _build(hook: Path) -> None:
    (hook / "sitecustomize.py").write_text(NO_NETWORK)
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "build_site.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(hook), str(ROOT)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
