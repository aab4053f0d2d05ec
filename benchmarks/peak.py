"""The processor's peak: independent chains of fused multiply-adds at full vector width, on all cores at once."""

import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pennyweight.native.compiler import FLAGS, find_compiler

ROUNDS = 20_000_000
SOURCE = Path(__file__).with_name("peak.c")


class Peak:
    """Measures in bursts of about a tenth of a second, and remembers the best of them."""

    def __init__(self, cores: int) -> None:
        library = Path(tempfile.mkdtemp()) / "peak.so"
        command = [*(find_compiler() or ["cc"]), *FLAGS, "-shared", "-fPIC", str(SOURCE), "-o", str(library)]
        subprocess.run(command, check=True)
        loaded = ctypes.CDLL(str(library))
        self._flop, self._cycles = loaded.peak, loaded.cycles
        self._flop.restype, self._flop.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_void_p]
        self._cycles.restype, self._cycles.argtypes = ctypes.c_double, [ctypes.c_long]
        self._out = (ctypes.c_float * cores)()
        self._pool = ThreadPoolExecutor(cores)
        self.cores, self.lanes, self.best_flops, self.best_clock = cores, loaded.lanes(), 0.0, 0.0

    def burst(self) -> float:
        """Return the FLOP a second of all cores together, now."""
        flops = self._rate(lambda core: self._flop(ROUNDS, ctypes.byref(self._out, 4 * core)))
        self.best_flops = max(self.best_flops, flops)
        self.best_clock = max(self.best_clock, self._rate(lambda core: self._cycles(ROUNDS)) / self.cores)
        return flops

    def _rate(self, work: Callable[[int], float]) -> float:
        started = time.perf_counter()
        done = sum(self._pool.map(work, range(self.cores)))
        return done / (time.perf_counter() - started)

    def __str__(self) -> str:
        unit = self.cores * self.best_clock * self.lanes * 2
        return (
            f"{self.best_flops / 1e9:.0f} GFLOP/s at best; {self.cores} cores x {self.best_clock / 1e9:.2f} GHz "
            f"(measured) x {self.lanes} lanes x 2 x 1 unit make {unit / 1e9:.0f} GFLOP/s, so a core completes "
            f"{self.best_flops / unit:.2f} full-width multiply-adds a cycle"
        )
