"""A recipe: a network, how it is trained, the budgets it is judged by and where all that comes from."""

import re
from dataclasses import dataclass, field, fields, replace

from pennyweight.base.budget import Budget, check_budget
from pennyweight.base.errors import UsageError
from pennyweight.base.input import Input
from pennyweight.base.values import check_types, coerce
from pennyweight.data.augment import Augmentation
from pennyweight.data.dataset import Dataset
from pennyweight.nets.layers import Layers
from pennyweight.nets.measure import measure
from pennyweight.nets.plan import Plan, make_plan
from pennyweight.settings.averaging import Averaging
from pennyweight.settings.optimizers import Optimizer, check_optimizer
from pennyweight.settings.schedules import Constant, Schedule, check_schedule
from pennyweight.settings.stopping import Stopping

DIGITS = 10
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class PublishedResult:
    """What the source document says the network reached: percent, on which split, and of which epoch."""

    accuracy: float
    split: str
    which: str
    """`best` or `final` epoch."""
    epoch: int | None = None


@dataclass(frozen=True, repr=False)
class Origin:
    """Where the settings of `recipe` come from; `recipes/origins.py` holds a recipe against the one its origin names.

    `stated`, `suggested` and `defaults` name keys of the recipe: what the source states, what we chose where it is
    silent, and what the framework does where nothing is asked. A key covers those below it, the longest one decides.
    """

    document: str
    claim: PublishedResult | None = None
    target: float | None = None
    """The accuracy this step of the document aimed at, in percent; None when it is that of the budget."""
    stated: tuple[str, ...] = ()
    suggested: tuple[str, ...] = ()
    note: str = ""
    reconstructed: bool = False
    """Whether the layers were built to give what the source states, which they can then no longer confirm."""
    recipe: str = ""
    """The published recipe that all this is said of; empty in recipes of version 0.1 and in your own."""
    defaults: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """What is no longer as in `recipe`: `key=value` with the value there, or the key alone where it has none."""

    def __repr__(self) -> str:
        """Return one line: the document, and how many settings are changed."""
        changed = f", {len(self.changed)} changed" if self.changed else ""
        return f"<Origin: {self.document or 'no document'}{changed}>"

    def says(self, key: str) -> str:
        """Return `document`, `suggested`, `default` or `changed` for a setting's key; nothing where none covers it."""
        if any(_covers(text.partition("=")[0], key) for text in self.changed):
            return "changed"
        words = (("document", self.stated), ("suggested", self.suggested), ("default", self.defaults))
        covering = [(len(name), word) for word, names in words for name in names if _covers(name, key)]
        return max(covering)[1] if covering else ""

    def was(self, key: str) -> str:
        """Return what a changed setting is in `recipe`, as text; nothing where it is not there."""
        return dict(text.split("=", 1) for text in self.changed if "=" in text).get(key, "")


def _covers(name: str, key: str) -> bool:
    return key == name or key.startswith(f"{name}.")


