"""What a run is made of."""

from dataclasses import dataclass
from pathlib import Path

from pennyweight.data.dataset import Dataset
from pennyweight.engines.protocol import State
from pennyweight.nets.weights import content_digest
from pennyweight.settings.recipe import Recipe


@dataclass(frozen=True, kw_only=True, repr=False)
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
    use_test: bool = True
    changes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """What parts that were changed to another kind kept of the one before, in sentences."""
    initial: State | None = None
    """Weights and buffers to start from, instead of those drawn by the seed."""
    planned_seeds: int = 0
    """How many seeds, counted from 0, are planned for this recipe before any of them is trained; 0 where none are."""

    def __repr__(self) -> str:
        """Return one line: what is trained on what, and where it is kept."""
        what = "+".join([self.recipe.name, *self.changes])
        return f"<Run of {what} on {self.dataset.name}: seed {self.seed}, {self.engine} engine, in {self.folder}>"

    @property
    def initial_sha256(self) -> str:
        """Return the digest of the weights the run starts from; empty where its seed draws them."""
        return "" if self.initial is None else content_digest(self.initial, {})
