"""The measurement of pages, on the embedded digits: it runs, says what it measured, and fails beyond a limit."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def report_time(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import report_time

    return report_time


@pytest.mark.slow
def test_pages_and_epochs_are_measured_and_written_down(tmp_path: Path) -> None:
    words = ["--pages", "iteration-3", "--dataset", "digits", "--epochs", "2", "--rounds", "1"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "report_time.py"), *words, "--out", str(tmp_path / "report.md")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PENNYWEIGHT_DATA": str(tmp_path / "no-data")},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr  # how long it took is the machine's
    text = (tmp_path / "report.md").read_text()
    row = re.search(r"\| iteration-3 \| ([\d,]+) \| \d+ % \| [\d.]+ \| (within|beyond) \|", text)
    assert row
    assert 100_000 < int(row[1].replace(",", "")) < 400_000
    assert re.search(r"1 pairs? of runs with and without `--report`: the mean epoch takes [\d.]+ s", text)


def test_what_is_beyond_a_limit_is_called_so(report_time: ModuleType) -> None:
    page, pair = report_time.Page, report_time.Pair
    assert page("skip-3", 399_999, 7.9).is_within
    assert not page("skip-3", 400_000, 1.0).is_within
    assert page("000", 400_000, 1.0).is_within
    assert not page("000", 400_000, 8.0).is_within
    lines = report_time.report_lines(
        "here", [page("000", 1_300_000, 3.0)], [pair(1.0, 1.02), pair(1.0, 1.05)], ["skip-3"]
    )
    text = "\n".join(lines)
    assert "| 000 | 1,300,000 | 108 % | 3.0 | beyond |" in text
    assert "It grows by +3.5 % (median; from +2.0 to +5.0 %), where less than 3 % is asked: beyond." in text
