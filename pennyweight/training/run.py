"""What a run is made of."""

from dataclasses import dataclass
from pathlib import Path

from pennyweight.data.dataset import Dataset
from pennyweight.training.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """What to train on what, where it is kept; `changes` are the keys that differ from the published recipe."""

    recipe: Recipe
    dataset: Dataset
    seed: int
    folder: Path
    engine: str = "torch"
    device: str = "cpu"
    engine_reason: str = ""
    """Why it is not the fastest engine; empty when it is, or was asked for."""
    measure_test: bool = True
    changes: tuple[str, ...] = ()
