"""The native engine built with the address and undefined-behaviour sanitizers passes its tests beside PyTorch.

All arrays of a network lie in one block, of which the sanitizer knows the two ends alone; zones behind the arrays are
poisoned (`kernels/zones.h`), so that it sees a kernel leave its own. What shares an array is one to it: the weights of
all layers, the maps of all groups (the last group shows what each does), a small map in the place of a larger one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pennyweight.native import generate

HERE = Path(__file__).parent
RUN = """
import sys
from pathlib import Path
import pytest
from pennyweight.native import generate
generate.KERNELS = Path(sys.argv[1])
sys.exit(pytest.main(sys.argv[2:]))
"""


def runtime(name: str) -> str:
    done = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def run_sanitized(
    kernels: Path, cache: Path, file: str, tests: str, flags: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the quick tests of a file that `tests` chooses, on kernels of this folder built with the sanitizers."""
    surroundings = {
        **os.environ,
        "CC": "gcc",
        "OMP_NUM_THREADS": "2",
        "PENNYWEIGHT_CACHE": str(cache),
        "PENNYWEIGHT_CFLAGS": f"-fsanitize=address,undefined -fno-sanitize-recover=all -O1 {flags}",
        "ASAN_OPTIONS": "detect_leaks=0",
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libubsan.so')}",
    }
    # without pytest's capture, which would keep what a sanitizer says as it ends the process
    words = ["-q", "-s", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", tests]
    command = [sys.executable, "-c", RUN, str(kernels), str(HERE / file), *words]
    return subprocess.run(command, env=surroundings, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["test_kernels.py", "test_native_engine.py"])
def test_no_kernel_reads_or_writes_where_it_must_not(file: str, tmp_path: Path) -> None:
    done = run_sanitized(generate.KERNELS, tmp_path, file, "not control")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert list(tmp_path.glob("net-*.so"))


CHANNELS = (
    "INLINE void conv_channels(const vec *input, const float *weight, const float *bias, vec *output, ConvShape s) {"
)
PLANTED = {
    "five numbers behind the map that is read": (
        "convolution.h",
        CHANNELS,
        f"{CHANNELS} volatile float beyond ="
        "((const float *)(input + s.channels_in * s.stored_rows * s.stored_columns))[5];",
        "kernel and 3 and padded",
        ("READ of size 4", "in conv_channels "),
    ),
    "five numbers behind the map that is written": (
        "convolution.h",
        CHANNELS,
        f"{CHANNELS} ((volatile float *)(output + s.tile_channels * s.rows * s.columns))[5] = 0;",
        "kernel and 3 and padded",
        ("WRITE of size 4", "in conv_channels "),
    ),
    "a pixel behind the last row, which no output takes": (
        "winograd.h",
        "columns > 5 ? x[5] : zero",
        "x[5]",
        "biases",
        ("READ of size ", "in transform_pixels "),
    ),
    "one sum more than a thread has room for": (
        "winograd.h",
        "    vec *sums = w.sums;\n",
        "    vec *sums = w.sums;\n    sums[POINTS * w.tiles * w.tile_vectors] = (vec){0};\n",
        "biases",
        ("WRITE of size ", "in winograd_weight_gradient "),
    ),
    "a channel's moments behind the last": (
        "batchnorm.h",
        "        float near = lane_sum(",
        "        volatile float beyond = out[channels].mean;\n        float near = lane_sum(",
        "kernel and 3 and padded",
        ("READ of size 4", "in moments "),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("error", PLANTED)
def test_control_a_kernel_that_leaves_its_array_is_stopped_and_named(error: str, tmp_path: Path) -> None:
    header, right, wrong, tests, words = PLANTED[error]
    kernels = tmp_path / "kernels"
    shutil.copytree(generate.KERNELS, kernels)
    text = (kernels / header).read_text()
    assert text.count(right) == 1
    (kernels / header).write_text(text.replace(right, wrong))
    done = run_sanitized(kernels, tmp_path, "test_kernels.py", tests, "-g")  # which names the function
    assert done.returncode != 0
    assert all(said in done.stderr for said in ("AddressSanitizer: use-after-poison", *words)), done.stderr[-4000:]
