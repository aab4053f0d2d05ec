"""Starting and ending the process that keeps the page of a run fresh; nothing that draws is loaded here."""

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pennyweight.base.errors import UnavailableError
from pennyweight.base.records import EpochRow
from pennyweight.runs.run import Run
from pennyweight.training.observer import Observer

PAGE = "report.html"
PATIENCE_SECONDS = 120.0
"""How long whoever trained waits for the whole page."""
NEEDED = ("matplotlib", "jinja2")


def require_packages() -> None:
    """Raise UnavailableError, which says how to install them, where what draws a page is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"A page needs {' and '.join(missing)}, not installed here: pip install 'pennyweight[report]'."
        )


class PageKeeper:
    """A process that keeps the page of a folder of runs fresh until it is told that they ended."""

    def __init__(self, folder: Path, data: Path | None) -> None:
        """Start it; `data` is the folder of the datasets, where one is named."""
        self.page = folder / PAGE
        words = [str(folder), str(self.page), *([str(data)] if data else [])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pennyweight.pages.live", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self) -> str:
        """Let it write the whole page and end; return why it could not, or nothing."""
        try:
            _, said = self._process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return f"The page {self.page} was not complete after {PATIENCE_SECONDS:.0f} s."
        return said.strip().rpartition("\n")[2] if self._process.returncode else ""


class Kept:
    """An observer that passes every call on, and has a page kept fresh from when the run starts."""

    keeper: PageKeeper | None = None

    def __init__(self, shown: Observer, data: Path | None) -> None:
        """Tell `shown` what is told; `data` is the folder of the datasets, where one is named."""
        self._shown, self._data = shown, data

    def started(self, run: Run) -> None:
        """Start the process that keeps the page."""
        self._shown.started(run)
        self.keeper = PageKeeper(run.folder, self._data)

    def message(self, text: str) -> None:
        """Pass the sentence on."""
        self._shown.message(text)

    def detail(self, text: str) -> None:
        """Pass the sentence on."""
        self._shown.detail(text)

    def progress(self, epoch: int, steps_done: int, epoch_steps: int) -> None:
        """Pass the progress on."""
        self._shown.progress(epoch, steps_done, epoch_steps)

    def epoch_done(self, history: Sequence[EpochRow]) -> None:
        """Pass the epoch on."""
        self._shown.epoch_done(history)