@dataclass(frozen=True, repr=False)
class Recipe:
    """Everything that decides how a network is trained; two equal recipes and seeds give equal weights.

    A field with the metadata `since`, here or in a part, came with that version: runs begun before had its default.

    >>> layers = (pw.Conv(8), pw.Relu(), pw.GlobalAvgPool(), pw.Linear(pw.CLASSES))
    >>> pw.Recipe("mine", layers, epochs=2, optimizer=pw.Adam())
    <Recipe mine: 162 parameters, 2 epochs, Adam, Constant>
    """

    name: str
    layers: Layers
    epochs: int
    optimizer: Optimizer
    schedule: Schedule = field(default_factory=Constant)
    batch_images: int = 128
    label_smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    averaging: Averaging = field(default_factory=Averaging, metadata={"since": "0.2"})
    stopping: Stopping = field(default_factory=Stopping, metadata={"since": "0.2"})
    validation_images: int = 0
    """Training images held out for validation, the same number per class as far as counts allow."""
    input: Input = field(default_factory=Input, metadata={"since": "0.2"})
    """The images that the network reads; those of MNIST unless given."""
    budgets: tuple[Budget, ...] = ()
    origin: Origin = field(default_factory=lambda: Origin(document=""))

    def __repr__(self) -> str:
        """Return one line: what is trained how; whatever is wrong in a recipe, its repr does not fail."""
        kinds = type(self.optimizer).__name__, type(self.schedule).__name__
        try:
            size = f"{measure(self.plan()).params:,} parameters"
        except Exception:  # a recipe that cannot work is shown while one finds out why
            size = "cannot be planned"
        return f"<Recipe {self.name}: {size}, {self.epochs} epoch{'s' * (self.epochs != 1)}, {', '.join(kinds)}>"

    def plan(self, classes: int = DIGITS) -> Plan:
        """Return the network's plan for that many classes: ten digits unless a dataset says otherwise.

        Raises UsageError naming the layer whose shape or setting cannot work.
        """
        coerce("classes", classes, int)
        try:
            return make_plan(self.layers, classes, self.input.shape)
        except (TypeError, AttributeError, AssertionError):
            check_types(self)  # which names the field of a wrong type that it stumbled over
            raise


DESCRIPTION = ("name", "budgets", "origin")
"""The fields of a recipe that decide nothing about its weights; every other one is a setting, or the layers."""


def with_unstated(origin: Origin) -> Origin:
    """Return an origin that calls suggested every field which its source does not state and no framework sets.

    What it calls suggested itself are details of fields that are covered otherwise. A document states the images.
    """
    if origin.document:
        origin = replace(origin, stated=("input", *origin.stated))
    suggested: list[str] = []
    for name in (item.name for item in fields(Recipe) if item.name not in DESCRIPTION):
        if name not in (*origin.stated, *origin.defaults):
            suggested.append(name)
        suggested += [key for key in origin.suggested if key.startswith(f"{name}.")]
    return replace(origin, suggested=tuple(suggested))


def check_recipe(recipe: Recipe, classes: int = DIGITS) -> None:
    """Raise UsageError naming the first setting that cannot work."""
    check_types(recipe, prefix="")
    if not NAME.fullmatch(recipe.name):
        raise UsageError(
            f"The recipe's name is {recipe.name[:80]!r}; it names a folder, so begin with a letter or digit and "
            "write letters, digits, '-', '_' and '.' alone, at most 100."
        )
    _check("epochs", recipe.epochs, 1, 100_000)
    _check("batch_images", recipe.batch_images, 1, 65_536)
    _check("validation_images", recipe.validation_images, 0, 10_000_000)
    if not 0 <= recipe.label_smoothing < 1:
        raise UsageError(f"label_smoothing is {recipe.label_smoothing}; it must be at least 0 and below 1.")
    recipe.augmentation.check()
    recipe.averaging.check()
    recipe.stopping.check()
    check_optimizer(recipe.optimizer)
    check_schedule(recipe.schedule, recipe.optimizer)
    recipe.input.check()
    recipe.plan(classes)
    for budget in recipe.budgets:
        check_budget(budget)
    if len({budget.dataset for budget in recipe.budgets}) < len(recipe.budgets):
        raise UsageError(f"'{recipe.name}' has two budgets for one dataset; keep one.")


def check_dataset(recipe: Recipe, dataset: Dataset) -> None:
    """Raise UsageError when the recipe cannot work, or not with the images and classes of `dataset`."""
    if recipe.input != dataset.input:
        raise UsageError(
            f"'{recipe.name}' reads images of {recipe.input}, and those of {dataset.name} have {dataset.input}; "
            f"change the recipe: {_input_settings(dataset.input)}."
        )
    check_recipe(recipe, dataset.classes)


def _input_settings(images: Input) -> str:
    return " ".join(f"-s input.{item.name}={getattr(images, item.name)}" for item in fields(images))


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value:,}; it must be from {low:,} to {high:,}.")
