"""The kernels built with the address and undefined-behaviour sanitizers pass the tests beside PyTorch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def runtime(name: str) -> str:
    done = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_no_kernel_reads_or_writes_where_it_must_not(tmp_path: Path) -> None:
    surroundings = {
        **os.environ,
        "CC": "gcc",
        "OMP_NUM_THREADS": "2",
        "PENNYWEIGHT_CACHE": str(tmp_path),
        "PENNYWEIGHT_CFLAGS": "-fsanitize=address,undefined -fno-sanitize-recover=all -O1",
        "ASAN_OPTIONS": "detect_leaks=0",
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libubsan.so')}",
    }
    tests = [str(HERE / "test_kernels.py"), "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests], env=surroundings, capture_output=True, text=True
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    assert list(tmp_path.glob("net-*.so"))
