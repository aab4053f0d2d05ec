"""Pennyweight trains, judges and ships convolutional image classifiers under a hard budget.

    import pennyweight as pw

    record = pw.train("progressive-3", seed=0)
    model = pw.load(record.folder)
    print(pw.__version__)

Everything here is loaded when it is first used, so that importing the package is quick and never loads PyTorch.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers read it as true; `typing` takes long enough to load for a Ctrl-C to land in it
if TYPE_CHECKING:
    __version__: str
    from pennyweight.api import (
        audit,
        claims,
        compare,
        export,
        judge,
        load,
        predict,
        published_recipes,
        read_budget,
        records,
        report,
        train,
        verify,
    )
    from pennyweight.api import find_recipe as recipe
    from pennyweight.api import load_dataset as dataset
    from pennyweight.base.budget import Budget
    from pennyweight.base.errors import (
        Interrupted,
        MismatchError,
        NonFiniteError,
        PennyweightError,
        UnavailableError,
        UsageError,
    )
    from pennyweight.base.input import Input
    from pennyweight.data.augment import Augmentation
    from pennyweight.data.dataset import Dataset
    from pennyweight.figures import plots
    from pennyweight.judging.audit import Rules
    from pennyweight.nets.layers import (
        CLASSES,
        AvgPool,
        BatchNorm,
        Conv,
        Depthwise,
        Dropout,
        GlobalAvgPool,
        Linear,
        MaxPool,
        Relu,
        Residual,
    )
    from pennyweight.runs.request import Request
    from pennyweight.settings.averaging import Averaging
    from pennyweight.settings.optimizers import SGD, Adagrad, Adam, AdamW
    from pennyweight.settings.recipe import Recipe
    from pennyweight.settings.schedules import Constant, Cosine, OneCycle, ReduceLROnPlateau, StepLR
    from pennyweight.settings.stopping import Stopping

API = "pennyweight.api"
PLACES = {
    API: (
        "audit",
        "claims",
        "compare",
        "export",
        "judge",
        "load",
        "predict",
        "published_recipes",
        "read_budget",
        "records",
        "report",
        "train",
        "verify",
    ),
    "pennyweight.base.budget": ("Budget",),
    "pennyweight.base.errors": (
        *("Interrupted", "MismatchError", "NonFiniteError", "PennyweightError", "UnavailableError", "UsageError"),
    ),
    "pennyweight.base.input": ("Input",),
    "pennyweight.data.augment": ("Augmentation",),
    "pennyweight.data.dataset": ("Dataset",),
    "pennyweight.judging.audit": ("Rules",),
    "pennyweight.nets.layers": (
        *("CLASSES", "AvgPool", "BatchNorm", "Conv", "Depthwise", "Dropout", "GlobalAvgPool"),
        *("Linear", "MaxPool", "Relu", "Residual"),
    ),
    "pennyweight.runs.request": ("Request",),
    "pennyweight.settings.averaging": ("Averaging",),
    "pennyweight.settings.optimizers": ("SGD", "Adagrad", "Adam", "AdamW"),
    "pennyweight.settings.recipe": ("Recipe",),
    "pennyweight.settings.schedules": ("Constant", "Cosine", "OneCycle", "ReduceLROnPlateau", "StepLR"),
    "pennyweight.settings.stopping": ("Stopping",),
}
"""The public names, by the module that each is loaded from when it is first used."""

ELSEWHERE = {"dataset": (API, "load_dataset"), "recipe": (API, "find_recipe"), "plots": ("pennyweight.figures", "")}
"""Those that have another name there, and `plots`, which is a module of functions."""

SHOWN = ("Recipe",)
"""Values that a notebook shows as tables without any function having returned them."""

__all__ = [
    "CLASSES",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Augmentation",
    "Averaging",
    "AvgPool",
    "BatchNorm",
    "Budget",
    "Constant",
    "Conv",
    "Cosine",
    "Dataset",
    "Depthwise",
    "Dropout",
    "GlobalAvgPool",
    "Input",
    "Interrupted",
    "Linear",
    "MaxPool",
    "MismatchError",
    "NonFiniteError",
    "OneCycle",
    "PennyweightError",
    "Recipe",
    "ReduceLROnPlateau",
    "Relu",
    "Request",
    "Residual",
    "Rules",
    "StepLR",
    "Stopping",
    "UnavailableError",
    "UsageError",
    "__version__",
    "audit",
    "claims",
    "compare",
    "dataset",
    "export",
    "judge",
    "load",
    "plots",
    "predict",
    "published_recipes",
    "read_budget",
    "recipe",
    "records",
    "report",
    "train",
    "verify",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name == "__version__":
        return import_module("pennyweight.base.version").VERSION
    places = {one: (module, one) for module, names in PLACES.items() for one in names} | ELSEWHERE
    if name not in places:
        raise AttributeError(f"module 'pennyweight' has no attribute '{name}'")
    if name == "plots":
        import_module("pennyweight.figures.words").require_matplotlib()
        return import_module("pennyweight.figures.plots")
    module, attribute = places[name]
    value = getattr(import_module(module), attribute)
    if module == API or name in SHOWN:
        import_module("pennyweight.pages.notebook").show_tables()
        import_module("pennyweight.figures.plotted").give_plot()
    if module != API:
        return value
    return import_module("pennyweight.reporting.python_words").for_python(value)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
