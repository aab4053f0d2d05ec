"""Pennyweight trains, judges and ships convolutional image classifiers under a hard budget.

    import pennyweight as pw

    record = pw.train("progressive-3", seed=0)
    model = pw.load(record.folder)

Everything here is loaded when it is first used, so that importing the package is quick and never loads PyTorch.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers read it as true; `typing` takes long enough to load for a Ctrl-C to land in it
if TYPE_CHECKING:
    from pennyweight.api import audit, claims, compare, dataset, judge, load, published_recipes, recipe, train, verify

__all__ = ["audit", "claims", "compare", "dataset", "judge", "load", "published_recipes", "recipe", "train", "verify"]


def __getattr__(name: str) -> object:
    """Load what is asked for from `pennyweight.api`."""
    if name in __all__:
        return getattr(import_module("pennyweight.api"), name)
    raise AttributeError(f"module 'pennyweight' has no attribute '{name}'")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
