"""How many steps are trained at once: as many as take a moment, so that a signal is heard soon."""

from time import perf_counter

SLICE_SECONDS = 0.25
"""How long the engine may be away; a single step that takes longer is not cut."""


class Pace:
    """Follows how long a step takes. It decides when the loop looks up, and nothing that is computed."""

    def __init__(self) -> None:
        """Begin with a single step: nothing is known yet."""
        self._step_seconds = SLICE_SECONDS

    def steps(self, most: int) -> int:
        """Return how many steps to train next, 1 to `most`."""
        return max(1, min(most, int(SLICE_SECONDS / self._step_seconds)))

    def took(self, steps: int, started: float) -> None:
        """Record that `steps` were trained since `started`, by `perf_counter`."""
        self._step_seconds = max(perf_counter() - started, 1e-9) / steps
